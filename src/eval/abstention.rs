//! What a threshold on a score brings at a given coverage: where a share of the answerable questions is answered, how
//! many of the unanswerable ones are declined.
//!
//! Every question has a score, answered or not: the system's confidence, or the score of its search. The figures are
//! those of a threshold on that score alone, so two scores can be compared on the same questions. A question that failed
//! counts as not covered, or as not declined.
//!
//! May depend on nothing else of the crate.

/// A question and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The score; `None` for a question that failed.
    pub score: Option<f64>,
    /// Whether the passages hold an answer.
    pub answerable: bool,
}

/// The share of the unanswerable questions whose score is below the largest threshold at which at least `coverage` (a
/// share) of the answerable ones are not; `None` without questions of both kinds, and where so many failed that no threshold
/// covers as many.
pub fn no_ans_accuracy_at(coverage: f64, questions: &[Scored]) -> Option<f64> {
    let mut answerable: Vec<f64> =
        questions.iter().filter(|one| one.answerable).map(|one| one.score.unwrap_or(f64::NEG_INFINITY)).collect();
    answerable.sort_by(|a, b| b.total_cmp(a));
    // The tolerance keeps 0.7 of 10 at 7, whatever the product's last bit is.
    let wanted = (coverage * answerable.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    let threshold = answerable.get(wanted - 1).copied().filter(|threshold| *threshold > f64::NEG_INFINITY)?;
    let unanswerable = questions.iter().filter(|one| !one.answerable);
    let (declined, count) = unanswerable.fold((0_usize, 0_usize), |(declined, count), one| {
        (declined + usize::from(one.score.is_some_and(|score| score < threshold)), count + 1)
    });
    (count > 0).then(|| declined as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(answerable: &[Option<f64>], unanswerable: &[Option<f64>]) -> Vec<Scored> {
        let of = |scores: &[Option<f64>], answerable: bool| {
            scores.iter().map(|score| Scored { score: *score, answerable }).collect::<Vec<_>>()
        };
        [of(answerable, true), of(unanswerable, false)].concat()
    }

    #[test]
    fn the_threshold_is_where_enough_are_answered() {
        let has = [0.9, 0.8, 0.7, 0.6, 0.1].map(Some);
        let questions = scored(&has, &[Some(0.75), Some(0.5), Some(0.05), None]);
        // Three of five at 0.7, four at 0.6, all at 0.1.
        assert_eq!(no_ans_accuracy_at(0.6, &questions), Some(0.5));
        assert_eq!(no_ans_accuracy_at(0.7, &questions), Some(0.5));
        assert_eq!(no_ans_accuracy_at(0.81, &questions), Some(0.25));
        assert_eq!(no_ans_accuracy_at(0.0, &questions), Some(0.75));
    }

    #[test]
    fn equal_scores_cannot_be_told_apart() {
        let questions = scored(&[Some(0.5); 4], &[Some(0.5), Some(0.4)]);
        assert_eq!(no_ans_accuracy_at(0.25, &questions), Some(0.5));
    }

    #[test]
    fn without_both_kinds_there_is_no_figure() {
        assert_eq!(no_ans_accuracy_at(0.7, &scored(&[Some(0.5)], &[])), None);
        assert_eq!(no_ans_accuracy_at(0.7, &scored(&[], &[Some(0.5)])), None);
        assert_eq!(no_ans_accuracy_at(0.7, &scored(&[Some(0.5), None], &[Some(0.1)])), None);
        assert_eq!(no_ans_accuracy_at(0.5, &scored(&[Some(0.5), None], &[Some(0.1)])), Some(1.0));
    }
}
