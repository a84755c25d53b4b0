use proptest::prelude::*;

use super::*;

fn golds(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_normal_form_is_the_scripts() {
    for (text, normal) in [
        ("The  Old Bridge.", "old bridge"),
        ("an apple, a pear & the fig", "apple pear fig"),
        ("A.B.C.", "abc"),
        ("twenty-one", "twentyone"),
        ("atheist theatre", "atheist theatre"),
        ("the–harbour a—an", "–harbour —"),
        ("10 000 m²", "10 000 m²"),
        ("Éclair THE", "éclair"),
        ("one\u{1f}two\u{a0}three", "one two three"),
        ("snake_case the_end", "snakecase theend"),
        ("a", ""),
        (" ?! ", ""),
    ] {
        assert_eq!(normalise(text), normal, "{text}");
    }
}

#[test]
fn f1_counts_tokens_as_often_as_both_hold_them() {
    // 2 of 3 tokens shared on either side of "red red boat" and "red red sail".
    assert!((best_over("red red boat", &golds(&["red red sail"])).f1 - 2.0 / 3.0).abs() < 1e-12);
    // Precision 1/4, recall 1/1.
    assert!((best_over("in the year 1907 perhaps", &golds(&["1907"])).f1 - 0.4).abs() < 1e-12);
    assert_eq!(best_over("red", &golds(&["blue"])), AnswerScore { exact_match: 0.0, f1: 0.0 });
}

#[test]
fn the_best_gold_counts_for_each_figure() {
    let score = best_over("the river Ems", &golds(&["Weser", "Ems river", "ems"]));
    // "river ems" against "ems river": all tokens shared, though not the same string.
    assert_eq!(score, AnswerScore { exact_match: 0.0, f1: 1.0 });
    assert_eq!(best_over("EMS!", &golds(&["Weser", "ems"])), AnswerScore { exact_match: 1.0, f1: 1.0 });
}

#[test]
fn a_question_without_an_answer_wants_silence() {
    assert_eq!(best_over("", &[]), AnswerScore { exact_match: 1.0, f1: 1.0 });
    assert_eq!(best_over("the", &[]), AnswerScore { exact_match: 1.0, f1: 1.0 });
    assert_eq!(best_over("Ems", &[]), AnswerScore { exact_match: 0.0, f1: 0.0 });
    assert_eq!(best_over("", &golds(&["Ems"])), AnswerScore { exact_match: 0.0, f1: 0.0 });
    // A gold answer that is nothing but an article is no gold answer.
    assert_eq!(best_over("Ems", &golds(&["The", "Ems"])).exact_match, 1.0);
    assert_eq!(best_over("", &golds(&["The", "Ems"])).exact_match, 0.0);
}

#[test]
fn answerable_and_unanswerable_questions_are_kept_apart() {
    let question = |answerable, ended, exact_match, f1| SquadQuestion {
        answerable,
        ended,
        score: AnswerScore { exact_match, f1 },
    };
    let summary = SquadSummary::of(
        [
            question(true, Ended::Answered, 1.0, 1.0),
            question(true, Ended::Answered, 0.0, 0.5),
            question(true, Ended::Declined, 0.0, 0.0),
            question(true, Ended::Failed, 0.0, 0.0),
            question(false, Ended::Declined, 1.0, 1.0),
            question(false, Ended::Answered, 0.0, 0.0),
            question(false, Ended::Failed, 0.0, 0.0),
            question(false, Ended::Answered, 0.0, 0.0),
        ]
        .into_iter(),
    );
    assert_eq!(summary.exact_match, Some(0.25));
    assert_eq!(summary.f1, Some(2.5 / 8.0));
    assert_eq!((summary.has_ans_exact_match, summary.has_ans_f1), (Some(0.25), Some(0.375)));
    assert_eq!(summary.no_ans_accuracy, Some(0.25));
    assert_eq!((summary.false_answer_rate, summary.wrong_abstention_rate), (Some(0.5), Some(0.25)));
    assert_eq!(SquadSummary::of(std::iter::empty()), SquadSummary::default());
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing_and_f1_is_symmetric(first in "[a-dA-D ,.'-]{0,40}", second in "[a-dA-D ,.'-]{0,40}") {
        let normal = normalise(&first);
        prop_assert_eq!(normalise(&normal), normal.clone());
        let (one, other) = (token_f1(&normal, &normalise(&second)), token_f1(&normalise(&second), &normal));
        prop_assert!((one - other).abs() < 1e-12 && (0.0..=1.0).contains(&one));
        prop_assert_eq!(token_f1(&normal, &normal), 1.0);
    }
}
