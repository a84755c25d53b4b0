//! Puts what was spoken of in the place of the words that lean on it.
//!
//! May depend on `english`.

use super::{
    Exchange,
    leaning::{Leaning, Means, leaning_at},
    naming::{definite_text, possessive},
    question_shape::{Shape, Verb},
    statement::{clause, statement},
    topic::{self, Kind, candidates},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, PREPOSITIONS, is_one_of,
    inflection::{past_of, singular},
    verbs::{base_of_past, base_of_third, is_base},
    words::{Word, words},
};

/// Verbs and adjectives of settings: what they are asked about is how something is, more often than a thing.
const CHANGES: &[&str] =
    &["change", "configure", "set", "adjust", "raise", "lower", "increase", "reduce", "limit", "control", "override"];

/// What is put in the place of some words, in the best and in the second reading.
struct Edit {
    start: usize,
    end: usize,
    best: String,
    other: String,
}

/// The text with its pronouns replaced, best reading first; none when no pronoun leans, or no partner is there.
pub(super) fn replace_pronouns(text: &str, exchanges: &[Exchange]) -> Vec<String> {
    let found = words(text);
    let mut leanings: Vec<Leaning> = Vec::new();
    for at in 0..found.len() {
        if leanings.last().is_none_or(|last| last.end <= at) {
            leanings.extend(leaning_at(&found, text, at));
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    let mut seen: Vec<Kind> = Vec::new();
    for (number, leaning) in leanings.iter().enumerate() {
        let kind = match leaning.means {
            Means::One(kind) => kind,
            _ => {
                edits.extend(said(&found, leaning, exchanges).map(|by| edit(&found, leaning, by.clone(), by)));
                continue;
            }
        };
        if let Some(by) = in_its_role(&found, &leanings, number, exchanges) {
            edits.push(edit(&found, leaning, by.clone(), by));
            continue;
        }
        if seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        let mut partners = candidates(kind, exchanges);
        if partners.is_empty() && found[leaning.at].lower == "she" {
            // A ship or a mermaid.
            partners = candidates(Kind::Thing, exchanges);
        }
        if matches!(kind, Kind::Thing | Kind::Pointed) && !leaning.possessive && changes(&found) {
            if let Some(asked) = exchanges.last().and_then(|last| clause(&Shape::of(&last.question))) {
                partners.insert(0, asked);
            }
        }
        let Some(best) = partners.first() else { continue };
        let other = partners.get(1).unwrap_or(best);
        let [best, other] = [best, other].map(|partner| dressed(&found, leaning, kind, partner));
        edits.push(edit(&found, leaning, best, other));
    }
    if edits.is_empty() {
        return Vec::new();
    }
    let (mut first, mut second) = (text.to_owned(), text.to_owned());
    for edit in edits.into_iter().rev() {
        first.replace_range(edit.start..edit.end, &edit.best);
        second.replace_range(edit.start..edit.end, &edit.other);
    }
    if first == second { vec![first] } else { vec![first, second] }
}

fn edit(found: &[Word], leaning: &Leaning, best: String, other: String) -> Edit {
    let (start, end) = (found[leaning.at].start, found[leaning.end - 1].end);
    // `it's` is two words at one place.
    let tail = if found.get(leaning.end).is_some_and(|next| next.start == start) { " is" } else { "" };
    Edit { start, end, best: format!("{best}{tail}"), other: format!("{other}{tail}") }
}

/// A partner as it has to stand in the place of a pronoun.
fn dressed(found: &[Word], leaning: &Leaning, kind: Kind, partner: &str) -> String {
    let before = leaning.at.checked_sub(1).map(|at| found[at].lower.as_str());
    match kind {
        _ if leaning.possessive => possessive(partner),
        Kind::Place if before.is_some_and(|before| !is_one_of(before, PREPOSITIONS)) => format!("in {partner}"),
        _ => partner.to_owned(),
    }
}

/// What two pronouns of a kind stand for: `where did he send him?` has the one who acted and the other.
fn in_its_role(found: &[Word], leanings: &[Leaning], number: usize, exchanges: &[Exchange]) -> Option<String> {
    let leaning = leanings[number];
    let alike: Vec<usize> = (0..leanings.len())
        .filter(|other| leanings[*other].means == leaning.means && !leanings[*other].possessive)
        .collect();
    let [first, second] = alike.as_slice() else { return None };
    let acts = is_one_of(&found[leanings[*first].at.checked_sub(1)?].lower, AUXILIARIES);
    let object = leanings[*second].at > leanings[*first].end;
    let (subject, other) = exchanges.last().and_then(topic::roles).filter(|_| acts && object)?;
    match number {
        _ if number == *first => Some(subject),
        _ if number == *second => Some(other),
        _ => None,
    }
}

/// What words stand for that are no pronouns.
fn said(found: &[Word], leaning: &Leaning, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let shape = Shape::of(&last.question);
    match leaning.means {
        Means::One(_) => None,
        Means::Item(place) => {
            let items = topic::last_items(exchanges);
            let item = if place == usize::MAX { items.last() } else { items.get(place) };
            item.cloned()
        }
        Means::Other => topic::other_item(exchanges),
        Means::Noun => noun(last, &found[..leaning.at]),
        Means::Any => any(&shape).or_else(|| noun(last, &[]).map(|noun| format!("a {}", singular(&noun)))),
        Means::More => {
            let noun = noun(last, &[]).or_else(|| last.answer.clone())?;
            Some(format!("{} {noun}", found[leaning.at].lower))
        }
        Means::Action(past) => action(last, past),
        Means::Said => {
            let that = shape.words.iter().position(|word| word.lower == "that").filter(|that| *that > 0)?;
            let verb = &found[leaning.at].lower;
            Some(format!("{verb} {}", shape.cut(that, shape.words.len())))
        }
        Means::Then => then(&shape, last),
        Means::Later => {
            let asks_time = matches!(shape.question_word(), "when") || shape.asks_circumstance();
            let told = statement(&shape, None).filter(|_| asks_time)?;
            Some(format!("after {told}"))
        }
    }
}

/// The time or the case that `then` means: `in 1234`, `when I stop the containers`.
fn then(shape: &Shape<'_>, last: &Exchange) -> Option<String> {
    let answered = last.answer.as_deref().unwrap_or_default();
    let year = [answered, &last.question]
        .into_iter()
        .find_map(|text| words(text).into_iter().find(Word::is_year).map(|word| word.lower));
    if let Some(year) = year {
        return Some(format!("in {year}"));
    }
    let first = shape.words.first().map_or("", |word| word.lower.as_str());
    let acts = shape.words.get(2).is_some_and(|word| matches!(word.lower.as_str(), "i" | "we"));
    let told = statement(shape, None)?;
    match first {
        "how" if acts => Some(format!("when {told}")),
        // `Can a reindex be interrupted?`, and it is.
        _ if is_one_of(first, AUXILIARIES) && told.contains(" can be ") => {
            Some(format!("when {}", told.replacen(" can be ", " is ", 1)))
        }
        _ => None,
    }
}

/// What `ones` stands for: the noun that was asked for, or the last plural, or the last thing of which there are several.
fn noun(exchange: &Exchange, before: &[Word]) -> Option<String> {
    let shape = Shape::of(&exchange.question);
    // `and in the British ones?` is about what stood after `in`.
    let preposition = before.first().filter(|word| is_one_of(&word.lower, PREPOSITIONS));
    let beside = preposition
        .and_then(|word| shape.phrases.iter().find(|phrase| phrase.after.as_deref() == Some(word.lower.as_str())));
    if let Some(phrase) = beside {
        return Some(phrase.head.clone());
    }
    let plural = shape.phrases.iter().rfind(|phrase| phrase.is_plural() && !phrase.is_quantity());
    let indefinite = shape.phrases.iter().rfind(|phrase| phrase.text.starts_with("a ") || phrase.text.starts_with("an "));
    let definite = shape.phrases.iter().find(|phrase| phrase.text.starts_with("the ") && !phrase.named);
    shape.asked_noun().or(plural).or(indefinite).or(definite).map(|phrase| phrase.head.clone())
}

/// One of what was spoken of: `a key`.
fn any(shape: &Shape<'_>) -> Option<String> {
    let open = |text: &str| text.starts_with("a ") || text.starts_with("an ");
    shape.phrases.iter().rfind(|phrase| open(&phrase.text)).map(|phrase| phrase.text.clone())
}

/// What was done, in the base form or in the past: `buy red bandanas` after `Who bought red bandanas?`.
fn action(exchange: &Exchange, past: bool) -> Option<String> {
    let shape = Shape::of(&exchange.question);
    let count = shape.words.len();
    let acted = |base: &str| if past { past_of(base) } else { base.to_owned() };
    match shape.verb()? {
        Verb::Main { at, base, .. } => Some(format!("{} {}", acted(&base), shape.cut(at + 1, count)).trim().to_owned()),
        // `What did the UK ban on Sundays?`, with what was answered in its place.
        Verb::Auxiliary => {
            let supported = is_one_of(&shape.words[shape.asking].lower, BASE_FOLLOWS);
            let subject = shape.phrases.iter().find(|phrase| phrase.first == shape.asking + 1 && supported)?;
            let verb = shape.words.get(subject.last).filter(|word| is_base(&word.lower))?;
            let asks_thing = matches!(shape.question_word(), "what" | "which" | "who" | "whom");
            let object = exchange.answer.as_deref().filter(|_| asks_thing).map(definite_text).unwrap_or_default();
            let parts = [acted(&verb.lower), object, shape.cut(subject.last + 1, count).to_owned()];
            Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
        }
    }
}

/// Whether a question is about changing something.
fn changes(found: &[Word]) -> bool {
    found.iter().any(|word| {
        let word = word.lower.as_str();
        let base = base_of_past(word).or_else(|| base_of_third(word)).unwrap_or_else(|| word.to_owned());
        word == "configurable" || CHANGES.contains(&base.as_str())
    })
}
