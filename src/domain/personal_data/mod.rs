//! Personal data and secrets in a text: e-mail addresses, telephone numbers, payment cards, bank accounts, numbers of
//! national registers, keys and passwords.
//!
//! Conservative: a number counts only when its form and its check digits say what it is. May depend on nothing.

mod email;
mod numbers;
mod registers;
mod secrets;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of personal data or of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalKind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    Iban,
    /// The number of a national register.
    NationalId,
    /// A key, a token or a password.
    Secret,
}

impl PersonalKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Email, Self::Phone, Self::Card, Self::Iban, Self::NationalId, Self::Secret];

    /// The name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::NationalId => "national_id",
            Self::Secret => "secret",
        }
    }
}

/// A piece of a text that is personal data or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalPiece {
    /// Its kind.
    pub kind: PersonalKind,
    /// What it is, in words.
    pub what: &'static str,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

/// Every piece in a text, in the order of the text; they do not overlap.
pub fn pieces(text: &str) -> Vec<PersonalPiece> {
    let piece = |kind, what, range| PersonalPiece { kind, what, range };
    let mut found: Vec<PersonalPiece> = secrets::secrets(text)
        .into_iter()
        .map(|range| piece(PersonalKind::Secret, "a key or a password", range))
        .chain(email::addresses(text).map(|range| piece(PersonalKind::Email, "an e-mail address", range)))
        .chain(numbers::numbers(text).into_iter().map(|(number, range)| match number {
            numbers::Number::Card => piece(PersonalKind::Card, "the number of a payment card", range),
            numbers::Number::Phone => piece(PersonalKind::Phone, "a telephone number", range),
        }))
        .chain(registers::numbers(text).into_iter().map(|(register, range)| match register {
            registers::Register::Iban => piece(PersonalKind::Iban, "the number of a bank account", range),
            registers::Register::Person(name) => piece(PersonalKind::NationalId, name, range),
        }))
        .collect();
    // Of two that overlap the one that begins first, and of those the longer one.
    found.sort_by_key(|piece| (piece.range.start, std::cmp::Reverse(piece.range.end)));
    let mut end = 0;
    found.retain(|piece| {
        let free = piece.range.start >= end;
        end = end.max(piece.range.end);
        free
    });
    found
}

/// Words of ASCII letters and digits with their places, so that the neighbours of a match are known.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
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
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<PersonalKind> {
        pieces(text).into_iter().map(|piece| piece.kind).collect()
    }

    #[test]
    fn each_kind_is_found() {
        for (text, kind) in [
            ("Write to ada.kiln+pots@mail.kiln-works.co.uk.", PersonalKind::Email),
            ("Call +49 30 1234 5678 today", PersonalKind::Phone),
            ("or (299) 845-2200.", PersonalKind::Phone),
            ("or 001-299-845-2200x123.", PersonalKind::Phone),
            ("or 299.845.2200", PersonalKind::Phone),
            ("Please call 0487 23 46 71.", PersonalKind::Phone),
            ("They are not answering at (88) 684-334", PersonalKind::Phone),
            ("Kiln Works, 0348 2102744 mobile", PersonalKind::Phone),
            ("Card 4111 1111 1111 1111, please", PersonalKind::Card),
            ("It was 1905. 4111 1111 1111 1111 is his card", PersonalKind::Card),
            ("card:378282246310005", PersonalKind::Card),
            ("to DE89 3704 0044 0532 0130 00 by Friday", PersonalKind::Iban),
            ("GB82WEST12345698765432", PersonalKind::Iban),
            ("gb82west12345698765432", PersonalKind::Iban),
            ("His number is 536-22-8145.", PersonalKind::NationalId),
            ("NI number AB 12 34 56 C", PersonalKind::NationalId),
            ("DNI 12345678Z", PersonalKind::NationalId),
            ("NIE X1234567L", PersonalKind::NationalId),
            ("The password is hunter2-Kiln.", PersonalKind::Secret),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for text in [
            "In 1905-1908 it held 4111 pots; 1,234,567,890 bricks.",
            "We reach 250 000 users, call 1234567 of them, and keep 300000 mobile ones.",
            "They call 1905-1908 the lean years, and 12 345 678 the target; a call on 2026-11-28 cost 1234567.50",
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
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_lie_in_order_on_whole_characters(text in "([a-z0-9@.+é :=/_-]|password|sk-|eyJ){0,60}") {
            let mut end = 0;
            for piece in pieces(&text) {
                prop_assert!(end <= piece.range.start && piece.range.start < piece.range.end);
                prop_assert!(text.get(piece.range.clone()).is_some());
                end = piece.range.end;
            }
        }
    }
}
