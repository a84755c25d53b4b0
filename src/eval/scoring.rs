//! Scores what a system said to one example.
//!
//! May depend on `eval::citations`, `eval::parts`, `eval::squad_score`, `eval::prediction` and `train::dataset`.

use super::{
    citations::CitationCounts,
    parts,
    prediction::{CitedSpan, PredictedOutcome, PredictedPart, Scores},
    squad_score::{AnswerScore, Ended, best_over},
};
use crate::train::dataset::example::{Example, Expected};

/// What a system said, as far as it is scored.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// How it ended.
    pub outcome: PredictedOutcome,
    /// The answer in words.
    pub answer: &'a str,
    /// The bare fact.
    pub short_answer: Option<&'a str>,
    /// What it says to each part of the question.
    pub parts: &'a [PredictedPart],
    /// The footnotes.
    pub citations: &'a [CitedSpan],
    /// The passages that were read.
    pub read: Option<&'a [String]>,
}

/// Scores one question.
///
/// Against the bare gold answers of an example goes the system's bare answer, or its answer in words when it gave no
/// bare one. An example that has no bare answers is compared by its answer in words. Whatever does not answer is
/// compared as "", which is right when the passages hold no answer. A failed question scores 0. A question that must be
/// asked back about is right when it is, and one with parts has the means of their scores (see [`parts`]).
pub fn score(example: &Example, said: Said<'_>, success_f1: f64) -> Scores {
    let ended = said.outcome.ended();
    let of_parts = (!example.parts.is_empty()).then(|| parts::score(&example.parts, said, success_f1));
    let clarified = f64::from(u8::from(said.outcome == PredictedOutcome::Clarify));
    let AnswerScore { exact_match, f1 } = match (ended, of_parts) {
        (_, Some((mean, _))) => mean,
        _ if example.expected == Expected::Clarify => AnswerScore { exact_match: clarified, f1: clarified },
        (Ended::Failed, _) => AnswerScore { exact_match: 0.0, f1: 0.0 },
        (Ended::Declined, _) => best_over("", &golds(example)),
        (Ended::Answered, _) if example.expected == Expected::Abstained => AnswerScore { exact_match: 0.0, f1: 0.0 },
        (Ended::Answered, _) if example.short_answers.is_empty() => best_over(said.answer, &golds(example)),
        (Ended::Answered, _) => best_over(said.short_answer.unwrap_or(said.answer), &golds(example)),
    };
    let counts = match ended {
        Ended::Answered => CitationCounts::of(said.citations, &example.support),
        _ => None,
    };
    Scores {
        exact_match,
        f1,
        success: match of_parts {
            Some((_, parts)) => parts.right == parts.asked,
            None => f1 >= success_f1,
        },
        parts: of_parts.map(|(_, parts)| parts),
        citation_precision: counts.and_then(CitationCounts::precision),
        citation_recall: counts.map(CitationCounts::recall),
        gold_passages_read: said.read.filter(|_| !example.support.is_empty()).map(|read| {
            let gold = example.support.iter().map(|span| &span.passage);
            gold.into_iter().all(|passage| read.contains(passage))
        }),
    }
}

/// What an answer is compared with; empty when the passages hold no answer.
pub fn golds(example: &Example) -> Vec<String> {
    if example.short_answers.is_empty() {
        example.answer.clone().into_iter().collect()
    } else {
        example.short_answers.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::testing::{abstaining, answerable, pair};

    fn said(outcome: PredictedOutcome, answer: &str) -> Said<'_> {
        Said { outcome, answer, short_answer: None, parts: &[], citations: &[], read: None }
    }

    #[test]
    fn the_bare_answer_is_compared_with_bare_gold_answers() {
        let example = answerable("1", "How long is the pier?", "The pier is 212 metres long.", &["212 metres", "212"]);
        let bare = Said { short_answer: Some("212 metres"), ..said(PredictedOutcome::Answered, "The pier is long.") };
        assert_eq!(score(&example, bare, 0.5).exact_match, 1.0);
        let worded = score(&example, said(PredictedOutcome::Answered, "The pier is 212 metres long."), 0.5);
        // Two of five tokens, both of the gold answer: 2 * 0.4 / 1.4.
        assert!((worded.f1 - 0.8 / 1.4).abs() < 1e-12 && worded.success && worded.exact_match == 0.0);
        assert!(!score(&example, said(PredictedOutcome::Answered, "The pier is 212 metres long."), 0.6).success);
    }

    #[test]
    fn an_example_without_bare_answers_is_compared_in_words() {
        let example = answerable("1", "Why?", "Because it rained.", &[]);
        let both = Said { short_answer: Some("rain"), ..said(PredictedOutcome::Partial, "Because it rained.") };
        assert_eq!(score(&example, both, 0.5).exact_match, 1.0);
    }

    #[test]
    fn declining_is_right_only_without_an_answer_and_failing_never() {
        let (has, none) = (answerable("1", "?", "Yes.", &["yes"]), abstaining("2", "?"));
        let apology = "The documents do not say.";
        for outcome in [PredictedOutcome::Abstained, PredictedOutcome::Clarify, PredictedOutcome::Blocked] {
            assert_eq!(score(&none, said(outcome, apology), 0.5).f1, 1.0);
            assert_eq!(score(&has, said(outcome, apology), 0.5).f1, 0.0);
        }
        assert_eq!(score(&none, said(PredictedOutcome::Failed, ""), 0.5).f1, 0.0);
        // Words of which normalising leaves nothing are still an answer.
        assert_eq!(score(&none, said(PredictedOutcome::Answered, "The."), 0.5).exact_match, 0.0);
    }

    #[test]
    fn asking_back_is_right_where_it_is_expected() {
        let unclear = Example { expected: Expected::Clarify, ..abstaining("1", "How long is it?") };
        assert!(score(&unclear, said(PredictedOutcome::Clarify, "Which?"), 0.5).success);
        for outcome in [PredictedOutcome::Answered, PredictedOutcome::Abstained, PredictedOutcome::Failed] {
            assert_eq!(score(&unclear, said(outcome, "212 metres"), 0.5).f1, 0.0, "{outcome:?}");
        }
    }

    #[test]
    fn a_question_with_parts_ends_well_when_all_of_them_do() {
        let one = answerable("1", "How long is the pier?", "It is 212 metres long.", &["212 metres"]);
        let both = pair(&one, &answerable("2", "Where is the hut?", "The hut is at the gate.", &["at the gate"]));
        let whole = |answer| score(&both, said(PredictedOutcome::Answered, answer), 0.5);
        let all = whole("The pier is 212 metres long. The hut is at the gate.");
        assert_eq!((all.success, all.parts.map(|parts| parts.right)), (true, Some(2)));
        let half = whole("The pier is 212 metres long.");
        assert_eq!((half.success, half.parts.map(|parts| parts.right)), (false, Some(1)));
        assert!(half.f1 > 0.0 && half.f1 < 0.5, "{}", half.f1);
        assert_eq!(score(&one, said(PredictedOutcome::Answered, "212 metres"), 0.5).parts, None);
    }

    #[test]
    fn footnotes_are_judged_where_there_is_an_answer_and_evidence() {
        let example = answerable("1", "?", "Yes.", &["yes"]);
        let span = &example.support[0];
        let right = [CitedSpan { passage: span.passage.clone(), start: span.start, end: span.end, quote: "".into() }];
        let answered = score(&example, Said { citations: &right, ..said(PredictedOutcome::Answered, "yes") }, 0.5);
        assert_eq!((answered.citation_precision, answered.citation_recall), (Some(1.0), Some(1.0)));
        let silent = score(&example, said(PredictedOutcome::Answered, "yes"), 0.5);
        assert_eq!((silent.citation_precision, silent.citation_recall), (None, Some(0.0)));
        let declined = score(&example, said(PredictedOutcome::Abstained, ""), 0.5);
        assert_eq!((declined.citation_precision, declined.citation_recall), (None, None));
    }

    #[test]
    fn a_gold_passage_counts_as_read_when_the_system_says_so() {
        let example = answerable("1", "?", "Yes.", &["yes"]);
        let read = |read: &[String]| {
            score(&example, Said { read: Some(read), ..said(PredictedOutcome::Abstained, "") }, 0.5).gold_passages_read
        };
        assert_eq!(read(&["x".into(), example.support[0].passage.clone()]), Some(true));
        assert_eq!(read(&["x".into()]), Some(false));
        assert_eq!(score(&example, said(PredictedOutcome::Abstained, ""), 0.5).gold_passages_read, None);
    }
}
