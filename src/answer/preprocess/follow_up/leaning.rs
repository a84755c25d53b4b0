//! Words that lean on what was said: pronouns without a partner in the question, and openings that go on with the last
//! question.
//!
//! May depend on `english`.

use super::{
    Exchange,
    question_shape::{Shape, Verb},
    topic::{self, Kind, candidates, possessive},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, PREPOSITIONS, is_closed_class, is_one_of,
    noun_phrases::noun_phrases,
    verbs,
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

/// A pronoun that needs a partner.
struct Leaning {
    at: usize,
    /// One past its last word: `do that` and `the second one` are several.
    end: usize,
    kind: Option<Kind>,
    possessive: bool,
    ordinal: Option<usize>,
}

/// The text with its pronouns replaced, best reading first; none when no pronoun leans, or no partner is there.
pub(super) fn replace_pronouns(text: &str, exchanges: &[Exchange]) -> Vec<String> {
    let found = words(text);
    let mut first = text.to_owned();
    let mut second = text.to_owned();
    let mut changed = false;
    let mut seen = Vec::new();
    let mut edits: Vec<(usize, usize, String, String)> = Vec::new();
    for at in 0..found.len() {
        let Some(leaning) = leaning_at(&found, text, at) else { continue };
        if let Some(ordinal) = leaning.ordinal {
            let items = topic::items(exchanges);
            let place = if ordinal == usize::MAX { items.len().wrapping_sub(1) } else { ordinal };
            if let Some(item) = items.get(place) {
                edits.push((found[leaning.at].start, found[leaning.end - 1].end, item.clone(), item.clone()));
            }
            continue;
        }
        if found[leaning.at].lower == "then" {
            let year = exchanges.last().and_then(year);
            edits.extend(year.map(|year| (found[at].start, found[at].end, format!("in {year}"), format!("in {year}"))));
            continue;
        }
        let Some(kind) = leaning.kind.filter(|kind| !seen.contains(kind)) else { continue };
        seen.push(kind);
        let (start, end) = (found[leaning.at].start, found[leaning.end - 1].end);
        if leaning.end > leaning.at + 1 && found[leaning.at].lower == "do" {
            if let Some(action) = exchanges.last().and_then(action) {
                edits.push((start, end, action.clone(), action));
            }
            continue;
        }
        if matches!(found[at].lower.as_str(), "one" | "ones") {
            edits.extend(
                exchanges
                    .last()
                    .and_then(|last| counted_noun(last, &found[..at]))
                    .map(|noun| (start, end, noun.clone(), noun)),
            );
            continue;
        }
        let partners = candidates(kind, exchanges);
        let Some(best) = partners.first() else { continue };
        let other = partners.get(1).unwrap_or(best);
        let dress = |partner: &str| match kind {
            _ if leaning.possessive => possessive(partner),
            Kind::Place if at > 0 && !is_one_of(&found[at - 1].lower, PREPOSITIONS) => format!("in {partner}"),
            _ => partner.to_owned(),
        };
        // `it's` is two words at one place.
        let tail = if found.get(leaning.end).is_some_and(|next| next.start == start) { " is" } else { "" };
        edits.push((start, end, format!("{}{tail}", dress(best)), format!("{}{tail}", dress(other))));
    }
    for (start, end, best, other) in edits.into_iter().rev() {
        first.replace_range(start..end, &best);
        second.replace_range(start..end, &other);
        changed = true;
    }
    if !changed {
        return Vec::new();
    }
    if first == second { vec![first] } else { vec![first, second] }
}

/// The year that was asked about or answered.
fn year(exchange: &Exchange) -> Option<String> {
    let answered = exchange.answer.as_deref().unwrap_or_default();
    [answered, &exchange.question]
        .into_iter()
        .find_map(|text| words(text).into_iter().find(Word::is_year).map(|word| word.lower))
}

/// What `ones` stands for: the noun that was asked for, or the last plural.
fn counted_noun(exchange: &Exchange, before: &[Word]) -> Option<String> {
    let shape = Shape::of(&exchange.question);
    // `and in the British ones?` is about what stood after `in`.
    let preposition = before.first().filter(|word| is_one_of(&word.lower, PREPOSITIONS));
    let beside = preposition
        .and_then(|word| shape.phrases.iter().find(|phrase| phrase.after.as_deref() == Some(word.lower.as_str())));
    if let Some(phrase) = beside {
        return Some(phrase.head.clone());
    }
    let plural = shape.phrases.iter().rfind(|phrase| phrase.is_plural() && !phrase.is_quantity());
    shape.asked_noun().or(plural).map(|phrase| phrase.head.clone())
}

/// `when was that?` and its like ask for a circumstance of what was told: what asks, without the rest.
pub(super) fn about_event(text: &str, exchanges: &[Exchange]) -> Option<String> {
    let found = words(text);
    let [asking @ .., verb, that] = found.as_slice() else { return None };
    let circumstance = asking.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "when" | "where" | "why" | "how" | "year" | "country" | "city" | "century" | "month" | "day"
        )
    });
    let points = matches!(verb.lower.as_str(), "was" | "is" | "were") && matches!(that.lower.as_str(), "that" | "this");
    let last = Shape::of(&exchanges.last()?.question);
    // After `Who was X?` or `What is X?`, `that` is what was answered, and no event.
    let names = last.verb() == Some(Verb::Auxiliary)
        && last.words.get(last.asking).is_some_and(|word| matches!(word.lower.as_str(), "is" | "was" | "are" | "were"))
        && last.phrases.iter().any(|phrase| phrase.first == last.asking + 1);
    (circumstance && points && !names).then(|| text[..verb.start].trim().to_owned())
}

/// What was done, in the base form: `buy red bandanas` after `Who bought red bandanas?`.
fn action(exchange: &Exchange) -> Option<String> {
    let shape = Shape::of(&exchange.question);
    match shape.verb()? {
        Verb::Main { at, base, .. } => {
            Some(format!("{base} {}", shape.cut(at + 1, shape.words.len())).trim().to_owned())
        }
        Verb::Auxiliary => None,
    }
}

fn leaning_at(found: &[Word], text: &str, at: usize) -> Option<Leaning> {
    let word = found[at].lower.as_str();
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let before = at.checked_sub(1).map_or("", |at| found[at].lower.as_str());
    let simple = |kind, possessive| Some(Leaning { at, end: at + 1, kind: Some(kind), possessive, ordinal: None });
    let acts = is_one_of(before, BASE_FOLLOWS) && verbs::is_base(next);
    let noun_follows = !acts && !next.is_empty() && !is_closed_class(next) && !found[at].ends_clause;
    match word {
        "do" if matches!(next, "that" | "this" | "it" | "so") && found.len() == at + 2 => {
            Some(Leaning { at, end: at + 2, kind: Some(Kind::Thing), possessive: false, ordinal: None })
        }
        "it" if before == "do" && found.len() == at + 1 => None,
        "it" => (!is_expletive(found, at) && !has_partner(text, found, at, Kind::Thing))
            .then(|| simple(Kind::Thing, false))
            .flatten(),
        "its" => (!has_partner(text, found, at, Kind::Thing)).then(|| simple(Kind::Thing, true)).flatten(),
        "they" | "them" => {
            (!has_partner(text, found, at, Kind::Several)).then(|| simple(Kind::Several, false)).flatten()
        }
        "their" => (!has_partner(text, found, at, Kind::Several)).then(|| simple(Kind::Several, true)).flatten(),
        "he" | "him" | "she" => {
            (!has_partner(text, found, at, Kind::Person)).then(|| simple(Kind::Person, false)).flatten()
        }
        "his" => (!has_partner(text, found, at, Kind::Person)).then(|| simple(Kind::Person, true)).flatten(),
        "her" => (!has_partner(text, found, at, Kind::Person)).then(|| simple(Kind::Person, noun_follows)).flatten(),
        "then" if at > 2 && found.len() == at + 1 && !matches!(before, "since" | "until" | "by" | "back") => {
            simple(Kind::Thing, false)
        }
        "there" => {
            let existential = is_one_of(before, AUXILIARIES) && before != "be" && found.len() > at + 1
                || is_one_of(next, AUXILIARIES)
                || before.is_empty();
            // `How many are there?` asks for the number, not the place.
            let counts = matches!(before, "is" | "are" | "was" | "were");
            (!existential && !counts).then(|| simple(Kind::Place, false)).flatten()
        }
        "those" if next == "of" => simple(Kind::Several, false),
        "this" | "that" | "those" | "these" if !noun_follows => {
            // `Which court says that`, `the attack that`: only right after a verb or a preposition, and with nothing behind.
            let placed = is_one_of(before, AUXILIARIES) || is_one_of(before, PREPOSITIONS);
            let last = found.len() == at + 1 || found[at].ends_clause || acts;
            let kind = if matches!(word, "those" | "these") { Kind::Several } else { Kind::Thing };
            let starts_list = matches!(word, "those" | "these")
                && (is_one_of(next, AUXILIARIES) || next == "of" || next.is_empty() || next == "in");
            (before != "do" && placed && (last || starts_list)).then(|| simple(kind, false)).flatten()
        }
        // `the PDF ones`: formats, or whatever was asked for.
        "one" | "ones" if at > 0 && !is_closed_class(before) && !is_ordinal(before) => {
            Some(Leaning { at, end: at + 1, kind: Some(Kind::Several), possessive: false, ordinal: None })
        }
        "first" | "second" | "third" | "fourth" | "last" | "former" | "latter"
            if before == "the" && (matches!(next, "one") || (next.is_empty() && found.len() > 2)) =>
        {
            let place = match word {
                "first" | "former" => 0,
                "second" | "latter" => 1,
                "third" => 2,
                "fourth" => 3,
                _ => usize::MAX,
            };
            let end = if next == "one" { at + 2 } else { at + 1 };
            Some(Leaning { at: at - 1, end, kind: None, possessive: false, ordinal: Some(place) })
        }
        _ => None,
    }
}

fn is_ordinal(word: &str) -> bool {
    matches!(word, "first" | "second" | "third" | "fourth" | "last" | "other")
}

/// `is it possible to`, `how long does it take to`, `how far is it from A to B`: such an `it` stands for nothing.
fn is_expletive(found: &[Word], at: usize) -> bool {
    const STATES: &[&str] = &[
        "possible",
        "necessary",
        "true",
        "allowed",
        "safe",
        "ok",
        "okay",
        "legal",
        "worth",
        "better",
        "best",
        "enough",
        "required",
        "important",
        "correct",
        "advisable",
        "hard",
        "easy",
        "difficult",
        "impossible",
        "normal",
        "raining",
        "late",
        "forbidden",
        "common",
    ];
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let after = found.get(at + 2).map_or("", |next| next.lower.as_str());
    let reaches = found[at + 1..].iter().any(|word| matches!(word.lower.as_str(), "to" | "that" | "if" | "when"));
    (is_one_of(next, STATES) && reaches)
        || (matches!(next, "take" | "cost" | "mean" | "takes")
            && matches!(after, "to" | "for" | "if" | "that" | "when"))
        || (next == "from" && found[at + 1..].iter().any(|word| word.lower == "to"))
        || matches!(next, "that" | "to")
}

/// Words that begin another clause.
const CLAUSE_WORDS: &[&str] = &[
    "that", "which", "who", "when", "where", "while", "because", "if", "so", "before", "after", "until", "since",
    "although", "unless", "and", "but", "once", "as", "than",
];

/// Whether the question itself names what a pronoun in it stands for.
fn has_partner(text: &str, found: &[Word], at: usize, kind: Kind) -> bool {
    let subject = at > 0
        && is_one_of(&found[at - 1].lower, AUXILIARIES)
        && !found[..at].iter().any(|word| verbs::is_past(&word.lower) && !is_one_of(&word.lower, AUXILIARIES));
    // The subject of the main clause comes after what asks, and before everything else.
    let earlier = noun_phrases(text).into_iter().filter(|phrase| phrase.last <= at);
    // `Which treaty established it?`: within one clause, a thing that acts on itself would be `itself`.
    let own = matches!(found[at].lower.as_str(), "its" | "his" | "her" | "their");
    let parted =
        |from: usize| found[from..at].iter().any(|word| is_one_of(&word.lower, CLAUSE_WORDS) || word.ends_clause);
    earlier.into_iter().any(|phrase| {
        if !own && !parted(phrase.last) {
            return false;
        }
        let fits = match kind {
            Kind::Person => phrase.named && phrase.is_person(),
            Kind::Several => phrase.is_plural() && !phrase.is_quantity(),
            _ => !phrase.is_plural() && !phrase.is_quantity() && phrase.head != "year",
        };
        fits && (!phrase.asks || (!subject && kind != Kind::Person && phrase.after.is_none()))
            && !(subject && phrase.after.is_some())
    })
}
