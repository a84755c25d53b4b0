//! Draws the questions of a sheet and shuffles them: the order of the questions, and which run's answer is A.
//!
//! May depend on `eval::run`, `eval::compare` and `train::dataset::split_mix`.

use serde::{Deserialize, Serialize};

use super::ReviewError;
use crate::{
    eval::{card::sha256, compare, prediction::Prediction, run::Run, squad_score::Ended},
    train::dataset::{
        example::{Example, Passage},
        split_mix::SplitMix64,
    },
};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// How many questions; all when absent.
    pub questions: Option<usize>,
    /// Whether to leave out questions to which both runs say the same.
    pub only_different: bool,
    /// The seed of the order and of the sides.
    pub seed: u64,
}

/// One side of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// How the question ended; `None` when it was answered.
    pub ended: Option<&'static str>,
    /// The answer in words.
    pub answer: String,
    /// The bare fact, where it is not the answer itself.
    pub short_answer: Option<String>,
    /// What the footnotes quote.
    pub quotes: Vec<String>,
}

/// A question with both answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetItem {
    /// Its number, from 1, in the order of the sheet.
    pub number: usize,
    /// The question.
    pub question: String,
    /// The passages of the example.
    pub passages: Vec<Passage>,
    /// The answer on the left.
    pub a: Shown,
    /// The answer on the right.
    pub b: Shown,
}

/// A sheet, as a reviewer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Binds the sheet, its filled copies and its key together.
    pub id: String,
    /// The suite.
    pub suite: String,
    /// The questions.
    pub items: Vec<SheetItem>,
}

/// Which run is which. It is kept apart from the sheet until the reviewers are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The sheet.
    pub sheet: String,
    /// The first run's name.
    pub first: String,
    /// The second run's name.
    pub second: String,
    /// The seed.
    pub seed: u64,
    /// The items, in the order of the sheet.
    pub items: Vec<KeyItem>,
}

/// Which run's answer is A.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyItem {
    /// The number on the sheet.
    pub number: usize,
    /// The example's id.
    pub example: String,
    /// Whether A is the first run.
    pub a_is_first: bool,
}

/// Makes a sheet of two runs of one suite, and its key.
pub fn make(first: &Run, second: &Run, draw: Draw) -> Result<(Sheet, Key), ReviewError> {
    compare::check_same(first, second)?;
    let pairs = first.examples.iter().zip(first.predictions.iter().zip(&second.predictions));
    let mut chosen: Vec<(&Example, Shown, Shown)> = pairs
        .map(|(example, (one, other))| (example, shown(one), shown(other)))
        .filter(|(_, one, other)| !draw.only_different || one != other)
        .collect();
    let wanted = draw.questions.unwrap_or(chosen.len());
    if wanted == 0 || wanted > chosen.len() {
        let found = chosen.len();
        return Err(ReviewError::TooFew { wanted: wanted.max(1), found, different: draw.only_different });
    }
    let mut random = SplitMix64::new(draw.seed);
    random.shuffle(&mut chosen);
    chosen.truncate(wanted);
    // Each run is A equally often, give or take one, so that a liking for one side is a liking for neither run.
    let mut sides: Vec<bool> = (0..wanted).map(|at| at % 2 == 0).collect();
    if random.below(2) == 1 {
        sides.iter_mut().for_each(|side| *side = !*side);
    }
    random.shuffle(&mut sides);

    let identity = format!("{} {} {draw:?}", first.short_sum(), second.short_sum());
    let id = sha256(identity.as_bytes()).chars().take(12).collect::<String>();
    let (mut items, mut key_items) = (Vec::with_capacity(wanted), Vec::with_capacity(wanted));
    for (at, ((example, one, other), a_is_first)) in chosen.into_iter().zip(sides).enumerate() {
        let (a, b) = if a_is_first { (one, other) } else { (other, one) };
        key_items.push(KeyItem { number: at + 1, example: example.id.clone(), a_is_first });
        items.push(SheetItem {
            number: at + 1,
            question: example.question.clone(),
            passages: example.passages.clone(),
            a,
            b,
        });
    }
    let key = Key {
        sheet: id.clone(),
        first: first.name.clone(),
        second: second.name.clone(),
        seed: draw.seed,
        items: key_items,
    };
    Ok((Sheet { id, suite: first.card.suite.name.clone(), items }, key))
}

fn shown(prediction: &Prediction) -> Shown {
    let answered = prediction.outcome.ended() == Ended::Answered;
    let short = prediction.short_answer.clone().filter(|short| answered && *short != prediction.answer);
    Shown {
        ended: (!answered).then(|| prediction.outcome.as_str()),
        answer: prediction.answer.clone(),
        short_answer: short,
        quotes: prediction.citations.iter().map(|citation| citation.quote.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::{
        prediction::PredictedOutcome,
        testing::{answerable, prediction, run_of},
    };

    fn runs() -> (Run, Run) {
        let examples: Vec<Example> =
            (0..40).map(|at| answerable(&format!("q{at}"), "How long?", "212 metres.", &["212 metres"])).collect();
        let say = |what: &dyn Fn(usize) -> String| {
            let each = examples.iter().enumerate();
            let said = each.map(|(at, one)| prediction(one, PredictedOutcome::Answered, &what(at), 0.5)).collect();
            run_of(examples.clone(), said)
        };
        (
            say(&|at| format!("first {at}")),
            say(&|at| if at < 10 { format!("first {at}") } else { format!("second {at}") }),
        )
    }

    fn draw(questions: Option<usize>, only_different: bool) -> Draw {
        Draw { questions, only_different, seed: 5 }
    }

    #[test]
    fn the_key_says_which_side_is_which_and_the_sides_are_even() {
        let (first, second) = runs();
        let (sheet, key) = make(&first, &second, draw(Some(20), true)).unwrap();
        assert_eq!((sheet.items.len(), key.items.len()), (20, 20));
        assert_eq!(key.items.iter().filter(|item| item.a_is_first).count(), 10);
        for (item, side) in sheet.items.iter().zip(&key.items) {
            assert_eq!(item.number, side.number);
            assert_eq!(item.a.answer.starts_with("first"), side.a_is_first);
            let number = side.example.strip_prefix('q').unwrap();
            assert!(item.a.answer.ends_with(&format!(" {number}")) && item.b.answer.ends_with(&format!(" {number}")));
        }
        let numbers: Vec<&str> = key.items.iter().map(|item| item.example.as_str()).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_ne!(numbers, sorted, "the questions are not shuffled");
    }

    #[test]
    fn the_same_draw_makes_the_same_sheet_and_another_seed_another() {
        let (first, second) = runs();
        let one = make(&first, &second, draw(Some(10), false)).unwrap();
        assert_eq!(one, make(&first, &second, draw(Some(10), false)).unwrap());
        let other = make(&first, &second, Draw { seed: 6, ..draw(Some(10), false) }).unwrap();
        assert_ne!(one.0.id, other.0.id);
        assert_ne!(one.1.items, other.1.items);
    }

    #[test]
    fn questions_with_the_same_answers_can_be_left_out() {
        let (first, second) = runs();
        assert_eq!(make(&first, &second, draw(None, true)).unwrap().0.items.len(), 30);
        assert_eq!(make(&first, &second, draw(None, false)).unwrap().0.items.len(), 40);
        let error = make(&first, &second, draw(Some(31), true)).unwrap_err().to_string();
        assert!(error.contains("there are 30 that differ"), "{error}");
        assert!(make(&first, &first, draw(None, true)).is_err());
    }

    #[test]
    fn runs_of_other_suites_are_refused() {
        let (first, mut second) = runs();
        second.card.suite.sha256 = "1".repeat(64);
        assert!(matches!(make(&first, &second, draw(None, false)), Err(ReviewError::Runs(_))));
    }
}
