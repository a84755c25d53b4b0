//! What a reader's score means: whether there is an answer, and how likely it is right.
//!
//! Both are fitted on validation data after training and travel in `reader.json`. May depend on serde.

use serde::{Deserialize, Serialize};

/// From a score to a probability by a logistic curve (Platt scaling; Platt 1999).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    /// How steeply the probability rises with the score.
    pub slope: f32,
    /// The log odds at a score of 0.
    pub intercept: f32,
}

/// The constants by which a score is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// From this score on a span counts as found.
    pub threshold: f32,
    /// Score to the probability that the answer is right.
    pub probability: Platt,
}

impl Decision {
    /// Before anything was fitted: a span counts as found at even odds.
    pub const UNFITTED: Self = Self { threshold: 0.0, probability: Platt { slope: 1.0, intercept: 0.0 } };

    /// Why these constants cannot be used, if they cannot. With a slope that is not positive a better span would be a
    /// less likely one.
    pub fn check(self) -> Result<(), String> {
        let Platt { slope, intercept } = self.probability;
        if [self.threshold, slope, intercept].iter().all(|number| number.is_finite()) && slope > 0.0 {
            return Ok(());
        }
        Err(format!(
            "`threshold` {}, `probability.slope` {slope} and `probability.intercept` {intercept} must be finite, and the \
             slope more than 0",
            self.threshold
        ))
    }

    /// Whether a span of this score counts as found.
    pub fn is_found(self, score: f32) -> bool {
        score >= self.threshold
    }

    /// The probability, 0 to 1, that a span of this score is the right answer.
    pub fn probability_of(self, score: f32) -> f32 {
        1.0 / (1.0 + (-(self.probability.slope * score + self.probability.intercept)).exp())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_turn_the_order_round_or_is_no_number_is_refused() {
        let with = |threshold, slope, intercept| Decision { threshold, probability: Platt { slope, intercept } };
        assert!(Decision::UNFITTED.check().is_ok() && with(-3.0, 0.2, 1.5).check().is_ok());
        for wrong in
            [with(f32::NAN, 1.0, 0.0), with(0.0, 0.0, 0.0), with(0.0, -1.0, 0.0), with(0.0, 1.0, f32::INFINITY)]
        {
            assert!(wrong.check().is_err_and(|reason| reason.contains("slope")), "{wrong:?}");
        }
    }

    #[test]
    fn the_threshold_belongs_to_what_is_found() {
        let decision = Decision { threshold: 1.5, ..Decision::UNFITTED };
        assert!(decision.is_found(1.5) && !decision.is_found(1.4999));
        assert_eq!(Decision::UNFITTED.probability_of(0.0), 0.5);
    }

    proptest! {
        #[test]
        fn a_better_score_is_no_less_likely(
            a in -1e4f32..1e4, b in -1e4f32..1e4, slope in 1e-3f32..10.0, intercept in -9f32..9.0,
        ) {
            let decision = Decision { threshold: 0.0, probability: Platt { slope, intercept } };
            let (low, high) = (decision.probability_of(a.min(b)), decision.probability_of(a.max(b)));
            prop_assert!(0.0 <= low && low <= high && high <= 1.0);
        }
    }
}
