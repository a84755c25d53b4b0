//! A question arrives: preprocess -> retrieve -> read -> generate -> postfilter -> act.
//!
//! A type per stage ([`Question`] -> [`PreparedQuestion`] -> [`Evidence`] -> [`ReadEvidence`] -> [`Draft`] ->
//! [`Verified`] -> [`Outcome`]), so that a wrong order does not compile. May depend on `domain`, the stores and `models`.

mod act;
mod error;
pub(crate) mod generate;
mod given;
pub(crate) mod postfilter;
#[cfg(test)]
pub use postfilter::testing as postfilter_testing;
pub(crate) mod preprocess;
pub(crate) mod prompts;
mod read;
mod retrieve;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

pub use error::AnswerError;
pub use generate::Draft;
pub use given::{GivenPassage, answer_given};
pub use postfilter::{Verified, VerifiedSentence};
pub use preprocess::PreparedQuestion;
pub use read::{FoundSpan, READ_PASSAGES, ReadEvidence, Verdict};
pub use retrieve::{Evidence, Passage, RankingKind, SearchRequest, SearchResponse};

use crate::{
    blob_store::BlobStore,
    domain::{AnswerId, Citation, ModelVersions, Outcome, Question, Timings},
    metadata_store::MetadataStore,
    models::{embedder::Embedder, encoder::SpanReader, generator::Generator, lexical::Lexical},
    vector_store::VectorStore,
};

/// Everything that searching works with.
#[derive(Clone)]
pub struct RetrieveServices {
    /// Documents, chunks and generations.
    pub metadata: Arc<dyn MetadataStore>,
    /// Vectors.
    pub vectors: Arc<dyn VectorStore>,
    /// Makes dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Makes BM25 terms.
    pub lexical: Arc<Lexical>,
}

/// Everything that answering works with.
#[derive(Clone)]
pub struct AnswerServices {
    /// Finds the evidence.
    pub retrieve: RetrieveServices,
    /// The stored texts that citations are checked against.
    pub blobs: BlobStore,
    /// Finds the span that answers. Without one, the rules of the postfilter decide alone.
    pub reader: Option<Arc<dyn SpanReader>>,
    /// Writes drafts.
    pub generator: Arc<dyn Generator>,
}

/// What is sent while an answer is being made.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AnswerEvent {
    /// A stage begins.
    Stage {
        /// `preprocess`, `retrieve`, `read`, `generate` or `act`.
        stage: &'static str,
    },
    /// A sentence of the answer, checked against its source, with its footnote. Sentences come in order, and
    /// together they are the answer.
    Sentence {
        /// The sentence, with the space that stands before it in the answer.
        text: String,
        /// Its footnotes, as they will stand in the final outcome.
        citations: Vec<Citation>,
    },
}

/// Answers one question: the stages in their order.
///
/// `events` gets what happens meanwhile; a receiver that went away ends the work. The result is the same with
/// and without it.
pub async fn answer(
    services: &AnswerServices,
    question: Question,
    events: Option<mpsc::Sender<AnswerEvent>>,
) -> Result<Outcome, AnswerError> {
    answer_with_evidence(services, question, events).await.map(|(outcome, _)| outcome)
}

/// The same, with the passages that were found for the question: what an evaluation wants to know.
pub async fn answer_with_evidence(
    services: &AnswerServices,
    question: Question,
    events: Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Outcome, Vec<Passage>), AnswerError> {
    let started = Instant::now();
    let mut timings = Timings::default();
    let stage = Stage { events: &events };

    stage.enter("preprocess").await?;
    let prepared = preprocess::preprocess(question)?;
    timings.preprocess = milliseconds(started);

    stage.enter("retrieve").await?;
    let clock = Instant::now();
    let evidence = retrieve::retrieve(&services.retrieve, &prepared).await?;
    timings.retrieve = milliseconds(clock);

    let (mut outcome, read) = answer_from(services, prepared, evidence, &events).await?;
    timings.read = outcome.timings_ms.read;
    timings.generate = outcome.timings_ms.generate;
    timings.postfilter = outcome.timings_ms.postfilter;
    timings.total = milliseconds(started);
    outcome.timings_ms = timings;
    Ok((outcome, read.evidence.passages))
}

/// Everything after retrieval, and what was read for it. Of the timings, those of its own stages are filled.
async fn answer_from(
    services: &AnswerServices,
    prepared: PreparedQuestion,
    evidence: Evidence,
    events: &Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Outcome, ReadEvidence), AnswerError> {
    let (stage, started) = (Stage { events }, Instant::now());
    stage.enter("read").await?;
    let read = read::read(services.reader.as_deref(), &prepared, evidence).await?;
    let mut timings = Timings { read: milliseconds(started), ..Timings::default() };

    stage.enter("generate").await?;
    let clock = Instant::now();
    let (draft, verified) = generate::generate(services, &prepared, &read, events).await?;
    timings.generate = milliseconds(clock) - verified.milliseconds;
    timings.postfilter = verified.milliseconds;
    timings.total = milliseconds(started);

    stage.enter("act").await?;
    let model = ModelVersions {
        reader: services.reader.as_ref().map(|reader| reader.name().to_owned()),
        generator: services.generator.name().to_owned(),
        adapter: services.generator.adapter().map(str::to_owned),
        embedder: services.retrieve.embedder.stamp().name.clone(),
        index: read.evidence.generation,
    };
    let outcome = act::act(AnswerId::new(), prepared, &read, verified, model, draft.usage);
    Ok((Outcome { timings_ms: timings, ..outcome }, read))
}

/// The same retrieval without the generator.
pub async fn search(services: &RetrieveServices, request: SearchRequest) -> Result<SearchResponse, AnswerError> {
    retrieve::search(services, request).await
}

struct Stage<'a> {
    events: &'a Option<mpsc::Sender<AnswerEvent>>,
}

impl Stage<'_> {
    async fn enter(&self, stage: &'static str) -> Result<(), AnswerError> {
        send(self.events, AnswerEvent::Stage { stage }).await
    }
}

/// Sends an event to a listener, if there is one; `CallerLeft` when the listener went away.
async fn send(events: &Option<mpsc::Sender<AnswerEvent>>, event: AnswerEvent) -> Result<(), AnswerError> {
    match events {
        Some(events) => events.send(event).await.map_err(|_| AnswerError::CallerLeft),
        None => Ok(()),
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
