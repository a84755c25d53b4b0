//! Phrases that mean something known: `that status`, `the treaty`, where the last turn names it.
//!
//! May depend on `english`.

use super::{Exchange, answers::{is_clause, is_name, is_quantity}, naming::definite_text, question_shape::{Shape, Verb}, topic::{Kind, candidates}};
use crate::answer::preprocess::english::{
    noun_phrases::{NounPhrase, noun_phrases},
    nouns::{is_kind, is_person, is_place, is_relation, is_word},
    words::words,
};

/// The question with such a phrase written out; `None` when there is none, or the last turn does not say more of it.
pub(super) fn complete(text: &str, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let found = words(text);
    let phrases = noun_phrases(text);
    let mentioned = mentions(last);
    let longer = |phrase: &NounPhrase| {
        let noun = phrase.text.split_once(' ').map_or("", |(_, noun)| noun).to_lowercase();
        let same = |known: &&NounPhrase| known.text.to_lowercase().contains(&noun);
        let alike = |known: &&NounPhrase| known.head == phrase.head || ends_with(&known.text, &phrase.head);
        let known = mentioned.iter().find(|known| alike(known) && same(known)).or(mentioned.iter().find(alike));
        known.filter(|known| {
            known.text.split_whitespace().count() > 1 && known.text.to_lowercase() != phrase.text.to_lowercase()
        })
    };
    let definite = |phrase: &NounPhrase| {
        let opens = found[phrase.first].lower.as_str();
        // `who noticed that survivors were immune`: no `that survivors` is pointed at.
        let joins = matches!(opens, "this" | "that") && phrase.is_plural();
        matches!(opens, "the" | "this" | "that" | "these" | "those")
            && (2..=3).contains(&(phrase.last - phrase.first))
            && !joins
    };
    // A question with a name of its own, or with its terms spelled out, stands alone; `the T cell` is no name.
    let own = |phrase: &NounPhrase| {
        phrase.named && !phrase.text.contains("that ") && !(definite(phrase) && longer(phrase).is_some())
    };
    if phrases.iter().any(own) || found.len() > 12 {
        return None;
    }
    let phrase = phrases.iter().find(|phrase| definite(phrase))?;
    let pointing = found[phrase.first].lower != "the";
    let names = names(last);
    let noun = phrase.text.split_once(' ').map_or("", |(_, noun)| noun);
    let name = names.iter().find(|name| name.contains(noun)).or(names.first()).cloned();
    let answer = last.answer.as_deref().filter(|answer| !is_quantity(answer) && !is_clause(answer));
    let by = match (longer(phrase), name) {
        (Some(known), _) if known.named || pointing => definite_text(&known.text),
        // `What is the company called now?`
        (None, _) if is_kind(&phrase.head) && answer.is_some_and(is_name) && named_kind(last, &phrase.head) => {
            definite_text(answer?)
        }
        (None, _) if is_word(&phrase.head) && answer.is_some() => format!("{} {}", phrase.text, answer?),
        (_, Some(_)) if is_city(&phrase.head) => place(last)?,
        // `Who moved the court?`, and nothing else: it is the court that was spoken of.
        // `Did the pope agree?` needs nobody whose pope he is.
        _ if is_person(&phrase.head) && !pointing => return None,
        (_, Some(name)) if pointing || said(last, &phrase.head) || (found.len() <= 7 && phrases.len() == 1) => {
            if name.contains(noun) { name } else { format!("the {noun} of {name}") }
        }
        // `What is the disadvantage?` asks for that of something.
        _ if is_relation(&phrase.head) && phrase.last == found.len() => {
            format!("{} of {}", phrase.text, topic(last, exchanges)?)
        }
        _ => return None,
    };
    let (start, end) = (found[phrase.first].start, found[phrase.last - 1].end);
    Some(format!("{}{by}{}", &text[..start], &text[end..]))
}

fn mentions(exchange: &Exchange) -> Vec<NounPhrase> {
    let mut mentions: Vec<NounPhrase> = Vec::new();
    // The first letter of an answer is no sentence's: a word before keeps it from being read as one.
    mentions.extend(exchange.answer.iter().flat_map(|answer| noun_phrases(&format!("is {answer}"))));
    mentions.extend(noun_phrases(&exchange.question));
    mentions.retain(|mention| !mention.asks);
    mentions
}

/// What a thing may belong to: what was asked about, of a property its owner, and who was answered.
fn names(exchange: &Exchange) -> Vec<String> {
    let asked = noun_phrases(&exchange.question);
    let named = asked.iter().filter(|phrase| phrase.named && !phrase.asks && !phrase.is_quantity());
    let shape = Shape::of(&exchange.question);
    let acted = shape.asks_person() || matches!(shape.verb(), Some(Verb::Main { .. }));
    let answered = exchange.answer.iter().filter(|answer| acted && is_name(answer));
    let named = named.map(|phrase| definite_text(phrase.bearer().unwrap_or(&phrase.text)));
    answered.cloned().chain(named).collect()
}

/// Whether an answer can be meant by such a noun: it was asked for as one, or with `who`.
fn named_kind(last: &Exchange, noun: &str) -> bool {
    let shape = Shape::of(&last.question);
    shape.asked_noun().is_some_and(|asked| asked.head == noun) || (shape.question_word() == "who" && !is_place(noun))
}

/// What a relation is one to: those that were counted, or what was asked about.
fn topic(last: &Exchange, exchanges: &[Exchange]) -> Option<String> {
    let shape = Shape::of(&last.question);
    let counted = shape.asked_noun().filter(|noun| noun.is_plural()).map(|noun| format!("the {}", noun.text));
    counted.or_else(|| {
        let kinds = [Kind::Thing, Kind::Several];
        kinds.into_iter().find_map(|kind| candidates(kind, &exchanges[exchanges.len() - 1..]).into_iter().next())
    })
}

/// The name that stands where a place would: after `in`, `to` or the like, or last.
fn place(exchange: &Exchange) -> Option<String> {
    let asked = noun_phrases(&exchange.question);
    let named: Vec<&NounPhrase> = asked.iter().filter(|phrase| phrase.named && !phrase.asks).collect();
    let placed = named.iter().find(|phrase| matches!(phrase.after.as_deref(), Some("in" | "at" | "to" | "from" | "near")));
    placed.or(named.last()).map(|phrase| definite_text(&phrase.text))
}

fn ends_with(text: &str, head: &str) -> bool {
    text.to_lowercase().split_whitespace().next_back() == Some(head)
}

/// Whether a noun was said in the last question, be it as a verb (`set out to attack`).
fn said(exchange: &Exchange, noun: &str) -> bool {
    words(&exchange.question).iter().any(|word| word.lower == noun)
}

fn is_city(noun: &str) -> bool {
    matches!(noun, "city" | "town" | "country" | "university" | "college" | "company" | "village" | "region")
}
