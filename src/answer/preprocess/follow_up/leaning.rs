//! Words that lean on what was said: pronouns without a partner in the question, and openings that go on with the last
//! question.
//!
//! May depend on `english`.

use super::{
    partner::{has_partner, is_expletive},
    topic::Kind,
};
use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, BE, PREPOSITIONS,
    adjectives::is_predicate,
    is_closed_class, is_one_of, verbs,
    words::{Word, words},
};

/// The text without `and`, `what about` and the like before it, and whether one was there.
pub(super) fn without_continuation(text: &str) -> (&str, bool) {
    const OPENINGS: &[&[&str]] = &[
        &["and", "what", "about"],
        &["and", "how", "about"],
        &["what", "about"],
        &["how", "about"],
        &["and"],
        &["but"],
        &["or"],
        &["also"],
        &["plus"],
        &["then"],
        &["so"],
    ];
    let found = words(text);
    let opening = OPENINGS.iter().find(|opening| {
        found.len() > opening.len() && opening.iter().zip(&found).all(|(part, word)| *part == word.lower)
    });
    opening.map_or((text, false), |opening| (&text[found[opening.len()].start..], true))
}

/// What a leaning word or phrase stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// Something that was spoken of.
    One(Kind),
    /// The one of a list, counted from 0; the last with `usize::MAX`.
    Item(usize),
    /// The other one of a list of two.
    Other,
    /// A noun that was said: `ones` in `the PDF ones`.
    Noun,
    /// One of what was spoken of: `how do I revoke one?`.
    Any,
    /// The nouns after `some` or `more`.
    More,
    /// What was done: `do that`; with `true` as it was done, `did the same`.
    Action(bool),
    /// What was said: `say so`.
    Said,
    /// The time or the case that was spoken of.
    Then,
    /// Some time after what was told: `a year later`.
    Later,
    /// The time before what was told.
    Before,
    /// What is done where something cannot be.
    Instead,
}

/// A word or some that lean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaning {
    /// The number of its first word.
    pub at: usize,
    /// One past that of its last: `do that` and `the second one` are several.
    pub end: usize,
    pub means: Means,
    /// Whether it owns something: `its`.
    pub possessive: bool,
}

/// What leans at a word.
pub(super) fn leaning_at(found: &[Word], text: &str, at: usize) -> Option<Leaning> {
    pronoun(found, text, at).or_else(|| counted(found, at)).or_else(|| told(found, at))
}

/// Personal pronouns, `there`, `this` and `that`.
fn pronoun(found: &[Word], text: &str, at: usize) -> Option<Leaning> {
    let word = found[at].lower.as_str();
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let simple = |kind, possessive| Some(Leaning { at, end: at + 1, means: Means::One(kind), possessive });
    let unless_partnered = |kind, possessive| {
        if has_partner(text, found, at, kind) { None } else { simple(kind, possessive) }
    };
    let noun_follows = noun_follows(found, at);
    match word {
        "it" if before == "do" && found.len() <= at + 2 => None,
        "it" if is_expletive(found, at) => None,
        "it" => unless_partnered(Kind::Thing, false),
        "its" => unless_partnered(Kind::Thing, true),
        "they" | "them" => unless_partnered(Kind::Several, false),
        "their" => unless_partnered(Kind::Several, true),
        "he" | "him" | "she" => unless_partnered(Kind::Person, false),
        "his" => unless_partnered(Kind::Person, true),
        "her" => unless_partnered(Kind::Person, noun_follows),
        "there" => {
            // `What is there now?` asks what is in a place; `How many are there?` asks for the number.
            let here_and_now = matches!(next, "now" | "today" | "then") && !before.is_empty();
            let existential = is_one_of(before, AUXILIARIES) && before != "be" && found.len() > at + 1
                || is_one_of(next, AUXILIARIES)
                || before.is_empty();
            let counts = matches!(before, "is" | "are" | "was" | "were");
            (here_and_now || (!existential && !counts)).then(|| simple(Kind::Place, false)).flatten()
        }
        "those" if next == "of" => simple(Kind::Several, false),
        "that" | "this" if next == "one" => {
            Some(Leaning { at, end: at + 2, means: Means::One(Kind::Pointed), possessive: false })
        }
        "this" | "that" | "those" | "these" if !noun_follows && before != "do" => {
            // `Which court says that`, `the attack that`: only where no clause and no noun can begin with it.
            let acts = is_one_of(before, BASE_FOLLOWS) && verbs::is_base(next);
            let ends = found.len() == at + 1 || found[at].ends_clause;
            let placed = is_one_of(before, AUXILIARIES) || is_one_of(before, PREPOSITIONS);
            let object = ends && at > 1 && is_verb(before);
            let is_something =
                is_one_of(before, BE) && (is_predicate(next) || verbs::is_past(next) || is_closed_class(next));
            let several = matches!(word, "those" | "these");
            let starts_list =
                several && (is_one_of(next, AUXILIARIES) || next == "of" || next.is_empty() || next == "in");
            let kind = match found[0].lower.as_str() {
                _ if several => Kind::Several,
                "who" => Kind::Person,
                _ => Kind::Pointed,
            };
            let said_of_it = is_one_of(before, PREPOSITIONS) && verbs::is_past(next);
            ((placed && (ends || acts || starts_list || said_of_it)) || object || is_something)
                .then(|| simple(kind, false))
                .flatten()
        }
        _ => None,
    }
}

/// `the second one`, `the other`, `the PDF ones`, `the two`, `some`.
fn counted(found: &[Word], at: usize) -> Option<Leaning> {
    let word = found[at].lower.as_str();
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let with = |at, end, means| Some(Leaning { at, end, means, possessive: false });
    match word {
        // `how do I revoke one?`
        "one" if is_verb(before) && found.len() == at + 1 => with(at, at + 1, Means::Any),
        // `the one in Algeria`
        "one" | "ones" if before == "the" && is_one_of(next, PREPOSITIONS) => with(at, at + 1, Means::Noun),
        // `the PDF ones`: formats, or whatever was asked for.
        "one" | "ones"
            if at > 0
                && !is_closed_class(before)
                && !is_ordinal(before)
                && (word == "ones" || next.is_empty() || is_closed_class(next) || is_verb(next)) =>
        {
            with(at, at + 1, Means::Noun)
        }
        "first" | "second" | "third" | "fourth" | "last" | "former" | "latter" | "other" if before == "the" => {
            let generic = matches!(next, "one" | "case" | "option" | "way" | "kind");
            let acts = verbs::is_past(next)
                || (verbs::is_base(next) && is_one_of(&found[at.saturating_sub(2)].lower, AUXILIARIES));
            let either = matches!(word, "former" | "latter") && (next.is_empty() || is_closed_class(next) || acts);
            let third = found.get(at + 2).map_or("", |word| word.lower.as_str());
            let of_them = next == "of" && matches!(third, "them" | "these" | "those");
            let ends = next.is_empty() && found.len() > 2;
            if !(generic || either || of_them || ends) {
                return None;
            }
            let means = match word {
                "first" | "former" => Means::Item(0),
                "second" | "latter" => Means::Item(1),
                "third" => Means::Item(2),
                "fourth" => Means::Item(3),
                "other" => Means::Other,
                _ => Means::Item(usize::MAX),
            };
            with(at - 1, if of_them { at + 3 } else { at + 1 + usize::from(generic) }, means)
        }
        "two" | "three"
            if before == "the"
                && (next.is_empty() || verbs::is_past(next) || is_one_of(next, AUXILIARIES) || next == "related") =>
        {
            with(at - 1, at + 1, Means::One(Kind::Several))
        }
        // `who sits in the other two?`
        "two" | "three" | "four"
            if before == "other" && (next.is_empty() || is_closed_class(next) || is_verb(next)) =>
        {
            with(at, at + 1, Means::More)
        }
        // `are some more powerful than others?`
        "some" | "most" | "all" if is_one_of(before, BE) && (next == "more" || is_predicate(next)) => {
            with(at, at + 1, Means::More)
        }
        "more" if at > 1 && verbs::is_base(before) && found.len() == at + 1 => with(at, at + 1, Means::More),
        _ => None,
    }
}

/// `do that`, `say so`, `then`, `a year later`.
fn told(found: &[Word], at: usize) -> Option<Leaning> {
    let word = found[at].lower.as_str();
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let with = |end, means| Some(Leaning { at, end, means, possessive: false });
    let ends = found.len() == at + 2;
    let ends_then = found.len() == at + 3 && matches!(found[at + 2].lower.as_str(), "then" | "instead");
    match word {
        "do" | "did" if matches!(next, "that" | "this" | "it" | "so") && (ends || ends_then) => {
            with(found.len(), Means::Action(word == "did"))
        }
        "do" | "did" if found.len() == at + 3 && next == "the" && found[at + 2].lower == "same" => {
            with(at + 3, Means::Action(word == "did"))
        }
        "say" | "said" | "think" | "claim" | "believe" if matches!(next, "so" | "that") && ends => {
            with(at + 2, Means::Said)
        }
        "then" if at > 2 && found.len() == at + 1 && !matches!(before, "since" | "until" | "by" | "back") => {
            with(at + 1, Means::Then)
        }
        "instead" if at > 2 && found.len() == at + 1 => with(at + 1, Means::Instead),
        "before" if at > 2 && found.len() == at + 1 => with(at + 1, Means::Before),
        "later" | "afterwards" if at > 2 && found.len() == at + 1 && verbs::is_past(&found[1].lower) => {
            with(at + 1, Means::Later)
        }
        _ => None,
    }
}

fn is_verb(word: &str) -> bool {
    verbs::is_base(word) || verbs::is_past(word) || verbs::base_of_third(word).is_some()
}

/// Whether what stands at a word opens a noun phrase with the next.
fn noun_follows(found: &[Word], at: usize) -> bool {
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let acts = is_one_of(before, BASE_FOLLOWS) && verbs::is_base(next);
    // `Is that good for anything?`, `When was that written?`
    let said_of_it = (is_one_of(before, BE) && (is_predicate(next) || verbs::is_past(next)))
        || (is_one_of(before, PREPOSITIONS) && verbs::is_past(next) && found.len() == at + 2);
    !acts && !said_of_it && !next.is_empty() && !is_closed_class(next) && !found[at].ends_clause
}

fn is_ordinal(word: &str) -> bool {
    matches!(word, "first" | "second" | "third" | "fourth" | "last" | "other")
}
