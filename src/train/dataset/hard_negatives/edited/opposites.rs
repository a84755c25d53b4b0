//! Opposed words, and which of them a question holds.
//!
//! The list, `opposites.txt`, was written for this project. May depend on `words`.

use std::{collections::HashMap, sync::LazyLock};

use super::words::words;

/// Each word with its opposites; a pair counts both ways.
static OPPOSITES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
    for (one, other) in include_str!("opposites.txt").lines().filter_map(|line| line.split_once(' ')) {
        all.entry(one).or_default().push(other);
        all.entry(other).or_default().push(one);
    }
    all
});

/// Words that an opposed word does not turn around: "How long" and "How short" ask the same, and "at last" is no rank.
fn turns_nothing(before: &str, word: &str, after: &str) -> bool {
    before.eq_ignore_ascii_case("how")
        || matches!((word, after), ("first" | "last", "name" | "names" | "person"))
        // "How long did it last?"
        || (word == "last" && after.is_empty())
        || matches!((before, word), ("at", "last" | "least" | "most" | "first"))
        || (word == "like" && !matches!(before, "not" | "did" | "they" | "he" | "she" | "to"))
        || (word == "left" && !matches!(before, "who" | "that" | "and"))
        // A prefix: "what became a major", but "man-made", "end up".
        || matches!((word, after), ("end" | "ended", "up") | ("man" | "start" | "open", "of"))
}

/// The question with one opposed word put in, for every word that has an opposite: the changed question, the old word
/// and the new one. A question that names both sides, or lets choose ("or", "than"), stays as it is.
pub fn opposed(question: &str) -> Vec<(String, String, &'static str)> {
    let words = words(question);
    if words.iter().any(|word| matches!(word.text, "or" | "than" | "both" | "between")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let lower = word.text.to_lowercase();
        // A capitalised word inside a question is part of a name.
        if at > 0 && word.is_capitalised() {
            continue;
        }
        let Some(opposites) = OPPOSITES.get(lower.as_str()) else { continue };
        let side = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |word| word.text);
        let alone = words.iter().filter(|other| other.text.eq_ignore_ascii_case(&lower)).count() == 1;
        if !alone || turns_nothing(side(at.checked_sub(1)), &lower, side(Some(at + 1))) {
            continue;
        }
        for opposite in opposites {
            if words.iter().any(|other| other.text.eq_ignore_ascii_case(opposite)) {
                continue;
            }
            let written = if word.is_capitalised() { capitalised(opposite) } else { (*opposite).to_owned() };
            let changed = format!("{}{written}{}", &question[..word.range.start], &question[word.range.end..]);
            found.push((changed, word.text.to_owned(), *opposite));
        }
    }
    found
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(question: &str) -> Vec<String> {
        opposed(question).into_iter().map(|(changed, ..)| changed).collect()
    }

    #[test]
    fn the_list_is_pairs_of_words() {
        for line in include_str!("opposites.txt").lines() {
            let (one, other) = line.split_once(' ').unwrap_or_default();
            let sound = |word: &str| !word.is_empty() && word.chars().all(char::is_lowercase);
            assert!(sound(one) && sound(other) && one != other, "{line:?}");
        }
        assert!(include_str!("opposites.txt").lines().count() >= 80);
    }

    #[test]
    fn one_word_is_turned_around() {
        assert_eq!(changed("Before what year was the largest kiln lit?").len(), 2);
        assert_eq!(changed("After what did Ada sing?"), ["Before what did Ada sing?"]);
        assert_eq!(changed("Who sold it?"), ["Who bought it?"]);
    }

    #[test]
    fn what_would_ask_the_same_is_left_alone() {
        for question in [
            "How long is it?",
            "What did not last?",
            "What is her first name?",
            "Is it larger or smaller?",
            "Who ran North Mill?",
            "Why?",
        ] {
            assert_eq!(changed(question), Vec::<String>::new(), "{question}");
        }
    }
}
