//! How something that was spoken of is named again: `the lease` after `a lease`, `Harvard's` for `its`.
//!
//! May depend on `english`.

use super::{answers::lists, question_shape::Shape};
use crate::answer::preprocess::english::{DETERMINERS, is_one_of, noun_phrases::NounPhrase, nouns::is_plural};

/// A phrase with the preposition phrase after it, so that `a congregation in New Amsterdam` is no longer any one.
pub(super) fn with_tail(shape: &Shape<'_>, phrase: &NounPhrase) -> String {
    if let Some(owned) = owned(shape, phrase) {
        return owned;
    }
    if phrase.named {
        return definite(phrase);
    }
    let tail = shape.phrases.iter().find(|next| {
        next.first == phrase.last + 1
            && next
                .after
                .as_deref()
                .is_some_and(|after| matches!(after, "of" | "in" | "for" | "between" | "about" | "from"))
    });
    let last = tail.map_or(phrase.last, |tail| tail.last);
    definite_text(shape.cut(phrase.first, last))
}

/// `his research` by the name of the one whose it is.
fn owned(shape: &Shape<'_>, phrase: &NounPhrase) -> Option<String> {
    let first = shape.words[phrase.first].lower.as_str();
    let whose = shape.phrases.iter().find(|other| other.named && other.last <= phrase.first && !other.asks)?;
    let rest = shape.cut(phrase.first + 1, phrase.last);
    matches!(first, "his" | "her" | "its" | "their").then(|| format!("{} {rest}", possessive(&definite(whose))))
}

pub(super) fn definite(phrase: &NounPhrase) -> String {
    definite_text(&phrase.text)
}

/// A phrase as it is spoken of again: `a lease` becomes `the lease`.
pub(super) fn definite_text(text: &str) -> String {
    let bare = text.trim().trim_end_matches("'s").trim_end_matches("’s");
    let lower = bare.to_lowercase();
    let opens = |word: &str| is_one_of(word, DETERMINERS) && !matches!(word, "a" | "an" | "the");
    if lower.split_whitespace().next().is_some_and(opens) {
        return bare.to_owned();
    }
    for article in ["a ", "an ", "the "] {
        if lower.starts_with(article) {
            return format!("the {}", &bare[article.len()..]);
        }
    }
    let plain = !bare.chars().any(|c| c.is_uppercase() || c.is_ascii_digit() || "_/`".contains(c));
    let counted = bare.split_whitespace().last().is_some_and(is_plural) || bare.split_whitespace().count() > 1;
    if plain && counted && !lower.starts_with("my ") && !lists(bare) { format!("the {bare}") } else { bare.to_owned() }
}

pub(super) fn bare_place(answer: &str) -> String {
    let bare = ["in ", "at ", "on ", "near ", "into ", "to ", "within ", "under "]
        .iter()
        .find_map(|preposition| answer.strip_prefix(preposition));
    definite_text(bare.unwrap_or(answer))
}

/// `X's`, or `X'` after an s.
pub(super) fn possessive(owner: &str) -> String {
    if owner.ends_with('s') { format!("{owner}'") } else { format!("{owner}'s") }
}
