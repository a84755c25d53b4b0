//! The passages in a new order: a model reads question and passage together, which the two searches do not.
//!
//! More passages are found than are read, so that a good one from further down comes up. May depend on `models::encoder`.

use super::{AnswerError, Evidence, PreparedPart};
use crate::models::encoder::PairScorer;

/// So many passages are put in a new order.
pub const DEPTH: usize = 10;

/// Orders the first [`DEPTH`] passages by how likely they answer the question. Of equals the one that was found first stays
/// first; the others follow as they were.
pub async fn rerank(
    scorer: &dyn PairScorer,
    question: &PreparedPart,
    mut evidence: Evidence,
) -> Result<Evidence, AnswerError> {
    let pair = |text: &str| (question.interpreted.clone(), text.to_owned());
    let depth = DEPTH.min(evidence.passages.len());
    let first = &mut evidence.passages[..depth];
    let pairs = first.iter().map(|passage| pair(&passage.chunk.indexed_text())).collect();
    let scores = scorer.score(pairs).await?;
    for (passage, scores) in first.iter_mut().zip(scores) {
        passage.score = scores.first().copied().unwrap_or_default();
    }
    first.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(evidence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::answer::{
        postfilter::testing::passage,
        testing::{ScriptedPairs, part},
    };

    #[tokio::test]
    async fn the_likeliest_passages_come_first_and_the_others_follow() {
        let passages = ["One.", "Two answers it.", "Three answers it.", "Four."].map(passage).to_vec();
        let evidence = Evidence { generation: 1, passages, question_vector: Vec::new() };
        let scorer =
            ScriptedPairs::new(&["relevant"], |_, text| vec![if text.contains("answers") { 0.9 } else { 0.1 }]);
        let kept = rerank(&scorer, &part("Which one?"), evidence).await.unwrap();
        let texts: Vec<&str> = kept.passages.iter().map(|passage| passage.chunk.text.as_str()).collect();
        assert_eq!(texts, ["Two answers it.", "Three answers it.", "One.", "Four."]);
        assert!((kept.passages[0].score - 0.9).abs() < 1e-6);
    }
}
