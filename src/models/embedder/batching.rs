//! Which of the waiting texts go through the model together. Pure functions of their token counts.

/// A batch holds at most one part in so many of padding: beyond it a batch of its own costs less.
const PADDING_SHARE: usize = 8;

/// The texts of the next batch, as indices into `tokens`, which lists what waits in the order of arrival.
///
/// The oldest text is always in it, so nothing waits for ever; the others are those of the most similar
/// length. A batch is padded to its longest text, and so padded it has at most `budget` tokens, except that a
/// text that is longer than the budget goes alone. Empty only when nothing waits.
pub(super) fn next_batch(tokens: &[usize], budget: usize) -> Vec<usize> {
    if tokens.is_empty() {
        return Vec::new();
    }
    let mut by_length: Vec<usize> = (0..tokens.len()).collect();
    by_length.sort_by_key(|&index| (tokens[index], index));
    let Some(oldest) = by_length.iter().position(|&index| index == 0) else { return Vec::new() };

    // A window over the sorted lengths, grown on whichever side adds less padding.
    let (mut first, mut last) = (oldest, oldest);
    let mut used = tokens[0];
    loop {
        let grown = |first: usize, last: usize, added: usize| {
            let padded = tokens[by_length[last]] * (last - first + 1);
            let padding = padded - (used + added);
            (padded <= budget && padding * PADDING_SHARE <= padded).then_some((padding, first, last, added))
        };
        let shorter = first.checked_sub(1).and_then(|at| grown(at, last, tokens[by_length[at]]));
        let longer = by_length.get(last + 1).and_then(|&index| grown(first, last + 1, tokens[index]));
        let Some((_, to_first, to_last, added)) = shorter.into_iter().chain(longer).min() else { break };
        (first, last, used) = (to_first, to_last, used + added);
    }
    by_length[first..=last].to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    /// All batches until nothing waits, as indices into the original list.
    fn drain(tokens: &[usize], budget: usize) -> Vec<Vec<usize>> {
        let mut waiting: Vec<usize> = (0..tokens.len()).collect();
        let mut batches = Vec::new();
        while !waiting.is_empty() {
            let lengths: Vec<usize> = waiting.iter().map(|&index| tokens[index]).collect();
            let picked = next_batch(&lengths, budget);
            assert!(picked.contains(&0), "the oldest is left behind");
            batches.push(picked.iter().map(|&at| waiting[at]).collect());
            waiting =
                waiting.iter().enumerate().filter(|(at, _)| !picked.contains(at)).map(|(_, &index)| index).collect();
        }
        batches
    }

    proptest! {
        #[test]
        fn every_text_is_in_exactly_one_batch_and_budget_and_padding_are_kept(
            tokens in prop::collection::vec(2_usize..600, 0..120),
            budget in 1_usize..4096,
        ) {
            let batches = drain(&tokens, budget);
            let mut all: Vec<usize> = batches.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..tokens.len()).collect::<Vec<_>>());
            for batch in batches {
                let longest = batch.iter().map(|&index| tokens[index]).max().unwrap();
                let padded = longest * batch.len();
                let used: usize = batch.iter().map(|&index| tokens[index]).sum();
                prop_assert!(padded <= budget || batch.len() == 1);
                prop_assert!((padded - used) * PADDING_SHARE <= padded);
            }
        }

        #[test]
        fn texts_of_one_length_fill_the_budget(length in 2_usize..300, count in 1_usize..60, budget in 300_usize..4096) {
            let batches = drain(&vec![length; count], budget);
            prop_assert_eq!(batches.len(), count.div_ceil(budget / length));
        }
    }

    #[test]
    fn similar_lengths_go_together() {
        let batch = next_batch(&[200, 10, 190, 11, 250, 201], 600);
        let mut lengths: Vec<usize> = batch.iter().map(|&at| [200, 10, 190, 11, 250, 201][at]).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [200, 201]);
        assert_eq!(next_batch(&[], 100), Vec::<usize>::new());
        assert_eq!(next_batch(&[500, 500], 100), [0]);
    }
}
