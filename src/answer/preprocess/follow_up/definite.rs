//! Phrases that mean something known: `that status`, `the treaty`, where the last turn names it.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::{is_clause, is_name, is_quantity},
    naming::definite_text,
    question_shape::{Shape, Verb},
    topic::{Kind, candidates},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, CLAUSE_WORDS, DETERMINERS, PREPOSITIONS, is_one_of,
    noun_kinds::{is_class, is_kind, is_person, is_place, is_relation, is_word},
    noun_phrases::{NounPhrase, noun_phrases},
    verbs::is_past,
    words::words,
};

/// The question with such a phrase written out; `None` when there is none, or the last turn does not say more of it.
pub(super) fn complete(text: &str, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let found = words(text);
    let phrases = noun_phrases(text);
    let mentioned = mentions(last);
    let longer = |phrase: &NounPhrase| {
        let noun = without_article(&phrase.text).to_lowercase();
        let several = noun.contains(' ');
        let alike = |known: &&NounPhrase| {
            let text = without_article(&known.text).to_lowercase();
            let last = ends_with(&text, &phrase.head) && !text.contains(" of ");
            // `the acronym FIS` says no more than `FIS`.
            let named = text.split(' ').next().is_some_and(|first| is_word(first) || is_class(first));
            (known.head == phrase.head || last)
                && text.split_whitespace().count() > noun.split_whitespace().count()
                && !(phrase.named && named)
        };
        let same = |known: &&NounPhrase| known.text.to_lowercase().contains(&noun);
        let known = mentioned.iter().find(|known| alike(known) && same(known));
        known.or_else(|| mentioned.iter().find(alike).filter(|_| !several))
    };
    let definite = |phrase: &NounPhrase| {
        let opens = found[phrase.first].lower.as_str();
        // `who noticed that survivors were immune`: no `that survivors` is pointed at.
        let before = phrase.first.checked_sub(1).map_or("", |at| found[at].lower.as_str());
        let stands = before.is_empty()
            || is_one_of(before, AUXILIARIES)
            || is_one_of(before, PREPOSITIONS)
            || phrase.last == found.len();
        let joins = opens == "that" && (phrase.is_plural() || !stands);
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
    let noun = without_article(&phrase.text);
    let name = names.iter().find(|name| name.contains(noun)).or(names.first()).cloned();
    // `the name for such problems` says which.
    let next = found.get(phrase.last).map_or("", |word| word.lower.as_str());
    let explained = is_one_of(next, PREPOSITIONS) || is_past(next) || is_one_of(next, CLAUSE_WORDS);
    let bare = found.len() <= 7 && phrases.len() == 1 && phrase.last - phrase.first == 2 && !phrase.is_plural();
    // `the attack` after `who set out to attack Florida?`; what was named as a thing is known without more.
    let known = mentioned.iter().any(|known| known.head == phrase.head);
    let acted = said(last, &phrase.head) && !known;
    let bare = bare && !known;
    let answer = last.answer.as_deref().filter(|answer| !is_quantity(answer) && !is_clause(answer));
    let by = match (longer(phrase), name) {
        (Some(known), _) if known.named || pointing => format!("the {}", without_article(&known.text)),
        // `What is the company called now?`
        (None, _) if is_kind(&phrase.head) && answer.is_some_and(is_name) && named_kind(last, &phrase.head) => {
            definite_text(answer?)
        }
        (None, _) if is_word(&phrase.head) && answer.is_some() && !explained => format!("{} {}", phrase.text, answer?),
        (_, Some(_)) if is_city(&phrase.head) => place(last)?,
        // `Who moved the court?`, and nothing else: it is the court that was spoken of.
        // `Did the pope agree?` needs nobody whose pope he is.
        _ if is_person(&phrase.head) && !pointing => return None,
        (_, Some(name)) if pointing || acted || bare => {
            if name.contains(noun) {
                name
            } else {
                format!("the {noun} of {name}")
            }
        }
        // `What is the disadvantage?` asks for that of something.
        _ if is_relation(&phrase.head) && phrase.last == found.len() && found.len() <= 7 => {
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
    // Of `the head of the Federal Energy Office`, the office is one as well.
    let bearers = mentions.iter().filter_map(|mention| {
        let (_, bearer) = mention.text.split_once(" of ")?;
        let head = bearer.split_whitespace().next_back()?.to_lowercase();
        Some(NounPhrase { text: bearer.to_owned(), head, ..mention.clone() })
    });
    let bearers: Vec<NounPhrase> = bearers.collect();
    mentions.extend(bearers);
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
    let placed =
        named.iter().find(|phrase| matches!(phrase.after.as_deref(), Some("in" | "at" | "to" | "from" | "near")));
    placed.or(named.last()).map(|phrase| definite_text(&phrase.text))
}

/// A phrase without `the`, `a` or `that` before it.
fn without_article(text: &str) -> &str {
    let first = text.split_whitespace().next().unwrap_or_default();
    if is_one_of(&first.to_lowercase(), DETERMINERS) { text[first.len()..].trim_start() } else { text }
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
