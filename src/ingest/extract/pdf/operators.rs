//! Reads the operators of a content stream one by one.
//!
//! A stream that breaks the rules is common, and viewers go on behind what they cannot read. So does this: a byte
//! that begins nothing is passed over, where a parser that stops there would lose the rest of the page.

use pdf_extract::{Dictionary, Object, StringFormat, content::Operation};

/// How deep arrays and dictionaries may be nested.
const MAX_DEPTH: u8 = 16;
/// A stream with more strings that never end is given up: each of them is looked for to the end of the stream.
const MAX_ENDLESS: usize = 16;
/// What follows the end of an inline picture is text for so many bytes; in the middle of one it hardly is.
const AFTER_PICTURE: usize = 12;

/// The operators of a stream, with their operands.
pub(super) struct Operators<'a> {
    bytes: &'a [u8],
    at: usize,
    endless: usize,
}

impl<'a> Operators<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, endless: 0 }
    }

    /// Whether strings had no end, so that text may be missing.
    pub(super) fn is_damaged(&self) -> bool {
        self.endless > 0
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over blanks and comments.
    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let comment = self.rest().iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                self.at += comment.unwrap_or(self.rest().len());
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The letters up to the next blank or delimiter.
    fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| is_blank(*byte) || is_delimiter(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The next operand or operator; `None` for a byte that was passed over. There is at least one byte.
    fn token(&mut self, depth: u8) -> Option<Token> {
        let object = match self.peek()? {
            b'(' => self.string(),
            b'<' if self.rest().get(1) == Some(&b'<') => self.dictionary(depth),
            b'<' => self.hexadecimal(),
            b'[' => self.array(depth),
            b'/' => {
                self.at += 1;
                Some(Object::Name(name(self.word())))
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => Some(self.number()),
            byte if is_delimiter(byte) => None,
            _ => match self.word() {
                b"true" => Some(Object::Boolean(true)),
                b"false" => Some(Object::Boolean(false)),
                b"null" => Some(Object::Null),
                word => return Some(Token::Operator(String::from_utf8_lossy(word).into_owned())),
            },
        };
        if object.is_none() {
            self.at += 1;
        }
        object.map(Token::Operand)
    }

    /// A number; as viewers do, of several signs the first counts, and what cannot belong to it ends it.
    fn number(&mut self) -> Object {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
        let written = &rest[..length.unwrap_or(rest.len())];
        self.at += written.len();
        let signs = written.iter().take_while(|byte| matches!(byte, b'+' | b'-')).count();
        let mut digits = String::from(if written.first() == Some(&b'-') { "-" } else { "" });
        let mut is_real = false;
        for byte in &written[signs..] {
            match byte {
                b'.' if !is_real => is_real = true,
                b'0'..=b'9' => {}
                _ => break,
            }
            digits.push(char::from(*byte));
        }
        match digits.parse::<i64>() {
            Ok(number) => Object::Integer(number),
            // A sign or a point alone is nought.
            Err(_) => Object::Real(digits.parse().unwrap_or(0.0)),
        }
    }

    fn string(&mut self) -> Option<Object> {
        if self.endless >= MAX_ENDLESS {
            return None;
        }
        let rest = self.rest();
        let (mut text, mut depth, mut at) = (Vec::new(), 0usize, 0usize);
        while let Some(byte) = rest.get(at).copied() {
            at += 1;
            match byte {
                b'\\' => at += escape(&rest[at..], &mut text),
                b'(' => {
                    depth += 1;
                    if depth > 1 {
                        text.push(byte);
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += at;
                        return Some(Object::String(text, StringFormat::Hexadecimal));
                    }
                    text.push(byte);
                }
                _ => text.push(byte),
            }
        }
        self.endless += 1;
        None
    }

    fn hexadecimal(&mut self) -> Option<Object> {
        let inner = self.rest().get(1..)?;
        let length = inner.iter().position(|byte| !is_blank(*byte) && !byte.is_ascii_hexdigit())?;
        if inner[length] != b'>' {
            return None;
        }
        let digits = inner[..length].iter().filter_map(|byte| char::from(*byte).to_digit(16));
        let mut digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
        if digits.len() % 2 == 1 {
            digits.push(0);
        }
        self.at += length + 2;
        let bytes = digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect();
        Some(Object::String(bytes, StringFormat::Hexadecimal))
    }

    /// The operands up to `close`, or where that is missing up to the next operator.
    fn operands(&mut self, close: &[u8], depth: u8) -> Vec<Object> {
        let mut operands = Vec::new();
        loop {
            self.skip_blanks();
            if self.rest().starts_with(close) {
                self.at += close.len();
                return operands;
            }
            if self.peek().is_none() {
                return operands;
            }
            let before = self.at;
            match self.token(depth + 1) {
                Some(Token::Operand(operand)) => operands.push(operand),
                Some(Token::Operator(_)) => {
                    self.at = before;
                    return operands;
                }
                None => {}
            }
        }
    }

    fn array(&mut self, depth: u8) -> Option<Object> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.at += 1;
        Some(Object::Array(self.operands(b"]", depth)))
    }

    fn dictionary(&mut self, depth: u8) -> Option<Object> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.at += 2;
        let mut dictionary = Dictionary::new();
        let mut parts = self.operands(b">>", depth).into_iter();
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            if let Object::Name(key) = key {
                dictionary.set(key, value);
            }
        }
        Some(Object::Dictionary(dictionary))
    }

    /// Passes over a picture in the stream: its properties up to `ID`, and its bytes up to `EI`.
    fn skip_picture(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek().is_none() {
                return;
            }
            match self.token(1) {
                Some(Token::Operator(word)) if word == "ID" => break,
                Some(Token::Operator(word)) if word == "EI" => return,
                _ => {}
            }
        }
        self.at += picture_end(self.rest()).unwrap_or(self.rest().len());
    }
}

enum Token {
    Operand(Object),
    Operator(String),
}

impl Iterator for Operators<'_> {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let mut operands = Vec::new();
        loop {
            self.skip_blanks();
            self.peek()?;
            match self.token(0) {
                Some(Token::Operand(operand)) => operands.push(operand),
                Some(Token::Operator(operator)) => {
                    if operator == "BI" {
                        self.skip_picture();
                    }
                    return Some(Operation { operator, operands });
                }
                None => {}
            }
        }
    }
}

/// Where the `EI` behind the bytes of a picture ends. The bytes may hold the same two letters.
fn picture_end(rest: &[u8]) -> Option<usize> {
    let mut close = None;
    for (at, _) in rest.windows(2).enumerate().filter(|(_, two)| *two == b"EI") {
        let after = &rest[at + 2..];
        let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        if after.first().is_some_and(|byte| !is_blank(*byte)) || !after.iter().take(AFTER_PICTURE).all(is_text) {
            continue;
        }
        let before = at.checked_sub(1).map(|before| rest[before]);
        if before.is_some_and(|byte| is_blank(byte) || byte == b'>') {
            return Some(at + 2);
        }
        close.get_or_insert(at + 2);
    }
    close
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A name with its `#41` spelt out.
fn name(written: &[u8]) -> Vec<u8> {
    let digit = |at: usize| written.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut name, mut at) = (Vec::with_capacity(written.len()), 0);
    while let Some(byte) = written.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'#', Some(high), Some(low)) => {
                name.push(((high << 4) | low) as u8);
                at += 3;
            }
            _ => {
                name.push(*byte);
                at += 1;
            }
        }
    }
    name
}

/// What stands behind a backslash in a string; returns how many bytes of it there are.
fn escape(rest: &[u8], text: &mut Vec<u8>) -> usize {
    let octal = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    if octal > 0 {
        let code = rest[..octal].iter().fold(0u32, |code, digit| code * 8 + u32::from(digit - b'0'));
        text.push(code as u8);
        return octal;
    }
    match rest.first() {
        Some(b'\r') => return if rest.get(1) == Some(&b'\n') { 2 } else { 1 },
        Some(b'\n') => {}
        Some(b'n') => text.push(b'\n'),
        Some(b'r') => text.push(b'\r'),
        Some(b't') => text.push(b'\t'),
        Some(b'b') => text.push(8),
        Some(b'f') => text.push(12),
        Some(byte) => text.push(*byte),
        None => return 0,
    }
    1
}

#[cfg(test)]
mod tests;
