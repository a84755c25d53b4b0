//! One fact of a sentence changed: a number, a name, a word turned into its opposite, a negation put in or taken out.
//!
//! The changed sentence says something else than the sentence. Whether it looks odd must not be what a model learns from:
//! so evidence is edited as often as what is judged by it (`support`). May depend on the parts of
//! `hard_negatives::edited` that find names and numbers, and `split_mix`.

use std::{collections::HashMap, sync::LazyLock};

use crate::train::dataset::{
    hard_negatives::edited::{
        names::{Look, Name, names},
        negation,
        numbers::{Number, Shape, numbers},
        opposites,
        words::{akin, replaced, words},
    },
    split_mix::SplitMix64,
};

/// Opposed words of science and of software, beside those for questions. Written for this project.
static OPPOSITES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
    for (one, other) in include_str!("opposites.txt").lines().filter_map(|line| line.split_once(' ')) {
        all.entry(one).or_default().push(other);
        all.entry(other).or_default().push(one);
    }
    all
});
/// Numbers that are written in letters.
const NUMERALS: [&str; 11] =
    ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty"];

/// A sentence with one fact changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// In what way: a tag.
    pub kind: &'static str,
    /// The sentence as it is now.
    pub text: String,
}

/// What may stand in the place of names and numbers: those of the text around.
pub struct Around {
    names: Vec<Name>,
    numbers: Vec<Number>,
}

impl Around {
    /// The names and numbers of a text.
    pub fn of(text: &str) -> Self {
        Self { names: names(text), numbers: numbers(text) }
    }
}

/// The sentence with one fact changed, once for each way that there is, in an order drawn by `random`.
pub fn edits(sentence: &str, around: &Around, random: &mut SplitMix64) -> Vec<Edited> {
    let mut found = Vec::new();
    let mut add = |kind: &'static str, text: Option<String>| {
        found.extend(text.filter(|text| text != sentence).map(|text| Edited { kind, text }));
    };
    add("number", other_number(sentence, around, random));
    add("name", other_name(sentence, around, random));
    add("opposite", opposed(sentence, random));
    add("negation", negated(sentence, random));
    random.shuffle(&mut found);
    found
}

/// One word turned into its opposite.
pub fn opposed(sentence: &str, random: &mut SplitMix64) -> Option<String> {
    let mut all: Vec<String> = opposites::opposed(sentence).into_iter().map(|(text, ..)| text).collect();
    let words = words(sentence);
    for (at, word) in words.iter().enumerate().filter(|(at, word)| *at == 0 || !word.is_capitalised()) {
        let lower = word.text.to_lowercase();
        let alone = words.iter().filter(|other| other.text.eq_ignore_ascii_case(&lower)).count() == 1;
        for opposite in OPPOSITES.get(lower.as_str()).into_iter().flatten().filter(|_| alone) {
            let written = if at == 0 { capitalised(opposite) } else { (*opposite).to_owned() };
            all.push(format!("{}{written}{}", &sentence[..word.range.start], &sentence[word.range.end..]));
        }
    }
    drawn(all, random)
}

/// A negation put in, or taken out where there is one.
fn negated(sentence: &str, random: &mut SplitMix64) -> Option<String> {
    for (with, without) in
        [(" did not ", " "), (" does not ", " "), (" do not ", " "), (" not ", " "), (" cannot ", " can ")]
    {
        if sentence.matches(with).count() == 1 && sentence.matches("not").count() == 1 {
            return Some(sentence.replacen(with, without, 1));
        }
    }
    negation::negated(sentence, random.below(4) == 0).map(|(text, ..)| text)
}

/// One number in the place of another.
fn other_number(sentence: &str, around: &Around, random: &mut SplitMix64) -> Option<String> {
    let mut own = numbers(sentence);
    random.shuffle(&mut own);
    for old in &own {
        if let Some(new) = number_like(&old.text, Some(old.shape), &around.numbers, random) {
            let apart = !own.iter().any(|number| number.text == new);
            if apart {
                return Some(replaced(sentence, &old.text, &new));
            }
        }
    }
    let written: Vec<&str> =
        NUMERALS.into_iter().filter(|numeral| replaced(sentence, numeral, "") != sentence).collect();
    let old = drawn(written, random)?;
    let new = drawn(NUMERALS.into_iter().filter(|numeral| *numeral != old).collect(), random)?;
    Some(replaced(sentence, old, new))
}

/// A number of the same shape: one of `near`, or one that is made up.
fn number_like(old: &str, shape: Option<Shape>, near: &[Number], random: &mut SplitMix64) -> Option<String> {
    let same = near.iter().filter(|new| shape == Some(new.shape) && new.text != old).map(|new| new.text.clone());
    let same: Vec<String> = same.collect();
    if !same.is_empty() && random.below(3) > 0 {
        return drawn(same, random);
    }
    made_up(old, random)
}

/// The number with one of its digits changed; the last one that is not 0, or the first.
fn made_up(old: &str, random: &mut SplitMix64) -> Option<String> {
    let digits: Vec<usize> =
        old.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
    let last = digits.iter().rev().find(|at| old.as_bytes()[**at] != b'0');
    let at = if random.below(2) == 0 { *last? } else { *digits.first()? };
    let old_digit = old.as_bytes()[at] - b'0';
    let new = (old_digit + 1 + random.below(8) as u8) % 9 + 1;
    if new == old_digit {
        return None;
    }
    // "2st" is no ordinal.
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|ending| old.ends_with(ending));
    (!ordinal).then(|| format!("{}{new}{}", &old[..at], &old[at + 1..]))
}

/// One name in the place of another.
fn other_name(sentence: &str, around: &Around, random: &mut SplitMix64) -> Option<String> {
    let mut own = names(sentence);
    random.shuffle(&mut own);
    own.iter().find_map(|old| {
        let new = name_like(&old.text, old.look, sentence, &around.names, random)?;
        Some(replaced(sentence, &old.text, &new))
    })
}

/// A name of the same look that is not in `beside`.
fn name_like(old: &str, look: Look, beside: &str, near: &[Name], random: &mut SplitMix64) -> Option<String> {
    let fits = |new: &&Name| new.look == look && !akin(&new.text, old) && !akin(&new.text, beside);
    drawn(near.iter().filter(fits).map(|new| new.text.clone()).collect(), random)
}

/// A wrong answer in the place of a right one: of `others`, which are answers to other questions over the same text, or a
/// name or number of it; of the same kind, and in none of what may not be said.
pub fn wrong_answer(
    answer: &str,
    others: &[String],
    around: &Around,
    not: &[&str],
    random: &mut SplitMix64,
) -> Option<String> {
    let is_number = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    let is_name = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
    let length = |text: &str| text.split(' ').count();
    let allowed = |new: &str| {
        let lower = new.to_lowercase();
        !not.iter().any(|text| {
            let text = text.to_lowercase();
            text.contains(&lower) || lower.contains(&text)
        })
    };
    let alike = |new: &&String| {
        is_number(new) == is_number(answer)
            && is_name(new) == is_name(answer)
            && length(new).abs_diff(length(answer)) <= 3
            && !akin(new, answer)
            && allowed(new)
    };
    if let Some(other) = drawn(others.iter().filter(alike).collect(), random) {
        return Some(other.clone());
    }
    let padded = format!("is {answer}");
    let name = names(&padded).into_iter().find(|name| name.text == answer);
    if let Some(new) = name.and_then(|name| name_like(answer, name.look, answer, &around.names, random)) {
        return Some(new).filter(|new| allowed(new));
    }
    let number = drawn(numbers(answer), random)?;
    let new = number_like(&number.text, Some(number.shape), &around.numbers, random)?;
    Some(replaced(answer, &number.text, &new)).filter(|new| allowed(new))
}

/// One of a list, drawn.
pub fn drawn<T>(mut all: Vec<T>, random: &mut SplitMix64) -> Option<T> {
    if all.is_empty() { None } else { Some(all.swap_remove(random.below(all.len()))) }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_way_changes_one_fact() {
        let text = "Ada lit the kiln of the French in 1905. Later Bertha Stone lit it in 1911 for the Dutch.";
        let sentence = "The kiln of the French was lit in 1905.";
        let mut random = SplitMix64::new(3);
        let found = edits(sentence, &Around::of(text), &mut random);
        let kinds: Vec<&str> = found.iter().map(|edit| edit.kind).collect();
        assert!(["number", "name", "negation"].iter().all(|kind| kinds.contains(kind)), "{found:?}");
        assert!(found.iter().all(|edit| edit.text != sentence));
        let name = found.iter().find(|edit| edit.kind == "name").unwrap();
        assert_eq!(name.text, "The kiln of the Dutch was lit in 1905.");
        assert_eq!(opposed("It promotes growth.", &mut random).as_deref(), Some("It inhibits growth."));
        assert_eq!(opposed("It grows.", &mut random), None);
        assert_eq!(negated("It does not burn.", &mut random).as_deref(), Some("It burn."));
    }

    #[test]
    fn a_made_up_number_is_another_one() {
        let mut random = SplitMix64::new(5);
        for old in ["1905", "3.5", "7", "1,200", "20"] {
            for _ in 0..50 {
                let new = made_up(old, &mut random);
                assert!(new.is_none_or(|new| new != old && new.len() == old.len()), "{old}");
            }
        }
        assert_eq!(made_up("20th", &mut random), None);
    }

    #[test]
    fn a_wrong_answer_is_of_the_same_kind_and_not_what_was_asked() {
        let mut random = SplitMix64::new(1);
        let others = ["1911", "a lamp", "Bertha Stone", "Ada Lovelace"].map(str::to_owned);
        let around = Around::of("Ada met Bertha Stone in 1911.");
        let mut wrong = |answer: &str, not: &[&str]| wrong_answer(answer, &others, &around, not, &mut random);
        assert_eq!(wrong("1905", &["1905"]).as_deref(), Some("1911"));
        assert_eq!(wrong("Ada Byron", &["Ada Byron", "Who met Bertha Stone?"]), None);
        assert_eq!(wrong("the kiln", &["the kiln"]).as_deref(), Some("a lamp"));
    }

    #[test]
    fn the_list_is_pairs_of_words() {
        for line in include_str!("opposites.txt").lines() {
            let (one, other) = line.split_once(' ').unwrap();
            assert!(one != other && !other.contains(' '), "{line:?}");
        }
    }
}
