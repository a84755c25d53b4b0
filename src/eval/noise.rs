//! One realistic typo in a question, to measure what misspelling costs.
//!
//! Two kinds take turns: a misspelling that people are known to make, out of a list, and a slip of the finger by the map
//! of a keyboard. Where no word of the question is listed, it is a slip. Numbers, identifiers, abbreviations and what is
//! quoted are not touched: nobody could tell what was meant. Everything is drawn by a hash of the seed and the question's
//! id, so that a question always gets the same typo.
//!
//! The folder holds the files of nlpaug: `nlpaug-spelling_en.txt` (a line is a word and its misspellings) and
//! `nlpaug-keyboard-en.json` (a key and its neighbours). May depend on nothing of this crate.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The misspellings.
const MISSPELLINGS: &str = "nlpaug-spelling_en.txt";
/// The keyboard.
const KEYBOARD: &str = "nlpaug-keyboard-en.json";
/// The files that a folder of typos holds.
pub const FILES: [&str; 2] = [MISSPELLINGS, KEYBOARD];
/// The fewest letters of a word that gets a typo.
const LETTERS: usize = 4;

/// Why typos cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{0} is no such file: {1}")]
    Malformed(PathBuf, String),
}

impl NoiseError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

/// Makes typos.
#[derive(Debug, Clone)]
pub struct Noise {
    /// The misspellings of a word, both in lower case.
    misspellings: HashMap<String, Vec<String>>,
    /// The letters beside a letter.
    neighbours: HashMap<char, Vec<char>>,
}

/// A question with a typo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistyped {
    /// The question.
    pub text: String,
    /// The word as it was.
    pub from: String,
    /// The word as it is now.
    pub to: String,
}

impl Noise {
    /// Reads the two files of a folder.
    pub fn read(folder: &Path) -> Result<Self, NoiseError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map(|text| (text, path.clone())).map_err(|error| NoiseError::Io(path, error))
        };
        let (list, path) = read(MISSPELLINGS)?;
        let misspellings = misspellings(&list);
        if misspellings.is_empty() {
            return Err(NoiseError::Malformed(path, "no line has a word and a misspelling of it".to_owned()));
        }
        let (map, path) = read(KEYBOARD)?;
        let neighbours = neighbours(&map).map_err(|error| NoiseError::Malformed(path, error.to_string()))?;
        Ok(Self { misspellings, neighbours })
    }

    /// The question with one typo; `None` when it has no word that could get one.
    pub fn mistype(&self, question: &str, id: &str, seed: u64) -> Option<Mistyped> {
        let mut dice = Dice::new(seed, id);
        let words = plain_words(question);
        let listed: Vec<_> =
            words.iter().filter(|(_, word)| self.misspellings.contains_key(&word.to_lowercase())).collect();
        let (start, word, typo) = if !listed.is_empty() && dice.below(2) == 0 {
            let (start, word) = *listed[dice.below(listed.len())];
            let typos = &self.misspellings[&word.to_lowercase()];
            (start, word, typos[dice.below(typos.len())].clone())
        } else {
            let (start, word) = *words.get(dice.below(words.len().max(1)))?;
            (start, word, self.slip(&word.to_lowercase(), &mut dice))
        };
        let to = in_case_of(word, &typo);
        let text = format!("{}{to}{}", &question[..start], &question[start + word.len()..]);
        Some(Mistyped { text, from: word.to_owned(), to })
    }

    /// A slip of the finger: the key beside, a key too many, none, one twice, or two in the wrong order.
    fn slip(&self, word: &str, dice: &mut Dice) -> String {
        let letters: Vec<char> = word.chars().collect();
        // A slip that leaves the word as it was (two same letters swapped) is drawn again.
        loop {
            let mut slipped = letters.clone();
            let at = dice.below(letters.len());
            let beside = self.neighbours.get(&letters[at]).filter(|keys| !keys.is_empty());
            match (dice.below(5), beside) {
                (0, Some(keys)) => slipped[at] = keys[dice.below(keys.len())],
                (1, Some(keys)) => slipped.insert(at + 1, keys[dice.below(keys.len())]),
                (2, _) => drop(slipped.remove(at)),
                (3, _) if at + 1 < letters.len() => slipped.swap(at, at + 1),
                _ => slipped.insert(at, letters[at]),
            }
            if slipped != letters {
                return slipped.into_iter().collect();
            }
        }
    }
}

/// The misspellings of each word. A misspelling that is a listed word itself (`luck` for `lock`) is none: it reads as
/// that other word. Those that are not letters, or that only the case parts from the word, are none either.
fn misspellings(list: &str) -> HashMap<String, Vec<String>> {
    let letters = |word: &&str| word.chars().all(char::is_alphabetic);
    let lines = || list.lines().map(|line| line.split_whitespace());
    let right: HashSet<String> = lines().filter_map(|mut line| line.next()).map(str::to_lowercase).collect();
    let mut misspellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut line in lines() {
        let Some(word) = line.next().filter(letters) else { continue };
        if word.chars().count() < LETTERS {
            continue;
        }
        let known = misspellings.entry(word.to_lowercase()).or_default();
        for typo in line.filter(letters).map(str::to_lowercase) {
            if !right.contains(&typo) && !known.contains(&typo) {
                known.push(typo);
            }
        }
    }
    misspellings.into_iter().filter(|(_, typos)| !typos.is_empty()).collect()
}

/// The letters beside each letter. The map has strings where there is one neighbour, and digits and marks, which a slip
/// of a letter rarely hits.
fn neighbours(map: &str) -> Result<HashMap<char, Vec<char>>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Keys {
        One(String),
        Many(Vec<String>),
    }
    let map: BTreeMap<String, Keys> = serde_json::from_str(map)?;
    let letter = |key: &str| key.trim().parse::<char>().ok().filter(char::is_ascii_lowercase);
    let beside = |keys: Keys| match keys {
        Keys::One(key) => letter(&key).into_iter().collect(),
        Keys::Many(keys) => keys.iter().filter_map(|key| letter(key)).collect(),
    };
    Ok(map.into_iter().filter_map(|(key, keys)| Some((letter(&key)?, beside(keys)))).collect())
}

/// The words that may get a typo, each with where it starts.
fn plain_words(question: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut quoted = false;
    for piece in question.split_whitespace() {
        let word = piece.trim_matches(['.', ',', ';', ':', '!', '?', '(', ')']);
        let quotes = piece.matches(['"', '`', '\u{201c}', '\u{201d}']).count();
        let inside = quoted || quotes > 0;
        quoted ^= quotes % 2 == 1;
        let plain = word.chars().all(char::is_alphabetic) && !word.chars().skip(1).any(char::is_uppercase);
        if plain && !inside && !piece.contains("()") && word.chars().count() >= LETTERS {
            // `split_whitespace` and `trim_matches` give parts of the question.
            words.push((word.as_ptr() as usize - question.as_ptr() as usize, word));
        }
    }
    words
}

/// A typo with a capital where the word has one.
fn in_case_of(word: &str, typo: &str) -> String {
    if !word.starts_with(char::is_uppercase) {
        return typo.to_owned();
    }
    let mut letters = typo.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Numbers that depend on the seed and the id alone.
struct Dice {
    key: String,
    rolls: u64,
}

impl Dice {
    fn new(seed: u64, id: &str) -> Self {
        Self { key: format!("{seed} {id}"), rolls: 0 }
    }

    /// A number below `count`, which is at least 1.
    fn below(&mut self, count: usize) -> usize {
        self.rolls += 1;
        let hash = Sha256::digest(format!("{} {}", self.key, self.rolls));
        let number = hash.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        (number % count as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn noise() -> Noise {
        let list = "lock lok luck Lock lo-ck\nluck luk\nharbour harbor harbuor harbuor\nthe teh\n";
        let map = r#"{"a": ["q", "s", "1"], "o": ["i", "p"], "l": ["k", ";"], "%": "$", "s": "a"}"#;
        Noise { misspellings: misspellings(list), neighbours: neighbours(map).unwrap() }
    }

    #[test]
    fn a_misspelling_is_no_other_word_and_letters_only() {
        let noise = noise();
        assert_eq!(noise.misspellings["lock"], ["lok"]);
        assert_eq!(noise.misspellings["harbour"], ["harbor", "harbuor"]);
        assert!(!noise.misspellings.contains_key("the"), "too short");
        assert_eq!((&noise.neighbours[&'a'], &noise.neighbours[&'s']), (&vec!['q', 's'], &vec!['a']));
    }

    #[test]
    fn exactly_one_word_changes_and_always_in_the_same_way() {
        let question = "Who keeps the lock of the Harbour in 1904?";
        let (mut listed, mut slips) = (0, 0);
        for id in 0..200 {
            let id = id.to_string();
            let typo = noise().mistype(question, &id, 7).unwrap();
            assert_eq!(noise().mistype(question, &id, 7), Some(typo.clone()));
            let changed = question.split(' ').zip(typo.text.split(' ')).filter(|(a, b)| a != b).count();
            assert_eq!((changed, typo.text.split(' ').count()), (1, 9), "{typo:?}");
            assert_ne!(typo.from, typo.to);
            assert_eq!(typo.from.starts_with(char::is_uppercase), typo.to.starts_with(char::is_uppercase));
            let is_listed = ["lok", "Harbor", "Harbuor"].contains(&typo.to.as_str());
            *(if is_listed { &mut listed } else { &mut slips }) += 1;
        }
        assert!(listed > 60 && slips > 60, "{listed} {slips}");
        assert_ne!(noise().mistype(question, "3", 7), noise().mistype(question, "3", 8));
    }

    #[test]
    fn identifiers_numbers_and_quotes_are_left_alone() {
        for question in [
            "shared_buffers",
            "What's `lock`?",
            "HTTP 1904 a1b2c3",
            "main.rs v1.2 lockFile",
            "\"the lock\" of",
            "lock()",
        ] {
            assert_eq!(noise().mistype(question, "1", 7), None, "{question}");
        }
    }
}
