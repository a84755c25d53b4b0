//! The metrics of retrieval. May depend on nothing.

/// Recall at `k` over questions with one relevant target each: the part of the questions whose target stands among
/// the first `k`. `ranks` holds the rank of the first hit of each question, 1 for the best, `None` for no hit.
pub fn recall_at(ranks: &[Option<usize>], k: usize) -> f64 {
    if ranks.is_empty() {
        return 0.0;
    }
    ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= k)).count() as f64 / ranks.len() as f64
}

/// Normalised discounted cumulative gain at `k` with binary relevance (Järvelin and Kekäläinen 2002): the gains of
/// the first `k` results, discounted by log2 of rank + 1, over those of an ideal ranking of `relevant` documents.
pub fn ndcg_at(hits: &[bool], relevant: usize, k: usize) -> f64 {
    let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let ideal: f64 = (0..relevant.min(k)).map(discount).sum();
    if ideal == 0.0 {
        return 0.0;
    }
    hits.iter().take(k).enumerate().filter(|(_, hit)| **hit).map(|(rank, _)| discount(rank)).sum::<f64>() / ideal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_counts_targets_that_were_found_early_enough() {
        let ranks = [Some(1), Some(3), None, Some(5)];
        assert_eq!(recall_at(&ranks, 1), 0.25);
        assert_eq!(recall_at(&ranks, 3), 0.5);
        assert_eq!(recall_at(&ranks, 5), 0.75);
        assert_eq!(recall_at(&[], 5), 0.0);
    }

    #[test]
    fn ndcg_is_one_for_the_ideal_ranking_and_discounts_later_hits() {
        assert_eq!(ndcg_at(&[true, false], 1, 10), 1.0);
        assert!((ndcg_at(&[false, true], 1, 10) - 1.0 / 3f64.log2()).abs() < 1e-12);
        assert_eq!(ndcg_at(&[false, true], 1, 1), 0.0);
        let two = ndcg_at(&[true, false, true], 2, 10);
        assert!((two - (1.0 + 0.5) / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
    }
}
