//! Personal data in an example. The messages show a masked form, so that a report can be passed on.
//!
//! May depend on `domain` and `example`.

use super::Code;
use crate::{
    domain::personal_data::{PersonalKind, pieces},
    train::dataset::example::Example,
};

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
    for piece in pieces(text) {
        let code = match piece.kind {
            PersonalKind::Email => Code::PersonalEmail,
            PersonalKind::Card => Code::PersonalCard,
            PersonalKind::Phone => Code::PersonalPhone,
            PersonalKind::Iban => Code::PersonalIban,
            PersonalKind::NationalId => Code::PersonalId,
            PersonalKind::Secret => Code::Secret,
        };
        add(code, piece.what, &text[piece.range]);
    }
}

/// The first and the last two characters.
fn masked(piece: &str) -> String {
    let characters: Vec<char> = piece.chars().collect();
    let shown = |c: &char, at: usize| at < 2 || at + 2 >= characters.len() || !c.is_alphanumeric();
    characters.iter().enumerate().map(|(at, c)| if shown(c, at) { *c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_masked() {
        assert_eq!(masked("4111 1111 1111 1234"), "41** **** **** **34");
        let mut found = Vec::new();
        look_at_passage("536-22-8145", &mut found);
        assert_eq!(found[0].0, Code::PersonalId);
        assert!(!found[0].1.contains("22") && !found[0].1.contains("8145"));
    }
}
