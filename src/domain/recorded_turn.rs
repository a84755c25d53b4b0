//! Conversations as they are stored, and what is left of a turn when a document that it rests on is deleted.
//!
//! May depend on the other modules of `domain` only.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, AnswerId, ConversationId, DocumentId, ModelVersions, Turn};

/// A conversation, without its turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conversation {
    /// Its identifier.
    pub id: ConversationId,
    /// The collection that it asks.
    pub collection: String,
    /// How many turns it has.
    pub turns: u32,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its last turn was stored.
    pub updated_at: DateTime<Utc>,
}

/// A turn of a stored conversation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RecordedTurn {
    /// Its place in the conversation, 1 for the first.
    pub number: u32,
    /// The answer's identifier.
    pub answer_id: AnswerId,
    /// The turn, as it may be given back as `history`.
    pub turn: Turn,
    /// How well the evidence carried the answer.
    pub confidence: f32,
    /// What was done about it.
    pub actions: Vec<Action>,
    /// Which models made the answer.
    pub model: ModelVersions,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// A stretch of an answer that a document carries, in code points of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedStretch {
    /// Where it starts.
    pub start: u32,
    /// One past its end.
    pub end: u32,
    /// The document.
    pub document_id: DocumentId,
}

/// Takes out of a turn what rests on documents that are gone. The ids stay: they say that there was something.
///
/// - The name and the heading of a source that is gone are removed.
/// - Of the answer, every stretch is removed whose citations are all gone. When no cited stretch is left, all of it goes.
///   With anything of the answer goes the bare fact: it may be that very stretch.
/// - The readings that were offered, and the question as it was understood where it differs from the user's words, go as
///   a whole: what of them came from which document is not known.
///
/// `cited` becomes what is still cited, at its new places. Taking out the same documents again changes nothing.
pub fn take_out(turn: &mut Turn, cited: &mut Vec<CitedStretch>, gone: &BTreeSet<DocumentId>) {
    if gone.is_empty() {
        return;
    }
    for source in turn.sources.iter_mut().filter(|source| gone.contains(&source.document_id)) {
        source.name.clear();
        source.heading = None;
    }
    turn.clarify.clear();
    if turn.interpreted.as_deref() != Some(turn.question.as_str()) {
        turn.interpreted = None;
    }
    if !cited.iter().any(|stretch| gone.contains(&stretch.document_id)) {
        return;
    }
    let Some(answer) = turn.answer.take() else { return };
    let covers =
        |stretch: &&CitedStretch, place: usize| (stretch.start as usize..stretch.end as usize).contains(&place);
    // Where each code point of the answer comes to stand.
    let (mut kept, mut places) = (String::new(), Vec::new());
    let (mut length, mut after_a_gap) = (0, true);
    for (place, character) in answer.chars().enumerate() {
        places.push(length);
        let mut carried = cited.iter().filter(|stretch| covers(stretch, place)).peekable();
        let lost = carried.peek().is_some() && carried.all(|stretch| gone.contains(&stretch.document_id));
        // The space behind a stretch goes with it.
        if lost || (after_a_gap && character.is_whitespace()) {
            after_a_gap = true;
            continue;
        }
        after_a_gap = false;
        kept.push(character);
        length += 1;
    }
    places.push(length);
    let moved = |place: u32| places.get(place as usize).copied().unwrap_or(length);
    cited.retain(|stretch| !gone.contains(&stretch.document_id));
    for stretch in cited.iter_mut() {
        (stretch.start, stretch.end) = (moved(stretch.start), moved(stretch.end));
    }
    if kept.trim_end().chars().count() < answer.trim_end().chars().count() {
        turn.short_answer = None;
    }
    turn.answer = (!cited.is_empty()).then(|| kept.trim_end().to_owned());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ChunkId, TurnSource};

    fn source(document_id: DocumentId, name: &str) -> TurnSource {
        let chunk_id = ChunkId::derive(document_id, 1, 1, 0);
        TurnSource { document_id, chunk_id, name: name.to_owned(), heading: Some("Opening".to_owned()) }
    }

    fn stretch(start: u32, end: u32, document_id: DocumentId) -> CitedStretch {
        CitedStretch { start, end, document_id }
    }

    fn turn(answer: &str, sources: Vec<TurnSource>) -> Turn {
        Turn {
            question: "When does it open?".to_owned(),
            interpreted: Some("When does the café open?".to_owned()),
            answer: Some(answer.to_owned()),
            short_answer: Some("at ten".to_owned()),
            sources,
            ..Turn::default()
        }
    }

    #[test]
    fn what_rests_on_the_deleted_document_alone_goes_and_the_rest_stays() {
        let (one, two) = (DocumentId::new(), DocumentId::new());
        // The first sentence rests on one, the second on both, the third on two.
        let mut turn = turn("Über ten. Both say. It closes.", vec![source(one, "a.md"), source(two, "b.md")]);
        let mut cited = vec![stretch(0, 9, one), stretch(10, 19, one), stretch(10, 19, two), stretch(20, 30, two)];
        take_out(&mut turn, &mut cited, &BTreeSet::from([one]));
        assert_eq!(turn.answer.as_deref(), Some("Both say. It closes."));
        assert_eq!((turn.short_answer.as_deref(), turn.interpreted.as_deref()), (None, None));
        assert_eq!(cited, [stretch(0, 9, two), stretch(10, 20, two)]);
        let [first, second] = &turn.sources[..] else { panic!("{turn:?}") };
        assert_eq!((first.document_id, first.name.as_str(), &first.heading), (one, "", &None));
        assert_eq!(second, &source(two, "b.md"));
        let once = (turn.clone(), cited.clone());
        take_out(&mut turn, &mut cited, &BTreeSet::from([one]));
        assert_eq!((turn.clone(), cited.clone()), once);
        take_out(&mut turn, &mut cited, &BTreeSet::from([two]));
        assert_eq!((turn.answer, cited), (None, vec![]));
        assert_eq!(turn.question, "When does it open?");
    }

    #[test]
    fn what_was_offered_goes_and_an_answer_that_rests_on_others_stays() {
        let (cited_document, near) = (DocumentId::new(), DocumentId::new());
        let mut turn = turn("It opens at ten.", vec![source(cited_document, "a.md")]);
        turn.clarify = vec!["The café".to_owned()];
        turn.interpreted = Some(turn.question.clone());
        let mut cited = vec![stretch(0, 16, cited_document)];
        take_out(&mut turn, &mut cited, &BTreeSet::new());
        assert_eq!(turn.clarify.len(), 1);
        take_out(&mut turn, &mut cited, &BTreeSet::from([near]));
        assert_eq!((turn.answer.as_deref(), turn.clarify.len()), (Some("It opens at ten."), 0));
        assert_eq!((turn.short_answer.as_deref(), turn.interpreted), (Some("at ten"), Some(turn.question)));
    }

    proptest! {
        #[test]
        fn nothing_that_only_the_gone_document_carries_is_left(sentences in proptest::collection::vec(0u8..3, 1..8)) {
            // Sentence n rests on one, on two or on both; it is made of a letter of its own.
            let (one, two) = (DocumentId::new(), DocumentId::new());
            let (mut answer, mut cited) = (String::new(), Vec::new());
            for (number, on) in sentences.iter().enumerate() {
                if number > 0 {
                    answer.push(' ');
                }
                let start = answer.chars().count() as u32;
                answer.push_str(&char::from(b'a' + number as u8).to_string().repeat(3));
                let end = answer.chars().count() as u32;
                if *on != 1 {
                    cited.push(stretch(start, end, one));
                }
                if *on != 0 {
                    cited.push(stretch(start, end, two));
                }
            }
            let mut turn = turn(&answer, vec![]);
            take_out(&mut turn, &mut cited, &BTreeSet::from([one]));
            let left = turn.answer.unwrap_or_default();
            let expected: Vec<String> = sentences.iter().enumerate().filter(|(_, on)| **on != 0)
                .map(|(number, _)| char::from(b'a' + number as u8).to_string().repeat(3)).collect();
            prop_assert_eq!(&left, &expected.join(" "));
            for (stretch, sentence) in cited.iter().zip(expected) {
                let text: String = left.chars().skip(stretch.start as usize).take((stretch.end - stretch.start) as usize).collect();
                prop_assert_eq!(text, sentence);
            }
        }
    }
}
