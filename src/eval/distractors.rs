//! Passages that are near a question and not its own: the distractors of a closed suite, found by BM25 over the
//! passages of the suite's corpus with the product's own lexical analysis.
//!
//! May depend on `train::dataset`.

use std::collections::{HashMap, HashSet};

use crate::train::dataset::{
    bm25::Bm25,
    example::{Example, Passage},
};

/// Why distractors cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistractorsError {
    /// Too few passages.
    #[error(
        "`{example}` needs {wanted} distractors and the corpus holds {found} other passages; ask for fewer, or add splits to `corpus`"
    )]
    TooFew {
        /// The example.
        example: String,
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
}

impl DistractorsError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// An index over passages.
pub struct PassageIndex<'a> {
    index: Bm25,
    passages: &'a [Passage],
}

impl<'a> PassageIndex<'a> {
    /// Indexes passages; the same id occurs once.
    pub fn new(passages: &'a [Passage]) -> Self {
        Self { index: Bm25::new(passages.iter().map(|passage| passage.text.as_str())), passages }
    }

    /// Adds the `count` nearest passages to an example that are not among its own by id or by text, and puts all of
    /// them into the order in which the question finds them, so that the place of a passage says no more than a
    /// search would.
    pub fn add_to(&self, example: &mut Example, count: usize) -> Result<(), DistractorsError> {
        if count == 0 {
            return Ok(());
        }
        let order = self.order(&example.question);
        let own_ids: HashSet<&str> = example.passages.iter().map(|passage| passage.id.as_str()).collect();
        let own_texts: HashSet<&str> = example.passages.iter().map(|passage| passage.text.as_str()).collect();
        let is_other = |at: &&usize| {
            let passage = &self.passages[**at];
            !own_ids.contains(passage.id.as_str()) && !own_texts.contains(passage.text.as_str())
        };
        let added: Vec<Passage> =
            order.iter().filter(is_other).take(count).map(|&at| self.passages[at].clone()).collect();
        if added.len() < count {
            return Err(DistractorsError::TooFew { example: example.id.clone(), wanted: count, found: added.len() });
        }
        example.passages.extend(added);
        let rank: HashMap<&str, usize> =
            order.iter().enumerate().map(|(rank, &at)| (self.passages[at].id.as_str(), rank)).collect();
        // A passage of the example that the corpus lacks keeps its place at the end.
        example.passages.sort_by_key(|passage| rank.get(passage.id.as_str()).copied().unwrap_or(usize::MAX));
        Ok(())
    }

    /// All passages: those that share a term with the question, best first, then the others as they come.
    fn order(&self, question: &str) -> Vec<usize> {
        let mut order: Vec<usize> = self.index.ranked(question).collect();
        let ranked: HashSet<usize> = order.iter().copied().collect();
        order.extend((0..self.passages.len()).filter(|at| !ranked.contains(at)));
        order
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::testing::abstaining;

    fn passage(id: &str, text: &str) -> Passage {
        Passage { id: id.into(), title: "Harbour".into(), text: text.into() }
    }

    fn corpus() -> Vec<Passage> {
        vec![
            passage("crane", "The crane lifts twelve tonnes."),
            passage("pier", "The old pier is closed in winter."),
            passage("fish", "Herring is sold on Fridays."),
            passage("copy", "The pier is long and old."),
            passage("light", "The lighthouse stands behind the pier."),
        ]
    }

    fn example(own: &str, question: &str) -> Example {
        let mut example = abstaining("1", question);
        example.passages = vec![passage("own", own)];
        example
    }

    fn ids(example: &Example) -> Vec<&str> {
        example.passages.iter().map(|passage| passage.id.as_str()).collect()
    }

    #[test]
    fn the_nearest_passages_come_in_the_order_of_the_search() {
        let mut passages = corpus();
        passages.push(passage("own", "The pier has a railing."));
        let index = PassageIndex::new(&passages);
        let mut one = example("The pier has a railing.", "How old is the pier?");
        index.add_to(&mut one, 2).unwrap();
        assert_eq!(ids(&one).len(), 3);
        // Both passages that hold "old" and "pier" come before the example's own, which holds "pier" alone.
        assert_eq!(ids(&one)[2], "own");
        assert!(ids(&one).contains(&"pier") && ids(&one).contains(&"copy"));
    }

    #[test]
    fn the_same_text_under_another_id_is_no_distractor() {
        let passages = corpus();
        let index = PassageIndex::new(&passages);
        let mut one = example("The pier is long and old.", "How old is the pier?");
        index.add_to(&mut one, 4).unwrap();
        assert!(!ids(&one).contains(&"copy"));
        let error = index.add_to(&mut example("The pier is long and old.", "?"), 5).unwrap_err();
        assert_eq!(error, DistractorsError::TooFew { example: "1".into(), wanted: 5, found: 4 });
    }

    #[test]
    fn no_distractors_leave_the_example_as_it_is() {
        let passages = corpus();
        let mut one = example("x", "?");
        let before = one.clone();
        PassageIndex::new(&passages).add_to(&mut one, 0).unwrap();
        assert_eq!(one, before);
    }
}
