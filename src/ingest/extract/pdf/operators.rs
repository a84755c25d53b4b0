//! Reads the operators of a content stream one by one.
//!
//! A stream that breaks the rules is common, and viewers go on behind what they cannot read. So does this: a byte
//! that begins nothing is passed over, where a parser that stops there would lose the rest of the page.

mod written;

use pdf_extract::{Dictionary, Object, StringFormat, content::Operation};

use written::{escape, is_blank, is_delimiter, name, number, picture_end};

/// How deep arrays and dictionaries may be nested.
const MAX_DEPTH: u8 = 16;
/// A stream with more strings that never end is given up: each of them is looked for to the end of the stream.
const MAX_ENDLESS: usize = 16;

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

    fn number(&mut self) -> Object {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
        let written = &rest[..length.unwrap_or(rest.len())];
        self.at += written.len();
        number(written)
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

#[cfg(test)]
mod tests;
