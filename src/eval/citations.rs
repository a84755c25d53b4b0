//! Whether footnotes point at the evidence: citation precision and recall against the evidence spans of an example.
//!
//! After ALCE (Gao et al. 2023), with the annotators' evidence spans in the place of its model of entailment. Every
//! evidence span is one sentence that has to be cited. Lengths are code points, and only spans of the same passage
//! overlap:
//!
//! - a citation is *right* when more than half of it lies inside evidence (the union of the spans of its passage);
//!   so a footnote on a whole page is wrong although the sentence stands somewhere in it;
//! - an evidence span is *found* when more than half of it is covered by citations (their union); so two footnotes on
//!   its two halves find it, and one on three words of it does not.
//!
//! The precision of a question is the share of its citations that are right, and its recall the share of its evidence
//! spans that are found. A set's figures are the means over its questions, each counted once: precision over answered
//! questions with evidence and at least one citation, recall over answered questions with evidence. A question that
//! was declined has no footnotes to judge; the rate of wrong abstentions counts it. What this cannot see: whether a
//! sentence of the answer follows from its footnote, and evidence that annotators did not mark.
//!
//! May depend on `eval::prediction` and `train::dataset` (for the spans).

use super::prediction::CitedSpan;
use crate::train::dataset::example::{Span, SpanRole};

/// The footnotes of one answered question, compared with its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitationCounts {
    /// The citations.
    pub cited: usize,
    /// The citations that are right.
    pub right: usize,
    /// The evidence spans.
    pub evidence: usize,
    /// The evidence spans that are found.
    pub found: usize,
}

impl CitationCounts {
    /// Compares citations with the evidence among `support`; `None` when it holds no evidence span.
    pub fn of(citations: &[CitedSpan], support: &[Span]) -> Option<Self> {
        let evidence: Vec<Stretch<'_>> =
            support.iter().filter(|span| span.role == SpanRole::Evidence).map(Stretch::from).collect();
        if evidence.is_empty() {
            return None;
        }
        let cited: Vec<Stretch<'_>> = citations.iter().map(Stretch::from).collect();
        Some(Self {
            cited: cited.len(),
            right: cited.iter().filter(|citation| citation.is_mostly_in(&evidence)).count(),
            evidence: evidence.len(),
            found: evidence.iter().filter(|span| span.is_mostly_in(&cited)).count(),
        })
    }

    /// The share of the citations that are right; `None` without citations.
    pub fn precision(self) -> Option<f64> {
        (self.cited > 0).then(|| self.right as f64 / self.cited as f64)
    }

    /// The share of the evidence that is found.
    pub fn recall(self) -> f64 {
        self.found as f64 / self.evidence as f64
    }
}

/// A stretch of a passage, `[start, end)` in code points.
#[derive(Clone, Copy)]
struct Stretch<'a> {
    passage: &'a str,
    start: u32,
    end: u32,
}

impl<'a> From<&'a Span> for Stretch<'a> {
    fn from(span: &'a Span) -> Self {
        Self { passage: &span.passage, start: span.start, end: span.end }
    }
}

impl<'a> From<&'a CitedSpan> for Stretch<'a> {
    fn from(span: &'a CitedSpan) -> Self {
        Self { passage: &span.passage, start: span.start, end: span.end }
    }
}

impl Stretch<'_> {
    /// Whether more than half of this lies inside the union of `others`.
    fn is_mostly_in(&self, others: &[Stretch<'_>]) -> bool {
        let mut parts: Vec<(u32, u32)> = others
            .iter()
            .filter(|other| other.passage == self.passage)
            .map(|other| (other.start.max(self.start), other.end.min(self.end)))
            .filter(|(start, end)| start < end)
            .collect();
        parts.sort_unstable();
        // What two of the others share counts once.
        let (mut covered, mut reached) = (0_u64, self.start);
        for (start, end) in parts {
            covered += u64::from(end.saturating_sub(start.max(reached)));
            reached = reached.max(end);
        }
        2 * covered > u64::from(self.end.saturating_sub(self.start))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn cited(passage: &str, start: u32, end: u32) -> CitedSpan {
        CitedSpan { passage: passage.into(), start, end, quote: String::new() }
    }

    fn evidence(passage: &str, start: u32, end: u32) -> Span {
        Span { passage: passage.into(), start, end, role: SpanRole::Evidence }
    }

    fn counts(citations: &[CitedSpan], support: &[Span]) -> (usize, usize) {
        let counts = CitationCounts::of(citations, support).unwrap();
        (counts.right, counts.found)
    }

    #[test]
    fn half_is_not_enough_on_either_side() {
        let sentence = [evidence("p", 100, 200)];
        assert_eq!(counts(&[cited("p", 100, 200)], &sentence), (1, 1));
        // Half in, half out: neither right nor finding.
        assert_eq!(counts(&[cited("p", 50, 150)], &sentence), (0, 0));
        assert_eq!(counts(&[cited("p", 51, 151)], &sentence), (1, 1));
        // A few words of the sentence are right and do not find it.
        assert_eq!(counts(&[cited("p", 120, 140)], &sentence), (1, 0));
        // The whole passage finds it and is wrong.
        assert_eq!(counts(&[cited("p", 0, 900)], &sentence), (0, 1));
        assert_eq!(counts(&[cited("q", 100, 200)], &sentence), (0, 0));
    }

    #[test]
    fn spans_that_meet_or_overlap_count_together_and_once() {
        let sentence = [evidence("p", 100, 200)];
        assert_eq!(counts(&[cited("p", 100, 130), cited("p", 170, 200)], &sentence), (2, 1));
        assert_eq!(counts(&[cited("p", 100, 140), cited("p", 110, 140)], &sentence), (2, 0));
        let two = [evidence("p", 0, 50), evidence("p", 50, 100)];
        assert_eq!(counts(&[cited("p", 20, 80)], &two), (1, 2));
    }

    #[test]
    fn without_evidence_there_is_nothing_to_compare_with() {
        let answer = Span { role: SpanRole::Answer, ..evidence("p", 0, 9) };
        assert_eq!(CitationCounts::of(&[cited("p", 0, 9)], &[answer]), None);
        let silent = CitationCounts::of(&[], &[evidence("p", 0, 9)]).unwrap();
        assert_eq!((silent.precision(), silent.recall()), (None, 0.0));
    }

    proptest! {
        #[test]
        fn citing_the_evidence_is_perfect_and_order_does_not_matter(
            spans in prop::collection::vec((0_u32..500, 1_u32..80, 0_u8..3), 1..12),
            rotation in 0_usize..12,
        ) {
            let support: Vec<Span> =
                spans.iter().map(|(start, length, p)| evidence(&p.to_string(), *start, start + length)).collect();
            let mut citations: Vec<CitedSpan> =
                support.iter().map(|span| cited(&span.passage, span.start, span.end)).collect();
            let all = CitationCounts::of(&citations, &support).unwrap();
            prop_assert_eq!((all.precision(), all.recall()), (Some(1.0), 1.0));
            citations.truncate(3);
            let before = CitationCounts::of(&citations, &support);
            let middle = rotation % citations.len();
            citations.rotate_left(middle);
            prop_assert_eq!(CitationCounts::of(&citations, &support), before);
        }
    }
}
