//! What a title says: what its document is about, which names it holds, what kind of document it is.
//!
//! May depend on `models::lexical`.

mod lists;

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::models::lexical::Lexical;
use lists::{KINDS, MONTHS};

/// From this part of the longer title on, two titles that begin or end alike are of one form.
const FORM: f32 = 0.3;
/// The least number of words that say what a document is about for it to be about the whole of a thing.
const WHOLE: usize = 2;

/// The words of a title that say what it is about, without its date and the kind of document.
pub(super) fn thing(title: &str) -> HashSet<String> {
    let words: Vec<String> = words(title).collect();
    let is_date = |at: usize| {
        let number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        let month = |at: usize| words.get(at).is_some_and(|word| MONTHS.binary_search(&word.as_str()).is_ok());
        let beside_month = month(at + 1) || at.checked_sub(1).is_some_and(month);
        let year = words[at].len() == 4 && (words[at].starts_with("19") || words[at].starts_with("20"));
        month(at) || (number(&words[at]) && (year || beside_month))
    };
    let is_kind = |word: &String| KINDS.binary_search(&word.as_str()).is_ok();
    let kept = words.iter().enumerate().filter(|(at, word)| !is_date(*at) && !is_kind(word) && !is_small(word));
    kept.map(|(_, word)| word.clone()).collect()
}

/// The names in a title, in lower case: its dates are none.
pub(super) fn names_of_title(title: &str) -> Vec<String> {
    let about = thing(title);
    let mut names: Vec<String> = names(title).into_iter().filter(|name| about.contains(name)).collect();
    names.sort();
    names.dedup();
    names
}

/// Words with a capital first that do not begin the text, and words of letters and digits; an abbreviation in capitals
/// is a kind of thing more often than the name of one.
pub(super) fn names(text: &str) -> Vec<String> {
    let words = text.unicode_words().enumerate().filter(|(at, word)| {
        let mixed = word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic);
        let capital = *at > 0 && word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
        mixed || capital
    });
    words.map(|(_, word)| word.to_lowercase()).collect()
}

/// One is the other, or both are forms of one name, as `Norway` and `Norwegian` are.
pub(super) fn is_form_of(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    a == b || (shared >= 4 && 5 * shared >= 3 * shorter)
}

/// The words of a title in capitals and its numbers, in lower case: each a kind of thing, or the name of one.
pub(super) fn abbreviations(title: &str) -> Vec<String> {
    let is_capital = |c: char| c.is_uppercase() || c.is_ascii_digit();
    let words = title.unicode_words().filter(|word| word.len() > 1 && word.chars().all(is_capital));
    words.map(str::to_lowercase).collect()
}

/// A word of the title says what kind of document it is.
pub(super) fn names_a_kind(title: &str) -> bool {
    words(title).any(|word| KINDS.binary_search(&word.as_str()).is_ok())
}

/// Both titles begin or end with the same words, as `Travel policy: Germany` and `Travel policy: Norway` do: they go beside
/// each other, while `Upgrading from 1 to 2` only shares words with `Version 2`.
pub(super) fn are_of_one_form(lexical: &Lexical, a: &str, b: &str) -> bool {
    let (a, b): (Vec<String>, Vec<String>) = (words(a).collect(), words(b).collect());
    // A stop word has no terms.
    let same =
        |(a, b): &(&String, &String)| a == b || (lexical.terms(a) == lexical.terms(b) && !lexical.terms(a).is_empty());
    let first = a.iter().zip(&b).take_while(same).count();
    let last = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let longer = a.len().max(b.len());
    longer > 0 && (first + last).min(longer) as f32 >= FORM * longer as f32
}

/// The first is about the whole of what the second is about a part of, as answers to questions are beside rules on one
/// matter.
pub(super) fn is_about_the_whole(a: &str, b: &str) -> bool {
    let whole = thing(a);
    whole.len() >= WHOLE && names_a_kind(a) && whole.is_subset(&thing(b))
}

pub(super) fn stems(lexical: &Lexical, words: &HashSet<String>) -> HashSet<String> {
    words.iter().flat_map(|word| lexical.terms(word)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().map(str::to_lowercase)
}

fn is_small(word: &str) -> bool {
    matches!(
        word,
        "a" | "an" | "and" | "at" | "by" | "for" | "from" | "in" | "of" | "on" | "or" | "the" | "to" | "with"
    )
}

/// A title without the number of its section.
pub(super) fn without_number(title: &str) -> &str {
    let rest = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    if title.contains('.') && !rest.is_empty() && rest.len() < title.len() { rest } else { title }
}

/// The name of a file without its folders and its ending.
pub(super) fn stem_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(KINDS.is_sorted() && MONTHS.is_sorted());
    }

    #[test]
    fn titles_that_begin_or_end_alike_are_of_one_form() {
        let alike = |a: &str, b: &str| are_of_one_form(&Lexical::new(), a, b);
        for (a, b) in [
            ("Travel policy: Germany", "Travel policy: Norway"),
            ("Orders API", "Inventory API"),
            ("Proxy 1.8: configuration", "Proxy 2.0: configuration"),
            ("Importing tables", "Importing text files"),
            ("leaflet cats", "Leaflet dogs"),
        ] {
            assert!(alike(a, b) && alike(b, a), "{a} and {b}");
        }
        for (a, b) in [
            ("Proxy 2.0: configuration", "Upgrading Proxy from 1.8 to 2.0"),
            ("Residence fees", "Laundry in the residence halls"),
            ("", ""),
        ] {
            assert!(!alike(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn answers_to_questions_are_about_the_whole_of_what_rules_are_about() {
        assert!(is_about_the_whole("Rowan Library: questions and answers", "Rowan Library: borrowing rules"));
        assert!(!is_about_the_whole("Rowan Library: borrowing rules", "Rowan Library: questions and answers"));
        assert!(!is_about_the_whole("Travel policy: Germany", "Travel policy: Norway"));
        // One word is hardly the name of a thing, and what names no kind is a document beside the other.
        assert!(!is_about_the_whole("User guide", "User management"));
        assert!(!is_about_the_whole("Rowan Library", "Rowan Library: borrowing rules"));
    }

    #[test]
    fn a_title_is_read_without_its_number_and_a_file_without_its_ending() {
        assert_eq!(without_number("20.10. Automatic Vacuuming"), "Automatic Vacuuming");
        assert_eq!(without_number("2025"), "2025");
        assert_eq!(stem_of("guides/first_day-sales.md"), "first day sales");
        assert_eq!(abbreviations("RADIUS Authentication, part B"), ["radius"]);
    }
}
