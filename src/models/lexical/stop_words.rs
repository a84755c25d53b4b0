//! Words that say how a question is asked, or nothing, but not what it is about.
//!
//! May depend on nothing.

/// English function words and question words, sorted. Folded as `words` folds them; what `words` leaves of
/// contractions ("don't", "isn't") is among them.
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "don", "for", "from", "had",
    "has", "have", "he", "her", "his", "how", "if", "in", "into", "is", "isn", "it", "its", "no", "not", "of", "on",
    "or", "she", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "wasn", "were",
    "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with",
];

/// Whether a folded word carries no meaning for the lexical index.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(STOP_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_stop_word("the") && !is_stop_word("normans"));
    }
}
