//! The reader: one question, some passages, and the spans that answer it best.
//!
//! Each passage is read by itself, in one or more windows. A span's score is the sum of the logits of its first and
//! last token, less that of "no span" (`[CLS]` twice) in the same window, as SQuAD 2.0's baselines do
//! (<https://arxiv.org/abs/1806.03822>): so scores of different passages compare, and 0 is even odds before
//! calibration. May depend on the siblings.

use std::{cmp::Ordering, path::Path};

use super::{
    Decision, EncoderError,
    bert::{Bert, Packed},
    features::{Limits, ReaderTokenizer, TextTokens, Window},
    heads::{ReaderHeads, ReaderLogits},
    load::Base,
};
use crate::models::adapter::AdapterFiles;

/// The best first and last tokens of a window that are combined.
const ENDS: usize = 20;

/// A passage as it is shown to the reader.
#[derive(Debug, Clone, Copy)]
pub struct PassageText<'a> {
    /// The title of its source; may be empty.
    pub title: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A span that may be the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanCandidate {
    /// Which passage, from 0.
    pub passage: usize,
    /// Its first code point in the passage.
    pub start: u32,
    /// One past its last.
    pub end: u32,
    /// By how much its logits exceed those of "no span".
    pub score: f32,
    /// The logit that its window holds an answer.
    pub answerable: f32,
}

/// What the reader found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The best spans over all passages, the best first, at most as many as asked for.
    pub spans: Vec<SpanCandidate>,
    /// For each passage, the score of its best span; `None` when it has no tokens.
    pub scores: Vec<Option<f32>>,
    /// For each passage, the highest logit that one of its windows holds an answer.
    pub answerable: Vec<f32>,
    /// The windows that were read.
    pub windows: usize,
    /// The tokens that were read.
    pub tokens: usize,
    /// The tokens of titles that found no room.
    pub title_left_out: usize,
}

/// A trained reader.
#[derive(Debug, Clone)]
pub struct Reader {
    bert: Bert,
    heads: ReaderHeads,
    tokenizer: ReaderTokenizer,
    limits: Limits,
    decision: Decision,
    threads: usize,
}

/// A window, and where it comes from.
struct Placed<'a> {
    passage: usize,
    window: Window,
    tokens: &'a TextTokens,
}

impl Reader {
    /// Puts the parts together. `threads` windows are read at a time.
    pub fn new(bert: Bert, heads: ReaderHeads, tokenizer: ReaderTokenizer, limits: Limits, threads: usize) -> Self {
        Self { bert, heads, tokenizer, limits, decision: Decision::UNFITTED, threads: threads.max(1) }
    }

    /// Reads the folder of a base model and puts a reader that was trained on it on top.
    pub fn load(base: &Path, files: &AdapterFiles, threads: usize) -> Result<Self, EncoderError> {
        let (base, heads, settings) = Base::load(base)?.with_reader(files)?;
        let decision = settings.decision();
        Ok(Self { decision, ..Self::new(base.bert, heads, base.tokenizer, settings.limits, threads) })
    }

    /// What the scores of its spans mean.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The `best` spans of all passages together.
    pub fn read(&self, question: &str, passages: &[PassageText<'_>], best: usize) -> Result<Reading, EncoderError> {
        let question = self.tokenizer.tokens(question)?;
        let tokens = passages.iter().map(|passage| self.tokenizer.tokens(passage.text));
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        let mut reading = Reading::default();
        let mut placed = Vec::new();
        for (passage, (text, tokens)) in passages.iter().zip(&tokens).enumerate() {
            let title = self.tokenizer.tokens(text.title)?;
            let windows = self.tokenizer.windows(&question, &title, tokens, &self.limits)?;
            reading.title_left_out += windows.title_left_out;
            placed.extend(windows.windows.into_iter().map(|window| Placed { passage, window, tokens }));
        }
        reading.windows = placed.len();
        reading.tokens = placed.iter().map(|placed| placed.window.tokens.len()).sum();
        reading.scores = vec![None; passages.len()];
        reading.answerable = vec![f32::NEG_INFINITY; passages.len()];
        for spans in self.in_parallel(&placed)? {
            for (passage, answerable, spans) in spans {
                reading.answerable[passage] = reading.answerable[passage].max(answerable);
                let score = spans.iter().map(|span| span.score).reduce(f32::max);
                reading.scores[passage] = match (reading.scores[passage], score) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    (a, b) => a.or(b),
                };
                reading.spans.extend(spans);
            }
        }
        sort(&mut reading.spans);
        reading.spans.truncate(best);
        Ok(reading)
    }

    /// Divides the windows among the threads. What comes out does not depend on their number.
    #[allow(clippy::type_complexity, reason = "the inside of one function")]
    fn in_parallel(&self, placed: &[Placed<'_>]) -> Result<Vec<Vec<(usize, f32, Vec<SpanCandidate>)>>, EncoderError> {
        if placed.is_empty() {
            return Ok(Vec::new());
        }
        let parts: Vec<_> = placed.chunks(placed.len().div_ceil(self.threads)).collect();
        let Some((last, others)) = parts.split_last() else { return Ok(Vec::new()) };
        std::thread::scope(|scope| {
            let others: Vec<_> = others.iter().map(|part| scope.spawn(|| self.windows(part))).collect();
            let last = self.windows(last);
            let mut out = Vec::new();
            for other in others {
                out.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            out.push(last?);
            Ok(out)
        })
    }

    fn windows(&self, placed: &[Placed<'_>]) -> Result<Vec<(usize, f32, Vec<SpanCandidate>)>, EncoderError> {
        let packed = pack(placed.iter().map(|placed| &placed.window));
        let rows = self.bert.forward(&packed, None)?;
        let firsts = packed.firsts();
        let ReaderLogits { span, answerable } = self.heads.forward(&rows, &firsts, None)?;
        let (span, answerable) = (span.to_vec2::<f32>()?, answerable.flatten_all()?.to_vec1::<f32>()?);
        let spans = placed.iter().zip(firsts).zip(answerable).map(|((placed, first), answerable)| {
            let logits = &span[first..first + placed.window.tokens.len()];
            (placed.passage, answerable, self.spans(placed, logits, answerable))
        });
        Ok(spans.collect())
    }

    /// The spans of one window: the best ends combined.
    fn spans(&self, placed: &Placed<'_>, logits: &[Vec<f32>], answerable: f32) -> Vec<SpanCandidate> {
        let none = logits[0][0] + logits[0][1];
        let best = |side: usize| {
            let mut rows: Vec<usize> = placed.window.passage.clone().collect();
            rows.sort_by(|a, b| logits[*b][side].total_cmp(&logits[*a][side]).then(a.cmp(b)));
            rows.truncate(ENDS);
            rows
        };
        let (starts, ends) = (best(0), best(1));
        let mut spans = Vec::new();
        for start in starts {
            for end in ends.iter().copied().filter(|end| *end >= start && end - start < self.limits.span) {
                let offset =
                    |row: usize| placed.tokens.offsets[row - placed.window.passage.start + placed.window.first];
                spans.push(SpanCandidate {
                    passage: placed.passage,
                    start: offset(start).0,
                    end: offset(end).1,
                    score: logits[start][0] + logits[end][1] - none,
                    answerable,
                });
            }
        }
        sort(&mut spans);
        spans
    }
}

/// The best first, each place once.
fn sort(spans: &mut Vec<SpanCandidate>) {
    let place = |span: &SpanCandidate| (span.passage, span.start, span.end);
    spans.sort_by(|a, b| place(a).cmp(&place(b)).then(b.score.total_cmp(&a.score)));
    spans.dedup_by_key(|span| place(span));
    spans.sort_by(|a, b| match b.score.total_cmp(&a.score) {
        Ordering::Equal => place(a).cmp(&place(b)),
        other => other,
    });
}

/// Windows one behind the other.
pub fn pack<'a>(windows: impl Iterator<Item = &'a Window>) -> Packed {
    let (mut tokens, mut types, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for window in windows {
        tokens.extend(&window.tokens);
        types.extend((0..window.tokens.len()).map(|at| u8::from(at >= window.question_part)));
        lengths.push(window.tokens.len());
    }
    Packed { tokens, types, lengths: lengths.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::tiny::reader;
    use super::*;

    #[test]
    fn spans_lie_in_their_passages_sorted_and_once() {
        let passages = [
            PassageText { title: "t", text: "abc déf ghi jkl mno pqr stu vwx yza bcd" },
            PassageText { title: "", text: "zyx wvu" },
            PassageText { title: "empty", text: "" },
        ];
        let reading = reader(2).read("what", &passages, 1000).unwrap();
        assert!(reading.windows > 4 && reading.scores[2].is_none() && reading.scores[0].is_some());
        assert!(reading.spans.windows(2).all(|pair| pair[0].score >= pair[1].score));
        let mut places: Vec<_> = reading.spans.iter().map(|span| (span.passage, span.start, span.end)).collect();
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() == count && count > 20);
        for span in &reading.spans {
            let length = passages[span.passage].text.chars().count() as u32;
            assert!(span.start < span.end && span.end <= length, "{span:?}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let passages = [PassageText { title: "t", text: "abc def ghi jkl mno pqr stu vwx" }; 3];
        let (one, two) = (reader(1).read("who", &passages, 9).unwrap(), reader(2).read("who", &passages, 9).unwrap());
        for (a, b) in one.spans.iter().zip(&two.spans) {
            assert!((a.passage, a.start, a.end) == (b.passage, b.start, b.end) && (a.score - b.score).abs() < 1e-4);
        }
    }
}
