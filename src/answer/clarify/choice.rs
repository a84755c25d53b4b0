//! What a reply to offered readings means: which of them was chosen, and the question that goes on with it.
//!
//! May depend on `strsim`.

use unicode_segmentation::UnicodeSegmentation;

/// Words that say nothing about which reading is meant. Sorted.
const FILLERS: &[&str] = &[
    "a", "about", "an", "and", "answer", "choice", "choose", "for", "from", "go", "i", "i'd", "i'm", "in", "is", "it",
    "just", "like", "mean", "meant", "my", "number", "ok", "okay", "on", "one", "ones", "option", "please", "reading",
    "s", "sure", "take", "thanks", "that", "that's", "the", "this", "to", "want", "was", "with", "yes",
];
/// Words that refuse a choice, or make several. Sorted.
const NO_CHOICE: &[&str] = &["all", "both", "each", "either", "every", "neither", "no", "none", "nothing"];
/// Words that a question begins with. Sorted.
const QUESTION_WORDS: &[&str] = &["are", "can", "do", "does", "how", "what", "when", "where", "which", "who", "why"];
/// Places, by the words for them.
const ORDINALS: &[&[&str]] = &[
    &["1", "1st", "first", "former"],
    &["2", "2nd", "second", "latter"],
    &["3", "3rd", "third"],
    &["4", "4th", "fourth"],
    &["5", "5th", "fifth"],
    &["6", "6th", "sixth"],
    &["7", "7th", "seventh"],
    &["8", "8th", "eighth"],
];
/// So many words beside those of the reading a reply may have: with more it is a sentence of its own.
const MOST_OTHER_WORDS: usize = 2;
/// A reply with more words than this is a text, whatever it is about: nothing is compared with it but the readings whole.
const MOST_WORDS: usize = 64;

/// The reading that a reply chooses: by its place (`the second`, `2`), by words of it that no other one has, misspelt
/// slightly or not, or by all of it. `None` for a reply that chooses none or several, and for one that is a question of its
/// own.
pub fn choice(reply: &str, options: &[String]) -> Option<usize> {
    let said = words(reply);
    let labels: Vec<Vec<String>> = options.iter().map(|option| words(option)).collect();
    if let Some(at) = labels.iter().position(|label| *label == said && !said.is_empty()) {
        return Some(at);
    }
    let first = said.first()?;
    let contains = |list: &[&str], word: &String| list.binary_search(&word.as_str()).is_ok();
    if said.len() > MOST_WORDS || reply.trim_end().ends_with('?') || contains(QUESTION_WORDS, first) {
        return None;
    }
    let meaning: Vec<&String> = said.iter().filter(|word| !contains(FILLERS, word)).collect();
    if meaning.iter().any(|word| contains(NO_CHOICE, word)) {
        return None;
    }
    let by_words = by_words(&meaning, &labels);
    match (by_place(&meaning, options.len()), by_words) {
        // `2` beside a reading called `Version 2` that is not the second: nobody can say which one is meant.
        (Some(place), Some(named)) => (place == named).then_some(place),
        (place, named) => place.or(named),
    }
}

/// The stand-alone question: the first one with the reading's words at its end, where retrieval finds them and the reader
/// has seen such words in its training.
pub fn chosen_question(question: &str, option: &str) -> String {
    let stated = question.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '?' | '.' | '!'));
    let mark = if question.trim_end().ends_with('?') { "?" } else { "" };
    format!("{stated} ({option}){mark}")
}

/// A reply that is a place and nothing else.
fn by_place(meaning: &[&String], count: usize) -> Option<usize> {
    let [word] = meaning else { return None };
    let place = match word.as_str() {
        "last" => count.checked_sub(1)?,
        word => ORDINALS.iter().position(|words| words.contains(&word))?,
    };
    (place < count).then_some(place)
}

/// The reading of which the reply has the most words that some other reading has not.
fn by_words(meaning: &[&String], labels: &[Vec<String>]) -> Option<usize> {
    let tells = |word: &String| labels.iter().any(|label| !label.contains(word));
    let matched = |label: &Vec<String>, exactly: bool| {
        let own = label.iter().filter(|word| tells(word));
        own.filter(|word| meaning.iter().any(|said| if exactly { said == word } else { is_alike(said, word) })).count()
    };
    let known = |word: &&&String| labels.iter().flatten().any(|label| is_alike(word, label));
    if meaning.len() - meaning.iter().filter(known).count() > MOST_OTHER_WORDS {
        return None;
    }
    // A word that is written as in one reading is not a misspelling of another one's.
    [true, false].into_iter().find_map(|exactly| {
        let counts: Vec<usize> = labels.iter().map(|label| matched(label, exactly)).collect();
        let most = *counts.iter().max()?;
        let mut best = counts.iter().enumerate().filter(|(_, count)| **count == most);
        match (best.next(), best.next()) {
            (Some((at, _)), None) if most > 0 => Some(at),
            _ => None,
        }
    })
}

/// The same word, with a slip in a word of four letters or more, or two in a long one.
fn is_alike(said: &str, word: &str) -> bool {
    let slips = match word.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    };
    // Comparing costs the product of the two lengths, and words of very different ones are not alike.
    let as_long = || said.chars().count().abs_diff(word.chars().count()) <= slips;
    said == word || (slips > 0 && as_long() && strsim::damerau_levenshtein(said, word) <= slips)
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(reply: &str, options: &[&str]) -> Option<usize> {
        choice(reply, &options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!([FILLERS, NO_CHOICE, QUESTION_WORDS].iter().all(|list| list.is_sorted()));
    }

    #[test]
    fn a_place_chooses() {
        let options = ["Docker", "Postgres backend", "Kubernetes"];
        for (reply, place) in [
            ("2", 1),
            ("the second", 1),
            ("The second one, please.", 1),
            ("#3", 2),
            ("option 1", 0),
            ("the last one", 2),
            ("1st", 0),
        ] {
            assert_eq!(chosen(reply, &options), Some(place), "{reply}");
        }
        assert_eq!(chosen("the fourth", &options), None);
        assert_eq!(chosen("4", &options), None);
    }

    #[test]
    fn words_of_one_reading_choose_it() {
        let options = ["Docker", "Postgres backend", "Kubernetes"];
        for (reply, place) in [
            ("Docker", 0),
            ("for postgres please", 1),
            ("i meant kubernets", 2),
            ("dokcer", 0),
            ("the backend", 1),
            ("postgres backend", 1),
        ] {
            assert_eq!(chosen(reply, &options), Some(place), "{reply}");
        }
        let policies = ["Travel policy: Germany", "Travel policy: Norway"];
        assert_eq!(chosen("germany", &policies), Some(0));
        assert_eq!(chosen("the travel policy for norway", &policies), Some(1));
        assert_eq!(chosen("travel policy", &policies), None);
        assert_eq!(chosen("2024", &["Leave policy 2024", "Leave policy 2025"]), Some(0));
        assert_eq!(chosen("pg_dump", &["pg_dump", "pg_dumpall"]), Some(0));
        assert_eq!(chosen("g5", &["Gateway G2: manual", "Gateway G5: manual"]), Some(1));
    }

    #[test]
    fn what_is_no_choice_of_one_reading_chooses_none() {
        let options = ["Docker", "Postgres backend"];
        for reply in ["both", "none of them", "", "?", "What does Docker cost?", "how do I install docker"] {
            assert_eq!(chosen(reply, &options), None, "{reply}");
        }
        assert_eq!(chosen("docker or postgres", &options), None);
        assert_eq!(chosen(&"docker ".repeat(MOST_WORDS + 1), &options), None);
        assert_eq!(chosen("tell me something else about the price of docker instead", &options), None);
        // The second place is not the reading called 2.
        assert_eq!(chosen("2", &["Version 2", "Version 3"]), None);
        assert_eq!(chosen("version 2", &["Version 2", "Version 3"]), Some(0));
    }

    #[test]
    fn the_question_goes_on_with_the_reading() {
        assert_eq!(
            chosen_question("What is the default port?", "Gateway G2"),
            "What is the default port (Gateway G2)?"
        );
        assert_eq!(chosen_question("hotel limit", "Norway"), "hotel limit (Norway)");
    }
}
