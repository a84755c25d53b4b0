//! Cuts text into the words that the lexical index knows, in any script.
//!
//! Words are folded (NFKD, lower case, no accents). Scripts that are written without spaces, and Hangul, give
//! overlapping pairs of characters, because any pair that a question uses is then found without a dictionary.
//! Identifiers (`snake_case`, dotted names, paths, versions, `camelCase`) give themselves and their parts.
//!
//! May depend on nothing of this crate.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a word is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    /// A word that stands in the text by itself, or a part of an identifier.
    Plain,
    /// A whole identifier; its parts follow as plain words.
    Whole,
}

/// A folded word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) kind: WordKind,
}

/// The words of `text`, in order.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_alphanumeric()) {
        let run = &rest[start..];
        let end = run.find(|c| !belongs(c)).unwrap_or(run.len());
        push_run(&mut words, run[..end].trim_end_matches(|c: char| is_connector(c) || is_apostrophe(c) || c == ','));
        rest = &run[end..];
    }
    words
}

/// Whether a character goes on a run that an alphanumeric character began.
fn belongs(c: char) -> bool {
    c.is_alphanumeric()
        || is_connector(c)
        || is_apostrophe(c)
        || c == ','
        || is_combining_mark(c)
        || matches!(c, '\u{200c}' | '\u{200d}' | '\u{ad}')
}

fn is_connector(c: char) -> bool {
    matches!(c, '_' | '.' | ':' | '/' | '\\' | '-' | '@' | '+' | '#')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

/// Adds the words of a run without spaces: `run` starts and ends with a letter, a digit or a mark.
fn push_run(words: &mut Vec<Word>, run: &str) {
    for clause in split_at_commas(run) {
        let clause = clause.trim_matches(|c: char| is_connector(c) || is_apostrophe(c));
        let folded = fold(clause);
        if is_decimal(&folded) {
            words.push(Word { text: folded, kind: WordKind::Plain });
            continue;
        }
        if is_identifier(clause) && !folded.chars().any(is_unspaced) {
            words.push(Word { text: folded, kind: WordKind::Whole });
        }
        for part in clause.split(is_connector) {
            for (position, piece) in part.split(is_apostrophe).enumerate() {
                let folded = fold(piece);
                if position > 0 && is_clitic(&folded) {
                    continue;
                }
                for hump in humps(piece) {
                    push_scripts(words, &if hump.len() == piece.len() { folded.clone() } else { fold(hump) });
                }
            }
        }
    }
}

/// Splits at commas, save those that group digits (`1,000,000`), which are left out.
fn split_at_commas(run: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let mut before = None;
    let mut characters = run.chars().peekable();
    while let Some(c) = characters.next() {
        let groups = |c: Option<char>| c.is_some_and(char::is_numeric);
        match clauses.last_mut() {
            Some(clause) if c != ',' => clause.push(c),
            _ if groups(before) && groups(characters.peek().copied()) => {}
            _ => clauses.push(String::new()),
        }
        before = Some(c);
    }
    clauses
}

/// Whether a run names something as a whole: it has an inner connector other than the hyphen of prose.
fn is_identifier(clause: &str) -> bool {
    let has_digit = clause.chars().any(char::is_numeric);
    clause.chars().any(|c| is_connector(c) && (c != '-' || has_digit)) || humps(clause).len() > 1
}

/// Whether a word is one number with a decimal point.
fn is_decimal(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('.').is_some_and(|(whole, fraction)| digits(whole) && digits(fraction))
}

/// What an apostrophe leaves behind in English and says nothing.
fn is_clitic(word: &str) -> bool {
    matches!(word, "" | "s" | "t" | "d" | "m" | "ll" | "re" | "ve")
}

/// The parts of a `camelCase` word; the word itself when it is none, or when a part would be one letter.
fn humps(word: &str) -> Vec<&str> {
    let mut humps = Vec::new();
    let (mut start, mut lower) = (0, false);
    for (at, c) in word.char_indices() {
        if lower && c.is_uppercase() {
            humps.push(&word[start..at]);
            start = at;
        }
        lower = c.is_lowercase();
    }
    humps.push(&word[start..]);
    if humps.iter().any(|hump| hump.chars().nth(1).is_none()) { vec![word] } else { humps }
}

/// Adds a folded word, or the pairs of characters of its parts in scripts without spaces.
fn push_scripts(words: &mut Vec<Word>, word: &str) {
    let characters: Vec<char> = word.chars().collect();
    for stretch in characters.chunk_by(|a, b| is_unspaced(*a) == is_unspaced(*b)) {
        let unspaced = stretch.first().is_some_and(|c| is_unspaced(*c));
        let size = if unspaced { stretch.len().min(2) } else { stretch.len() };
        let plain = |text: &[char]| Word { text: text.iter().collect(), kind: WordKind::Plain };
        words.extend(stretch.windows(size.max(1)).map(plain).filter(|word| word.text.contains(char::is_alphanumeric)));
    }
}

/// Folds case, compatibility forms and accents.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let invisible = |c: &char| !matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{ad}');
    text.nfkd().flat_map(char::to_lowercase).nfkd().filter(invisible).nfc().collect()
}

/// Han, kana, Hangul, and the scripts of South-East Asia: words are not told apart by spaces, or not well.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).into_iter().filter(|word| word.kind == WordKind::Plain).map(|word| word.text).collect()
    }

    fn whole(text: &str) -> Vec<String> {
        words(text).into_iter().filter(|word| word.kind == WordKind::Whole).map(|word| word.text).collect()
    }

    #[test]
    fn prose_is_cut_at_spaces_and_punctuation() {
        assert_eq!(
            plain("The Normans' duke, Rollo (911): \"well-known\"!"),
            ["the", "normans", "duke", "rollo", "911", "well", "known"]
        );
        assert!(whole("A well-known fact, and so on.").is_empty());
    }

    #[test]
    fn possessives_and_contractions_leave_no_scraps() {
        assert_eq!(plain("Rollo's men don’t"), ["rollo", "men", "don"]);
        assert_eq!(plain("l'homme"), ["l", "homme"]);
    }

    #[test]
    fn numbers_stay_whole() {
        assert_eq!(plain("1,000,000 people, 3.14 and 50%"), ["1000000", "people", "3.14", "and", "50"]);
        assert_eq!(plain("first,second"), ["first", "second"]);
    }

    #[test]
    fn identifiers_are_kept_whole_and_in_parts() {
        assert_eq!(whole("set max_connections in src/main.rs"), ["max_connections", "src/main.rs"]);
        assert_eq!(plain("set max_connections"), ["set", "max", "connections"]);
        assert_eq!(whole("TextSplitter COVID-19 std::fs"), ["textsplitter", "covid-19", "std::fs"]);
        assert_eq!(plain("TextSplitter"), ["text", "splitter"]);
        assert_eq!(plain("eBay mRNA PostgreSQL"), ["ebay", "mrna", "postgre", "sql"]);
    }

    #[test]
    fn forms_of_one_word_are_folded_together() {
        assert_eq!(plain("Café CAFE\u{301} cafe ｃａｆｅ"), ["cafe"; 4]);
        assert_eq!(plain("İstanbul Ёлка"), ["istanbul", "елка"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(plain("東京都は"), ["東京", "京都", "都は"]);
        assert_eq!(plain("水"), ["水"]);
        assert_eq!(plain("서울시"), ["서울", "울시"]);
        assert_eq!(plain("Rust言語2024年"), ["rust", "言語", "2024", "年"]);
        assert!(!plain("ภาษาไทย").is_empty());
    }

    #[test]
    fn other_spaced_scripts_give_words() {
        assert_eq!(plain("Привет, мир! שלום עולם"), ["привет", "мир", "שלום", "עולם"]);
        assert_eq!(plain("हिन्दी भाषा").len(), 2);
    }

    proptest! {
        #[test]
        fn every_word_says_something_and_is_folded(text in "\\PC{0,200}") {
            for word in words(&text) {
                prop_assert!(word.text.contains(char::is_alphanumeric), "{:?}", word);
                prop_assert_eq!(fold(&word.text), word.text.clone());
            }
        }

        #[test]
        fn text_with_a_letter_has_a_word(before in "[ \\PL]{0,20}", letter in "\\p{L}", after in "[ ]\\PC{0,20}") {
            let text = format!("{before} {letter}{after}");
            prop_assert!(!words(&text).is_empty());
        }

        #[test]
        fn case_does_not_matter_in_prose(text in "[a-z ,.]{0,80}") {
            prop_assert_eq!(plain(&text.to_uppercase()), plain(&text));
        }
    }
}
