//! What words stand for that are no pronouns: `the second one`, `do that`, `then`, `a year later`.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::is_plural_answer,
    leaning::{Leaning, Means},
    naming::definite_text,
    question_shape::{Shape, Verb},
    statement::statement,
    topic,
};
use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, PREPOSITIONS,
    inflection::{past_of, singular},
    is_one_of,
    noun_kinds::is_property,
    noun_phrases::NounPhrase,
    verbs::{base_of_past, is_base},
    words::{Word, words},
};

/// What words stand for that are no pronouns.
pub(super) fn said(found: &[Word], leaning: &Leaning, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let shape = Shape::of(&last.question);
    match leaning.means {
        Means::One(_) => None,
        Means::Item(place) => item(place, last, exchanges),
        Means::Other => topic::other_item(exchanges),
        Means::Noun => {
            let noun = noun(last, &found[..leaning.at])?;
            Some(if found[leaning.at].lower == "one" { singular_of(&noun) } else { noun })
        }
        Means::Any => any(&shape),
        Means::More => {
            let plural = last.answer.as_deref().filter(|answer| is_plural_answer(answer)).map(str::to_owned);
            let noun = plural.or_else(|| noun(last, &[]))?;
            let more = &found[leaning.at].lower;
            // `in a minute`: where or when they are counted.
            let within = shape.phrases.last().filter(|phrase| {
                more == "more" && !phrase.named && phrase.last == shape.words.len() && phrase.after.is_some()
            });
            let within = within.map_or("", |phrase| shape.cut(phrase.first - 1, phrase.last));
            Some(format!("{more} {noun} {within}").trim_end().to_owned())
        }
        Means::Action(past) => action(last, past),
        Means::Said => {
            let that = shape.words.iter().position(|word| word.lower == "that").filter(|that| *that > 0)?;
            let verb = &found[leaning.at].lower;
            Some(format!("{verb} {}", shape.cut(that, shape.words.len())))
        }
        Means::Then => then(&shape, last),
        Means::Instead => {
            let denied = last.answer.as_deref().is_some_and(|answer| answer.to_lowercase().starts_with("no"));
            let told = statement(&shape, None).filter(|told| denied && shape.asking == 0 && told.contains(" can "))?;
            Some(format!("instead if {}", told.replacen(" can ", " cannot ", 1)))
        }
        Means::Later | Means::Before => {
            let told = statement(&shape, None).filter(|_| shape.asks_time())?;
            Some(format!("{} {told}", if leaning.means == Means::Later { "after" } else { "before" }))
        }
    }
}

/// The one of a list; of `the first phase`, the second one is a phase as well.
fn item(place: usize, last: &Exchange, exchanges: &[Exchange]) -> Option<String> {
    const ORDINALS: &[&str] = &["first", "second", "third", "fourth"];
    let items = topic::last_items(exchanges);
    let found = if place == usize::MAX { items.last() } else { items.get(place) };
    if let Some(item) = found {
        let shape = Shape::of(&last.question);
        // Of `kinds of barriers`, `mechanical` is one.
        let kinds = shape.asked_noun().and_then(|noun| noun.text.split_once(" of ")).filter(|_| !item.contains(' '));
        let lower = item.chars().all(char::is_lowercase);
        return Some(kinds.filter(|_| lower).map_or_else(|| item.clone(), |(_, noun)| format!("{item} {noun}")));
    }
    let (answer, new) = (last.answer.as_deref()?, ORDINALS.get(place)?);
    // `What is the mayor called? President. Who was the first one?`
    let shape = Shape::of(&last.question);
    let role = shape.phrases.iter().find(|phrase| phrase.text.starts_with("the ") && !is_property(&phrase.head));
    let counted = words(answer).iter().any(|word| is_one_of(&word.lower, ORDINALS));
    if let Some((_, role)) = role.and_then(|phrase| phrase.text.split_once(' ')).filter(|_| !counted) {
        return Some(format!("the {new} {role}"));
    }
    let old = words(answer).into_iter().find(|word| is_one_of(&word.lower, ORDINALS))?;
    Some(format!("{}{new}{}", &answer[..old.start], &answer[old.end..]))
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
    if let Some(Verb::Main { auxiliary: "does", .. }) = shape.verb() {
        // `Who announces a division? The officer. How is voted then?`
        return statement(shape, last.answer.as_deref()).map(|told| format!("when {told}"));
    }
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
    let indefinite =
        shape.phrases.iter().rfind(|phrase| phrase.text.starts_with("a ") || phrase.text.starts_with("an "));
    let definite = shape.phrases.iter().find(|phrase| phrase.text.starts_with("the ") && !phrase.named);
    shape.asked_noun().or(plural).or(indefinite).or(definite).map(kind)
}

/// What a thing is, without what tells it from others: `Turing machine` of `a deterministic Turing machine`.
fn kind(phrase: &NounPhrase) -> String {
    let end = phrase.text.split(" of ").next().unwrap_or_default();
    let parts: Vec<&str> = end.split_whitespace().collect();
    let name = |part: &&str| part.starts_with(char::is_uppercase);
    let before = parts[..parts.len().saturating_sub(1)].iter().rev().take_while(|part| name(part)).count();
    // `Japanese cars` are told from others by their name, and the first word may open the sentence.
    if before == 0 || before + 1 >= parts.len() {
        phrase.head.clone()
    } else {
        parts[parts.len() - 1 - before..].join(" ")
    }
}

/// One of what a noun stands for several of.
fn singular_of(noun: &str) -> String {
    let (before, last) = noun.rsplit_once(' ').map_or(("", noun), |(before, last)| (before, last));
    format!("{before} {}", singular(last)).trim_start().to_owned()
}

/// One of what was spoken of: `a key`.
fn any(shape: &Shape<'_>) -> Option<String> {
    let open = |text: &str| text.starts_with("a ") || text.starts_with("an ");
    if let Some(phrase) = shape.phrases.iter().rfind(|phrase| open(&phrase.text)) {
        return Some(phrase.text.clone());
    }
    let plural = shape.phrases.iter().rfind(|phrase| phrase.is_plural() && !phrase.is_quantity() && !phrase.named);
    let known = shape.phrases.iter().rfind(|phrase| phrase.text.starts_with("the ") && !phrase.named);
    let phrase = plural.or(known)?;
    let bare = phrase.text.strip_prefix("the ").unwrap_or(&phrase.text);
    let one = bare.replacen(&phrase.head, &singular(&phrase.head), 1);
    let article = if one.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    // `How many are there in Warsaw?`
    let there = shape.words.iter().position(|word| word.lower == "there").filter(|_| phrase.asks);
    let within = there.map_or("", |there| shape.cut(there + 1, shape.words.len()));
    Some(format!("{article} {one} {within}").trim_end().to_owned())
}

/// What was done, in the base form or in the past: `buy red bandanas` after `Who bought red bandanas?`.
fn action(exchange: &Exchange, past: bool) -> Option<String> {
    let shape = Shape::of(&exchange.question);
    let count = shape.words.len();
    let acted = |base: &str| if past { past_of(base) } else { base.to_owned() };
    match shape.verb()? {
        Verb::Main { at, base, .. } => Some(format!("{} {}", acted(&base), shape.cut(at + 1, count)).trim().to_owned()),
        // `Can a document be moved?`
        Verb::Auxiliary if shape.cut(0, shape.words.len()).contains(" be ") => {
            let subject = shape.phrases.iter().find(|phrase| phrase.first == shape.asking + 1)?;
            let verb = shape.words.get(subject.last + 1).filter(|_| shape.words[subject.last].lower == "be")?;
            let base = base_of_past(&verb.lower)?;
            Some(format!("{} {} {}", acted(&base), subject.text, shape.cut(subject.last + 2, count)).trim().to_owned())
        }
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
