//! What a pronoun may stand for: what was asked about and what was answered, the last turn first.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::{
        has_institution, instrument, is_clause, is_name, is_plural_answer, is_quantity, is_role, is_time, items, lists,
        names_event,
    },
    naming::{bare_place, definite, definite_text, possessive, with_tail},
    question_shape::{Shape, Verb},
    several::{counted_ones, several},
};
use crate::answer::preprocess::english::{
    noun_kinds::{is_class, is_person, is_place, is_property, is_word},
    noun_phrases::{NounPhrase, noun_phrases},
    nouns::is_plural,
};

/// What kind of thing a pronoun stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `he`, `her`
    Person,
    /// `it`
    Thing,
    /// `this`, `that`
    Pointed,
    /// `they`, `those`
    Several,
    /// `there`
    Place,
}

/// The partners that are likely, best first, from the latest turn that has one.
pub(super) fn candidates(kind: Kind, exchanges: &[Exchange]) -> Vec<String> {
    let pair = (kind == Kind::Several).then(|| pair(exchanges)).flatten();
    let found = exchanges.iter().rev().map(|exchange| of_exchange(kind, exchange)).find(|found| !found.is_empty());
    let mut found: Vec<String> = pair.into_iter().chain(found.unwrap_or_default()).collect();
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
        Kind::Pointed => {
            let told = answer.filter(|answer| names_event(answer));
            // `How is it made? Through vaccination. Why is that so successful?`
            let means = answer.filter(|_| shape.question_word() == "how").and_then(instrument);
            // `How many Jews lived there? 219,000. What share was that?`
            let counted = shape.asked_noun().filter(|noun| noun.is_plural() && answer.is_some_and(is_quantity));
            let counted = counted.map(|noun| counted_ones(&shape, noun));
            let placed =
                answer.filter(|answer| shape.question_word() == "where" && !is_quantity(answer)).map(bare_place);
            let first = told.or(means).map(definite_text).or(counted).or(placed);
            first.into_iter().chain(things(&shape, answer)).collect()
        }
        Kind::Several => several(&shape, answer),
        Kind::Place => places(&shape, answer),
    }
}

/// What did something in the last question, and what it was done to: `he` and `him` of the next one.
pub(super) fn roles(exchange: &Exchange) -> Option<(String, String)> {
    let shape = Shape::of(&exchange.question);
    let answer = exchange.answer.as_deref().filter(|_| !shape.asks_circumstance()).map(definite_text)?;
    match shape.verb()? {
        Verb::Auxiliary => {
            let subject = shape.phrases.iter().find(|phrase| phrase.first == shape.asking + 1)?;
            Some((definite(subject), answer))
        }
        Verb::Main { at, .. } => {
            let object = shape.phrases.iter().find(|phrase| phrase.first == at + 1)?;
            Some((answer, definite(object)))
        }
    }
}

/// Two things that the last two turns asked the same of: `X.25 and Frame Relay`.
fn pair(exchanges: &[Exchange]) -> Option<String> {
    let [.., first, second] = exchanges else { return None };
    let shape = Shape::of(&second.question);
    let plural = |exchange: &Exchange| {
        let shape = Shape::of(&exchange.question);
        let several = exchange.answer.as_deref().is_some_and(|answer| lists(answer) || is_plural_answer(answer));
        several || shape.phrases.iter().any(|phrase| phrase.is_plural() && !phrase.is_quantity())
    };
    if plural(second) {
        return None;
    }
    let (of_first, of_second) = (noun_phrases(&first.question), &shape.phrases);
    let other = |phrase: &&NounPhrase, others: &[NounPhrase]| !others.iter().any(|other| other.text == phrase.text);
    let (one, two) = (
        of_first.iter().filter(|phrase| other(phrase, of_second)).collect::<Vec<_>>(),
        of_second.iter().filter(|phrase| other(phrase, &of_first)).collect::<Vec<_>>(),
    );
    // All but one phrase is the same.
    let ([one], [two]) = (one.as_slice(), two.as_slice()) else { return None };
    if one.asks || two.asks || of_first.len() < 2 {
        return None;
    }
    let names = [&first.answer, &second.answer].map(|answer| answer.as_deref().filter(|answer| is_name(answer)));
    match names {
        [Some(one), Some(two)] if shape.asks_person() => Some(format!("{one} and {two}")),
        _ if one.is_quantity() || two.is_quantity() => None,
        _ => Some(format!("{} and {}", definite(one), definite(two))),
    }
}

fn persons(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let name = |answer: &&str| is_name(answer) && !has_institution(answer);
    let acted = matches!(shape.verb(), Some(Verb::Main { .. }));
    let answered = answer
        .filter(|answer| (shape.asks_person() && is_role(answer)) || ((shape.asks_person() || acted) && name(answer)))
        .map(definite_text);
    let owner = |phrase: &NounPhrase| phrase.named && phrase.text.contains("'s ");
    let asked =
        |phrase: &NounPhrase| shape.question_word() == "who" && phrase.first == shape.asking + 1 && phrase.named;
    let named = shape
        .phrases
        .iter()
        .filter(|phrase| !phrase.asks && (phrase.named && phrase.is_person() || owner(phrase) || asked(phrase)));
    let named = named.map(person);
    let by_role =
        shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.is_person() && !phrase.named).map(definite);
    let weak = answer.filter(|answer| !shape.asks_circumstance() && name(answer));
    answered.into_iter().chain(named).chain(weak.map(str::to_owned)).chain(by_role).collect()
}

/// The person of a phrase: `Céloron` of `Céloron's expedition`.
fn person(phrase: &NounPhrase) -> String {
    let owner = phrase.text.split_once("'s ").filter(|_| !is_person(&phrase.head)).map(|(owner, _)| owner);
    owner.map_or_else(|| definite(phrase), definite_text)
}

fn things(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let entity = answer.filter(|answer| {
        !shape.asks_circumstance()
            && !shape.asks_person()
            && shape.question_word() != "where"
            && !is_quantity(answer)
            && !is_clause(answer)
            && (!is_plural_answer(answer) || is_name(answer))
            && !lists(answer)
    });
    // `What does LoRA add to the matrix?` and its like tell of the thing that they name, and of what was answered.
    let mut topics: Vec<&NounPhrase> = shape
        .phrases
        .iter()
        .filter(|phrase| !phrase.asks && !phrase.is_quantity() && !phrase.is_plural() && phrase.head != "name")
        .filter(|phrase| !is_time(&phrase.text) && !shape.is_said_of_subject(phrase))
        .collect();
    topics.sort_by_key(|phrase| {
        (!phrase.named || phrase.after.as_deref().is_some_and(|after| after != "of" && after != "about"), phrase.first)
    });
    // A person is no `it` where a thing is there: `When did he get his patent?`
    let owned = |text: &str| text.starts_with("his ") || text.starts_with("her ");
    let owner = topics.iter().any(|phrase| owned(&phrase.text));
    topics.sort_by_key(|phrase| is_personal_name(phrase) || (owner && phrase.is_person() && !owned(&phrase.text)));
    let topics = topics.into_iter().flat_map(|phrase| {
        let bearer = phrase.bearer().filter(|bearer| !is_plural(bearer.rsplit(' ').next().unwrap_or(bearer)));
        let owner = phrase.text.split_once("'s ").map(|(owner, _)| owner).filter(|_| is_property(&phrase.head));
        let mut both: Vec<String> =
            bearer.or(owner).map(definite_text).into_iter().chain([with_tail(shape, phrase)]).collect();
        // Of `the population of Warsaw`, it is Warsaw that is spoken of; of `the oldest seal of Warsaw`, the seal.
        if !is_property(&phrase.head) {
            both.reverse();
        }
        both
    });
    let placed = answer.filter(|answer| shape.question_word() == "where" && !is_quantity(answer)).map(bare_place);
    // `Whose letter did he bring?`: it is that letter.
    let owned = answer.zip(shape.asked_noun()).filter(|_| shape.question_word() == "whose").map(|(owner, noun)| {
        format!("{} {}", possessive(owner.trim_end_matches("'s").trim_end_matches('\'')), noun.text)
    });
    let answered = owned.or(entity.map(|answer| called(shape, answer)));
    // `Which capital does the empire have?`: what was answered is said of the empire.
    if shape.asks_attribute() {
        return topics.chain(answered).collect();
    }
    if answer.is_some_and(|answer| shape.defines(answer)) {
        return topics.chain(answered).collect();
    }
    // Of a way to do something, what it is done with comes last.
    let means = answer.filter(|_| shape.question_word() == "how").and_then(instrument).map(definite_text);
    // `What share of power comes from it? 90%`, and nothing else that it could be.
    let asked =
        shape.asked_noun().filter(|noun| answer.is_some_and(is_quantity) && !noun.is_plural()).map(definite_one);
    answered.into_iter().chain(topics).chain(placed).chain(means).chain(asked).collect()
}

fn definite_one(phrase: &NounPhrase) -> String {
    format!("the {}", phrase.text)
}

/// `the model footnote` of `What is the model called?`: a name in small letters says little by itself, and neither does
/// one that was asked for as a name.
fn called(shape: &Shape<'_>, answer: &str) -> String {
    if let Some(noun) = shape.asked_noun().filter(|noun| is_word(&noun.head)) {
        return format!("the {} {answer}", noun.head);
    }
    let plain = answer.chars().all(|c| c.is_lowercase());
    let asks = shape.words.last().is_some_and(|word| word.lower == "called");
    let named = shape.phrases.iter().find(|phrase| plain && (asks != phrase.asks) && is_class(&phrase.head));
    named.map_or_else(|| definite_text(answer), |phrase| format!("the {} {answer}", phrase.head))
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
        .map(definite);
    let named = shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.named).map(definite);
    answered.into_iter().chain(placed).chain(named).collect()
}

/// The items of the list that was answered or offered last.
pub(super) fn last_items(exchanges: &[Exchange]) -> Vec<String> {
    let Some(last) = exchanges.last() else { return Vec::new() };
    if last.offered.len() > 1 {
        return last.offered.clone();
    }
    items(last.answer.as_deref().unwrap_or_default())
}

/// The other one of two, where the last turn spoke of the one.
pub(super) fn other_item(exchanges: &[Exchange]) -> Option<String> {
    let (last, before) = exchanges.split_last()?;
    let spoken_of = |item: &String| last.question.to_lowercase().contains(&item.to_lowercase());
    let two = before.iter().rev().map(|exchange| items(exchange.answer.as_deref().unwrap_or_default()));
    let mut two = two.filter(|items| items.len() == 2 && items.iter().any(spoken_of));
    two.next()?.into_iter().find(|item| !spoken_of(item))
}

/// The title of what the last answer rests on, as a topic of last resort.
fn title(exchange: &Exchange) -> Option<String> {
    let name = &exchange.sources.first()?.name;
    let bare = name.rsplit('/').next()?.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let words = bare.replace(['_', '-'], " ");
    (words.len() > 2 && words.split_whitespace().count() <= 4).then_some(words)
}

fn is_personal_name(phrase: &NounPhrase) -> bool {
    let article = phrase.text.split_whitespace().next().is_some_and(|word| word.to_lowercase() == "the");
    phrase.named && phrase.is_person() && phrase.text.split_whitespace().count() > 1 && !article
}
