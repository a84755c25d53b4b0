//! What a pronoun may stand for: what was asked about and what was answered, the last turn first.
//!
//! May depend on `english`.

use super::{Exchange, question_shape::Shape};
use crate::answer::preprocess::english::{
    DETERMINERS, is_one_of,
    noun_phrases::NounPhrase,
    nouns::{is_institution, is_place, is_plural},
    words::{Word, words},
};

/// What kind of thing a pronoun stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `he`, `her`
    Person,
    /// `it`, `that`
    Thing,
    /// `they`, `those`
    Several,
    /// `there`
    Place,
}

/// The partners that are likely, best first, from the latest turn that has one.
pub(super) fn candidates(kind: Kind, exchanges: &[Exchange]) -> Vec<String> {
    let found = exchanges.iter().rev().map(|exchange| of_exchange(kind, exchange)).find(|found| !found.is_empty());
    let mut found = found.unwrap_or_default();
    if found.is_empty() && kind != Kind::Person {
        found.extend(exchanges.last().and_then(title));
    }
    let mut seen = Vec::new();
    found.retain(|candidate| {
        let new = !seen.contains(&candidate.to_lowercase());
        seen.push(candidate.to_lowercase());
        new
    });
    found
}

fn of_exchange(kind: Kind, exchange: &Exchange) -> Vec<String> {
    let shape = Shape::of(&exchange.question);
    let answer = exchange.answer.as_deref();
    match kind {
        Kind::Person => persons(&shape, answer),
        Kind::Thing => things(&shape, answer),
        Kind::Several => several(&shape, answer),
        Kind::Place => places(&shape, answer),
    }
}

fn persons(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let answered = answer.filter(|answer| shape.asks_person() && is_name(answer) && !has_institution(answer));
    let named = shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.is_person() && phrase.named).map(owner);
    let by_role =
        shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.is_person() && !phrase.named).map(definite);
    let weak = answer.filter(|answer| !shape.asks_circumstance() && is_name(answer) && !has_institution(answer));
    answered.map(str::to_owned).into_iter().chain(named).chain(weak.map(str::to_owned)).chain(by_role).collect()
}

fn things(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let entity = answer.filter(|answer| {
        !shape.asks_circumstance()
            && !shape.asks_person()
            && shape.question_word() != "where"
            && !is_quantity(answer)
            && !lists(answer)
    });
    // `What does LoRA add to the matrix?` and its like tell of the thing that they name, and of what was answered.
    let mut topics: Vec<&NounPhrase> = shape
        .phrases
        .iter()
        .filter(|phrase| !phrase.asks && !phrase.is_quantity() && !phrase.is_plural() && phrase.head != "name")
        .filter(|phrase| !is_time(&phrase.text))
        .collect();
    topics.sort_by_key(|phrase| {
        (!phrase.named || phrase.after.as_deref().is_some_and(|after| after != "of" && after != "about"), phrase.first)
    });
    if topics.iter().any(|phrase| phrase.has_institution() || !phrase.is_person()) {
        // A person is no `it` where a thing is there.
        topics.sort_by_key(|phrase| is_personal_name(phrase));
    }
    // Of `the population of Warsaw`, it is rather Warsaw that is spoken of.
    let topics = topics.into_iter().flat_map(|phrase| {
        let bearer = phrase.bearer().filter(|bearer| !is_plural(bearer.rsplit(' ').next().unwrap_or(bearer)));
        bearer.map(definite_text).into_iter().chain([with_tail(shape, phrase)])
    });
    let placed = answer.filter(|answer| shape.question_word() == "where" && !is_quantity(answer)).map(bare_place);
    let answered = entity.map(definite_text).into_iter();
    answered.chain(topics).chain(placed).collect()
}

fn several(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let answered = answer.filter(|_| shape.question_word() != "where").filter(|answer| {
        lists(answer)
            || ((!is_quantity(answer) || shape.asks_person()) && !shape.asks_circumstance() && last_is_plural(answer))
    });
    let plural = |asks: bool| {
        shape.phrases.iter().filter(move |phrase| phrase.asks == asks && phrase.is_plural() && !phrase.is_quantity())
    };
    let counted = answer.is_some_and(is_quantity) || shape.question_word() == "how";
    // `How many units does Harvard have?`: they are Harvard's units.
    let owner_of = shape.phrases.iter().find(|phrase| !phrase.asks && phrase.named);
    let asked = plural(true).filter(move |_| counted).map(|phrase| match owner_of.filter(|_| !phrase.named) {
        Some(of) => format!("{} {}", possessive(&owner(of)), phrase.text),
        None => definite(phrase),
    });
    let groups = shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.named && !phrase.is_quantity()).map(owner);
    answered.map(definite_text).into_iter().chain(asked).chain(plural(false).map(definite)).chain(groups).collect()
}

fn places(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let asked_place =
        shape.question_word() == "where" || shape.asked_noun().is_some_and(|phrase| is_place(&phrase.head));
    let answered = answer.filter(|answer| asked_place && !is_quantity(answer)).map(bare_place);
    let placed = shape
        .phrases
        .iter()
        .filter(|phrase| {
            !phrase.asks
                && phrase.named
                && phrase
                    .after
                    .as_deref()
                    .is_some_and(|after| matches!(after, "in" | "at" | "to" | "near" | "from" | "of"))
        })
        .map(owner);
    let named = shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.named).map(owner);
    answered.into_iter().chain(placed).chain(named).collect()
}

/// The items of the list that was answered or offered last.
pub(super) fn items(exchanges: &[Exchange]) -> Vec<String> {
    let Some(last) = exchanges.last() else { return Vec::new() };
    if last.offered.len() > 1 {
        return last.offered.clone();
    }
    let answer = last.answer.as_deref().unwrap_or_default();
    let parts = answer
        .split(',')
        .flat_map(|part| part.split(" and "))
        .map(|part| part.trim().trim_start_matches("and ").trim());
    let items: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if items.len() > 1 { items } else { Vec::new() }
}

/// The title of what the last answer rests on, as a topic of last resort.
fn title(exchange: &Exchange) -> Option<String> {
    let name = &exchange.sources.first()?.name;
    let bare = name.rsplit('/').next()?.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let words = bare.replace(['_', '-'], " ");
    (words.len() > 2 && words.split_whitespace().count() <= 4).then_some(words)
}

/// A phrase with the preposition phrase after it, so that `a congregation in New Amsterdam` is no longer any one.
fn with_tail(shape: &Shape<'_>, phrase: &NounPhrase) -> String {
    if let Some(owned) = owned(shape, phrase) {
        return owned;
    }
    if phrase.named {
        return owner(phrase);
    }
    let tail = shape.phrases.iter().find(|next| {
        next.first == phrase.last + 1
            && next
                .after
                .as_deref()
                .is_some_and(|after| matches!(after, "of" | "in" | "for" | "between" | "about" | "from"))
    });
    let last = tail.map_or(phrase.last, |tail| tail.last);
    definite_text(shape.cut(phrase.first, last))
}

/// `his research` by the name of the one whose it is.
fn owned(shape: &Shape<'_>, phrase: &NounPhrase) -> Option<String> {
    let first = shape.words[phrase.first].lower.as_str();
    let whose = shape.phrases.iter().find(|other| other.named && other.last <= phrase.first && !other.asks)?;
    let rest = shape.cut(phrase.first + 1, phrase.last);
    matches!(first, "his" | "her" | "its" | "their").then(|| format!("{} {rest}", possessive(&owner(whose))))
}

fn definite(phrase: &NounPhrase) -> String {
    definite_text(&phrase.text)
}

/// A phrase as it is spoken of again: `a lease` becomes `the lease`.
pub(super) fn definite_text(text: &str) -> String {
    let bare = text.trim().trim_end_matches("'s").trim_end_matches("’s");
    let lower = bare.to_lowercase();
    let opens = |word: &str| is_one_of(word, DETERMINERS) && !matches!(word, "a" | "an" | "the");
    if lower.split_whitespace().next().is_some_and(opens) {
        return bare.to_owned();
    }
    for article in ["a ", "an ", "the "] {
        if lower.starts_with(article) {
            return format!("the {}", &bare[article.len()..]);
        }
    }
    let plain = !bare.chars().any(|c| c.is_uppercase() || c.is_ascii_digit() || "_/`".contains(c));
    let counted = bare.split_whitespace().last().is_some_and(is_plural) || bare.split_whitespace().count() > 1;
    if plain && counted && !lower.starts_with("my ") && !lists(bare) { format!("the {bare}") } else { bare.to_owned() }
}

fn owner(phrase: &NounPhrase) -> String {
    definite_text(&phrase.text)
}

fn bare_place(answer: &str) -> String {
    let bare = ["in ", "at ", "on ", "near ", "into ", "to ", "within ", "under "]
        .iter()
        .find_map(|preposition| answer.strip_prefix(preposition));
    definite_text(bare.unwrap_or(answer))
}

/// `X's`, or `X'` after an s.
pub(super) fn possessive(owner: &str) -> String {
    if owner.ends_with('s') { format!("{owner}'") } else { format!("{owner}'s") }
}

/// Whether a text is a name: capital letters in front of all but small words.
pub(super) fn is_name(text: &str) -> bool {
    let found = words(text);
    let small = |word: &Word| {
        matches!(
            word.lower.as_str(),
            "of" | "de"
                | "la"
                | "le"
                | "van"
                | "von"
                | "der"
                | "du"
                | "the"
                | "mr"
                | "sir"
                | "commander"
                | "king"
                | "as"
                | "general"
        )
    };
    !found.is_empty()
        && found.len() <= 8
        && found.iter().any(|word| word.is_capitalised(text))
        && found.iter().all(|word| word.is_capitalised(text) || small(word))
}

fn is_personal_name(phrase: &NounPhrase) -> bool {
    phrase.named && phrase.is_person() && phrase.text.split_whitespace().count() > 1
}

fn has_institution(text: &str) -> bool {
    text.split_whitespace().any(|word| is_institution(&word.to_lowercase()))
}

/// Whether an answer is a number, a time or an amount.
pub(super) fn is_quantity(answer: &str) -> bool {
    const NUMBERS: &[&str] = &[
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "hundred",
        "thousand",
        "million",
        "billion",
        "half",
        "nearly",
        "about",
        "over",
        "approximately",
        "almost",
        "yes",
        "no",
        "none",
    ];
    let first = words(answer).first().map(|word| word.lower.clone()).unwrap_or_default();
    let identifier = words(answer).iter().any(Word::is_identifier);
    !identifier
        && (first.starts_with(|c: char| c.is_ascii_digit() || "$€£".contains(c)) && !first.contains(':')
            || NUMBERS.contains(&first.as_str())
            || is_time(answer))
}

fn is_time(text: &str) -> bool {
    const TIMES: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "century",
        "today",
    ];
    let found = words(text);
    found.iter().any(|word| TIMES.contains(&word.lower.as_str())) || (found.len() == 1 && found[0].is_year())
}

fn lists(answer: &str) -> bool {
    answer.contains(" and ") && !has_institution(answer) || answer.matches(',').count() > 1
}

fn last_is_plural(answer: &str) -> bool {
    let found = words(answer);
    let stop = found.iter().position(|word| word.lower == "of").unwrap_or(found.len());
    found[..stop].last().is_some_and(|word| is_plural(&word.lower) && !word.is_number())
}
