//! Personal data: e-mail addresses, telephone numbers, payment cards, bank accounts and numbers of national registers.
//!
//! Conservative: a number counts only when its form and its check digits say what it is. The messages show a masked
//! form, so that a report can be passed on.
//!
//! May depend on nothing of this crate but `example`.

mod email;
mod numbers;
mod registers;

use super::Code;
use crate::train::dataset::example::Example;

/// Personal data in what is the example's own: question and answers.
pub(super) fn look_at(example: &Example, found: &mut Vec<(Code, String)>) {
    for text in [&example.question].into_iter().chain(&example.answer).chain(&example.short_answers) {
        look_at_text("question or answer", text, found);
    }
}

/// Personal data in a passage.
pub(super) fn look_at_passage(text: &str, found: &mut Vec<(Code, String)>) {
    look_at_text("passage", text, found);
}

fn look_at_text(place: &str, text: &str, found: &mut Vec<(Code, String)>) {
    let mut add = |code: Code, what: &str, piece: &str| {
        let message = format!("the {place} holds {what}, {}; replace it by an invented one", masked(piece));
        // An answer repeats its short answer.
        if !found.iter().any(|(_, known)| *known == message) {
            found.push((code, message));
        }
    };
    for piece in email::addresses(text) {
        add(Code::PersonalEmail, "an e-mail address", piece);
    }
    for (number, piece) in numbers::numbers(text) {
        match number {
            numbers::Number::Card => add(Code::PersonalCard, "the number of a payment card", piece),
            numbers::Number::Phone => add(Code::PersonalPhone, "a telephone number", piece),
        }
    }
    for (register, piece) in registers::numbers(text) {
        match register {
            registers::Register::Iban => add(Code::PersonalIban, "the number of a bank account", piece),
            registers::Register::Person(name) => add(Code::PersonalId, name, piece),
        }
    }
}

/// The first and the last two characters.
fn masked(piece: &str) -> String {
    let characters: Vec<char> = piece.chars().collect();
    let shown = |c: &char, at: usize| at < 2 || at + 2 >= characters.len() || !c.is_alphanumeric();
    characters.iter().enumerate().map(|(at, c)| if shown(c, at) { *c } else { '*' }).collect()
}

/// Words of ASCII letters and digits with their places, so that the neighbours of a match are known.
fn words(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(inside)?;
        let end = bytes[start..].iter().position(|byte| !inside(byte)).map_or(bytes.len(), |length| start + length);
        at = end;
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<Code> {
        let mut found = Vec::new();
        look_at_passage(text, &mut found);
        found.into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn each_kind_of_personal_data_is_found() {
        for (text, code) in [
            ("Write to ada.kiln+pots@mail.kiln-works.co.uk.", Code::PersonalEmail),
            ("Call +49 30 1234 5678 today", Code::PersonalPhone),
            ("or (299) 845-2200.", Code::PersonalPhone),
            ("or 001-299-845-2200x123.", Code::PersonalPhone),
            ("or 299.845.2200", Code::PersonalPhone),
            ("Card 4111 1111 1111 1111, please", Code::PersonalCard),
            ("It was 1905. 4111 1111 1111 1111 is his card", Code::PersonalCard),
            ("card:378282246310005", Code::PersonalCard),
            ("to DE89 3704 0044 0532 0130 00 by Friday", Code::PersonalIban),
            ("GB82WEST12345698765432", Code::PersonalIban),
            ("gb82west12345698765432", Code::PersonalIban),
            ("His number is 536-22-8145.", Code::PersonalId),
            ("NI number AB 12 34 56 C", Code::PersonalId),
            ("DNI 12345678Z", Code::PersonalId),
            ("NIE X1234567L", Code::PersonalId),
        ] {
            assert_eq!(codes(text), [code], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for text in [
            "In 1905-1908 it held 4111 pots; 1,234,567,890 bricks.",
            "Card 4111 1111 1111 1112",
            "ISBN 978-3-16-148410-0, DOI 10.1000/182, version 1.2.3.4",
            "write to someone@example.com or me@localhost",
            "DE89 3704 0044 0532 0130 01",
            "000-12-3456, 666-12-3456 and 123-00-4567",
            "12345678A",
            "555-0123 and 299-555-0123",
            "It binds 127.0.0.1:8642 at 2026-01-31T10:00:00",
            "1990 299 845 2200, 2 x 3 and 1905x2000 m",
            "between +12 and -13 degrees",
            "GB 12 34 56 C",
        ] {
            assert_eq!(codes(text), [], "{text}");
        }
    }

    #[test]
    fn messages_are_masked() {
        assert_eq!(masked("4111 1111 1111 1234"), "41** **** **** **34");
        let mut found = Vec::new();
        look_at_passage("536-22-8145", &mut found);
        assert!(!found[0].1.contains("22") && !found[0].1.contains("8145"));
    }
}
