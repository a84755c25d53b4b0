//! Scores a question that asks several things, part by part.
//!
//! A part is right when it was rightly declined, or answered so that one of its bare gold answers stands in the answer, or
//! the bare answer has an F1 of at least the suite's threshold. What was said to a part is what the system says of it:
//! by place where it names as many parts as there are, else by the words that the questions share. A part that it names
//! nothing of (it did not split the request, or split it otherwise) is judged by the answer as a whole: an answerable part
//! as any answer, and an unanswerable one is then right only where the whole request was declined, for an answer that
//! passes over a part does not say that there is none.
//!
//! May depend on `eval::prediction`, `eval::scoring`, `eval::squad_score` and `train::dataset`.

use std::collections::HashSet;

use super::{
    prediction::{PartScores, PredictedOutcome, PredictedPart},
    scoring::Said,
    squad_score::{AnswerScore, Ended, best_over, normalise},
};
use crate::train::dataset::example::{ExamplePart, Expected};

/// The share of words that two wordings of one question have in common at least.
const SAME_QUESTION: f64 = 0.5;

/// How the parts of a question came out: the mean of their scores, and how many are right.
pub fn score(parts: &[ExamplePart], said: Said<'_>, success_f1: f64) -> (AnswerScore, PartScores) {
    let (mut exact, mut f1, mut right) = (0.0, 0.0, 0);
    for (part, spoken) in parts.iter().zip(aligned(parts, said.parts)) {
        let (score, is_right) = match spoken {
            _ if said.outcome == PredictedOutcome::Failed => (WRONG, false),
            Some(spoken) => {
                let words = spoken.answer.as_deref().or(spoken.short_answer.as_deref()).unwrap_or_default();
                one(part, spoken.outcome, words, spoken.short_answer.as_deref(), success_f1)
            }
            None => one(part, said.outcome, said.answer, said.short_answer, success_f1),
        };
        exact += score.exact_match;
        f1 += score.f1;
        right += u32::from(is_right);
    }
    let count = parts.len() as f64;
    let mean = AnswerScore { exact_match: exact / count, f1: f1 / count };
    (mean, PartScores { asked: parts.len() as u32, right })
}

const WRONG: AnswerScore = AnswerScore { exact_match: 0.0, f1: 0.0 };
const RIGHT: AnswerScore = AnswerScore { exact_match: 1.0, f1: 1.0 };

fn one(
    part: &ExamplePart,
    outcome: PredictedOutcome,
    answer: &str,
    short_answer: Option<&str>,
    success_f1: f64,
) -> (AnswerScore, bool) {
    match (part.expected == Expected::Answered, outcome.ended()) {
        (true, Ended::Answered) => {
            let golds = golds(part);
            let score = match part.short_answers.is_empty() {
                true => best_over(answer, golds),
                false => best_over(short_answer.unwrap_or(answer), golds),
            };
            let holds = part.short_answers.iter().any(|gold| stands_in(gold, answer));
            (score, holds || score.f1 >= success_f1)
        }
        (false, Ended::Declined) => (RIGHT, true),
        _ => (WRONG, false),
    }
}

fn golds(part: &ExamplePart) -> &[String] {
    if part.short_answers.is_empty() { part.answer.as_slice() } else { &part.short_answers }
}

/// Whether the words of `gold` stand in `answer`, one after the other, both in the form that answers are compared in.
fn stands_in(gold: &str, answer: &str) -> bool {
    let (gold, answer) = (normalise(gold), normalise(answer));
    !gold.is_empty() && format!(" {answer} ").contains(&format!(" {gold} "))
}

/// What was said to each part, each statement at most once.
fn aligned<'a>(parts: &[ExamplePart], said: &'a [PredictedPart]) -> Vec<Option<&'a PredictedPart>> {
    if parts.len() == said.len() {
        return said.iter().map(Some).collect();
    }
    // One part is the whole question.
    if said.len() < 2 {
        return vec![None; parts.len()];
    }
    let mut left: Vec<&PredictedPart> = said.iter().collect();
    let mut found = Vec::with_capacity(parts.len());
    for part in parts {
        let shared = |spoken: &PredictedPart| shared_words(&part.question, &spoken.question);
        let best = left.iter().enumerate().max_by(|(_, a), (_, b)| shared(a).total_cmp(&shared(b)));
        let best = best.filter(|(_, spoken)| shared(spoken) >= SAME_QUESTION).map(|(at, _)| at);
        found.push(best.map(|at| left.remove(at)));
    }
    found
}

/// The share of words that two questions have in common: twice the common ones over all.
fn shared_words(one: &str, other: &str) -> f64 {
    let [one, other] = [one, other].map(normalise);
    let [one, other]: [HashSet<&str>; 2] = [&one, &other].map(|text| text.split_whitespace().collect());
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * one.intersection(&other).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        eval::testing::{abstaining, answerable, pair},
        train::dataset::example::Example,
    };

    fn example() -> Example {
        let length = answerable("1", "How long is the pier?", "The pier is 212 metres long.", &["212 metres"]);
        pair(&length, &abstaining("2", "Who built the hut?"))
    }

    fn part(question: &str, outcome: PredictedOutcome, answer: &str) -> PredictedPart {
        let answer = (!answer.is_empty()).then(|| answer.to_owned());
        PredictedPart { question: question.into(), outcome, answer, short_answer: None, confidence: 0.5 }
    }

    fn right(outcome: PredictedOutcome, answer: &str, parts: &[PredictedPart]) -> u32 {
        let said = Said { outcome, answer, short_answer: None, parts, citations: &[], read: None };
        score(&example().parts, said, 0.5).1.right
    }

    #[test]
    fn each_part_is_judged_by_what_was_said_to_it() {
        use PredictedOutcome::{Abstained, Answered, Failed, Partial};
        let long = "Measured along its deck at the spring tide of that year the whole pier had 212 metres.";
        let split = [part("How long is the pier?", Answered, long), part("Who built the hut?", Abstained, "")];
        assert_eq!(right(Partial, long, &split), 2, "the gold answer stands in a long answer");
        assert_eq!(right(Failed, "", &split), 0);
        let made_up = [split[0].clone(), part("Who built the hut?", Answered, "Anna built it.")];
        assert_eq!(right(Answered, long, &made_up), 1);
        let wrong = [part("How long is the pier?", Answered, "It has 1212 metres of rope."), split[1].clone()];
        assert_eq!(right(Partial, "", &wrong), 1, "part of a word is no answer");
    }

    #[test]
    fn another_number_of_parts_is_put_together_by_words() {
        use PredictedOutcome::{Abstained, Answered, Partial};
        let said = [
            part("Is there a harbour?", Answered, "Yes."),
            part("Who was it that built the hut?", Abstained, ""),
            part("How long is the old pier?", Answered, "212 metres."),
        ];
        assert_eq!(right(Partial, "", &said), 2);
    }

    #[test]
    fn a_request_that_was_not_split_is_judged_as_a_whole() {
        use PredictedOutcome::{Abstained, Answered, Clarify};
        let whole = [part("How long is the pier and who built the hut?", Answered, "The pier is 212 metres long.")];
        assert_eq!(right(Answered, "The pier is 212 metres long.", &whole), 1, "nothing was said of the hut");
        assert_eq!(right(Abstained, "The documents do not say.", &[]), 1);
        assert_eq!(right(Clarify, "Which?", &[]), 1);
    }
}
