//! The forms in which texts are compared: answers as the SQuAD evaluation compares them, and words for questions and
//! passages.
//!
//! May depend on nothing of this crate but `split_mix`.

use super::split_mix::{hash64, mix};

/// An answer as SQuAD's official evaluation compares it (Rajpurkar et al. 2016): lower case, without punctuation and
/// articles, with single spaces. Empty for an answer that is nothing else.
pub fn answer(text: &str) -> String {
    let bare: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let words = bare.split_whitespace().filter(|word| !matches!(*word, "a" | "an" | "the"));
    let mut joined = String::with_capacity(bare.len());
    for word in words {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// Whether a text in the form of [`answer`] holds another one, word by word.
pub fn holds(text: &str, wanted: &str) -> bool {
    if wanted.is_empty() {
        return false;
    }
    let (bytes, mut from) = (text.as_bytes(), 0);
    while let Some(found) = text[from..].find(wanted) {
        let (start, end) = (from + found, from + found + wanted.len());
        if (start == 0 || bytes[start - 1] == b' ') && (end == text.len() || bytes[end] == b' ') {
            return true;
        }
        from = start + wanted.chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// The words of a text in lower case: stretches of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// How many words a text has.
pub fn word_count(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}

/// The same for two texts that differ in case, spaces and punctuation only.
pub fn key(text: &str) -> u64 {
    combine(&word_hashes(text))
}

/// What two titles of the same document have in common: lower case, and spaces where the web has underscores.
pub fn document_key(title: &str) -> String {
    title.replace('_', " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A hash of each word, in order.
pub fn word_hashes(text: &str) -> Vec<u64> {
    words(text).map(|word| hash64(word.as_bytes())).collect()
}

/// A hash of several in their order.
pub fn combine(hashes: &[u64]) -> u64 {
    hashes.iter().fold(hashes.len() as u64, |all, hash| mix(all.rotate_left(5) ^ hash))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_compared_as_squad_does() {
        assert_eq!(answer("The  Duke's, an Ox!"), "dukes ox");
        assert_eq!(answer("the"), "");
    }

    #[test]
    fn an_answer_is_held_as_whole_words() {
        assert!(holds("born in 1905 at sea", "1905"));
        assert!(!holds("born in 19055 at sea", "1905"));
        assert!(holds("x 1905a 1905", "1905"));
        assert!(!holds("anything", ""));
    }

    #[test]
    fn a_key_looks_through_case_spaces_and_punctuation() {
        assert_eq!(key("Who's  there?"), key("who s there"));
        assert_ne!(key("who is there"), key("there is who"));
    }

    proptest! {
        #[test]
        fn normal_forms_are_stable(text in "\\PC{0,120}") {
            let once = answer(&text);
            prop_assert_eq!(answer(&once), once.clone());
            prop_assert_eq!(word_count(&text), words(&text).count());
            prop_assert!(once.is_empty() || holds(&once, &once));
        }

        #[test]
        fn looking_into_any_text_ends(text in "[aé ]{0,30}", wanted in "[aé]{1,3}") {
            let words: Vec<&str> = text.split(' ').collect();
            prop_assert_eq!(holds(&text, &wanted), words.contains(&wanted.as_str()));
        }
    }
}
