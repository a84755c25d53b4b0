//! Phrases that mean something known: `that status`, `the treaty`, where the last turn names it.
//!
//! May depend on `english`.

use super::{Exchange, answers::is_name, naming::definite_text, question_shape::Shape};
use crate::answer::preprocess::english::{
    noun_phrases::{NounPhrase, noun_phrases},
    words::words,
};

/// The question with such a phrase written out; `None` when there is none, or the last turn does not say more of it.
pub(super) fn complete(text: &str, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let found = words(text);
    let phrases = noun_phrases(text);
    let mentioned = mentions(last);
    let longer = |phrase: &NounPhrase| {
        let known = mentioned.iter().find(|known| known.head == phrase.head || ends_with(&known.text, &phrase.head));
        known.filter(|known| {
            known.text.split_whitespace().count() > 1 && known.text.to_lowercase() != phrase.text.to_lowercase()
        })
    };
    let definite = |phrase: &NounPhrase| {
        let opens = found[phrase.first].lower.as_str();
        matches!(opens, "the" | "this" | "that" | "these" | "those") && (2..=3).contains(&(phrase.last - phrase.first))
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
    let name = names(last).into_iter().next();
    let by = match (longer(phrase), name) {
        (Some(known), _) if known.named || pointing => definite_text(&known.text),
        (_, Some(_)) if is_city(&phrase.head) => place(last)?,
        // `Who moved the court?`, and nothing else: it is the court that was spoken of.
        (_, Some(name)) if pointing || said(last, &phrase.head) || (found.len() <= 7 && phrases.len() == 1) => {
            let noun = &text[found[phrase.first + 1].start..found[phrase.last - 1].end];
            format!("the {noun} of {name}")
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
    let answered = exchange.answer.iter().filter(|answer| Shape::of(&exchange.question).asks_person() && is_name(answer));
    let named = named.map(|phrase| definite_text(phrase.bearer().unwrap_or(&phrase.text)));
    named.chain(answered.cloned()).collect()
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
