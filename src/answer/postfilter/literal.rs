//! What a sentence of the draft may not change by a hair: numbers, dates, names, and whether something is so or not.
//!
//! Numbers are compared by value: `1,000` is `1000` and `sixty` is `60`. May depend on `models::lexical`.

use std::collections::{BTreeSet, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::support::SourceSentence;
use crate::models::lexical::Lexical;

/// Words that turn a statement round.
const NEGATIONS: [&str; 9] = ["not", "no", "never", "none", "cannot", "without", "neither", "nor", "nothing"];
/// The numbers that are written as one word, but for the tens and the large ones.
const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Whether numbers and names of the sentence stand in the source (or its passage's headings, or the question), and both are
/// negated or neither.
pub fn agrees(sentence: &str, source: &SourceSentence<'_>, question: &str, lexical: &Lexical) -> bool {
    let asked: HashSet<String> = lexical.terms(question).into_iter().collect();
    let known =
        |word: &str| lexical.terms(word).iter().all(|term| source.passage_terms.contains(term) || asked.contains(term));
    let held: BTreeSet<String> = numbers(source.text).chain(numbers(question)).collect();
    let names = sentence.unicode_words().skip(1).filter(|word| word.starts_with(char::is_uppercase)).all(known);
    names
        && written_numbers(sentence).all(|number| held.contains(&number))
        && is_negated(sentence) == is_negated(source.text)
}

/// The values of all numbers of a text.
fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().flat_map(|word| value(word).into_iter().chain(spelled(word)))
}

/// The values of the numbers that a draft states. `one` is hardly ever a number there (`one of them`), and the parts of a
/// word with digits, such as `2nd`, are compared as a whole.
fn written_numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().filter_map(|word| value(word).or_else(|| spelled(word).filter(|number| number != "1")))
}

/// A word with a digit, as it compares: without separators of thousands, zeros at the ends and the endings of ordinals.
fn value(word: &str) -> Option<String> {
    if !word.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let lower = word.to_lowercase();
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(&lower);
    let plain = if is_grouped(digits) { digits.replace(',', "") } else { digits.to_owned() };
    if !plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(plain);
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// `1,234,567.8`: groups of three behind the first.
fn is_grouped(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    whole.contains(',') && (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
}

/// A number that is written as a word.
fn spelled(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if let Some(small) = SMALL.iter().position(|known| *known == lower) {
        return Some(small.to_string());
    }
    TENS.iter().position(|known| *known == lower).map(|tens| (10 * (tens + 2)).to_string())
}

/// Whether a text denies something: an odd number of negations.
fn is_negated(text: &str) -> bool {
    let count = text
        .unicode_words()
        .map(str::to_lowercase)
        .filter(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't") || word.ends_with("n’t"))
        .count();
    count % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::postfilter::{support::source_sentences, testing::passage};

    fn agreed(sentence: &str, source: &str) -> bool {
        let (lexical, passage) = (Lexical::new(), passage(source));
        let sources = source_sentences(&lexical, "", std::slice::from_ref(&passage));
        agrees(sentence, &sources[0], "How long does a lease of 30 jobs last?", &lexical)
    }

    #[test]
    fn a_number_is_the_same_in_every_writing() {
        for (sentence, source) in [
            ("It lasts 60 seconds.", "It lasts sixty seconds."),
            ("It lasts sixty seconds.", "It lasts 60 seconds."),
            ("It holds 1000 jobs.", "It holds 1,000 jobs."),
            ("It holds 1.50 jobs.", "It holds 1.5 jobs."),
            ("It is the 2nd lease.", "It is lease 2."),
            ("It is for 30 jobs.", "It is for all of them."),
            ("It is one of them.", "It is among them."),
        ] {
            assert!(agreed(sentence, source), "{sentence} / {source}");
        }
    }

    #[test]
    fn another_number_is_another_number() {
        for (sentence, source) in [
            ("It lasts 90 seconds.", "It lasts sixty seconds."),
            ("It holds 1000 jobs.", "It holds 1,0 jobs or 100."),
            ("It holds 15 jobs.", "It holds 1.5 jobs."),
            ("It lasts seventy seconds.", "It lasts 60 seconds."),
            ("It began in 1905-06-01.", "It began in 1905-06-02."),
            ("It does not last.", "It lasts."),
            ("Then Oracle leases it.", "Then Postgres leases it."),
        ] {
            assert!(!agreed(sentence, source), "{sentence} / {source}");
        }
    }
}
