//! Answers compared with gold answers, as the official script of SQuAD 2.0 does it (Rajpurkar, Jia and Liang 2018).
//!
//! An answer and a gold answer are normalised: lower case, without ASCII punctuation, without the articles "a", "an"
//! and "the", single spaces. Exact match compares what remains; F1 is the harmonic mean of token precision and recall,
//! with repeated tokens counted as often as both hold them. The best over the gold answers counts. A question without
//! an answer has the one gold answer "", so declining scores 1 and any words score 0.
//!
//! May depend on nothing else of the crate.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The normal form that answers are compared in.
pub fn normalise(text: &str) -> String {
    let bare: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let mut normal = String::with_capacity(bare.len());
    for token in bare.split(is_space) {
        // An article is a run of letters and digits, as the script's `\b` has it: in "an—a" both are articles.
        for (word, boundary) in runs(token) {
            if boundary || !matches!(word, "a" | "an" | "the") {
                normal.push_str(word);
            } else {
                normal.push(' ');
            }
        }
        normal.push(' ');
    }
    normal.split(is_space).filter(|token| !token.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The maximal runs of word characters and of other ones, in order; `true` marks the other ones.
fn runs(token: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = token;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let other = !is_word(first);
        let end = rest.find(|c| is_word(c) == other).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some((run, other))
    })
}

/// Python's `\w`. (It has no underscore to care for: that is punctuation and gone by now.)
fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Python's `str.split()`: white space, and the four separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// The F1 from which an answer counts as right, unless a suite says otherwise.
pub const DEFAULT_SUCCESS_F1: f64 = 0.5;

/// How an answer compares with the gold answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnswerScore {
    /// 1 when it equals one of them, else 0.
    pub exact_match: f64,
    /// The best F1, 0 to 1.
    pub f1: f64,
}

/// Compares an answer with the gold answers; for a question without an answer there are none, and the right answer is
/// "". Gold answers of which normalising leaves nothing are passed over, as the script does.
pub fn best_over(answer: &str, golds: &[String]) -> AnswerScore {
    let answer = normalise(answer);
    let mut golds: Vec<String> = golds.iter().map(|gold| normalise(gold)).filter(|gold| !gold.is_empty()).collect();
    if golds.is_empty() {
        golds.push(String::new());
    }
    let exact = golds.contains(&answer);
    let f1 = golds.iter().map(|gold| token_f1(&answer, gold)).fold(0.0, f64::max);
    AnswerScore { exact_match: f64::from(u8::from(exact)), f1 }
}

/// The F1 of two normalised texts; when one of them is empty, whether both are.
fn token_f1(answer: &str, gold: &str) -> f64 {
    let (answer, gold): (Vec<&str>, Vec<&str>) =
        (answer.split_whitespace().collect(), gold.split_whitespace().collect());
    if answer.is_empty() || gold.is_empty() {
        return f64::from(u8::from(answer == gold));
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    for token in &gold {
        *left.entry(token).or_default() += 1;
    }
    let mut shared = 0;
    for token in &answer {
        if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    if shared == 0 {
        return 0.0;
    }
    let (precision, recall) = (f64::from(shared) / answer.len() as f64, f64::from(shared) / gold.len() as f64);
    2.0 * precision * recall / (precision + recall)
}

/// How a question ended, as far as these figures ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With an answer.
    Answered,
    /// Without one, on purpose.
    Declined,
    /// Not at all: an error or a timeout. It scores 0 in every figure and is neither of the other two.
    Failed,
}

/// One question as these figures see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SquadQuestion {
    /// Whether the passages hold an answer.
    pub answerable: bool,
    /// How it ended.
    pub ended: Ended,
    /// How the answer compares.
    pub score: AnswerScore,
}

/// The figures of a set of questions, each 0 to 1; absent where no question counts for it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SquadSummary {
    /// Exact match over all questions.
    pub exact_match: Option<f64>,
    /// F1 over all questions.
    pub f1: Option<f64>,
    /// Exact match over the answerable questions (HasAns).
    pub has_ans_exact_match: Option<f64>,
    /// F1 over the answerable questions (HasAns).
    pub has_ans_f1: Option<f64>,
    /// The share of the unanswerable questions that were declined (NoAns; exact match and F1 are the same there).
    pub no_ans_accuracy: Option<f64>,
    /// The share of the unanswerable questions that were answered all the same.
    pub false_answer_rate: Option<f64>,
    /// The share of the answerable questions that were declined.
    pub wrong_abstention_rate: Option<f64>,
}

impl SquadSummary {
    /// The figures of `questions`.
    pub fn of(questions: impl Iterator<Item = SquadQuestion>) -> Self {
        let (mut has, mut no) = (Sums::default(), Sums::default());
        for question in questions {
            let sums = if question.answerable { &mut has } else { &mut no };
            sums.count += 1.0;
            sums.exact += question.score.exact_match;
            sums.f1 += question.score.f1;
            sums.answered += f64::from(u8::from(question.ended == Ended::Answered));
            sums.declined += f64::from(u8::from(question.ended == Ended::Declined));
        }
        let all = has.count + no.count;
        Self {
            exact_match: share(has.exact + no.exact, all),
            f1: share(has.f1 + no.f1, all),
            has_ans_exact_match: share(has.exact, has.count),
            has_ans_f1: share(has.f1, has.count),
            no_ans_accuracy: share(no.exact, no.count),
            false_answer_rate: share(no.answered, no.count),
            wrong_abstention_rate: share(has.declined, has.count),
        }
    }
}

#[derive(Default)]
struct Sums {
    count: f64,
    exact: f64,
    f1: f64,
    answered: f64,
    declined: f64,
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests;
