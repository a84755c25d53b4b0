//! The last question with other asking words: `why?`, `in which year?`, `what for?` after `When did X leave?`.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::{describes, is_quantity},
    naming::{definite, definite_text, possessive},
    question_shape::{Shape, Verb},
};
use crate::answer::preprocess::english::{
    BE, PREPOSITIONS, QUESTION_WORDS, SUBJECT_PRONOUNS, is_one_of, noun_phrases::NounPhrase, words::Word,
};

/// The last question asked with the words of `text`; `None` where they have no place in it.
pub(super) fn ask_again(text: &str, here: &[Word], last: &Exchange) -> Option<String> {
    let shape = Shape::of(&last.question);
    let asking = asking_words(text, here);
    let counts = |words: &[Word]| {
        words.len() > 1 && words[0].lower == "how" && matches!(words[1].lower.as_str(), "many" | "much")
    };
    // `how many volumes?` after `How many libraries does Harvard have?`: the rest is the same, the answer is not in it.
    if here.len() > 2 && counts(here) && counts(&shape.words) {
        return Some(format!("{asking} {}", shape.cut(shape.asking, shape.words.len())));
    }
    // `how many at most?` after `How long are traces kept?` counts what was spoken of.
    if counts(here) && here.get(2).is_none_or(|next| is_one_of(&next.lower, PREPOSITIONS)) {
        return count_again(here, text, &shape);
    }
    if here.last().is_some_and(|word| matches!(word.lower.as_str(), "one" | "ones")) && !asking_is_why(here) {
        let noun = shape.asked_noun()?;
        let plain = asking.rsplit_once(' ')?.0;
        return Some(format!("{plain} {} {}", noun.text, shape.cut(shape.asking, shape.words.len())));
    }
    // `which genetic condition?` after `Which acquired condition weakens it?`: it asks for the same in the same place.
    let same = shape.asked_noun().is_some_and(|noun| here.last().is_some_and(|word| word.lower == noun.head));
    if same && matches!(here[0].lower.as_str(), "which" | "what") {
        return Some(format!("{asking} {}", shape.cut(shape.asking, shape.words.len())));
    }
    let (asking, stranded) = stranded(&asking, here);
    let asked = match shape.verb()? {
        Verb::Auxiliary => with_auxiliary(&asking, &shape, last),
        Verb::Main { at, auxiliary, base } => {
            with_main_verb(&asking, &shape, last.answer.as_deref()?, (at, auxiliary, &base))
        }
    };
    Some(format!("{asked} {}", stranded.unwrap_or_default()).trim_end().to_owned())
}

/// What asks, without what only points: `why` of `why that one?`.
fn asking_words(text: &str, here: &[Word]) -> String {
    let bare = text.trim().trim_end_matches(['?', '.', '!']).trim();
    let opens = here.first().map_or(bare, |first| first.of(text));
    if matches!(bare.to_lowercase().as_str(), "why not" | "how so" | "how come") || asking_is_why(here) {
        return opens.to_owned();
    }
    match here {
        [first, .., last] if matches!(last.lower.as_str(), "exactly" | "precisely") => {
            text[first.start..last.start].trim().to_owned()
        }
        _ => bare.to_owned(),
    }
}

/// `why those?`, `why that one?`, `why so long?`
fn asking_is_why(here: &[Word]) -> bool {
    let so = here.len() == 3 && here[1].lower == "so";
    here.len() > 1
        && here[0].lower == "why"
        && (so
            || here[1..].iter().all(|word| {
                matches!(word.lower.as_str(), "that" | "this" | "those" | "these" | "one" | "ones" | "then" | "there")
            }))
}

/// `what for?` asks with `what` at the beginning and `for` at the end.
fn stranded<'a>(asking: &str, here: &'a [Word]) -> (String, Option<&'a str>) {
    match here {
        [first, second]
            if is_one_of(&first.lower, QUESTION_WORDS)
                && first.lower != "how"
                && is_one_of(&second.lower, PREPOSITIONS) =>
        {
            (asking.split_whitespace().next().unwrap_or(asking).to_owned(), Some(second.lower.as_str()))
        }
        _ => (asking.to_owned(), None),
    }
}

/// The question asked again where an auxiliary stands before its subject.
fn with_auxiliary(asking: &str, shape: &Shape<'_>, last: &Exchange) -> String {
    let count = shape.words.len();
    let answer = last.answer.as_deref();
    let auxiliary = shape.cut(shape.asking, shape.asking + 1);
    let negative = answer.is_some_and(|answer| shape.asking == 0 && answer.to_lowercase().starts_with("no"));
    // `What is the symbol? The mermaid. Since when?`: what was answered is the subject.
    if let (Some(predicate), Some(answer)) = (shape.predicate(), answer.filter(|answer| !describes(answer))) {
        let since = asking.to_lowercase().starts_with("since");
        let subject = definite_text(answer);
        let is = is_one_of(&auxiliary.to_lowercase(), &["is", "are"]);
        return match since && is && !is_quantity(answer) {
            true => format!("{asking} {} {subject} been {}", if auxiliary == "is" { "has" } else { "have" }, predicate),
            false => format!("{asking} {auxiliary} {subject} {}", predicate),
        };
    }
    // `Which king was crowned?`: what asks is the subject, and the answer takes its place.
    let acts = matches!(shape.question_word(), "who" | "which" | "what")
        && shape.words.get(shape.asking + 1).is_some_and(|next| {
            !shape.phrases.iter().any(|phrase| phrase.first == shape.asking + 1)
                && !is_one_of(&next.lower, SUBJECT_PRONOUNS)
        });
    if let Some(subject) = answer.filter(|_| acts) {
        let rest = shape.cut(shape.asking + 1, count);
        return format!("{asking} {auxiliary} {} {rest}", definite_text(subject));
    }
    if negative && let Some(told) = negated(shape) {
        return format!("{asking} {told}");
    }
    let rest = lower_first(shape.cut(shape.asking, count));
    // `To whom did France cede it?`: what was answered goes with the preposition.
    let asked_with =
        shape.words.first().filter(|word| is_one_of(&word.lower, PREPOSITIONS) && !shape.asks_circumstance());
    let behind = match (asked_with, answer) {
        (Some(preposition), Some(answer)) => format!("{} {}", preposition.lower, definite_text(answer)),
        // `Why so long?`: the answer says how long.
        (None, Some(answer))
            if shape.asks_circumstance() && asking.eq_ignore_ascii_case("why") && opens_with_preposition(answer) =>
        {
            answer.to_owned()
        }
        _ => String::new(),
    };
    match (shape.gap(), answer) {
        (Some(gap), Some(answer)) if asked_with.is_none() => {
            let parts = [asking, shape.cut(shape.asking, gap), &owned(shape, answer), shape.cut(gap, count)];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        }
        _ => format!("{asking} {rest} {behind}").trim_end().to_owned(),
    }
}

/// The question asked again where what asked was the subject: the answer takes its place.
fn with_main_verb(asking: &str, shape: &Shape<'_>, answer: &str, verb: (usize, &str, &str)) -> String {
    let (at, auxiliary, base) = verb;
    let subject = owned(shape, answer);
    let adverb =
        shape.words[shape.asking..at].iter().find(|word| matches!(word.lower.as_str(), "never" | "not" | "first"));
    let adverb = adverb.map(|word| format!("{} ", word.lower)).unwrap_or_default();
    let rest = shape.cut(at + 1, shape.words.len());
    format!("{asking} {auxiliary} {subject} {adverb}{base} {rest}").trim_end().to_owned()
}

/// An answer with what was asked for: `Napoleon's army`, `small models`.
fn owned(shape: &Shape<'_>, answer: &str) -> String {
    let whole = definite_text(answer);
    let Some(noun) = shape.asked_noun() else { return whole };
    let plain = answer.rsplit_once(' ').filter(|(_, last)| matches!(*last, "one" | "ones")).map(|(plain, _)| plain);
    match plain {
        _ if shape.question_word() == "whose" => {
            format!("{} {}", possessive(whole.trim_end_matches("'s").trim_end_matches('\'')), noun.text)
        }
        Some(plain) => format!("{plain} {}", noun.text),
        None => whole,
    }
}

/// `does a connector not delete documents` of `Does a connector delete documents?`, to which the answer was no.
fn negated(shape: &Shape<'_>) -> Option<String> {
    let subject = shape.phrases.iter().find(|phrase| phrase.first == 1)?;
    let (before, after) = (shape.cut(0, subject.last), shape.cut(subject.last, shape.words.len()));
    Some(format!("{} not {after}", lower_first(before)))
}

/// `how many traces are kept at most`, of what was spoken of.
fn count_again(here: &[Word], text: &str, shape: &Shape<'_>) -> Option<String> {
    let several = |phrase: &&NounPhrase| phrase.is_plural() && !phrase.is_quantity();
    let counted = shape.phrases.iter().find(several)?;
    let auxiliary = shape.words.get(shape.asking).filter(|word| is_one_of(&word.lower, BE));
    let much = here[1].lower.as_str();
    let rest = here.get(2).map_or("", |word| text[word.start..].trim_end_matches(['?', '.', '!', ' ']));
    let noun = definite(counted);
    let noun = noun.strip_prefix("the ").unwrap_or(&noun);
    let told = match auxiliary {
        Some(be) if counted.first == shape.asking + 1 => {
            format!("{} {}", be.lower, shape.cut(counted.last, shape.words.len()))
        }
        _ => "are there".to_owned(),
    };
    Some(format!("how {much} {noun} {told} {rest}").trim_end().to_owned())
}

fn opens_with_preposition(answer: &str) -> bool {
    answer.split_whitespace().next().is_some_and(|word| is_one_of(word, PREPOSITIONS))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
