//! Guesses at what comes next, looked up in the text itself: a grounded answer repeats what its prompt says
//! (prompt lookup decoding, <https://github.com/apoorvumang/prompt-lookup-decoding>; checking guesses in one pass:
//! <https://arxiv.org/abs/2211.17192>).
//!
//! A guess costs a row of a product whose weights are read anyway; a wrong one changes nothing. Depends on nothing.

/// The most tokens that are guessed at once.
pub(super) const GUESSES: usize = 3;
/// The longest end of the text that is looked up; shorter ones are tried after it, down to [`SHORTEST`].
const LONGEST: usize = 3;
/// The shortest.
const SHORTEST: usize = 2;

/// What followed the end of the text when it stood there before, at most `most` tokens of it: the longest end that did,
/// the last time it did.
pub(super) fn guess(text: &[u32], most: usize) -> &[u32] {
    for length in (SHORTEST..=LONGEST).rev() {
        let Some(before) = text.len().checked_sub(length) else { continue };
        let end = &text[before..];
        // The end itself does not count, but an occurrence may reach into it.
        if let Some(at) = text[..text.len() - 1].windows(length).rposition(|window| window == end) {
            let follows = &text[at + length..];
            return &follows[..follows.len().min(most)];
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_the_longest_end_last_time_is_guessed() {
        assert_eq!(guess(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 2), [4, 5]);
        // The last time, not the first.
        assert_eq!(guess(&[7, 1, 2, 3, 1, 2, 4, 1, 2], 2), [4, 1]);
        // A longer end says more than a later place.
        assert_eq!(guess(&[7, 1, 2, 3, 0, 1, 2, 4, 7, 1, 2], 1), [3]);
        // Into the end itself.
        assert_eq!(guess(&[5, 5, 5], 4), [5]);
        for (text, most) in [(&[1, 2, 3][..], 4), (&[1, 2, 1, 2], 0), (&[1], 4), (&[], 4)] {
            assert!(guess(text, most).is_empty(), "{text:?}");
        }
    }
}
