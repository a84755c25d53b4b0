//! Conversations and their turns.

use std::collections::BTreeSet;

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, number};
use crate::{
    domain::{
        Action, AnswerId, CitedStretch, Conversation, ConversationId, DocumentId, ModelVersions, RecordedTurn, Turn,
        take_out,
    },
    metadata_store::StoreResult,
};

/// The start of every query for [`ConversationRow`]s.
macro_rules! select_conversations {
    () => {
        "SELECT c.id, c.collection, c.created_at, c.updated_at, \
         (SELECT COUNT(*) FROM turns t WHERE t.conversation_id = c.id) AS turns FROM conversations c WHERE 1 = 1"
    };
}
pub(in crate::metadata_store) use select_conversations;

/// A conversation.
#[derive(FromRow)]
pub(in crate::metadata_store) struct ConversationRow<At> {
    id: Uuid,
    collection: String,
    created_at: At,
    updated_at: At,
    turns: i64,
}

impl<At: StoredTime> ConversationRow<At> {
    /// The conversation.
    pub(in crate::metadata_store) fn conversation(self) -> StoreResult<Conversation> {
        Ok(Conversation {
            id: ConversationId(self.id),
            collection: self.collection,
            turns: number("number of turns", self.turns)?,
            created_at: self.created_at.utc()?,
            updated_at: self.updated_at.utc()?,
        })
    }
}

/// The columns of [`TurnRow`], of `turns`.
macro_rules! turn_columns {
    () => {
        "number, answer_id, turn, cited, confidence, actions, model, asked_at"
    };
}
pub(in crate::metadata_store) use turn_columns;

/// A turn.
#[derive(FromRow)]
pub(in crate::metadata_store) struct TurnRow<At> {
    /// Its number.
    pub(in crate::metadata_store) number: i64,
    answer_id: Uuid,
    /// The turn itself.
    pub(in crate::metadata_store) turn: Json<Turn>,
    /// What of its answer is cited.
    pub(in crate::metadata_store) cited: Json<Vec<CitedStretch>>,
    confidence: f32,
    actions: Json<Vec<Action>>,
    model: Json<ModelVersions>,
    asked_at: At,
}

impl<At: StoredTime> TurnRow<At> {
    /// The turn without what rests on these documents.
    pub(in crate::metadata_store) fn without(mut self, gone: &BTreeSet<DocumentId>) -> Self {
        take_out(&mut self.turn.0, &mut self.cited.0, gone);
        self
    }

    /// The turn.
    pub(in crate::metadata_store) fn recorded(self) -> StoreResult<RecordedTurn> {
        Ok(RecordedTurn {
            number: number("number of a turn", self.number)?,
            answer_id: AnswerId(self.answer_id),
            turn: self.turn.0,
            confidence: self.confidence,
            actions: self.actions.0,
            model: self.model.0,
            asked_at: self.asked_at.utc()?,
        })
    }
}

/// The turns that `rows` are, without what rests on documents that are `gone`, by the number of the turn.
pub(in crate::metadata_store) fn shown_turns<At: StoredTime>(
    rows: Vec<TurnRow<At>>,
    gone: &[(i64, Uuid)],
) -> StoreResult<Vec<RecordedTurn>> {
    let gone_from = |number: i64| gone.iter().filter(|(of, _)| *of == number).map(|(_, id)| DocumentId(*id)).collect();
    rows.into_iter()
        .map(|row| {
            let gone = gone_from(row.number);
            row.without(&gone).recorded()
        })
        .collect()
}
