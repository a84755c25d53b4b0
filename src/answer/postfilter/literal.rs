//! What a sentence of the draft may not change by a hair: numbers, dates, names, and whether something is so or not.
//!
//! Numbers are compared by value: `1,000` is `1000` and `sixty` is `60`; and by what stands beside them (`quantity`). May
//! depend on `models::lexical`.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    quantity::{Quantity, quantities},
    support::SourceSentence,
};
use crate::models::lexical::Lexical;

/// Words that turn a statement round.
const NEGATIONS: [&str; 11] =
    ["not", "no", "never", "none", "nobody", "nowhere", "cannot", "without", "neither", "nor", "nothing"];

/// Whether numbers and names of the sentence stand in the source (or its passage's headings, or the question), and both are
/// negated or neither.
pub fn agrees(sentence: &str, source: &SourceSentence<'_>, question: &str, lexical: &Lexical) -> bool {
    let asked: HashSet<String> = lexical.terms(question).into_iter().collect();
    let known =
        |word: &str| lexical.terms(word).iter().all(|term| source.passage_terms.contains(term) || asked.contains(term));
    let (held, asked_for) = (quantities(source.text), quantities(question));
    let names = sentence.unicode_words().skip(1).filter(|word| word.starts_with(char::is_uppercase)).all(known);
    names
        && quantities(sentence).iter().all(|number| is_held(number, &held, &asked_for))
        && is_negated(sentence) == is_negated(source.text)
}

/// Whether a number stands in the source or, where the source does not have it, in the question. `one` is hardly ever a
/// number in a draft (`one of them`).
fn is_held(number: &Quantity, held: &[Quantity], asked_for: &[Quantity]) -> bool {
    let is_one = number.spelled && number.value == "1";
    match held.iter().any(|other| other.value == number.value) {
        true => held.iter().any(|other| number.agrees_with(other)),
        false => is_one || asked_for.iter().any(|other| other.value == number.value),
    }
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
            ("It lasts 60 minutes.", "It lasts 60 seconds."),
            ("It freezes at 18 degrees.", "It freezes at -18 degrees."),
            ("It lasts less than 60 seconds.", "It lasts more than 60 seconds."),
            // The question's own number, of which the source says something else.
            ("It lasts 30 minutes.", "It lasts 30 seconds."),
            ("It does not last.", "It lasts."),
            ("Nobody leases it.", "The worker leases it."),
            ("Then Oracle leases it.", "Then Postgres leases it."),
        ] {
            assert!(!agreed(sentence, source), "{sentence} / {source}");
        }
    }
}
