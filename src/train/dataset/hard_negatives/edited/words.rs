//! The words of a question or passage with their places, and what is compared of them.
//!
//! May depend on nothing.

use std::{collections::HashSet, ops::Range};

/// Words that say nothing of the topic, and words that begin a question or a sentence without being a name.
const FUNCTION_WORDS: &[&str] = &[
    "a",
    "about",
    "above",
    "according",
    "after",
    "again",
    "all",
    "also",
    "although",
    "am",
    "among",
    "an",
    "and",
    "another",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "besides",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "during",
    "each",
    "either",
    "every",
    "few",
    "following",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "like",
    "many",
    "may",
    "more",
    "most",
    "much",
    "must",
    "near",
    "no",
    "not",
    "of",
    "off",
    "on",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "own",
    "per",
    "same",
    "several",
    "shall",
    "she",
    "should",
    "since",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "though",
    "through",
    "thus",
    "to",
    "today",
    "too",
    "under",
    "until",
    "up",
    "upon",
    "us",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "whereas",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "you",
    "your",
    "name",
    "give",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
];

/// A word and its place in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'t> {
    /// Without a possessive ending.
    pub text: &'t str,
    /// Where it stands.
    pub range: Range<usize>,
}

impl Word<'_> {
    /// Whether it is written as names are.
    pub fn is_capitalised(&self) -> bool {
        self.text.chars().any(char::is_uppercase)
    }

    /// Whether it is a function word, in whatever case.
    pub fn is_function_word(&self) -> bool {
        is_function_word(&self.text.to_lowercase())
    }
}

/// Whether a word in lower case says nothing of the topic.
pub fn is_function_word(lower: &str) -> bool {
    FUNCTION_WORDS.contains(&lower)
}

/// The words of a text. `U.S`, `1,000`, `O'Neill` and `Jean-Paul` are one word, `1914-1918` is two.
pub fn words(text: &str) -> Vec<Word<'_>> {
    let mut found: Vec<Word<'_>> = Vec::new();
    let mut start = None;
    let mut before = ' ';
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let after = rest.peek().map_or(' ', |next| next.1);
        let inside = c.is_alphanumeric() || (start.is_some() && joins(before, c, after));
        match (start, inside) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                found.push(bare(text, from..at));
                start = None;
            }
            _ => {}
        }
        before = c;
    }
    if let Some(from) = start {
        found.push(bare(text, from..text.len()));
    }
    found
}

fn joins(before: char, mark: char, after: char) -> bool {
    let digits = before.is_ascii_digit() && after.is_ascii_digit();
    match mark {
        '.' => digits || (before.is_uppercase() && after.is_uppercase()),
        ',' => digits,
        '-' => before.is_alphanumeric() && after.is_alphanumeric() && !digits,
        '\'' | '’' | '&' => before.is_alphanumeric() && after.is_alphanumeric(),
        _ => false,
    }
}

fn bare(text: &str, range: Range<usize>) -> Word<'_> {
    let word = &text[range.clone()];
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    Word { text: word, range: range.start..range.start + word.len() }
}

/// Rough stems of the words of the topic: enough to see that two sentences speak of the same.
pub fn stems(text: &str) -> HashSet<String> {
    let lower = words(text).into_iter().map(|word| word.text.to_lowercase());
    lower.filter(|word| !is_function_word(word)).map(|word| stem(&word)).collect()
}

/// The first five letters: where forms of the same word differ is behind them. One that is too short is a word with
/// nothing behind it.
pub fn stem(lower: &str) -> String {
    lower.chars().take(5).collect()
}

/// Whether two names have a word in common, or words of one root (`China`, `Chinese`).
pub fn akin(one: &str, other: &str) -> bool {
    let roots = |text: &str| -> HashSet<String> {
        let lower = words(text).into_iter().map(|word| word.text.to_lowercase());
        lower.filter(|word| !is_function_word(word)).map(|word| word.chars().take(4).collect()).collect()
    };
    let others = roots(other);
    roots(one).iter().any(|root| others.contains(root)) || initials(one) == other || initials(other) == one
}

fn initials(name: &str) -> String {
    words(name).iter().filter(|word| word.is_capitalised()).filter_map(|word| word.text.chars().next()).collect()
}

/// `text` with every `old`, where it stands as whole words, replaced by `new`.
pub fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len() + new.len());
    let mut done = 0;
    for (at, _) in text.match_indices(old) {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if inside(text[..at].chars().next_back()) || inside(text[at + old.len()..].chars().next()) {
            continue;
        }
        out.push_str(&text[done..at]);
        out.push_str(new);
        done = at + old.len();
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_keep_their_inner_marks() {
        assert_eq!(
            texts("The U.S. paid $1,000.50, O'Neill's son."),
            ["The", "U.S", "paid", "1,000.50", "O'Neill", "son"]
        );
        assert_eq!(texts("1914-1918 Jean-Paul’s"), ["1914", "1918", "Jean-Paul"]);
    }

    #[test]
    fn names_of_one_root_are_akin() {
        assert!(
            akin("China", "Chinese army") && akin("Virgin Mary", "Mary") && akin("AFC", "American Football Conference")
        );
        assert!(!akin("University of Paris", "Bank of England"));
    }

    #[test]
    fn whole_words_are_replaced() {
        assert_eq!(replaced("Ann met Anna and Ann.", "Ann", "Bo"), "Bo met Anna and Bo.");
    }
}
