//! Going on with a conversation: what was said before, and what of an outcome is kept for what comes after.
//!
//! May depend on `domain` and the metadata store.

use super::AnswerError;
use crate::{
    domain::{
        Asker, CitedStretch, ConversationId, MAX_HISTORY, MAX_READINGS, Outcome, OutcomeKind, Question, Turn,
        TurnSource,
    },
    metadata_store::{MetadataStore, check_collection},
};

/// Makes a question ready that goes on with a conversation: its history is read and its collection is that of the
/// conversation. To be called before any other work; a conversation that is unknown, or that is not one of `owner`'s, is
/// `NotFound`. Without an owner, whoever asks goes on with anybody's.
pub async fn resume(
    metadata: &dyn MetadataStore,
    question: &mut Question,
    owner: Option<&str>,
) -> Result<(), AnswerError> {
    let given = question.history.len();
    check_history(given)?;
    let Some(id) = question.conversation_id else {
        if let Some(collection) = question.collection.as_deref().filter(|_| question.store) {
            check_collection(collection)?;
        }
        return Ok(());
    };
    if given > 0 {
        return Err(AnswerError::Invalid(
            "give either `conversation_id` or `history`: a stored conversation has its own".to_owned(),
        ));
    }
    let Asker { access, .. } = &question.asker;
    let conversation = metadata.readable_conversation(id, owner, access).await?;
    match &question.collection {
        Some(asked) if *asked != conversation.collection => {
            return Err(AnswerError::Invalid(format!(
                "conversation {id} asks the collection `{}`: leave `collection` out, or begin another conversation",
                conversation.collection
            )));
        }
        _ => question.collection = Some(conversation.collection),
    }
    let limit = MAX_HISTORY as u32;
    let after = conversation.turns.saturating_sub(limit);
    let turns = metadata.readable_turns(id, after, limit, &question.asker.access).await?;
    question.history = turns.into_iter().map(|recorded| recorded.turn).collect();
    Ok(())
}

/// A history of more turns than are read is refused, and not cut.
pub(super) fn check_history(turns: usize) -> Result<(), AnswerError> {
    match turns {
        0..=MAX_HISTORY => Ok(()),
        _ => Err(AnswerError::Invalid(format!("the history has {turns} turns: give the newest {MAX_HISTORY}"))),
    }
}

/// A turn that says it has offered more readings than any answer has is refused: a reply is compared with all of them.
pub(super) fn check_readings(history: &[Turn]) -> Result<(), AnswerError> {
    match history.iter().map(|turn| turn.clarify.len()).max() {
        Some(readings) if readings > MAX_READINGS => Err(AnswerError::Invalid(format!(
            "a turn of the history has {readings} readings in `clarify`: an answer offers at most {MAX_READINGS}"
        ))),
        _ => Ok(()),
    }
}

/// The newest turns of a conversation, at most `limit` (1 to 1,000), oldest first.
pub async fn history(metadata: &dyn MetadataStore, id: ConversationId, limit: u32) -> Result<Vec<Turn>, AnswerError> {
    Ok(metadata.latest_turns(id, limit).await?.into_iter().map(|recorded| recorded.turn).collect())
}

/// What is kept of an outcome for the questions that follow.
pub(super) fn turn_of(outcome: &Outcome) -> Turn {
    let mut sources: Vec<TurnSource> = Vec::new();
    for citation in &outcome.citations {
        if sources.iter().all(|source| source.chunk_id != citation.chunk_id || source.heading != citation.heading) {
            sources.push(TurnSource {
                document_id: citation.document_id,
                chunk_id: citation.chunk_id,
                name: citation.name.clone(),
                heading: citation.heading.clone(),
            });
        }
    }
    // Of several questions the one that is asked back: what is chosen goes on with it.
    let asked_back = outcome.clarify.as_ref().and_then(|_| {
        outcome.question.parts.iter().find(|part| part.outcome == OutcomeKind::Clarify).map(|part| &part.question)
    });
    Turn {
        question: written_out(&outcome.question.original),
        interpreted: Some(written_out(asked_back.unwrap_or(&outcome.question.interpreted))),
        outcome: Some(outcome.outcome),
        answer: Some(written_out(&outcome.answer)),
        short_answer: outcome.short_answer.as_deref().map(written_out),
        sources,
        clarify: outcome.clarify.iter().flatten().map(|reading| written_out(reading)).collect(),
    }
}

/// Which stretch of the answer which document carries.
pub(super) fn cited_of(outcome: &Outcome) -> Vec<CitedStretch> {
    let stretch = |citation: &crate::domain::Citation| CitedStretch {
        start: citation.answer_start,
        end: citation.answer_end,
        document_id: citation.document_id,
    };
    outcome.citations.iter().map(stretch).collect()
}

/// A text as the databases take it: a NUL character is written out.
pub(super) fn written_out(text: &str) -> String {
    text.replace('\0', "\\0")
}
