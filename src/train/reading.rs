//! The reader's task on whole examples: the best span over all passages of each, compared with the gold answers.
//!
//! What is read is read by the code that the product reads with. May depend on `dataset`, `squad_score`, `threshold` and
//! the encoder's reader.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::{
    TrainError,
    batches::order,
    dataset::example::{Example, Expected, SpanRole},
    squad_score::{AnswerScore, SquadSummary, best_over},
    threshold::{Judged, best_threshold, figures},
};
use crate::{
    domain::text::CodePointIndex,
    models::encoder::{
        BestSpan, best_of_all,
        features::{Limits, ReaderTokenizer},
        reader::{PassageText, Reader},
    },
};

/// The names of what [`named_figures`] gives.
pub const FIGURES: [&str; 5] = ["exact_match", "f1", "has_ans_f1", "no_ans_accuracy", "threshold"];

/// What became of the examples that were to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReadingCounts {
    /// Examples that are read.
    pub examples: usize,
    /// Those of them that must be declined.
    pub unanswerable: usize,
    /// Examples that were left out because their question is too long.
    pub long_questions: usize,
    /// Answered examples that were left out because no span of a passage is known to be the answer.
    pub without_span: usize,
}

/// Examples to read.
#[derive(Debug, Clone)]
pub struct ReadingTask {
    examples: Vec<Example>,
    threads: usize,
    /// What was left out.
    pub counts: ReadingCounts,
}

impl ReadingTask {
    /// Takes the examples that can be judged. `threads` examples are read at a time.
    pub fn new(
        examples: Vec<Example>,
        tokenizer: &ReaderTokenizer,
        limits: Limits,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let mut counts = ReadingCounts::default();
        let mut kept = Vec::with_capacity(examples.len());
        for example in examples {
            let answered = example.expected == Expected::Answered;
            let marked = example.support.iter().any(|span| span.role == SpanRole::Answer);
            if answered && (example.short_answers.is_empty() || !marked) {
                counts.without_span += 1;
            } else if tokenizer.tokens(&example.question)?.ids.len() > limits.question {
                counts.long_questions += 1;
            } else {
                counts.unanswerable += usize::from(!answered);
                kept.push(example);
            }
        }
        counts.examples = kept.len();
        Ok(Self { examples: kept, threads: threads.max(1), counts })
    }

    /// Reads all examples; `reader` reads with one thread. `watch` is told how many are done, from several threads.
    pub fn judge(&self, reader: &Reader, watch: impl Fn(usize) + Sync) -> Result<Vec<Judged>, TrainError> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || -> Result<Vec<(usize, Judged)>, TrainError> {
            let mut judged = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(example) = self.examples.get(number) else { return Ok(judged) };
                judged.push((number, judge(example, reader)?));
                watch(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        let parts = std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.threads).map(|_| scope.spawn(work)).collect();
            let mut parts = vec![work()];
            for other in others {
                parts.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            parts.into_iter().collect::<Result<Vec<_>, _>>()
        })?;
        // In the order of the examples, so that sums of them do not depend on which thread was faster.
        let mut all: Vec<(usize, Judged)> = parts.into_iter().flatten().collect();
        all.sort_by_key(|(number, _)| *number);
        Ok(all.into_iter().map(|(_, judged)| judged).collect())
    }
}

fn judge(example: &Example, reader: &Reader) -> Result<Judged, TrainError> {
    let passages = example.passages.iter().map(|passage| PassageText { title: &passage.title, text: &passage.text });
    let reading = reader.read(&example.question, &passages.collect::<Vec<_>>())?;
    let answerable = example.expected == Expected::Answered;
    let nothing = AnswerScore { exact_match: 0.0, f1: 0.0 };
    let Some((passage, BestSpan { range, score })) = best_of_all(&reading.spans) else {
        return Ok(Judged { answerable, score: None, answer: nothing });
    };
    let text = CodePointIndex::new(&example.passages[passage].text);
    let answer = text.slice(range).unwrap_or_default();
    let answer = if answerable { best_over(answer, &example.short_answers) } else { nothing };
    Ok(Judged { answerable, score: Some(score), answer })
}

/// Whole examples, chosen by the seed, until their passages are about as many as `most`.
pub fn choose(examples: &[Example], most: usize, seed: u64) -> Vec<Example> {
    let mut passages = 0;
    let mut chosen = order(examples.len(), seed, u64::MAX);
    chosen.retain(|index| {
        passages += examples[*index].passages.len();
        passages <= most
    });
    chosen.into_iter().map(|index| examples[index].clone()).collect()
}

/// The figures at the best threshold, in the order of [`FIGURES`].
pub fn named_figures(judged: &[Judged]) -> Vec<Option<f64>> {
    let threshold = best_threshold(judged);
    let SquadSummary { exact_match, f1, has_ans_f1, no_ans_accuracy, .. } =
        threshold.map(|threshold| figures(judged, threshold)).unwrap_or_default();
    vec![exact_match, f1, has_ans_f1, no_ans_accuracy, threshold.map(f64::from)]
}
