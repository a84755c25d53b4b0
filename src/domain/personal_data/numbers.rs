//! Telephone numbers and the numbers of payment cards.
//!
//! May depend on nothing.

use std::ops::Range;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// A payment card, by its first digits, its length and its check digit (ISO/IEC 7812).
    Card,
    /// A telephone, in international form (E.164) or the North American one, or in any other that the words beside it
    /// say is one.
    Phone,
}

/// The numbers in a text that are one of these.
pub(super) fn numbers(text: &str) -> Vec<(Number, Range<usize>)> {
    runs(text)
        .into_iter()
        .filter_map(|range| {
            let piece = &text[range.clone()];
            let digits: String = piece.chars().filter(char::is_ascii_digit).collect();
            if is_card(piece, &digits) {
                Some((Number::Card, range))
            } else if is_phone(piece, &digits) || is_called(text, &range, &digits) {
                Some((Number::Phone, range))
            } else {
                None
            }
        })
        .collect()
}

/// Runs of digits with separators between them, not inside a longer word.
fn runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let first = at + offset;
        let mut end = first;
        let mut next = first;
        while let Some(byte) = bytes.get(next) {
            let before = bytes[next.saturating_sub(1)];
            let separates = matches!(byte, b' ' | b'-' | b'(' | b')' | b'.');
            // One separator, save around a number in brackets.
            let goes_on = separates && (before.is_ascii_digit() || before == b')' || (before == b' ' && *byte == b'('));
            if byte.is_ascii_digit() {
                end = next + 1;
            } else if !goes_on {
                break;
            }
            next += 1;
        }
        let mut start = first;
        while start > 0 && matches!(bytes[start - 1], b'+' | b'(') {
            start -= 1;
        }
        let free =
            |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80 && *byte != b'/');
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        // An extension: 299-845-2200x123.
        let extended = bytes.get(end) == Some(&b'x') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if free(before) && (extended || free(bytes.get(end))) {
            found.push(start..end);
        }
        at = end.max(first + 1);
    }
    found
}

fn is_card(piece: &str, digits: &str) -> bool {
    let groups: Vec<usize> = piece.split([' ', '-']).map(str::len).collect();
    let grouped = matches!(groups.as_slice(), [_] | [4, 6, 5] | [4, 4, 4, 4]);
    let prefix = |length: usize| digits.get(..length).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let issued = match digits.len() {
        13 | 19 => prefix(1) == 4,
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 65)
                || matches!(prefix(4), 2221..=2720 | 6011)
                || matches!(prefix(3), 644..=649)
        }
        _ => false,
    };
    let one = digits.bytes().next().unwrap_or_default();
    piece.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'))
        && grouped
        && issued
        && luhn(digits)
        && !digits.bytes().all(|byte| byte == one)
}

/// The check digit of ISO/IEC 7812-1.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Words before a telephone number, among the last four.
const BEFORE: [&str; 9] = ["cell", "dial", "fax", "hotline", "mobile", "phone", "tel", "telephone", "whatsapp"];
/// Words that stand before other numbers as well (`they reach 250 000 users`).
const BEFORE_TOO: [&str; 5] = ["answering", "call", "called", "calling", "reach"];
/// The word behind one.
const BEHIND: [&str; 4] = ["cell", "fax", "mobile", "office"];

/// Whether the words beside a number say that it is a telephone: `call 0487 23 46 71`, `0348 2102744 mobile`.
fn is_called(text: &str, range: &Range<usize>, digits: &str) -> bool {
    let piece = &text[range.clone()];
    let groups: Vec<usize> =
        piece.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect();
    // A date, years from one to another, and a number with a decimal point.
    let other = matches!(groups.as_slice(), [4, 2, 2] | [2, 2, 4] | [1, 2, 4] | [1, 1, 4])
        || (groups == [4, 4] && piece.contains('-'))
        || (groups.len() == 2 && piece.contains('.'));
    if !(6..=15).contains(&digits.len()) || other {
        return false;
    }
    // An amount, with or without a space between the thousands.
    let amount = !digits.starts_with('0')
        && piece.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
        && groups.iter().skip(1).all(|length| *length == 3);
    let words = |text: &'_ str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let before = text[..range.start].rsplit(['\n', ';', '?', '!']).next().unwrap_or_default();
    let told = words(before)
        .iter()
        .rev()
        .take(4)
        .any(|word| BEFORE.contains(&word.as_str()) || (!amount && BEFORE_TOO.contains(&word.as_str())));
    let behind = text[range.end..].split(['\n', ';', ',']).next().unwrap_or_default();
    told || (!amount && words(behind).first().is_some_and(|word| BEHIND.contains(&word.as_str())))
}

fn is_phone(piece: &str, digits: &str) -> bool {
    if piece.starts_with('+') || piece.starts_with("(+") {
        let separated = piece.chars().skip(1).any(|c| !c.is_ascii_digit());
        return (10..=15).contains(&digits.len()) && separated || (11..=15).contains(&digits.len());
    }
    // (299) 845-2200, 299-845-2200 or 299.845.2200, with or without a country code.
    let groups: Vec<&str> = piece.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let national = match groups.as_slice() {
        ["1" | "001", rest @ ..] => rest,
        all => all,
    };
    let [area, exchange, line] = national else { return false };
    let lengths = (area.len(), exchange.len(), line.len()) == (3, 3, 4);
    let real = |code: &str| matches!(code.as_bytes().first(), Some(b'2'..=b'9'));
    // Spaces alone also stand between the numbers of a table.
    let separated = piece.bytes().filter(|byte| matches!(byte, b'-' | b'.' | b')')).count() >= 2;
    // 555-01xx is set aside for fiction.
    let fictional = *exchange == "555" && line.starts_with("01");
    lengths && real(area) && real(exchange) && separated && !fictional
}
