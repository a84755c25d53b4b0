//! Questions that leave out what the last one said: `why?`, `in which year?`, `and in 2009?`, `what about Postgres?`.
//!
//! May depend on `english`.

use super::{
    Exchange,
    question_shape::{Shape, Verb},
    topic::{definite_text, possessive},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, PREPOSITIONS, QUESTION_WORDS, SUBJECT_PRONOUNS, is_one_of,
    noun_phrases::{NounPhrase, noun_phrases},
    nouns::is_plural,
    verbs::{base_of_gerund, base_of_third, is_base, is_past},
    words::{Word, words},
};

/// The whole question; `None` when nothing is left out, or the last question has no place for what is here. `replaced`
/// says that a pronoun was written out.
pub(super) fn complete(text: &str, continues: bool, replaced: bool, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let here = words(text);
    let first = here.first()?;
    let asks = here.iter().take(2).any(|word| is_one_of(&word.lower, QUESTION_WORDS))
        && (is_one_of(&first.lower, QUESTION_WORDS) || is_one_of(&first.lower, PREPOSITIONS));
    if asks {
        // `which rivers meet there?`: beside a pronoun stands a verb, known or not, but for `which of them?`.
        let clause = replaced && here.len() > 3 && !here.iter().take(3).any(|word| word.lower == "of");
        if !clause && !has_verb(text, &here) {
            return ask_again(text, &here, last);
        }
        return with_noun(text, &here, last).or_else(|| in_place(text, &here, last));
    }
    // `its most familiar effect?`, with the pronoun already replaced.
    let possessed = !continues
        && here.iter().take(6).any(|word| word.lower.ends_with("'s") || word.lower.ends_with("s'"))
        && here.len() <= 8
        && text.trim_end().ends_with('?');
    if possessed && !here.iter().any(|word| is_one_of(&word.lower, AUXILIARIES)) {
        let verb = if here.last().is_some_and(|word| is_plural(&word.lower)) { "are" } else { "is" };
        return Some(format!("what {verb} {}", text.trim_end_matches('?')));
    }
    let counted = !continues
        && here.len() <= 3
        && text.trim_end().ends_with('?')
        && last.question.to_lowercase().starts_with("how many")
        && here.last().is_some_and(|word| is_plural(&word.lower));
    if !continues && !counted || is_one_of(&first.lower, AUXILIARIES) {
        return None;
    }
    substitute(text.trim().trim_end_matches(['?', '.', '!']).trim(), &last.question)
}

/// `and which followed it?` with the noun that was asked for.
fn with_noun(text: &str, here: &[Word], last: &Exchange) -> Option<String> {
    let verb = here.get(1).filter(|word| here[0].lower == "which" && is_past(&word.lower))?;
    let shape = Shape::of(&last.question);
    Some(format!("which {} {}", shape.asked_noun()?.head, &text[verb.start..]))
}

/// `how many opera houses are there?` is about the place that was spoken of.
fn in_place(text: &str, here: &[Word], last: &Exchange) -> Option<String> {
    let count = here.len();
    let counts =
        count > 4 && here[0].lower == "how" && here[count - 1].lower == "there" && here[count - 2].lower == "are";
    let shape = Shape::of(&last.question);
    let placed = |phrase: &&NounPhrase| phrase.named && matches!(phrase.after.as_deref(), Some("in" | "at"));
    let place = shape
        .phrases
        .iter()
        .find(placed)
        .filter(|_| counts && !noun_phrases(text).iter().any(|phrase| phrase.named))?;
    Some(format!("{} {} {}", text.trim_end_matches('?'), place.after.as_deref().unwrap_or("in"), place.text))
}

fn has_verb(text: &str, here: &[Word]) -> bool {
    here.iter().skip(1).any(|word| {
        let lower = word.lower.as_str();
        is_one_of(lower, AUXILIARIES)
            || (!word.is_capitalised(text) && (is_past(lower) || matches!(lower, "to" | "about" | "come")))
    }) || here.iter().skip(1).any(|word| !is_plural(&word.lower) && base_of_third(&word.lower).is_some())
        || (here.len() > 2
            && here.iter().skip(1).any(|word| base_of_third(&word.lower).is_some())
            && here.iter().any(|word| matches!(word.lower.as_str(), "the" | "a" | "an")))
}

/// The last question with other asking words: `why?` after `When did X leave?`.
fn ask_again(text: &str, here: &[Word], last: &Exchange) -> Option<String> {
    let shape = Shape::of(&last.question);
    let mut asking = text.trim().trim_end_matches(['?', '.', '!']).trim().to_owned();
    if matches!(asking.to_lowercase().as_str(), "why not" | "how so" | "how come") {
        asking = asking[..3].to_owned();
    }
    // `how many volumes?` after `How many libraries does Harvard have?`: the rest is the same, the answer is not in it.
    let counts = |words: &[Word]| {
        words.len() > 1 && words[0].lower == "how" && matches!(words[1].lower.as_str(), "many" | "much")
    };
    if here.len() > 2 && counts(here) && counts(&shape.words) {
        return Some(format!("{asking} {}", shape.cut(shape.asking, shape.words.len())));
    }
    if here.last().is_some_and(|word| matches!(word.lower.as_str(), "one" | "ones")) {
        let noun = shape.asked_noun()?;
        let plain = asking.rsplit_once(' ')?.0;
        return Some(format!("{plain} {} {}", noun.text, shape.cut(shape.asking, shape.words.len())));
    }
    // `which genetic condition?` after `Which acquired condition weakens it?`: it asks for the same in the same place.
    let same = shape.asked_noun().is_some_and(|noun| here.last().is_some_and(|word| word.lower == noun.head));
    if same && matches!(here[0].lower.as_str(), "which" | "what") {
        return Some(format!("{asking} {}", shape.cut(shape.asking, shape.words.len())));
    }
    let count = shape.words.len();
    match shape.verb() {
        Some(Verb::Auxiliary) => {
            // `Which king was crowned?`: what asks is the subject, and the answer takes its place.
            let acts = matches!(shape.question_word(), "who" | "which" | "what")
                && shape.words.get(shape.asking + 1).is_some_and(|next| {
                    !shape.phrases.iter().any(|phrase| phrase.first == shape.asking + 1)
                        && !is_one_of(&next.lower, SUBJECT_PRONOUNS)
                });
            if let Some(subject) = last.answer.as_deref().filter(|_| acts) {
                let (auxiliary, rest) = (shape.cut(shape.asking, shape.asking + 1), shape.cut(shape.asking + 1, count));
                return Some(format!("{asking} {auxiliary} {} {rest}", definite_text(subject)));
            }
            let rest = shape.cut(shape.asking, count);
            let object = last.answer.as_deref().filter(|_| shape.lacks_object()).map(definite_text).unwrap_or_default();
            // `To whom did France cede it?`: what was answered goes with the preposition.
            let asked_with =
                shape.words.first().filter(|word| is_one_of(&word.lower, PREPOSITIONS) && !shape.asks_circumstance());
            let object = match (asked_with, last.answer.as_deref()) {
                (Some(preposition), Some(answer)) => format!("{} {}", preposition.lower, definite_text(answer)),
                _ => object,
            };
            Some(format!("{asking} {rest} {object}").trim_end().to_owned())
        }
        Some(Verb::Main { at, auxiliary, base }) => {
            let mut subject = last.answer.as_deref().map(definite_text)?;
            if let Some(noun) = shape.asked_noun().filter(|_| shape.question_word() == "whose") {
                // `Napoleon's`, and what of his was asked for.
                subject = format!("{} {}", possessive(subject.trim_end_matches("'s")), noun.text);
            }
            let adverb = shape.words[shape.asking..at]
                .iter()
                .find(|word| matches!(word.lower.as_str(), "never" | "not" | "first"));
            let adverb = adverb.map(|word| format!("{} ", word.lower)).unwrap_or_default();
            Some(
                format!("{asking} {auxiliary} {subject} {adverb}{base} {}", shape.cut(at + 1, count))
                    .trim_end()
                    .to_owned(),
            )
        }
        None => None,
    }
}

/// The last question with one of its phrases replaced by `new`.
fn substitute(new: &str, question: &str) -> Option<String> {
    let shape = Shape::of(question);
    let here = words(new);
    let first = here.first()?;
    let count = shape.words.len();
    let replace = |from: usize, to: usize, by: &str| {
        let (start, end) = (shape.words[from].start, shape.words[to - 1].end);
        Some(format!("{}{by}{}", &question[..start], &question[end..]))
    };
    if is_one_of(&first.lower, PREPOSITIONS) && here.len() > 1 {
        let same =
            shape.phrases.iter().rfind(|phrase| phrase.after.as_deref() == Some(first.lower.as_str()) && !phrase.asks);
        let object = &new[here[1].start..];
        return match same {
            Some(phrase) => replace(phrase.first, phrase.last, object),
            None => Some(format!("{} {new}", question.trim_end_matches(['?', '.', ' ']))),
        };
    }
    // `how do I` with another verb: `what about removing it`, `and retry it`.
    let how_to = count > 3 && shape.words[0].lower == "how" && shape.words[2].lower == "i";
    let base = base_of_gerund(&first.lower).or_else(|| is_base(&first.lower).then(|| first.lower.clone()));
    if let Some(base) = base.filter(|_| how_to && here.len() > 1) {
        return Some(format!("{} {base} {}", shape.cut(0, 3), &new[here[1].start..]));
    }
    let single = here.len() == 1;
    if single && let Some(at) = shape.words.iter().rposition(|word| like(word, first)) {
        return replace(at, at + 1, new);
    }
    if single && first.is_year() {
        return Some(format!("{} in {new}", question.trim_end_matches(['?', '.', ' '])));
    }
    if let Some(asked) =
        shape.asked_noun().filter(|asked| asked.is_plural() && here.last().is_some_and(|word| is_plural(&word.lower)))
    {
        return replace(asked.first, asked.last, new);
    }
    let phrase = slot(&shape, new)?;
    // `and electricity with magnetism`: what stands beside the phrase is replaced with it.
    let link = here.iter().position(|word| is_one_of(&word.lower, PREPOSITIONS));
    let beside = link.and_then(|link| {
        shape
            .phrases
            .iter()
            .find(|next| next.first > phrase.last && next.after.as_deref() == Some(here[link].lower.as_str()))
    });
    let by = under_owner(&phrase.text, new);
    replace(phrase.first, beside.map_or(phrase.last, |beside| beside.last), &by)
}

/// Whether two words are of one kind, so that one can stand for the other: years, numbers, names of programs.
fn like(old: &Word, new: &Word) -> bool {
    (new.is_year() && old.is_year())
        || (new.is_number() && old.is_number())
        || (new.is_identifier() && old.is_identifier())
}

/// The phrase of the question that `new` takes the place of.
fn slot<'a>(shape: &'a Shape<'_>, new: &str) -> Option<&'a NounPhrase> {
    let named = noun_phrases(new).first().is_some_and(|phrase| phrase.named)
        || new.chars().next().is_some_and(char::is_uppercase);
    let possible = || shape.phrases.iter().filter(|phrase| !phrase.asks && !phrase.is_quantity());
    let alike = possible().find(|phrase| phrase.named && named && !new.contains("'s"));
    alike.or_else(|| possible().next())
}

/// `the third law` in the place of `Newton's second law` is Newton's as well.
fn under_owner(old: &str, new: &str) -> String {
    let owner = old.split_once("'s ").map(|(owner, _)| owner);
    match (owner, new.strip_prefix("the ")) {
        (Some(owner), Some(rest)) => format!("{owner}'s {rest}"),
        _ => new.to_owned(),
    }
}
