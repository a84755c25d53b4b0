//! How numbers, names, strings and the ends of pictures are written in a content stream.

use pdf_extract::Object;

/// What follows the end of an inline picture is text for so many bytes; in the middle of one it hardly is.
const AFTER_PICTURE: usize = 12;

/// A number; as viewers do, of several signs the first counts, and what cannot belong to it ends it.
pub(super) fn number(written: &[u8]) -> Object {
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

/// Where the `EI` behind the bytes of a picture ends. The bytes may hold the same two letters.
pub(super) fn picture_end(rest: &[u8]) -> Option<usize> {
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

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

pub(super) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A name with its `#41` spelt out.
pub(super) fn name(written: &[u8]) -> Vec<u8> {
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
pub(super) fn escape(rest: &[u8], text: &mut Vec<u8>) -> usize {
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
