//! Checking a draft against its evidence, one sentence at a time, and giving each its footnote.
//!
//! A sentence stands when one place in the evidence carries it (`support`), when it is about the span that the reader
//! found (`span`) or, where nobody read, when that place speaks about what was asked (`relevance`), and when the quote
//! equals the stored text at its offsets (`citations`). The rest of a draft goes. May depend on `domain`, the stores and
//! `models`.

mod citations;
mod literal;
mod quantity;
mod redact;
mod relevance;
mod span;
mod support;
#[cfg(test)]
pub mod testing;

use std::{collections::BTreeSet, ops::Range, time::Instant};

use super::{
    AnswerError, AnswerEvent, AnswerServices, Evidence, Passage, PreparedPart, ReadEvidence, Verdict, prompts,
};
use crate::{
    answer::clarify::Reading,
    domain::{Citation, Stage, personal_data::PersonalKind, text::CodePointIndex},
    models::encoder::PairError,
};
use redact::Redactor;
use relevance::Relevance;
use span::SpanSource;
use support::{Asked, SourceSentence};

/// What the model of support calls a sentence that its evidence carries.
const SUPPORTED: &str = "supported";

/// What is said where sources contradict each other.
const CONTRADICT: &str = "The sources contradict each other:";

/// What is left of a draft.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verified {
    /// The sentences that stand, in order.
    pub sentences: Vec<VerifiedSentence>,
    /// The sentences of the draft that did not stand.
    pub removed: Vec<String>,
    /// No sentence of the draft stood, and the answer is the source's own.
    pub quoted: bool,
    /// The sources contradict each other, and the answer quotes each of them.
    pub contradicting: bool,
    /// The words of the span that answers, as they may be shown; absent where nothing stands or nobody read.
    pub short_answer: Option<String>,
    /// What was blacked out.
    pub redacted: BTreeSet<PersonalKind>,
    /// How well the evidence carries the answer, 0 to 1.
    pub confidence: f32,
    /// How long checking took.
    pub milliseconds: f64,
}

/// A sentence of the answer, with its footnotes.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedSentence {
    /// The sentence, with the space that stands before it in the answer.
    pub text: String,
    /// Its footnotes.
    pub citations: Vec<Citation>,
    /// How well its source carries it, 0 to 1.
    pub support: f32,
}

/// The text of the passage in which the span stands, and where in it, in bytes.
fn place_of_span<'a>(evidence: &'a Evidence, verdict: &Verdict) -> Option<(&'a str, Range<usize>)> {
    let (Verdict::Holds(span), Some(passage)) = (verdict, evidence.passages.first()) else { return None };
    let index = CodePointIndex::new(&passage.chunk.text);
    let place = index.byte_of(span.range.start)?..index.byte_of(span.range.end)?;
    Some((passage.chunk.text.as_str(), place))
}

/// What blacks out the words of some evidence, by the policy.
pub fn redactor(services: &AnswerServices, evidence: &Evidence) -> Redactor {
    redactor_of(services, evidence.passages.iter())
}

/// What blacks out the words of some passages, by the policy.
pub fn redactor_of<'a>(services: &AnswerServices, passages: impl Iterator<Item = &'a Passage>) -> Redactor {
    let kinds = if services.stages.has(Stage::Redact) { services.redact.clone() } else { BTreeSet::new() };
    Redactor::new(kinds, passages)
}

impl Verified {
    /// The answer: the sentences that stand.
    pub fn text(&self) -> String {
        self.sentences.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    /// The length of the answer.
    pub fn code_points(&self) -> u32 {
        self.sentences.iter().map(|sentence| sentence.text.chars().count() as u32).sum()
    }

    /// With the time since `clock` as the time that checking took.
    pub fn after(mut self, clock: Instant) -> Self {
        self.milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
        self
    }
}

/// Checks the sentences of one draft.
pub struct Checker<'a> {
    services: &'a AnswerServices,
    evidence: &'a Evidence,
    verdict: &'a Verdict,
    asked: Asked<'a>,
    relevance: Relevance<'a>,
    redactor: Redactor,
    sources: Vec<SourceSentence<'a>>,
    /// Whether the sources have been compared with the question.
    scored: bool,
    span: Option<SpanSource>,
    read: usize,
    begins_at: u32,
    verified: Verified,
}

impl<'a> Checker<'a> {
    /// Gets ready to check a draft for `question` that was written from what was read.
    /// The part of the answer begins at the code point `begins_at` of the whole.
    pub fn new(
        services: &'a AnswerServices,
        question: &'a PreparedPart,
        read: &'a ReadEvidence,
        begins_at: u32,
    ) -> Self {
        let (evidence, lexical) = (&read.evidence, &services.retrieve.lexical);
        let mut sources = support::source_sentences(lexical, &question.interpreted, &evidence.passages);
        let mut redactor = redactor(services, evidence);
        if let Some((whole, part)) = place_of_span(evidence, &read.verdict) {
            redactor.know(whole, &part);
        }
        let span = match (&read.verdict, evidence.passages.first()) {
            (Verdict::Holds(span), Some(passage)) => SpanSource::find(lexical, passage, span, &mut sources),
            _ => None,
        };
        Self {
            services,
            evidence,
            asked: Asked {
                text: &question.interpreted,
                terms: lexical.terms(&question.interpreted).into_iter().collect(),
                literal: services.stages.has(Stage::Literal),
            },
            redactor,
            verdict: &read.verdict,
            relevance: Relevance::new(
                &services.retrieve,
                evidence.generation,
                &question.interpreted,
                &evidence.question_vector,
            ),
            sources,
            scored: false,
            span,
            read: evidence.passages.len(),
            begins_at,
            verified: Verified::default(),
        }
    }

    /// Where nobody read: whether any sentence of the evidence speaks about what was asked. When none does, nothing
    /// needs to be written.
    pub async fn may_hold_the_answer(&mut self) -> Result<bool, AnswerError> {
        self.score().await?;
        Ok(self.sources.iter().any(|source| source.is_relevant()))
    }

    async fn score(&mut self) -> Result<(), AnswerError> {
        if !self.scored {
            self.relevance.score(&mut self.sources).await?;
            self.scored = true;
        }
        Ok(())
    }

    /// The draft was written from the first `passages` of the evidence; only those can be cited.
    pub fn reads(&mut self, passages: usize) {
        self.read = passages;
    }

    /// Checks a sentence of the draft. When it stands it becomes part of the answer, and the event says so.
    pub async fn check(&mut self, sentence: &str) -> Result<Option<AnswerEvent>, AnswerError> {
        let sentence = sentence.trim();
        if sentence.is_empty() || self.repeats(sentence) {
            return Ok(None);
        }
        let carried = if sentence.contains(prompts::DECLINES) { None } else { self.carried(sentence).await? };
        let stands = match carried {
            Some((sources, support)) if self.is_supported(sentence, &sources).await? => Some((sources, support)),
            _ => None,
        };
        match stands {
            Some((sources, support)) => self.accept(sentence.to_owned(), &sources, support).await,
            None => {
                self.verified.removed.push(sentence.to_owned());
                Ok(None)
            }
        }
    }

    /// Whether a model that was trained for it finds a sentence carried by the sources that it would cite. Without one, and
    /// for a sentence that is too long for it, what the rules found stands.
    async fn is_supported(&self, sentence: &str, sources: &[usize]) -> Result<bool, AnswerError> {
        let Some(scorer) = self.services.support.as_deref().filter(|_| self.services.stages.has(Stage::Support)) else {
            return Ok(true);
        };
        let evidence: Vec<&str> = sources.iter().map(|at| self.sources[*at].text).collect();
        let scores = match scorer.score(vec![(sentence.to_owned(), evidence.join(" "))]).await {
            Err(PairError::TextTooLong { .. }) => return Ok(true),
            other => other?,
        };
        let supported = scorer.labels().iter().position(|label| label == SUPPORTED);
        let score = supported.and_then(|at| scores.first()?.get(at).copied());
        let score =
            score.ok_or_else(|| PairError::Failed(format!("`{}` has no score for `{SUPPORTED}`", scorer.name())))?;
        Ok(score >= scorer.threshold(SUPPORTED).unwrap_or(0.5))
    }

    /// The sources that a sentence of the draft cites, and how well they carry it; `None` when it does not stand.
    ///
    /// An answer begins with the span: its first sentence must be about it, and cites the place where it stands.
    async fn carried(&mut self, sentence: &str) -> Result<Option<(Vec<usize>, f32)>, AnswerError> {
        let (lexical, asked) = (&self.services.retrieve.lexical, &self.asked);
        let first = self.verified.sentences.is_empty();
        if let Some(span) = &self.span
            && let Some(support) = support::support(lexical, sentence, asked, &self.sources[span.source])
            && (!first || span.is_touched_by(sentence, lexical))
        {
            return Ok(Some((vec![span.source], support)));
        }
        let best = support::best_source(lexical, sentence, asked, &self.sources, self.read);
        let Some((at, support)) = best else { return Ok(None) };
        if let Some(span) = self.span.as_ref().filter(|_| first) {
            let cited = if at == span.source { vec![at] } else { vec![span.source, at] };
            return Ok(span.is_in(sentence).then_some((cited, support)));
        }
        // Where somebody read, this is a further sentence: not every answer has one.
        self.score().await?;
        let source = &self.sources[at];
        Ok(source.is_relevant().then_some((vec![at], support * source.relevance)))
    }

    /// When no sentence of the draft stands, the source is quoted as it is: the place where the span stands or, where
    /// nobody read, the sentence that answers best, if it is a clear match.
    pub async fn quote_if_nothing_stands(&mut self) -> Result<Option<AnswerEvent>, AnswerError> {
        if !self.verified.sentences.is_empty() {
            return Ok(None);
        }
        let clear = || {
            (0..self.sources.len())
                .filter(|at| self.sources[*at].is_clear_match())
                .max_by(|a, b| self.sources[*a].fitness().total_cmp(&self.sources[*b].fitness()))
        };
        let Some(best) = self.span.as_ref().map(|span| span.source).or_else(clear) else { return Ok(None) };
        self.verified.quoted = true;
        let source = &self.sources[best];
        let support = if self.span.is_some() { 1.0 } else { source.relevance };
        let text = self.quoted(source);
        self.accept(text, &[best], support).await
    }

    /// Sources that contradict each other: all of them are quoted, each with its footnote, and nothing is chosen among
    /// them. Returns the events in order.
    pub async fn quote_contradictions(&mut self, readings: &[Reading]) -> Result<Vec<AnswerEvent>, AnswerError> {
        let (lexical, evidence) = (&self.services.retrieve.lexical, self.evidence);
        let mut places = Vec::new();
        for reading in readings {
            let Some(passage) = evidence.passages.get(reading.passage) else { continue };
            let text = passage.chunk.text.as_str();
            let index = CodePointIndex::new(text);
            let bytes = index.byte_of(reading.span.range.start).zip(index.byte_of(reading.span.range.end));
            let Some((start, end)) = bytes else { continue };
            let range = span::quoted(text, start..end);
            self.sources.push(SourceSentence::new(lexical, passage, reading.passage, range));
            places.push(self.sources.len() - 1);
        }
        self.verified.contradicting = true;
        self.verified.quoted = true;
        let mut events = Vec::new();
        events.extend(self.accept(CONTRADICT.to_owned(), &places, 1.0).await?);
        for place in places {
            let text = self.quoted(&self.sources[place]);
            if !self.repeats(&text) {
                events.extend(self.accept(text, &[place], 1.0).await?);
            }
        }
        Ok(events)
    }

    /// What is left.
    pub fn finish(mut self) -> Verified {
        let sentences = &self.verified.sentences;
        // Where sources contradict each other there is not one answer.
        if let (false, false, Verdict::Holds(span)) = (sentences.is_empty(), self.verified.contradicting, self.verdict)
        {
            let redacted = &mut self.verified.redacted;
            self.verified.short_answer = Some(match place_of_span(self.evidence, self.verdict) {
                Some((whole, part)) => self.redactor.redact_part(whole, part, redacted),
                None => self.redactor.redact(&span.text, redacted),
            });
        }
        self.verified.confidence = match self.verdict {
            // Without a sentence there is nothing to be sure of: the source has gone meanwhile.
            _ if sentences.is_empty() => 0.0,
            Verdict::Holds(span) => span.probability,
            _ => {
                let support: f32 = sentences.iter().map(|sentence| sentence.support).sum();
                (support / sentences.len() as f32).clamp(0.0, 1.0)
            }
        };
        self.verified
    }

    /// The words of a source on one line, as they may be shown.
    fn quoted(&self, source: &SourceSentence<'_>) -> String {
        let whole = &self.evidence.passages[source.passage].chunk.text;
        // What is blacked out is told when the sentence is accepted with its quote.
        let shown = self.redactor.redact_part(whole, source.range.clone(), &mut BTreeSet::new());
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn repeats(&self, sentence: &str) -> bool {
        let sentence = self.redactor.redact(sentence, &mut BTreeSet::new());
        self.verified.sentences.iter().any(|earlier| earlier.text.trim() == sentence)
    }

    /// Makes a sentence part of the answer, if every source that it cites is still there.
    async fn accept(
        &mut self,
        sentence: String,
        sources: &[usize],
        support: f32,
    ) -> Result<Option<AnswerEvent>, AnswerError> {
        let start = self.begins_at + self.verified.code_points();
        let space = if start == 0 { "" } else { " " };
        let answer_start = start + space.len() as u32;
        let answer_end = answer_start + sentence.chars().count() as u32;
        let mut citations = Vec::new();
        for source in sources {
            let source = &self.sources[*source];
            let passage: &Passage = &self.evidence.passages[source.passage];
            let (blobs, generation) = (&self.services.blobs, self.evidence.generation);
            let range = source.range.clone();
            let Some(citation) = citations::cite(blobs, generation, passage, range, answer_start..answer_end).await?
            else {
                self.verified.removed.push(sentence);
                return Ok(None);
            };
            let (whole, redacted) = (&passage.chunk.text, &mut self.verified.redacted);
            // The quote is this very part of the passage.
            let quote = self.redactor.redact_part(whole, source.range.clone(), redacted);
            let heading = citation.heading.map(|heading| self.redactor.redact(&heading, redacted));
            citations.push(Citation { quote, heading, ..citation });
        }
        let text = format!("{space}{}", self.redactor.redact(&sentence, &mut self.verified.redacted));
        self.verified.sentences.push(VerifiedSentence { text: text.clone(), citations: citations.clone(), support });
        Ok(Some(AnswerEvent::Sentence { text, citations }))
    }
}
