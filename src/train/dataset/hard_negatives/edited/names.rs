//! Capitalised names in a text, without a model: runs of capitalised words, sorted by what they look like.
//!
//! May depend on `domain` and `words`.

use std::{collections::HashSet, ops::Range};

use super::words::{Word, words};
use crate::domain::MONTHS;

const WEEKDAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// After these a full stop ends no name.
const ABBREVIATIONS: &[&str] = &["St", "Dr", "Mr", "Mrs", "Ms", "Mt", "Gen", "Lt", "Col", "Prof", "Rev", "Sgt", "Capt"];
/// Small words inside names: "Bank of England", "Vasco da Gama".
const INNER: &[&str] = &["of", "de", "la", "le", "von", "van", "der", "den", "du", "del", "di", "da", "bin", "ibn"];
/// Words that name nobody when they stand alone, or so much that a swap would leave the question true.
const NO_NAMES: &[&str] = &[
    "president",
    "king",
    "queen",
    "emperor",
    "pope",
    "bishop",
    "prince",
    "princess",
    "sir",
    "lord",
    "lady",
    "general",
    "university",
    "church",
    "state",
    "states",
    "government",
    "act",
    "river",
    "city",
    "county",
    "north",
    "south",
    "east",
    "west",
    "northern",
    "southern",
    "eastern",
    "western",
    "europe",
    "asia",
    "africa",
    "america",
    "earth",
    "world",
    "war",
    "god",
    "internet",
    "english",
    "latin",
    "bc",
    "ad",
    "bce",
    "ce",
    "pm",
    "am",
    "gmt",
    "dr",
    "mr",
    "mrs",
    "ms",
    "st",
    "mt",
    "ii",
    "iii",
    "iv",
];
/// Words before the name of a place.
const PLACE_WORDS: &[&str] = &["in", "at", "near", "from", "across", "throughout", "outside"];

/// What a name looks like: a swap stays within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Month,
    Weekday,
    /// "French", "Chinese".
    Demonym,
    /// "Romans".
    Demonyms,
    /// "NFL".
    Acronym,
    Other,
}

/// A name in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub look: Look,
    /// How many words it has, up to three.
    pub words: usize,
    /// Whether it stands behind "in", "at", "from".
    pub place: bool,
    /// Whether it stands behind "the".
    pub article: bool,
    /// Whether it stands behind a quotation mark, as titles of works do.
    pub quoted: bool,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

impl Name {
    /// The name, then without its first and without its last word: a question may put two names side by side.
    pub fn and_shorter(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        let first = self.text.split_once(' ').map(|(_, rest)| rest);
        let last = self.text.rsplit_once(' ').map(|(rest, _)| rest);
        for shorter in [first, last].into_iter().flatten() {
            let word = |word: Option<&str>| word.is_some_and(|word| INNER.contains(&word) || is_number(word));
            let bare = word(shorter.split(' ').next()) || word(shorter.split(' ').next_back());
            let count = shorter.split(' ').count();
            let no_name = count == 1 && NO_NAMES.contains(&shorter.to_lowercase().as_str());
            if !bare && !no_name {
                all.push(Self { text: shorter.to_owned(), look: look(shorter), words: count.min(3), ..self.clone() });
            }
        }
        all
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of a text, each time that they occur.
pub fn names(text: &str) -> Vec<Name> {
    let words = words(text);
    // A word that is capitalised in the middle of a sentence is a name at its beginning too.
    let inner: HashSet<&str> = (0..words.len())
        .filter(|at| words[*at].is_capitalised() && !begins_sentence(text, &words, *at))
        .map(|at| words[at].text)
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if !starts_name(text, &words, at, &inner) {
            at += 1;
            continue;
        }
        let end = end_of_name(text, &words, at);
        let range = words[at].range.start..words[end - 1].range.end;
        let name = &text[range.clone()];
        let look = look(name);
        let alone = end - at == 1 && NO_NAMES.contains(&name.to_lowercase().as_str());
        if !alone && name.chars().filter(|c| c.is_alphabetic()).count() > 1 {
            let before = at.checked_sub(1).map_or("", |before| words[before].text);
            let (place, article) = (PLACE_WORDS.contains(&before), before.eq_ignore_ascii_case("the"));
            let quoted = text[..range.start].ends_with(['"', '“', '‘', '\'', '*', '_']);
            found.push(Name { text: name.to_owned(), look, words: (end - at).min(3), place, article, quoted, range });
        }
        at = end;
    }
    found
}

/// Whether a word is the name of a month.
pub fn is_month(word: &str) -> bool {
    MONTHS.contains(&word)
}

fn gap<'t>(text: &'t str, words: &[Word<'_>], at: usize) -> &'t str {
    if at == 0 { &text[..words[0].range.start] } else { &text[words[at - 1].range.end..words[at].range.start] }
}

fn begins_sentence(text: &str, words: &[Word<'_>], at: usize) -> bool {
    if at == 0 {
        return true;
    }
    let gap = gap(text, words, at);
    let abbreviated = gap == ". " && is_abbreviation(words[at - 1].text);
    !abbreviated && gap.contains(['.', '!', '?', ':', ';', '\n', '"', '“', '('])
}

fn is_abbreviation(word: &str) -> bool {
    ABBREVIATIONS.contains(&word) || (word.chars().count() == 1 && word.chars().all(char::is_uppercase))
}

fn starts_name(text: &str, words: &[Word<'_>], at: usize, inner: &HashSet<&str>) -> bool {
    let word = &words[at];
    if !word.is_capitalised() || word.text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    // "May" is a month in the middle of a sentence.
    let month = word.text == "May" && !begins_sentence(text, words, at);
    if word.is_function_word() && !month {
        return false;
    }
    let followed = || at + 1 < words.len() && follows(text, words, at + 1) && words[at + 1].is_capitalised();
    !begins_sentence(text, words, at)
        || inner.contains(word.text)
        || (followed() && !word.text.ends_with("ly") && !word.text.ends_with("ing"))
}

/// Whether a word belongs to the one before it.
fn follows(text: &str, words: &[Word<'_>], at: usize) -> bool {
    let gap = gap(text, words, at);
    gap == " " || (gap == ". " && is_abbreviation(words[at - 1].text))
}

fn end_of_name(text: &str, words: &[Word<'_>], start: usize) -> usize {
    let mut end = start + 1;
    while end < words.len() && follows(text, words, end) {
        let word = words[end].text;
        let capitalised = |at: usize| {
            let there = at < words.len() && follows(text, words, at) && words[at].is_capitalised();
            there && !words[at].is_function_word() && !words[at].text.starts_with(|c: char| c.is_ascii_digit())
        };
        if capitalised(end) {
            end += 1;
        } else if INNER.contains(&word) && capitalised(end + 1) {
            end += 2;
        } else if word == "of" && end + 1 < words.len() && words[end + 1].text == "the" && capitalised(end + 2) {
            end += 3;
        } else if word.len() <= 3 && is_number(word) && !is_month(words[end - 1].text) {
            // "Apollo 11".
            return end + 1;
        } else {
            break;
        }
    }
    end
}

fn look(name: &str) -> Look {
    let demonym = |word: &str| {
        ["ish", "ese", "ian", "ean", "ican"].iter().any(|end| word.ends_with(end))
            || ["French", "Dutch", "Greek", "Swiss", "German", "Roman", "Norman", "Arab", "Arabic", "Jewish", "Turk"]
                .contains(&word)
    };
    let letters = name.chars().filter(|c| c.is_alphabetic());
    if MONTHS.contains(&name) {
        Look::Month
    } else if WEEKDAYS.contains(&name) {
        Look::Weekday
    } else if name.contains(' ') {
        Look::Other
    } else if letters.clone().count() > 1 && letters.clone().all(char::is_uppercase) {
        Look::Acronym
    } else if demonym(name) {
        Look::Demonym
    } else if name.strip_suffix('s').is_some_and(demonym) {
        Look::Demonyms
    } else {
        Look::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        names(text).into_iter().map(|name| name.text).collect()
    }

    #[test]
    fn names_are_runs_of_capitalised_words() {
        let text = "When did Vasco da Gama leave the Bank of the Rhine for St. Louis in May with Apollo 11?";
        assert_eq!(found(text), ["Vasco da Gama", "Bank of the Rhine", "St. Louis", "May", "Apollo 11"]);
    }

    #[test]
    fn the_first_word_of_a_sentence_is_a_name_when_something_says_so() {
        assert_eq!(found("Architecturally it is old. Kilns burn."), Vec::<String>::new());
        assert_eq!(found("Ada left. She was the Ada of Rome."), ["Ada", "Ada of Rome"]);
        assert_eq!(found("Ada Lovelace left."), ["Ada Lovelace"]);
        assert_eq!(found("Recently Ada left."), ["Ada"]);
    }

    #[test]
    fn looks_are_told_apart() {
        let looks: Vec<Look> = names("the NFL and French and Romans in June or Paris").iter().map(|n| n.look).collect();
        assert_eq!(looks, [Look::Acronym, Look::Demonym, Look::Demonyms, Look::Month, Look::Other]);
    }
}
