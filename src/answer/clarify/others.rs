//! Which passages are read beside the best ones, so that a second reading of the question is seen at all: the best
//! passages may all come from one document.
//!
//! May depend on `models::lexical` and its neighbours `siblings` and `subject`.

use super::{
    super::Passage,
    siblings::one_of_each,
    subject::{Asked, Subject},
};
use crate::models::lexical::Lexical;

/// So many passages are searched for another reading.
pub const DEPTH: usize = 16;
/// So many passages of other documents are kept.
const OTHERS: usize = 2;
/// The part of the question's content words in the best passage that one of another document must hold. Reading costs
/// milliseconds, and a passage that holds fewer is hardly another reading.
const COVERAGE: f32 = 0.6;

/// The first `keep` passages, and behind them the best of other documents that may answer the question too: the same
/// section of a document with a title alike comes before all others.
pub fn with_others(lexical: &Lexical, question: &str, mut passages: Vec<Passage>, keep: usize) -> Vec<Passage> {
    let rest = passages.split_off(keep.min(passages.len()));
    let Some(best) = passages.first() else { return passages };
    let asked = Asked::new(lexical, question);
    let least = COVERAGE * asked.coverage(lexical, best);
    let fits = |passage: &Passage| least > 0.0 && asked.coverage(lexical, passage) >= least;
    let subject = Subject::of(best, 0);
    let documents = passages.iter().map(|passage| passage.chunk.document_id).collect();
    let others: Vec<Passage> = one_of_each(lexical, &subject, rest, documents, fits).take(OTHERS).collect();
    passages.extend(others);
    passages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::postfilter::testing::passage;

    #[test]
    fn only_other_documents_that_hold_what_is_asked_are_read_beside_the_best() {
        let lexical = Lexical::new();
        let mut passages: Vec<Passage> = [
            "The lease of the pier lasts nine days.",
            "The pier is long.",
            "The lease of the pier, again, in the same document.",
            "A lease of another pier lasts ten days.",
            "Another document about knots.",
            "A third lease of a pier.",
            "A fourth lease of a pier.",
        ]
        .map(passage)
        .to_vec();
        passages[2].chunk.document_id = passages[0].chunk.document_id;
        let texts = |kept: &[Passage]| kept.iter().map(|passage| passage.chunk.text.clone()).collect::<Vec<_>>();
        let all = texts(&passages);
        let kept = with_others(&lexical, "How long is the lease of the pier?", passages.clone(), 2);
        let expected = [0, 1, 3, 5].map(|at: usize| all[at].clone());
        assert_eq!(texts(&kept), expected);
        // Nothing beyond them, and nothing at all.
        assert_eq!(texts(&with_others(&lexical, "the lease?", passages.clone(), 9)), all);
        assert!(with_others(&lexical, "the lease?", Vec::new(), 5).is_empty());
    }

    #[test]
    fn the_same_section_of_a_document_with_a_title_alike_comes_first() {
        let titled = |title: &str, text: &str| Passage { title: Some(title.to_owned()), ..passage(text) };
        let passages = vec![
            titled("Travel policy: Germany", "A room costs 120 euros a night at most."),
            titled("Rooms", "What a room costs a night is on the plan of the rooms."),
            titled("More rooms", "A room for a night, and what it costs."),
            titled("Travel policy: Norway", "Stay below 1,900 kroner."),
        ];
        let kept = with_others(&Lexical::new(), "How much may a room cost a night?", passages, 1);
        let titles: Vec<_> = kept.iter().filter_map(|passage| passage.title.as_deref()).collect();
        assert_eq!(titles, ["Travel policy: Germany", "Travel policy: Norway", "Rooms"]);
    }
}
