//! Unanswered questions.

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, corrupt, word};
use crate::{
    domain::{AnswerId, ConversationId, NearPassage, OutcomeKind, UnansweredId, UnansweredQuestion, UnansweredState},
    metadata_store::{OpenQuestion, StoreResult},
};

/// The columns of [`UnansweredRow`], of `unanswered`.
macro_rules! unanswered_columns {
    () => {
        "id, answer_id, conversation_id, collection, question, interpreted, outcome, confidence, nearest, embedder, \
         vector, state, asked_at"
    };
}
pub(in crate::metadata_store) use unanswered_columns;

/// An unanswered question.
#[derive(FromRow)]
pub(in crate::metadata_store) struct UnansweredRow<At> {
    id: Uuid,
    answer_id: Uuid,
    conversation_id: Option<Uuid>,
    collection: String,
    question: String,
    interpreted: Option<String>,
    outcome: String,
    confidence: f32,
    nearest: Json<Vec<NearPassage>>,
    embedder: String,
    vector: Vec<u8>,
    state: String,
    asked_at: At,
}

impl<At: StoredTime> UnansweredRow<At> {
    /// The question, with what it is compared by.
    pub(in crate::metadata_store) fn open(self) -> StoreResult<OpenQuestion> {
        use UnansweredState::{Answered, Dismissed, Open};
        let (numbers, rest) = self.vector.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(corrupt("vector of so many bytes", self.vector.len()));
        }
        Ok(OpenQuestion {
            vector: numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            embedder: self.embedder,
            question: UnansweredQuestion {
                id: UnansweredId(self.id),
                answer_id: AnswerId(self.answer_id),
                conversation_id: self.conversation_id.map(ConversationId),
                collection: self.collection,
                question: self.question,
                interpreted: self.interpreted,
                outcome: outcome(&self.outcome)?,
                confidence: self.confidence,
                nearest: self.nearest.0,
                state: word("state", &self.state, &[Open, Answered, Dismissed], UnansweredState::as_str)?,
                asked_at: self.asked_at.utc()?,
            },
        })
    }
}

/// A vector as it is stored: little-endian 32-bit numbers.
pub(in crate::metadata_store) fn stored_vector(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn outcome(found: &str) -> StoreResult<OutcomeKind> {
    use OutcomeKind::{Abstained, Answered, Blocked, Clarify, Partial};
    word("outcome", found, &[Answered, Partial, Abstained, Clarify, Blocked], OutcomeKind::as_str)
}
