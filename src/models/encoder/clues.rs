//! What the words say about a span, beside its score.
//!
//! A passage that is about everything that was asked, while the sentence of the span holds little of it, looks as if it
//! answered; so does a span of many words. A trained encoder sees this only in part, so two plain numbers are weighed in. The weights are fitted with the threshold and travel in `reader.json`. May depend on `models::lexical` and serde.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::models::lexical::Lexical;

/// What the words say about a span.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clues {
    /// The part of the question's content words, 0 to 1, that stand in the passage or its title and not in the sentence of
    /// the span.
    pub elsewhere: f32,
    /// The words of the span.
    pub words: f32,
}

/// What each clue adds to the score of a span.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClueWeights {
    /// For all of the question's content words elsewhere in the passage.
    pub elsewhere: f32,
    /// For each word of the span.
    pub words: f32,
}

impl Clues {
    /// The clues about a span in a sentence of a passage.
    pub fn of(lexical: &Lexical, question: &str, title: &str, passage: &str, sentence: &str, span: &str) -> Self {
        let terms = |text: &str| lexical.terms(text).into_iter().collect::<HashSet<String>>();
        let (asked, near) = (terms(question), terms(sentence));
        let far: HashSet<String> = &terms(title) | &terms(passage);
        let elsewhere = asked.iter().filter(|term| far.contains(*term) && !near.contains(*term)).count();
        Self { elsewhere: elsewhere as f32 / asked.len().max(1) as f32, words: span.split_whitespace().count() as f32 }
    }

    /// The clues as numbers, in the order of [`ClueWeights::of_numbers`].
    pub fn numbers(self) -> [f64; 2] {
        [self.elsewhere, self.words].map(f64::from)
    }
}

impl ClueWeights {
    /// The weights of [`Clues::numbers`].
    pub fn of_numbers([elsewhere, words]: [f64; 2]) -> Self {
        Self { elsewhere: elsewhere as f32, words: words as f32 }
    }

    /// What the clues add to the score.
    pub fn weigh(self, clues: Clues) -> f32 {
        self.elsewhere * clues.elsewhere + self.words * clues.words
    }

    /// Why the weights cannot be used, if they cannot.
    pub fn check(self) -> Result<(), String> {
        if self.elsewhere.is_finite() && self.words.is_finite() {
            return Ok(());
        }
        Err(format!("the weights of `clues` must be finite: {self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_words_are_looked_for_in_the_sentence_and_in_all_of_the_passage() {
        let sentence = "Each lease lasts a minute.";
        let passage = format!("{sentence} A worker extends it.");
        let of = |question: &str| Clues::of(&Lexical::new(), question, "The queue", &passage, sentence, "a minute");
        assert_eq!(of("How long do leases last?"), Clues { elsewhere: 0.0, words: 2.0 });
        assert_eq!(of("Which worker of the queue?"), Clues { elsewhere: 1.0, words: 2.0 });
        assert_eq!(of("Which worker has the lease?"), Clues { elsewhere: 0.5, words: 2.0 });
        assert_eq!(of("What is it?"), Clues { elsewhere: 0.0, words: 2.0 });
    }

    #[test]
    fn weights_are_sums_of_their_clues_and_none_change_nothing() {
        let clues = Clues { elsewhere: 0.5, words: 4.0 };
        assert_eq!(ClueWeights::default().weigh(clues), 0.0);
        assert_eq!(ClueWeights::of_numbers([-2.0, -0.25]).weigh(clues), -2.0);
        assert!(ClueWeights::of_numbers([f64::NAN, 0.0]).check().is_err_and(|reason| reason.contains("finite")));
    }
}
