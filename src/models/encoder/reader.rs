//! The reader: one question, some passages, and the span of each that answers it best.
//!
//! Each passage is read by itself, in one or more windows. The score of a span in a window is the sum of the logits of
//! its first and last token, less that of "no span" (`[CLS]` twice) in the same window, as SQuAD 2.0's baselines do
//! (<https://arxiv.org/abs/1806.03822>): so scores of different passages compare, and 0 is even odds before calibration.
//!
//! Then the reader looks again: it reads the sentence around the best span of each passage, without what stands beside
//! it, once under the passage's title and once alone, and the span's score becomes the mean of the three. A passage that
//! is about everything that was asked, and still does not say it, is told from one that does by the sentence. May depend
//! on the siblings, `models::adapter` and `domain`.

use std::{path::Path, sync::Arc};

use super::{
    BestSpan, Decision, EncoderError,
    bert::{Bert, Packed},
    features::{Limits, ReaderTokenizer, TextTokens, Window},
    heads::ReaderHeads,
    load::Base,
    parallel::{Threads, in_portions},
};
use crate::{
    domain::{
        sentences::{around, sentences},
        text::{CodePointIndex, CodePointRange},
    },
    models::{adapter::AdapterFiles, cores::Cores},
};

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

/// What the reader found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The best span of each passage, in order; `None` for one that has no tokens.
    pub spans: Vec<Option<BestSpan>>,
    /// The windows that were read, in all looks.
    pub windows: usize,
    /// The tokens that were read, likewise.
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
    /// `None`: the thread that asks does everything.
    threads: Option<Threads>,
}

/// A window, and where it comes from.
struct Placed<'a> {
    passage: usize,
    window: Window,
    tokens: &'a TextTokens,
}

impl Reader {
    /// Puts the parts together, for the thread that asks.
    pub fn new(bert: Bert, heads: ReaderHeads, tokenizer: ReaderTokenizer, limits: Limits) -> Self {
        Self { bert, heads, tokenizer, limits, decision: Decision::UNFITTED, threads: None }
    }

    /// The same with threads of its own, as many as there are cores.
    pub fn with_threads(self, cores: Arc<Cores>) -> Result<Self, EncoderError> {
        Ok(Self { threads: Some(Threads::new("reader", cores)?), ..self })
    }

    /// Reads the folder of a base model and puts a reader that was trained on it on top.
    pub fn load(base: &Path, files: &AdapterFiles) -> Result<Self, EncoderError> {
        let (base, heads, settings) = Base::load(base)?.with_reader(files)?;
        let decision = settings.decision();
        Ok(Self { decision, ..Self::new(base.bert, heads, base.tokenizer, settings.limits) })
    }

    /// What the scores of its spans mean.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The best span of each passage, after all looks.
    pub fn read(&self, question: &str, passages: &[PassageText<'_>]) -> Result<Reading, EncoderError> {
        let question = self.tokenizer.tokens(question)?;
        let mut reading = self.look(&question, passages)?;
        let spans = reading.spans.iter_mut().zip(passages);
        let looked_at = spans.filter_map(|(span, passage)| {
            let span = span.as_mut()?;
            let sentence = sentence_of(passage.text, span.range)?;
            Some((span, [passage.title, ""].map(|title| PassageText { title, text: sentence })))
        });
        let (spans, sentences): (Vec<&mut BestSpan>, Vec<_>) = looked_at.unzip();
        let again = self.look(&question, sentences.as_flattened())?;
        for (span, again) in spans.into_iter().zip(again.spans.chunks(2)) {
            if let [Some(titled), Some(alone)] = again {
                span.score = (span.score + titled.score + alone.score) / 3.0;
            }
        }
        reading.windows += again.windows;
        reading.tokens += again.tokens;
        if reading.spans.iter().flatten().any(|span| !span.score.is_finite()) {
            return Err(candle_core::Error::Msg("the reader's scores are no finite numbers".to_owned()).into());
        }
        Ok(reading)
    }

    /// The best span of each passage as it is given.
    fn look(&self, question: &TextTokens, passages: &[PassageText<'_>]) -> Result<Reading, EncoderError> {
        let tokens = passages.iter().map(|passage| self.tokenizer.tokens(passage.text));
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        let mut reading = Reading { spans: vec![None; passages.len()], ..Reading::default() };
        let mut placed = Vec::new();
        for (passage, (text, tokens)) in passages.iter().zip(&tokens).enumerate() {
            let title = self.tokenizer.tokens(text.title)?;
            let windows = self.tokenizer.windows(question, &title, tokens, &self.limits)?;
            reading.title_left_out += windows.title_left_out;
            placed.extend(windows.windows.into_iter().map(|window| Placed { passage, window, tokens }));
        }
        reading.windows = placed.len();
        reading.tokens = placed.iter().map(|placed| placed.window.tokens.len()).sum();
        let lengths = placed.iter().map(|placed| placed.window.tokens.len());
        let spans = in_portions(self.threads.as_ref(), lengths, |portion| self.windows(&placed[portion]))?;
        for (placed, span) in placed.iter().zip(spans) {
            let best = &mut reading.spans[placed.passage];
            *best = better(*best, span);
        }
        Ok(reading)
    }

    fn windows(&self, placed: &[Placed<'_>]) -> Result<Vec<Option<BestSpan>>, EncoderError> {
        let packed = pack(placed.iter().map(|placed| &placed.window));
        let rows = self.bert.forward(&packed, None)?;
        let firsts = packed.firsts();
        let logits = self.heads.forward(&rows, &firsts, None)?.span.to_vec2::<f32>()?;
        let best = placed.iter().zip(firsts).map(|(placed, first)| {
            let logits = &logits[first..first + placed.window.tokens.len()];
            self.best_span(placed, logits)
        });
        Ok(best.collect())
    }

    /// The best span of a window: of its best first and last tokens, combined.
    fn best_span(&self, placed: &Placed<'_>, logits: &[Vec<f32>]) -> Option<BestSpan> {
        let none = logits[0][0] + logits[0][1];
        let ends = |side: usize| {
            let mut rows: Vec<usize> = placed.window.passage.clone().collect();
            rows.sort_by(|a, b| logits[*b][side].total_cmp(&logits[*a][side]).then(a.cmp(b)));
            rows.truncate(ENDS);
            rows
        };
        let (starts, ends) = (ends(0), ends(1));
        let offset = |row: usize| placed.tokens.offsets[row - placed.window.passage.start + placed.window.first];
        let mut best = None;
        for start in starts {
            for end in ends.iter().copied().filter(|end| *end >= start && end - start < self.limits.span) {
                let range = CodePointRange { start: offset(start).0, end: offset(end).1 };
                best = better(best, Some(BestSpan { range, score: logits[start][0] + logits[end][1] - none }));
            }
        }
        best
    }
}

/// The sentence around a span; `None` where the span stands in no sentence, as in a heading.
fn sentence_of(text: &str, span: CodePointRange) -> Option<&str> {
    let index = CodePointIndex::new(text);
    let bytes = index.byte_of(span.start)?..index.byte_of(span.end)?;
    around(&sentences(text), &bytes).map(|sentence| &text[sentence])
}

/// The span with the higher score; of equals the one that begins, and then ends, first. A score that is no number is
/// the highest, so that it is not lost.
fn better(a: Option<BestSpan>, b: Option<BestSpan>) -> Option<BestSpan> {
    let place = |span: &BestSpan| (span.range.start, span.range.end);
    [a, b].into_iter().flatten().max_by(|a, b| a.score.total_cmp(&b.score).then(place(b).cmp(&place(a))))
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
    fn the_best_span_of_each_passage_lies_in_it_and_is_the_first_of_equals() {
        let passages = [
            PassageText { title: "t", text: "abc déf ghi jkl mno pqr stu vwx yza bcd" },
            PassageText { title: "", text: "zyx wvu" },
            PassageText { title: "empty", text: "" },
        ];
        let reading = reader(2).read("what", &passages).unwrap();
        assert!(reading.windows > 4 && reading.spans[2].is_none());
        for (span, passage) in reading.spans.iter().zip(&passages).take(2) {
            let (range, length) = (span.unwrap().range, passage.text.chars().count() as u32);
            assert!(range.start < range.end && range.end <= length, "{span:?}");
        }
        let span = |start: u32, end: u32, score: f32| Some(BestSpan { range: CodePointRange { start, end }, score });
        assert_eq!(better(span(5, 6, 1.0), span(2, 4, 1.0)), span(2, 4, 1.0));
        assert_eq!(better(span(2, 4, 1.0), span(2, 3, 1.0)), span(2, 3, 1.0));
        assert_eq!(better(span(2, 4, 1.0), span(9, 9, 1.5)), span(9, 9, 1.5));
        assert!(better(span(2, 4, 1.0), span(9, 9, f32::NAN)).unwrap().score.is_nan());
        assert_eq!(better(None, None), None);
    }

    #[test]
    fn the_score_is_the_mean_of_the_passage_and_of_its_sentence_with_and_without_a_title() {
        let (reader, question) = (reader(1), "what");
        let text = "abc def. Ghi jkl mno. Pqr stu.";
        let found = reader.read(question, &[PassageText { title: "t", text }]).unwrap();
        let span = found.spans[0].unwrap();
        let tokens = reader.tokenizer.tokens(question).unwrap();
        let score = |title: &str, text: &str| {
            reader.look(&tokens, &[PassageText { title, text }]).unwrap().spans[0].unwrap().score
        };
        let sentence = sentence_of(text, span.range).unwrap();
        assert!(text.contains(sentence) && sentence.len() < text.len());
        let mean = (score("t", text) + score("t", sentence) + score("", sentence)) / 3.0;
        assert!((span.score - mean).abs() < 1e-5, "{} {mean}", span.score);
        // A heading is no sentence: nothing more is to be looked at.
        let heading = reader.read(question, &[PassageText { title: "t", text: "# abc" }]).unwrap();
        assert!((heading.spans[0].unwrap().score - score("t", "# abc")).abs() < 1e-5);
    }

    #[test]
    fn no_span_of_a_window_is_better_than_its_best() {
        let (reader, text) = (reader(1), "abc déf ghi jkl");
        let tokens = reader.tokenizer.tokens(text).unwrap();
        let question = reader.tokenizer.tokens("what").unwrap();
        let windows =
            reader.tokenizer.windows(&question, &reader.tokenizer.tokens("t").unwrap(), &tokens, &reader.limits);
        let window = windows.unwrap().windows.remove(0);
        let packed = pack([&window].into_iter());
        let rows = reader.bert.forward(&packed, None).unwrap();
        let logits = reader.heads.forward(&rows, &[0], None).unwrap().span.to_vec2::<f32>().unwrap();
        let best = reader.best_span(&Placed { passage: 0, window: window.clone(), tokens: &tokens }, &logits).unwrap();
        let none = logits[0][0] + logits[0][1];
        let rows = window.passage.clone();
        let all = rows.clone().flat_map(|start| rows.clone().map(move |end| (start, end)));
        let all = all.filter(|(start, end)| end >= start && end - start < reader.limits.span);
        let highest = all.map(|(start, end)| logits[start][0] + logits[end][1] - none).fold(f32::MIN, f32::max);
        assert_eq!(best.score, highest);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let passages = [PassageText { title: "t", text: "abc def ghi jkl mno pqr stu vwx" }; 40];
        let (one, two) = (reader(1).read("who", &passages).unwrap(), reader(2).read("who", &passages).unwrap());
        for (a, b) in one.spans.iter().flatten().zip(two.spans.iter().flatten()) {
            assert_eq!(a, b);
        }
        assert_eq!((one.spans.len(), two.spans.iter().flatten().count()), (40, 40));
    }
}
