//! Doing what the rules ask for, once an outcome is made: everything is recorded in one transaction.
//!
//! What an outcome calls for is decided in `rules`, without looking at anything else. Nothing is recorded unless the
//! question belongs to a conversation or a rule says so. May depend on `domain`, the stores, `models` and the other modules
//! of `answer`.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Notify;

use super::{
    AnswerError, Passage, RetrieveServices,
    act::documents_of,
    conversation::{cited_of, turn_of, written_out},
    related::{Around, related_documents},
    rules::{OutcomeFacts, actions_for, needs_tags},
};
use crate::{
    domain::{
        Action, AnswerId, Citation, ConversationId, DEFAULT_COLLECTION, DocumentId, JobId, NearPassage, Outcome,
        OutcomeKind, PlannedAction, Question, RequestKind, Rule, UnansweredId,
    },
    metadata_store::{InConversation, MetadataStoreError, NewDelivery, NewUnanswered, OutcomeRecord},
};

/// How many near passages are kept with an unanswered question.
const NEAREST: usize = 5;

/// Everything that carrying out works with.
#[derive(Clone)]
pub struct ActServices {
    /// Records, and finds related documents.
    pub retrieve: RetrieveServices,
    /// The rules, in their order.
    pub rules: Arc<[Rule]>,
    /// Woken when a delivery was enqueued.
    pub deliver: Arc<Notify>,
}

/// What was found on the way to an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The passages, best first.
    pub passages: &'a [Passage],
    /// The dense vector of the question as it was understood; computed again when it is needed and absent.
    pub question_vector: Option<&'a [f32]>,
}

/// Does what the rules ask for, stores the turn, and says in the outcome what was done. `question` is the request after
/// `resume`. With an error nothing was done. `NotFound` when the conversation was deleted meanwhile.
pub async fn carry_out(
    services: &ActServices,
    question: &Question,
    outcome: &mut Outcome,
    found: Found<'_>,
) -> Result<(), AnswerError> {
    let collection = question.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
    let facts = facts(services, collection, outcome).await?;
    let planned = actions_for(&services.rules, &facts);
    let conversation = question.conversation_id.or_else(|| question.store.then(ConversationId::new));
    outcome.conversation_id = conversation;

    let (mut unanswered, mut webhooks) = (None, Vec::new());
    for one in planned {
        match one.action {
            PlannedAction::Webhook(name) => {
                let delivery_id = JobId::new();
                webhooks.push((name, delivery_id));
                outcome.actions.push(Action::Webhook { name: name.clone(), delivery_id });
            }
            PlannedAction::Escalate(target) => {
                outcome.actions.push(Action::Escalate { target: target.clone(), rule: one.rule.to_owned() });
            }
            PlannedAction::RecordUnanswered(_) => {
                let id = UnansweredId::new();
                unanswered = Some(keep(services, id, outcome, found).await?);
                outcome.actions.push(Action::RecordUnanswered { id });
            }
            PlannedAction::SuggestDocuments(count) => suggest(outcome, found.passages, *count as usize),
            PlannedAction::RelatedDocuments(count) => relate(services, question, outcome, found, *count).await?,
        }
    }
    // An answer settles what was asked before, unless it is itself not good enough.
    let keeps = services.rules.iter().any(|rule| rule.then.contains(&PlannedAction::RecordUnanswered(true)));
    let settles = (keeps && unanswered.is_none() && outcome.outcome == OutcomeKind::Answered)
        .then(|| asked_as(&outcome.question.interpreted));
    if conversation.is_none() && unanswered.is_none() && webhooks.is_empty() && settles.is_none() {
        return Ok(());
    }

    let body = body(collection, outcome)?;
    let deliveries: Vec<NewDelivery> = webhooks
        .into_iter()
        .map(|(name, job)| NewDelivery { job, webhook: name.clone(), body: body.clone() })
        .collect();
    let enqueued = !deliveries.is_empty();
    let record = OutcomeRecord {
        answer_id: outcome.id,
        collection: collection.to_owned(),
        conversation: conversation.map(|id| InConversation {
            id,
            begins: question.conversation_id.is_none(),
            owner: question.asker.owner.clone(),
            turn: turn_of(outcome),
            cited: cited_of(outcome),
            actions: outcome.actions.clone(),
            model: outcome.model.clone(),
        }),
        documents: documents(outcome, found.passages),
        confidence: outcome.confidence,
        unanswered,
        settles,
        deliveries,
    };
    services.retrieve.metadata.record_outcome(record).await?;
    if enqueued {
        services.deliver.notify_one();
    }
    Ok(())
}

/// What rules look at. What is said about documents is read only for rules that ask.
async fn facts(services: &ActServices, collection: &str, outcome: &Outcome) -> Result<OutcomeFacts, AnswerError> {
    let mut cited = Vec::new();
    if needs_tags(&services.rules) {
        let documents: BTreeSet<DocumentId> = outcome.citations.iter().map(|citation| citation.document_id).collect();
        for id in documents {
            match services.retrieve.metadata.document(id).await {
                Ok(document) => cited.push(document.metadata),
                // It was deleted a moment ago.
                Err(MetadataStoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(OutcomeFacts {
        outcome: outcome.outcome,
        confidence: outcome.confidence,
        collection: collection.to_owned(),
        kind: outcome.question.kind,
        cited,
    })
}

/// Names the documents of the best passages, in place of those that are named already.
fn suggest(outcome: &mut Outcome, passages: &[Passage], count: usize) {
    outcome.actions.retain(|action| !matches!(action, Action::SuggestDocuments { .. }));
    let document_ids = documents_of(passages.iter(), count);
    if !document_ids.is_empty() {
        outcome.actions.push(Action::SuggestDocuments { document_ids });
    }
}

async fn relate(
    services: &ActServices,
    question: &Question,
    outcome: &mut Outcome,
    found: Found<'_>,
    count: u32,
) -> Result<(), AnswerError> {
    let filter = question.filter.clone().unwrap_or_default();
    let around = Around {
        collection: question.collection.as_deref().unwrap_or(DEFAULT_COLLECTION),
        filter: &filter,
        access: &question.asker.access,
        citations: &outcome.citations,
        passages: found.passages,
        question: &outcome.question.interpreted,
        question_vector: found.question_vector,
        searched: outcome.model.index,
    };
    let document_ids = related_documents(&services.retrieve, around, count as usize).await?;
    if !document_ids.is_empty() {
        outcome.actions.push(Action::RelatedDocuments { document_ids });
    }
    Ok(())
}

/// What is kept of a question for the owners of the documents. Of a question of several parts it is those that were
/// declined.
async fn keep(
    services: &ActServices,
    id: UnansweredId,
    outcome: &Outcome,
    found: Found<'_>,
) -> Result<NewUnanswered, AnswerError> {
    let parts = outcome.question.parts.iter().filter(|part| part.outcome == OutcomeKind::Abstained);
    let declined: Vec<&str> = parts.map(|part| part.question.as_str()).collect();
    let asked = match outcome.outcome {
        OutcomeKind::Partial if !declined.is_empty() => declined.join(" "),
        _ => outcome.question.interpreted.clone(),
    };
    let embedder = services.retrieve.embedders.of_searched(outcome.model.index);
    let vector = match found.question_vector.filter(|_| asked == outcome.question.interpreted) {
        Some(vector) => vector.to_vec(),
        None => embedder.embed_question(asked.clone()).await?,
    };
    let near = |passage: &Passage| NearPassage {
        document_id: passage.chunk.document_id,
        chunk_id: passage.chunk.id,
        score: passage.score,
    };
    let stamp = embedder.stamp();
    Ok(NewUnanswered {
        id,
        question: written_out(&outcome.question.original),
        asked_as: asked_as(&asked),
        interpreted: (asked != outcome.question.original).then_some(asked),
        outcome: outcome.outcome,
        nearest: found.passages.iter().take(NEAREST).map(near).collect(),
        embedder: format!("{}@{}", stamp.name, stamp.sha256),
        vector,
    })
}

/// A question without what does not matter: the same for the same words.
fn asked_as(question: &str) -> String {
    let lower = question.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The documents that an outcome's words may come from: those it cites, and all that were found when it asks back with
/// readings that were taken from them.
fn documents(outcome: &Outcome, passages: &[Passage]) -> Vec<DocumentId> {
    let mut documents: BTreeSet<DocumentId> = outcome.citations.iter().map(|citation| citation.document_id).collect();
    if outcome.clarify.as_ref().is_some_and(|readings| !readings.is_empty()) {
        documents.extend(passages.iter().map(|passage| passage.chunk.document_id));
    }
    documents.into_iter().collect()
}

/// What a webhook gets: the envelope of Standard Webhooks, and the facts of the outcome.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: DateTime<Utc>,
    data: MessageFacts<'a>,
}

#[derive(Serialize)]
struct MessageFacts<'a> {
    answer_id: AnswerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<ConversationId>,
    collection: &'a str,
    question: &'a str,
    interpreted: &'a str,
    kind: RequestKind,
    outcome: OutcomeKind,
    confidence: f32,
    answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_answer: Option<&'a str>,
    citations: &'a [Citation],
    #[serde(skip_serializing_if = "Option::is_none")]
    clarify: Option<&'a [String]>,
    actions: &'a [Action],
}

fn body(collection: &str, outcome: &Outcome) -> Result<String, AnswerError> {
    let message = Message {
        r#type: "footnote.outcome",
        timestamp: Utc::now(),
        data: MessageFacts {
            answer_id: outcome.id,
            conversation_id: outcome.conversation_id,
            collection,
            question: &outcome.question.original,
            interpreted: &outcome.question.interpreted,
            kind: outcome.question.kind,
            outcome: outcome.outcome,
            confidence: outcome.confidence,
            answer: &outcome.answer,
            short_answer: outcome.short_answer.as_deref(),
            citations: &outcome.citations,
            clarify: outcome.clarify.as_deref(),
            actions: &outcome.actions,
        },
    };
    let json = serde_json::to_string(&message);
    json.map_err(|error| MetadataStoreError::Failed(format!("an outcome cannot be written: {error}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_is_the_same_however_it_is_typed() {
        assert_eq!(asked_as("  When does the Café open?"), asked_as("when does the café OPEN"));
        assert_ne!(asked_as("When does the café open?"), asked_as("When does the café close?"));
    }
}
