//! Rich text, taken apart into groups, control words and characters.

/// A piece of rich text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `\name` or `\name12`.
    Word(&'a [u8], Option<i32>),
    /// A backslash and one character that is no letter: `\~`.
    Symbol(u8),
    /// `\'e4`: one byte in the encoding of the font.
    Byte(u8),
    /// Characters as they stand, without line ends, which mean nothing.
    Text(&'a [u8]),
}

pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Passes over the bytes of `\bin`.
    pub(super) fn pass_over(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn while_it(&mut self, holds: fn(&u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|byte| !holds(byte)).unwrap_or(self.rest.len());
        self.take(length)
    }

    /// What follows a backslash.
    fn control(&mut self) -> Option<Token<'a>> {
        let first = *self.rest.first()?;
        if !first.is_ascii_alphabetic() {
            self.take(1);
            if first != b'\'' {
                return Some(Token::Symbol(first));
            }
            let digits = self.take(2);
            let byte = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return Some(byte.map_or(Token::Text(digits), Token::Byte));
        }
        let name = self.while_it(u8::is_ascii_alphabetic);
        let minus = self.rest.first() == Some(&b'-') && self.rest.get(1).is_some_and(u8::is_ascii_digit);
        if minus {
            self.take(1);
        }
        let digits = self.while_it(u8::is_ascii_digit);
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i32>().ok());
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        Some(Token::Word(name, number.map(|number| if minus { -number } else { number })))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.while_it(|byte| matches!(byte, b'\r' | b'\n' | 0));
        match *self.rest.first()? {
            b'{' => {
                self.take(1);
                Some(Token::Open)
            }
            b'}' => {
                self.take(1);
                Some(Token::Close)
            }
            b'\\' => {
                self.take(1);
                self.control()
            }
            _ => Some(Token::Text(self.while_it(|byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_a_blank_which_is_theirs() {
        let tokens: Vec<_> = Tokens::new(b"{\\b1 a\\u-4 ?\\'e4\\~\r\nb\\i}").collect();
        let expected = [
            Token::Open,
            Token::Word(b"b", Some(1)),
            Token::Text(b"a"),
            Token::Word(b"u", Some(-4)),
            Token::Text(b"?"),
            Token::Byte(0xe4),
            Token::Symbol(b'~'),
            Token::Text(b"b"),
            Token::Word(b"i", None),
            Token::Close,
        ];
        assert_eq!(tokens, expected);
        assert_eq!(Tokens::new(b"\\").count(), 0);
        assert_eq!(Tokens::new(b"\\'z").collect::<Vec<_>>(), [Token::Text(b"z")]);
    }
}
