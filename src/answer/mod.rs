//! A question arrives: preprocess -> retrieve -> read -> generate -> postfilter -> act.
//!
//! A type per stage ([`Question`] -> [`PreparedQuestion`] -> [`Evidence`] -> [`ReadEvidence`] -> [`Draft`] ->
//! [`Verified`] -> [`Outcome`]), so that a wrong order does not compile. A request that asks several things goes through
//! retrieving, reading and writing once for each of its parts. May depend on `domain`, the stores and `models`.

mod act;
pub mod calibration;
mod carry_out;
pub mod clarify;
mod conversation;
mod error;
pub(crate) mod generate;
mod given;
mod instructions;
pub(crate) mod postfilter;
#[cfg(test)]
pub use postfilter::testing as postfilter_testing;
pub mod preprocess;
pub(crate) mod prompts;
mod read;
mod related;
mod rerank;
mod retrieve;
mod rules;
mod second_look;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trace;
pub mod vocabulary;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use serde::Serialize;
use tokio::sync::mpsc;
use tracing::{Instrument as _, field::Empty, info_span};
use utoipa::ToSchema;

pub use act::offered;
pub use carry_out::{ActServices, Found, carry_out};
pub use conversation::{history, resume};
pub use error::AnswerError;
pub use generate::Draft;
pub use given::{GivenPassage, answer_given};
pub use postfilter::{Verified, VerifiedSentence};
pub use preprocess::{PreparedPart, PreparedQuestion};
pub use read::{FoundSpan, ReadEvidence, Verdict};
pub use related::{Around, related_documents};
pub use retrieve::{Evidence, Passage, RankingKind, SearchRequest, SearchResponse};
pub use rules::{OutcomeFacts, Planned, actions_for};
pub use trace::{blacked_out, trace_of};

use calibration::Calibrated;
use clarify::{Margins, Readings};
use vocabulary::Vocabularies;

use crate::{
    blob_store::BlobStore,
    domain::{
        AnswerId, Citation, ModelVersions, Outcome, Question, Stage, Stages, Timings, Usage,
        personal_data::PersonalKind,
    },
    metadata_store::MetadataStore,
    models::{
        embedder::Embedders,
        encoder::{PairScorer, SpanReader},
        generator::Generator,
        lexical::Lexical,
    },
    vector_store::VectorStore,
};

/// Everything that searching works with.
#[derive(Clone)]
pub struct RetrieveServices {
    /// Documents, chunks and generations.
    pub metadata: Arc<dyn MetadataStore>,
    /// Vectors.
    pub vectors: Arc<dyn VectorStore>,
    /// Make dense vectors: each generation of the index has its own.
    pub embedders: Arc<Embedders>,
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
    /// Says whether evidence supports a sentence; absent when it was switched off.
    pub support: Option<Arc<dyn PairScorer>>,
    /// Says whether a passage answers a question; absent when it was switched off, or none ships.
    pub reranker: Option<Arc<dyn PairScorer>>,
    /// Writes drafts.
    pub generator: Arc<dyn Generator>,
    /// The words of the index.
    pub vocabulary: Vocabularies,
    /// Which stages are on.
    pub stages: Stages,
    /// The kinds of personal data and secrets that are blacked out.
    pub redact: BTreeSet<PersonalKind>,
    /// What a confidence means. Not used with other models than those that it belongs to: then the reader's own says it.
    pub calibration: Option<Arc<Calibrated>>,
}

impl AnswerServices {
    /// The models, without an index.
    pub fn models(&self) -> ModelVersions {
        ModelVersions {
            reader: self.reader.as_ref().map(|reader| reader.name().to_owned()),
            generator: self.generator.name().to_owned(),
            adapter: self.generator.adapter().map(str::to_owned),
            embedder: self.retrieve.embedders.serving().stamp().name.clone(),
            index: 0,
        }
    }
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
    answer_over(services, question, &Searched::Index, &events).await
}

/// Where the evidence of a question comes from.
enum Searched {
    /// The index is searched.
    Index,
    /// These passages are given, best first, whatever is asked.
    Given(Evidence),
}

async fn answer_over(
    services: &AnswerServices,
    question: Question,
    searched: &Searched,
    events: &Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Outcome, Vec<Passage>), AnswerError> {
    // A span for the question and one for each of its stages. They hold numbers and words of this program, and nothing
    // that was asked or found.
    let span =
        info_span!("answer", outcome = Empty, passages = Empty, prompt_tokens = Empty, completion_tokens = Empty);
    let (outcome, passages) = in_stages(services, question, searched, events).instrument(span.clone()).await?;
    span.record("outcome", outcome.outcome.as_str()).record("passages", passages.len());
    span.record("prompt_tokens", outcome.usage.prompt_tokens);
    span.record("completion_tokens", outcome.usage.completion_tokens);
    Ok((outcome, passages))
}

async fn in_stages(
    services: &AnswerServices,
    question: Question,
    searched: &Searched,
    events: &Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Outcome, Vec<Passage>), AnswerError> {
    let started = Instant::now();
    let mut timings = Timings::default();
    let stage = Progress { events };

    stage.enter("preprocess").await?;
    let prepared = preprocess::preprocess(services, question).instrument(info_span!("preprocess")).await?;
    timings.preprocess = milliseconds(started);

    let model = services.models();
    let calibration = services.calibration.as_deref().filter(|calibration| calibration.check(&model).is_ok());
    let mut ended: Vec<EndedPart> = Vec::new();
    for part in &prepared.parts {
        stage.enter("retrieve").await?;
        let clock = Instant::now();
        let evidence = match searched {
            Searched::Index => found(services, &prepared, part).instrument(info_span!("retrieve")).await?,
            Searched::Given(evidence) => evidence.clone(),
        };
        timings.retrieve += milliseconds(clock);
        // The parts before it are the beginning of the answer.
        let begins_at = ended.iter().map(|part| part.verified.code_points()).sum();
        stage.enter("read").await?;
        let clock = Instant::now();
        let reading = async {
            let read = read::read(services.reader.as_deref(), part, evidence).await?;
            match searched {
                Searched::Index => second_look::second_look(services, &prepared, part, read).await,
                Searched::Given(_) => Ok(read),
            }
        };
        let read = reading.instrument(info_span!("read")).await?;
        timings.read += milliseconds(clock);
        ended.push(answer_part(services, calibration, part, read, begins_at, events, &mut timings).await?);
    }

    stage.enter("act").await?;
    let index = ended.first().map_or(0, |part| part.read.evidence.generation);
    // Of what was searched: another one may have begun to serve since.
    let embedder = services.retrieve.embedders.of_searched(index).stamp().name.clone();
    let model = ModelVersions { index, embedder, ..model };
    let outcome = info_span!("act").in_scope(|| act::act(AnswerId::new(), prepared, &ended, model));
    timings.total = milliseconds(started);
    let passages = ended.into_iter().flat_map(|part| part.read.evidence.passages).collect();
    Ok((Outcome { timings_ms: timings, ..outcome }, passages))
}

/// The passages that are read for a part: the best, those that another reading may rest on, and those that the
/// conversation rests on.
async fn found(
    services: &AnswerServices,
    question: &PreparedQuestion,
    part: &PreparedPart,
) -> Result<Evidence, AnswerError> {
    let reranker = services.reranker.as_deref().filter(|_| services.stages.has(Stage::Rerank));
    let clarifies = services.stages.has(Stage::Clarify);
    let depth = question.top_k.max(if reranker.is_some() { rerank::DEPTH } else { 0 });
    let depth = depth.max(if clarifies { clarify::DEPTH } else { 0 });
    let mut evidence = retrieve::retrieve(&services.retrieve, question, part, depth).await?;
    if let Some(scorer) = reranker {
        evidence = rerank::rerank(scorer, part, evidence).await?;
    }
    match clarifies {
        true => {
            let (lexical, passages) = (&services.retrieve.lexical, evidence.passages);
            evidence.passages = clarify::with_others(lexical, &part.interpreted, passages, question.top_k);
        }
        false => evidence.passages.truncate(question.top_k),
    }
    retrieve::carry(&services.retrieve, question, &mut evidence).await?;
    Ok(evidence)
}

/// What is read for a question before it is answered: its parts as they were understood, each with its evidence. What an
/// evaluation judges with constants of its own.
pub async fn read_only(
    services: &AnswerServices,
    question: Question,
) -> Result<Vec<(PreparedPart, ReadEvidence)>, AnswerError> {
    let prepared = preprocess::preprocess(services, question).await?;
    let mut parts = Vec::with_capacity(prepared.parts.len());
    for part in &prepared.parts {
        let evidence = found(services, &prepared, part).await?;
        let read = read::read(services.reader.as_deref(), part, evidence).await?;
        parts.push((part.clone(), second_look::second_look(services, &prepared, part, read).await?));
    }
    Ok(parts)
}

/// What came of one part of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedPart {
    /// What was read.
    pub read: ReadEvidence,
    /// What stands of the draft.
    pub verified: Verified,
    /// The readings to choose from, when the question has several.
    pub options: Vec<String>,
    /// What it cost.
    pub usage: Usage,
}

/// Everything after reading, for one part.
async fn answer_part(
    services: &AnswerServices,
    calibration: Option<&Calibrated>,
    part: &PreparedPart,
    mut read: ReadEvidence,
    begins_at: u32,
    events: &Option<mpsc::Sender<AnswerEvent>>,
    timings: &mut Timings,
) -> Result<EndedPart, AnswerError> {
    let (stage, clock) = (Progress { events }, Instant::now());
    if let Some(calibration) = calibration {
        read.verdict = calibrated(calibration, read.verdict);
    }
    let readings = readings(services, part, &read);
    timings.read += milliseconds(clock);
    if let Some(Readings::Ambiguous(readings)) = readings {
        let confidence = match &read.verdict {
            Verdict::Holds(span) => span.probability,
            Verdict::DoesNotHold { probability, .. } => *probability,
            Verdict::NotRead => 0.0,
        };
        let (redactor, mut redacted) = (postfilter::redactor(services, &read.evidence), BTreeSet::new());
        let options = readings.iter().map(|reading| redactor.redact(&reading.label, &mut redacted)).collect();
        let verified = Verified { confidence, redacted, ..Verified::default() };
        return Ok(EndedPart { read, verified, options, usage: Usage::default() });
    }

    stage.enter("generate").await?;
    if let Some(Readings::Conflict(readings)) = readings {
        let clock = Instant::now();
        let mut checker = postfilter::Checker::new(services, part, &read, begins_at);
        for event in checker.quote_contradictions(&readings).await? {
            send(events, event).await?;
        }
        let verified = checker.finish();
        timings.postfilter += milliseconds(clock);
        return Ok(EndedPart { read, verified, options: Vec::new(), usage: Usage::default() });
    }
    let clock = Instant::now();
    let generating = generate::generate(services, part, &read, begins_at, events);
    let (draft, verified) = generating.instrument(info_span!("generate")).await?;
    timings.generate += milliseconds(clock) - verified.milliseconds;
    timings.postfilter += verified.milliseconds;
    let usage = Usage { sentences_removed: verified.removed.len() as u32, ..draft.usage };
    Ok(EndedPart { read, verified, options: Vec::new(), usage })
}

/// The verdict with the probability that an answer is right in place of the reader's own, and declined where that is not
/// enough.
fn calibrated(calibration: &Calibrated, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Holds(span) => {
            let probability = calibration.probability(span.probability);
            match calibration.is_enough(probability) {
                true => Verdict::Holds(FoundSpan { probability, ..span }),
                false => Verdict::DoesNotHold { score: Some(span.score), probability },
            }
        }
        Verdict::DoesNotHold { score, probability } => {
            Verdict::DoesNotHold { score, probability: calibration.probability(probability) }
        }
        Verdict::NotRead => Verdict::NotRead,
    }
}

/// The readings of a question. One that is declined may be asked back, but no contradiction is reported for it.
fn readings(services: &AnswerServices, part: &PreparedPart, read: &ReadEvidence) -> Option<Readings> {
    let (decision, stages) = (services.reader.as_ref()?.decision(), &services.stages);
    let (lexical, passages) = (&services.retrieve.lexical, &read.evidence.passages);
    let found = clarify::readings(lexical, &part.interpreted, passages, &read.spans, decision, Margins::TUNED)?;
    let stands = match &found {
        Readings::Ambiguous(_) => stages.has(Stage::Clarify),
        Readings::Conflict(_) => stages.has(Stage::Conflicts) && matches!(read.verdict, Verdict::Holds(_)),
    };
    stands.then_some(found)
}

/// The same retrieval without the generator.
pub async fn search(services: &RetrieveServices, request: SearchRequest) -> Result<SearchResponse, AnswerError> {
    retrieve::search(services, request).await
}

struct Progress<'a> {
    events: &'a Option<mpsc::Sender<AnswerEvent>>,
}

impl Progress<'_> {
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
