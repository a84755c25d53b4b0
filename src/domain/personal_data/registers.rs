//! Numbers with letters or a fixed form: bank accounts, and the national registers whose numbers can be told from other
//! ones by their form and check digits.
//!
//! May depend on `words` of the parent.

use std::ops::Range;

use super::words;

/// Which register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Register {
    /// An account (ISO 13616).
    Iban,
    /// A person; the name of the number.
    Person(&'static str),
}

/// Lengths of account numbers by country, of the registry's larger entries.
const IBAN_LENGTHS: [(&str, usize); 30] = [
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IT", 27),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
];
/// The check letters of Spanish numbers, by the number modulo 23.
const SPANISH: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// The numbers in a text.
pub(super) fn numbers(text: &str) -> Vec<(Register, Range<usize>)> {
    let words: Vec<Range<usize>> = words(text).collect();
    let mut found = Vec::new();
    let mut skip = 0;
    for (at, word) in words.iter().enumerate() {
        if word.start < skip {
            continue;
        }
        let matched = iban(text, &words[at..])
            .map(|end| (Register::Iban, end))
            .or_else(|| {
                social_security(text, &words[at..]).map(|end| (Register::Person("a US social security number"), end))
            })
            .or_else(|| {
                insurance(text, &words[at..]).map(|end| (Register::Person("a UK national insurance number"), end))
            })
            .or_else(|| {
                spanish(&text[word.clone()]).then_some((Register::Person("a Spanish identity number"), word.end))
            });
        if let Some((register, end)) = matched {
            found.push((register, word.start..end));
            skip = end;
        }
    }
    found
}

/// An account number in one word or in groups of four; where it ends.
fn iban(text: &str, words: &[Range<usize>]) -> Option<usize> {
    let first = text.get(words.first()?.clone())?;
    let country = first.get(..2)?.to_ascii_uppercase();
    let length = IBAN_LENGTHS.iter().find(|(known, _)| *known == country)?.1;
    let mut number = String::new();
    for (position, word) in words.iter().enumerate() {
        let group = &text[word.clone()];
        let apart = position > 0 && &text[words[position - 1].end..word.start] != " ";
        if apart || !group.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        number.push_str(&group.to_ascii_uppercase());
        if number.len() >= length {
            return (number.len() == length && is_valid_iban(&number)).then_some(word.end);
        }
        if group.len() != 4 {
            return None;
        }
    }
    None
}

/// The check of ISO 7064: the number, its first four characters moved to the end, is 1 modulo 97.
fn is_valid_iban(number: &str) -> bool {
    let (head, tail) = number.split_at(4);
    let remainder = tail.chars().chain(head.chars()).try_fold(0_u32, |remainder, c| {
        let value = c.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    remainder == Some(1) && head[2..].bytes().all(|byte| byte.is_ascii_digit())
}

/// `AAA-GG-SSSS`, within the ranges that were ever given out.
fn social_security(text: &str, words: &[Range<usize>]) -> Option<usize> {
    let [area, group, serial, ..] = words else { return None };
    let joined = text.get(area.start..serial.end)?;
    let (a, g, s) = (text.get(area.clone())?, text.get(group.clone())?, text.get(serial.clone())?);
    let digits = [(a, 3), (g, 2), (s, 4)]
        .iter()
        .all(|(part, length)| part.len() == *length && part.bytes().all(|b| b.is_ascii_digit()));
    let given = !matches!(a, "000" | "666") && !a.starts_with('9') && g != "00" && s != "0000";
    let alone = !text[..area.start].ends_with('-') && !text[serial.end..].starts_with('-');
    (digits && given && alone && joined == format!("{a}-{g}-{s}")).then_some(serial.end)
}

/// Two letters, six digits and a letter from A to D, in one word or as `AB 12 34 56 C`.
fn insurance(text: &str, words: &[Range<usize>]) -> Option<usize> {
    let first = words.first()?;
    let (number, end) = match text.get(first.clone())? {
        whole if whole.len() == 9 => (whole.to_owned(), first.end),
        "" => return None,
        _ => {
            let parts = words.get(..5)?;
            let joined = &text[first.start..parts[4].end];
            (joined.len() == 13 && joined.matches(' ').count() == 4).then(|| (joined.replace(' ', ""), parts[4].end))?
        }
    };
    let bytes = number.as_bytes();
    let letter = |byte: &u8, not: &[u8]| byte.is_ascii_uppercase() && !not.contains(byte);
    let valid = bytes.len() == 9
        && letter(&bytes[0], b"DFIQUV")
        && letter(&bytes[1], b"DFIOQUV")
        && bytes[2..8].iter().all(u8::is_ascii_digit)
        && matches!(bytes[8], b'A'..=b'D')
        && !matches!(&bytes[..2], b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ");
    valid.then_some(end)
}

/// Eight digits and their check letter, or X, Y or Z and seven.
fn spanish(word: &str) -> bool {
    let bytes = word.as_bytes();
    let (Some(first), Some(check), 9) = (bytes.first(), bytes.last(), bytes.len()) else { return false };
    let lead = match first {
        b'0'..=b'9' => first - b'0',
        b'X'..=b'Z' => first - b'X',
        _ => return false,
    };
    let Some(Ok(rest)) = word.get(1..8).map(str::parse::<u32>) else { return false };
    let number = u32::from(lead) * 10_000_000 + rest;
    bytes[1..8].iter().all(u8::is_ascii_digit) && SPANISH[(number % 23) as usize] == *check
}
