//! Pronouns of a later part that stand for something in an earlier one.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, DETERMINERS, PREPOSITIONS, is_one_of,
    noun_phrases::{NounPhrase, noun_phrases},
    words::{Word, words},
};

/// The part with its pronouns written out; as it is where nothing before fits.
pub(super) fn stand_alone(part: &str, before: &[String]) -> String {
    let Some(first) = before.first() else { return part.to_owned() };
    // `the fine for parking` after `what is the fine for speeding`
    let opening = words(part);
    if opening.first().is_some_and(|word| word.lower == "the") {
        return match words(first).as_slice() {
            [question, verb, ..] => format!("{} {} {part}", question.of(first), verb.lower),
            // `Who?` has nothing that could be asked of something else.
            _ => part.to_owned(),
        };
    }
    let mut text = part.to_owned();
    for at in (0..opening.len()).rev() {
        let Some((end, owns, kind)) = pronoun(part, &opening, at) else { continue };
        let partner = before.iter().rev().find_map(|earlier| partner(earlier, kind)).or_else(|| both(before, kind));
        let Some(partner) = partner else { continue };
        let owned = noun_phrases(part).into_iter().find(|phrase| owns && phrase.first == at && phrase.last > at + 1);
        let (end, written) = match owned {
            // `its members` are the members of the commission.
            Some(phrase) => (
                phrase.last,
                format!("the {} of {partner}", &part[opening[at + 1].start..opening[phrase.last - 1].end]),
            ),
            None if owns => (end, possessive(&partner)),
            None => (end, partner),
        };
        text.replace_range(opening[at].start..opening[end - 1].end, &written);
    }
    let same = |earlier: &String| {
        words(earlier).iter().map(|word| &word.lower).eq(words(&text).iter().map(|word| &word.lower))
    };
    // `Who succeeded Henry, and who succeeded him?` asks for no more if both are Henry.
    if before.iter().any(same) { part.to_owned() } else { with_noun(text, before) }
}

/// `who was the last`, after `who was the first president`, with its noun.
fn with_noun(text: String, before: &[String]) -> String {
    let found = words(&text);
    let ordinal = matches!(found.as_slice(), [.., the, last] if the.lower == "the" && matches!(last.lower.as_str(), "first" | "second" | "third" | "last"));
    let noun = before.last().and_then(|earlier| noun_phrases(earlier).into_iter().find(|phrase| !phrase.asks));
    match noun.filter(|_| ordinal) {
        Some(noun) => format!("{} {}", text.trim_end_matches(['?', '.', ' ']), noun.head),
        None => text,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Person,
    Thing,
    Several,
    Place,
    /// `one`, `ones`: the noun alone.
    Same,
}

/// The pronoun at a word: where it ends, whether it owns something, and what it stands for.
fn pronoun(text: &str, found: &[Word], at: usize) -> Option<(usize, bool, Kind)> {
    let next = found.get(at + 1).map_or("", |word| word.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let partnered = |kind: Kind| {
        let opened = |phrase: &NounPhrase| phrase.named || is_one_of(&found[phrase.first].lower, DETERMINERS);
        let possible =
            |phrase: &NounPhrase| phrase.last < at && !phrase.asks && fits(phrase, kind) && phrase.after.is_none();
        noun_phrases(text).iter().any(|phrase| possible(phrase) && opened(phrase))
    };
    let (owns, kind) = match found[at].lower.as_str() {
        "it" if matches!(next, "possible" | "true" | "take" | "that" | "to" | "necessary" | "allowed") => return None,
        "it" => (false, Kind::Thing),
        "its" => (true, Kind::Thing),
        "they" | "them" => (false, Kind::Several),
        "their" => (true, Kind::Several),
        "he" | "she" | "him" => (false, Kind::Person),
        "his" => (true, Kind::Person),
        "her" => (!next.is_empty() && !is_one_of(next, PREPOSITIONS), Kind::Person),
        "there" if !is_one_of(before, AUXILIARIES) && !before.is_empty() && !is_one_of(next, AUXILIARIES) => {
            (false, Kind::Place)
        }
        "one" | "ones"
            if !matches!(before, "the" | "which" | "no" | "first" | "second" | "last" | "this" | "that")
                || (before == "which" && found[at].lower == "ones") =>
        {
            (false, Kind::Same)
        }
        _ => return None,
    };
    (!partnered(kind)).then_some((at + 1, owns, kind))
}

fn fits(phrase: &NounPhrase, kind: Kind) -> bool {
    match kind {
        Kind::Several => phrase.is_plural(),
        Kind::Person => phrase.is_person(),
        Kind::Thing => !phrase.is_plural() && !phrase.is_quantity(),
        Kind::Place | Kind::Same => !phrase.is_quantity(),
    }
}

/// What an earlier part offers: what it speaks of rather than what it asks with.
fn partner(earlier: &str, kind: Kind) -> Option<String> {
    let phrases = noun_phrases(earlier);
    let free = phrases
        .iter()
        .find(|phrase| !phrase.asks && fits(phrase, kind) && !(kind == Kind::Person && phrase.has_institution()));
    let asked = || phrases.iter().find(|phrase| phrase.asks && fits(phrase, kind));
    let found = free.or_else(asked)?;
    Some(match kind {
        Kind::Same => noun(found),
        Kind::Thing if !found.asks => found.bearer().unwrap_or(&found.text).to_owned(),
        Kind::Place => format!("to {}", found.text),
        _ if found.asks => format!("the {}", found.text),
        // `How does a worker hold a job`: the same one is meant.
        _ => found.text.clone(),
    })
}

/// Two things that two parts ask about, taken up together.
fn both(before: &[String], kind: Kind) -> Option<String> {
    let things: Vec<String> = before.iter().filter_map(|earlier| partner(earlier, Kind::Thing)).collect();
    (kind == Kind::Several && things.len() > 1).then(|| things.join(" and "))
}

fn noun(phrase: &NounPhrase) -> String {
    let words = words(&phrase.text);
    let opened = words.first().is_some_and(|word| is_one_of(&word.lower, DETERMINERS));
    let (first, text) = (words.first(), &phrase.text);
    match first {
        // `how do I delete one?`: one of them, so the article stays.
        Some(word) if opened && matches!(word.lower.as_str(), "a" | "an") => text.clone(),
        Some(word) if opened => text[word.end..].trim().to_owned(),
        _ => text.clone(),
    }
}

fn possessive(owner: &str) -> String {
    if owner.ends_with('s') { format!("{owner}'") } else { format!("{owner}'s") }
}
