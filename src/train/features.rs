//! Examples into the sequences that the reader is trained on.
//!
//! Whatever is left out is counted: [`FeatureCounts`] goes into the card of the run. May depend on `dataset`, `sentence`
//! and the encoder.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;

use super::{
    TrainError,
    config::{PassageChoice, Shown},
    dataset::example::{Example, Expected, Passage, SpanRole},
    sentence::{Narrowed, narrowed},
};
use crate::{
    domain::text::CodePointRange,
    models::{
        encoder::{
            EncoderError,
            features::{Limits, ReaderTokenizer, TextTokens, Window},
        },
        lexical::Lexical,
    },
};

/// What a sequence is trained towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The rows of the first and the last token of the answer, within the window.
    Span(usize, usize),
    /// The window holds no answer.
    None,
    /// The passage carries the answer, but nobody marked its span: trains answerability only.
    Unmarked,
}

/// A window with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The tokens.
    pub window: Window,
    /// What to learn.
    pub label: Label,
    /// Which example it comes from.
    pub example: usize,
}

/// What became of the examples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FeatureCounts {
    /// Examples that were given.
    pub examples: usize,
    /// Sequences that were made of them.
    pub sequences: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Sequences with a span.
    pub with_span: usize,
    /// Sequences without an answer.
    pub without: usize,
    /// Sequences whose answer has no marked span, or one that is longer than the reader's spans.
    pub unmarked: usize,
    /// Passages that were shown as one sentence.
    pub sentences: usize,
    /// Windows beyond the first of a passage.
    pub further_windows: usize,
    /// Titles that lost their end.
    pub titles_cut: usize,
    /// Examples that were left out because their question is too long.
    pub long_questions: usize,
    /// Passages that were left out because they spell an answer without being marked as carrying it.
    pub ambiguous_passages: usize,
    /// Answered examples that were left out because no passage is marked as carrying the answer.
    pub without_support: usize,
    /// Passages that were left out because a window cuts through the answer in every window.
    pub spans_cut: usize,
}

/// Turns examples into sequences, one example at a time.
pub struct FeatureMaker<'a> {
    tokenizer: &'a ReaderTokenizer,
    limits: Limits,
    choice: PassageChoice,
    shown: Shown,
    lexical: Lexical,
    /// The tokens of texts that were seen: many questions share a passage.
    seen: HashMap<String, Arc<TextTokens>>,
    /// What happened so far.
    pub counts: FeatureCounts,
}

impl<'a> FeatureMaker<'a> {
    /// A new one.
    pub fn new(tokenizer: &'a ReaderTokenizer, limits: Limits, choice: PassageChoice, shown: Shown) -> Self {
        let (lexical, seen, counts) = (Lexical::new(), HashMap::new(), FeatureCounts::default());
        Self { tokenizer, limits, choice, shown, lexical, seen, counts }
    }

    /// The sequences of all `examples`.
    pub fn sequences(&mut self, examples: &[Example]) -> Result<Vec<Sequence>, TrainError> {
        let mut sequences = Vec::new();
        for (number, example) in examples.iter().enumerate() {
            self.add(number, example, &mut sequences)?;
        }
        self.counts.sequences = sequences.len();
        self.counts.tokens = sequences.iter().map(|sequence| sequence.window.tokens.len()).sum();
        for sequence in &sequences {
            let count = match sequence.label {
                Label::Span(..) => &mut self.counts.with_span,
                Label::None => &mut self.counts.without,
                Label::Unmarked => &mut self.counts.unmarked,
            };
            *count += 1;
        }
        Ok(sequences)
    }

    fn add(&mut self, number: usize, example: &Example, out: &mut Vec<Sequence>) -> Result<(), TrainError> {
        self.counts.examples += 1;
        let question = self.tokens(&example.question)?;
        if question.ids.len() > self.limits.question {
            self.counts.long_questions += 1;
            return Ok(());
        }
        let answered = example.expected == Expected::Answered;
        if answered && example.support.is_empty() {
            self.counts.without_support += 1;
            return Ok(());
        }
        let mut taken = 0;
        for passage in &example.passages {
            let support =
                |role: SpanRole| example.support.iter().find(|span| span.passage == passage.id && span.role == role);
            let (answer, evidence) = (support(SpanRole::Answer), support(SpanRole::Evidence));
            // A question that asks for no bare fact is answered by the sentence that says it.
            let answer = answer.or(evidence.filter(|_| example.short_answers.is_empty()));
            let wanted = match (answered, answer, evidence) {
                (true, Some(span), _) => Some(Some((span.start, span.end))),
                (true, None, Some(_)) => Some(None),
                (true, None, None) if spells_an_answer(example, passage) => {
                    self.counts.ambiguous_passages += 1;
                    continue;
                }
                (true, None, None) | (false, ..) => None,
            };
            let wrong_choice = self.choice == PassageChoice::Gold && (taken > 0 || (answered && wanted.is_none()));
            if wrong_choice {
                continue;
            }
            taken += 1;
            let sentence = self.sentence(example, passage, wanted);
            if self.shown != Shown::Sentence || sentence.is_none() {
                self.add_passage(number, &question, passage, wanted, out)?;
            }
            if let Some(Narrowed { passage, answer }) = sentence {
                self.counts.sentences += 1;
                let wanted = answer.map(|span| Some((span.start, span.end)));
                self.add_passage(number, &question, &passage, wanted, out)?;
            }
        }
        Ok(())
    }

    /// The passage as it is seen when the reader looks again, if it is to be shown so; an answer that nobody marked is in
    /// no known sentence.
    fn sentence(&self, example: &Example, passage: &Passage, wanted: Option<Option<(u32, u32)>>) -> Option<Narrowed> {
        if self.shown == Shown::Whole || wanted == Some(None) {
            return None;
        }
        let answer = wanted.flatten().map(|(start, end)| CodePointRange { start, end });
        narrowed(&self.lexical, &example.question, passage, answer)
    }

    /// `wanted`: the passage carries the answer, and its span if that is marked.
    fn add_passage(
        &mut self,
        example: usize,
        question: &TextTokens,
        passage: &Passage,
        wanted: Option<Option<(u32, u32)>>,
        out: &mut Vec<Sequence>,
    ) -> Result<(), TrainError> {
        let (title, tokens) = (self.tokens(&passage.title)?, self.tokens(&passage.text)?);
        let windows = self.tokenizer.windows(question, &title, &tokens, &self.limits)?;
        self.counts.titles_cut += usize::from(windows.title_left_out > 0);
        let span = match wanted {
            Some(Some((start, end))) => match tokens.covering(start, end) {
                Some((first, last)) => (last - first < self.limits.span).then_some((first, last)),
                None => return Err(TrainError::Span { passage: passage.id.clone(), start, end }),
            },
            _ => None,
        };
        let count = windows.windows.len();
        let mut made: Vec<Sequence> = Vec::with_capacity(count);
        for window in windows.windows {
            let label = match (wanted, span) {
                (None, _) => Label::None,
                (Some(_), None) if count == 1 => Label::Unmarked,
                // Which of several windows carries it is not known.
                (Some(_), None) => continue,
                (Some(_), Some((first, last))) => {
                    let seen = window.first..window.first + window.passage.len();
                    let row = |token: usize| token - window.first + window.passage.start;
                    match (seen.contains(&first), seen.contains(&last)) {
                        (true, true) => Label::Span(row(first), row(last)),
                        (false, false) => Label::None,
                        // Half an answer is neither.
                        _ => continue,
                    }
                }
            };
            made.push(Sequence { window, label, example });
        }
        if span.is_some() && !made.iter().any(|sequence| matches!(sequence.label, Label::Span(..))) {
            self.counts.spans_cut += 1;
            return Ok(());
        }
        self.counts.further_windows += count - 1;
        out.extend(made);
        Ok(())
    }

    fn tokens(&mut self, text: &str) -> Result<Arc<TextTokens>, EncoderError> {
        if let Some(tokens) = self.seen.get(text) {
            return Ok(tokens.clone());
        }
        let tokens = Arc::new(self.tokenizer.tokens(text)?);
        self.seen.insert(text.to_owned(), tokens.clone());
        Ok(tokens)
    }
}

/// Whether a passage that is not marked has one of the short answers in it: perhaps it answers too.
fn spells_an_answer(example: &Example, passage: &Passage) -> bool {
    let text = passage.text.to_lowercase();
    example.short_answers.iter().any(|answer| {
        let answer = answer.trim().to_lowercase();
        !answer.is_empty() && text.contains(&answer)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        models::encoder::features::tests::letters,
        train::dataset::example::{Kind, Span},
    };

    fn passage(id: &str, text: &str) -> Passage {
        Passage { id: id.into(), title: "t".into(), text: text.into() }
    }

    fn example(passages: Vec<Passage>, answer: Option<(&str, u32, u32)>) -> Example {
        let span = |(passage, start, end): (&str, u32, u32)| Span {
            passage: passage.into(),
            start,
            end,
            role: SpanRole::Answer,
        };
        Example {
            id: "e".into(),
            kind: Kind::Task,
            history: vec![],
            parts: vec![],
            question: "who".into(),
            expected: if answer.is_some() { Expected::Answered } else { Expected::Abstained },
            answer: answer.map(|_| "bc".into()),
            short_answers: answer.map(|_| "bc".into()).into_iter().collect(),
            support: answer.map(span).into_iter().collect(),
            passages,
            tags: Vec::new(),
            provenance: "us".into(),
            licence: "CC0-1.0".into(),
        }
    }

    fn limits() -> Limits {
        Limits { window: 24, overlap: 6, question: 8, title: 4, span: 4 }
    }

    fn make(examples: &[Example], choice: PassageChoice) -> (Vec<Sequence>, FeatureCounts) {
        let tokenizer = letters();
        let mut maker = FeatureMaker::new(&tokenizer, limits(), choice, Shown::Whole);
        let sequences = maker.sequences(examples).unwrap();
        (sequences, maker.counts)
    }

    #[test]
    fn the_passage_with_the_answer_gets_a_span_and_the_others_none() {
        let passages = vec![passage("a", "xyz"), passage("b", "a bc d"), passage("c", "all BC too")];
        let (sequences, counts) = make(&[example(passages.clone(), Some(("b", 2, 4)))], PassageChoice::All);
        let labels: Vec<_> = sequences.iter().map(|sequence| sequence.label).collect();
        // [CLS] w h o [SEP] t . a b c d
        assert_eq!(labels, [Label::None, Label::Span(8, 9)]);
        assert_eq!((counts.ambiguous_passages, counts.with_span, counts.without), (1, 1, 1));
        let (gold, _) = make(&[example(passages.clone(), Some(("b", 2, 4)))], PassageChoice::Gold);
        assert_eq!(gold.len(), 1);
        let (none, _) = make(&[example(passages, None)], PassageChoice::All);
        assert!(none.len() == 3 && none.iter().all(|sequence| sequence.label == Label::None));
    }

    #[test]
    fn a_question_that_asks_for_no_bare_fact_is_answered_by_its_sentence_if_the_reader_can_give_it() {
        let mut example = example(vec![passage("a", "x bcd y")], Some(("a", 2, 5)));
        example.support[0].role = SpanRole::Evidence;
        let label = |example: &Example| make(std::slice::from_ref(example), PassageChoice::All).0[0].label;
        assert_eq!(label(&example), Label::Unmarked);
        example.short_answers.clear();
        // [CLS] w h o [SEP] t . x b c d y
        assert_eq!(label(&example), Label::Span(8, 10));
        example.passages[0].text = "xbcdefgh".into();
        example.support[0].end = 8;
        assert_eq!(label(&example), Label::Unmarked);
    }

    #[test]
    fn a_passage_is_shown_whole_as_its_sentence_or_as_both() {
        let tokenizer = letters();
        let example = example(vec![passage("a", "x y. A bc d.")], Some(("a", 7, 9)));
        let labels = |shown: Shown| {
            let mut maker = FeatureMaker::new(&tokenizer, limits(), PassageChoice::All, shown);
            let made = maker.sequences(std::slice::from_ref(&example)).unwrap();
            (made.iter().map(|sequence| sequence.label).collect::<Vec<_>>(), maker.counts.sentences)
        };
        // [CLS] w h o [SEP] t . and then x y . a b c d . or a b c d .
        let (whole, sentence) = (Label::Span(11, 12), Label::Span(8, 9));
        assert_eq!(labels(Shown::Whole), (vec![whole], 0));
        assert_eq!(labels(Shown::Sentence), (vec![sentence], 1));
        assert_eq!(labels(Shown::Both), (vec![whole, sentence], 1));
    }

    #[test]
    fn of_several_windows_only_those_with_the_whole_answer_have_it() {
        let text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bc aaaaaaaaaaaaaaaaaa";
        let (sequences, counts) = make(&[example(vec![passage("a", text)], Some(("a", 31, 33)))], PassageChoice::All);
        assert!(counts.further_windows > 2);
        let spans: Vec<_> = sequences.iter().filter(|s| matches!(s.label, Label::Span(..))).collect();
        assert!(!spans.is_empty() && spans.len() < sequences.len());
        for sequence in spans {
            let Label::Span(first, last) = sequence.label else { continue };
            let offset = |row: usize| row - sequence.window.passage.start + sequence.window.first;
            assert_eq!((offset(first), offset(last)), (30, 31));
        }
    }

    #[test]
    fn what_is_left_out_is_counted_and_a_span_outside_is_an_error() {
        let mut long = example(vec![passage("a", "x")], None);
        long.question = "qqqqqqqqqq".into();
        let mut unsupported = example(vec![passage("a", "x")], Some(("a", 0, 1)));
        unsupported.support.clear();
        let (sequences, counts) = make(&[long, unsupported], PassageChoice::All);
        assert!(sequences.is_empty());
        assert_eq!((counts.long_questions, counts.without_support), (1, 1));
        let tokenizer = letters();
        let mut maker = FeatureMaker::new(&tokenizer, limits(), PassageChoice::All, Shown::Both);
        let wrong = example(vec![passage("a", "x")], Some(("a", 5, 9)));
        assert!(matches!(maker.sequences(&[wrong]), Err(TrainError::Span { .. })));
    }
}
