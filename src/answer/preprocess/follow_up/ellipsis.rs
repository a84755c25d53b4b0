//! Questions that leave out what the last one said: which of them ask with other words (`ask_again`), and which put
//! something else in its place (`substitute`).
//!
//! May depend on `english`.

use super::{Exchange, ask_again::ask_again, question_shape::Shape, substitute::substitute};
use crate::answer::preprocess::english::{
    AUXILIARIES, PREPOSITIONS, QUESTION_WORDS,
    inflection::singular,
    is_one_of,
    noun_phrases::{NounPhrase, noun_phrases},
    nouns::is_plural,
    verbs::{base_of_third, is_base, is_past},
    words::{Word, words},
};

/// The most words of a question that leaves its verb out: in a longer one the verb is one that no list knows.
const MAX_ELLIPSIS_WORDS: usize = 7;

/// The whole question; `None` when nothing is left out, or the last question has no place for what is here. `replaced`
/// says that a pronoun was written out.
pub(super) fn complete(text: &str, continues: bool, replaced: bool, exchanges: &[Exchange]) -> Option<String> {
    let last = exchanges.last()?;
    let here = words(text);
    let first = here.first()?;
    // `together with whom?`
    let question_word = here.iter().take(3).position(|word| is_one_of(&word.lower, QUESTION_WORDS));
    let asks = question_word.is_some_and(|at| {
        here[..at].iter().all(|word| is_one_of(&word.lower, PREPOSITIONS) || word.lower == "together")
    });
    // `in response to what?`
    let last_asks = here.last().is_some_and(|word| is_one_of(&word.lower, QUESTION_WORDS));
    let behind = last_asks && here.len() < 6 && is_one_of(&first.lower, PREPOSITIONS);
    let asks = asks || behind;
    if asks {
        // `which rivers meet there?`: beside a pronoun stands a verb, known or not, but for `which of them?`.
        let clause = replaced && here.len() > 3 && !here.iter().take(3).any(|word| word.lower == "of");
        if !clause && here.len() <= MAX_ELLIPSIS_WORDS && (behind || !acts(&here) && !has_verb(text, &here)) {
            return ask_again(text, &here, last);
        }
        return with_noun(text, &here, last).or_else(|| in_place(text, &here, last));
    }
    // `an example of a mechanical barrier?`
    if replaced && here.len() > 3 && matches!(here[1].lower.as_str(), "example" | "examples") && here[2].lower == "of" {
        let verb = if here[1].lower == "examples" { "are" } else { "is" };
        return Some(format!("what {verb} {text}"));
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
    // `Wilanów Palace?`, where a palace was asked about.
    let named = |text: &str| noun_phrases(&format!("is {text}")).first().is_some_and(|phrase| phrase.named);
    let other = here.len() <= 4
        && text.trim_end().ends_with('?')
        && !here.iter().any(|word| is_one_of(&word.lower, AUXILIARIES) || is_one_of(&word.lower, PREPOSITIONS))
        && Shape::of(&last.question).phrases.iter().any(|phrase| {
            !phrase.asks && (here.last().is_some_and(|word| word.lower == phrase.head) || (phrase.named && named(text)))
        });
    if !continues && !counted && !other || is_one_of(&first.lower, AUXILIARIES) {
        return None;
    }
    substitute(text.trim().trim_end_matches(['?', '.', '!']).trim(), &last.question)
}

/// Whether a verb stands where the noun that is counted would: `how many does it have?`, `how many represent it?`
fn acts(here: &[Word]) -> bool {
    let [how, many, verb, next, ..] = here else { return false };
    let acts = is_one_of(&verb.lower, AUXILIARIES) || (is_base(&verb.lower) && !is_one_of(&next.lower, AUXILIARIES));
    how.lower == "how" && many.lower == "many" && acts
}

/// `and which followed it?`, `which one is the default?` with the noun that was asked for.
fn with_noun(text: &str, here: &[Word], last: &Exchange) -> Option<String> {
    let shape = Shape::of(&last.question);
    let plural = || shape.phrases.iter().rfind(|phrase| phrase.is_plural() && !phrase.is_quantity());
    // `how many does an answer have?`
    if acts(here) {
        let noun = shape.asked_noun().filter(|noun| noun.is_plural()).or_else(plural)?;
        let bare = noun.text.strip_prefix("the ").unwrap_or(&noun.text);
        return Some(format!("how many {bare} {}", &text[here[2].start..]));
    }
    let one = here.get(1).is_some_and(|word| matches!(word.lower.as_str(), "one" | "ones"));
    let verb = here.get(1 + usize::from(one)).filter(|word| {
        let acts = is_past(&word.lower) || is_one_of(&word.lower, AUXILIARIES) || (one && is_base(&word.lower));
        here[0].lower == "which" && acts && !here.iter().any(|word| word.lower == "or")
    })?;
    let noun = shape.asked_noun().or_else(|| plural().filter(|_| one))?;
    let several = here[1].lower == "ones" || matches!(verb.lower.as_str(), "are" | "were" | "have" | "do");
    let noun = if several { noun.text.clone() } else { noun.text.replacen(&noun.head, &singular(&noun.head), 1) };
    Some(format!("which {noun} {}", &text[verb.start..]))
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
    // `from where to where?`
    if here.iter().all(|word| is_one_of(&word.lower, QUESTION_WORDS) || is_one_of(&word.lower, PREPOSITIONS)) {
        return false;
    }
    here.iter().skip(1).any(|word| {
        let lower = word.lower.as_str();
        is_one_of(lower, AUXILIARIES)
            || (!word.is_capitalised(text) && (is_past(lower) || matches!(lower, "to" | "about" | "come")))
    }) || here.iter().skip(1).any(|word| !is_plural(&word.lower) && base_of_third(&word.lower).is_some())
        || (here.len() > 2
            && here.iter().skip(1).any(|word| base_of_third(&word.lower).is_some())
            && here.iter().any(|word| matches!(word.lower.as_str(), "the" | "a" | "an")))
}
