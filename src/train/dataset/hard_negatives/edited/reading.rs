//! What is known of a passage before its questions are edited.
//!
//! May depend on `names`, `numbers`, `words` and `domain::sentences`.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use super::{
    names::{Name, names},
    numbers::{Number, numbers},
    words::stems,
};
use crate::domain::sentences::sentences;

/// A sentence of a passage.
#[derive(Debug)]
pub struct Sentence {
    pub range: Range<usize>,
    pub stems: HashSet<String>,
}

/// A passage with its sentences, names and numbers.
#[derive(Debug)]
pub struct Reading {
    pub text: String,
    pub sentences: Vec<Sentence>,
    /// Each name once.
    pub names: Vec<Name>,
    /// Each number once in each shape.
    pub numbers: Vec<Number>,
}

impl Reading {
    pub fn new(text: &str) -> Self {
        let sentences = sentences(text).into_iter();
        let sentences = sentences.map(|range| Sentence { stems: stems(&text[range.clone()]), range }).collect();
        // In order, so that what is drawn of them is the same every time.
        let mut distinct: BTreeMap<String, Name> = BTreeMap::new();
        for name in names(text) {
            let place = name.place;
            distinct.entry(name.text.clone()).or_insert(name).place |= place;
        }
        let mut found: Vec<Number> = Vec::new();
        for number in numbers(text) {
            if !found.iter().any(|known| known.text == number.text && known.shape == number.shape) {
                found.push(number);
            }
        }
        Self { text: text.to_owned(), sentences, names: distinct.into_values().collect(), numbers: found }
    }

    /// Whether a text stands in it as whole words.
    pub fn holds(&self, wanted: &str) -> bool {
        holds(&self.text, wanted)
    }

    /// The numbers of the sentences that a range of bytes touches.
    pub fn touched(&self, range: &Range<usize>) -> impl Iterator<Item = usize> {
        let (start, end) = (range.start, range.end);
        let touches = move |sentence: &Sentence| sentence.range.start < end && start < sentence.range.end;
        self.sentences.iter().enumerate().filter(move |(_, sentence)| touches(sentence)).map(|(number, _)| number)
    }

    /// The numbers of the sentences in which a text stands as whole words.
    pub fn sentences_with(&self, wanted: &str) -> Vec<usize> {
        let held = |sentence: &Sentence| holds(&self.text[sentence.range.clone()], wanted);
        (0..self.sentences.len()).filter(|number| held(&self.sentences[*number])).collect()
    }

    /// The text of a sentence.
    pub fn sentence(&self, number: usize) -> &str {
        &self.text[self.sentences[number].range.clone()]
    }
}

/// Whether `wanted` stands in `text` as whole words, in this very case.
pub fn holds(text: &str, wanted: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(wanted)
        .any(|(at, found)| !inside(text[..at].chars().next_back()) && !inside(text[at + found.len()..].chars().next()))
}
