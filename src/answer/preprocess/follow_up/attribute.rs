//! Questions of a word or two about what was spoken of: `meaning?`, `an example?`, `what is that called?`.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::{is_quantity, names_event},
    naming::definite,
    question_shape::{Shape, Verb},
    statement::{clause, statement},
    topic::{Kind, candidates},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, REQUESTS, is_one_of,
    nouns::is_plural,
    words::{lowers, words},
};

/// The whole question; `None` when the text is none of these.
pub(super) fn complete(text: &str, exchanges: &[Exchange]) -> Option<String> {
    let found = words(text);
    let lower = lowers(&found);
    let topic = || {
        let several = candidates(Kind::Several, &exchanges[exchanges.len().saturating_sub(1)..]);
        let thing = candidates(Kind::Thing, exchanges);
        let plural = exchanges.last().and_then(|last| last.answer.as_deref());
        // Who is no kind of thing that there are examples of.
        let person = exchanges.last().is_some_and(|last| Shape::of(&last.question).asks_person());
        if person && let Some(last) = exchanges.last() {
            let shape = Shape::of(&last.question);
            return shape.phrases.iter().find(|phrase| phrase.is_plural()).map(definite);
        }
        // `Do they have side effects? Yes. Such as?`
        let affirmed =
            exchanges.last().filter(|last| last.answer.as_deref().is_some_and(|answer| answer.starts_with("yes")));
        if let Some(last) = affirmed {
            return Shape::of(&last.question).phrases.last().map(definite);
        }
        // What was answered, be it one thing or several, and else what was asked about.
        several
            .iter()
            .find(|several| plural.is_some_and(|answer| several.contains(answer)))
            .or(thing.first())
            .or(several.first())
            .cloned()
    };
    match lower.as_slice() {
        ["meaning"] | ["meaning", "what"] => Some(format!("what does {} mean", topic()?)),
        ["like", "what"] | ["such", "as"] | ["such", "as", "what"] | ["for", "example" | "instance"] => {
            Some(format!("what is an example of {}", topic()?))
        }
        // `any birds?` after `Which animals live there?`
        ["any", .., noun] if lower.len() < 5 && is_plural(noun) && *noun != "examples" && *noun != "others" => {
            let shape = Shape::of(&exchanges.last()?.question);
            shape.asked_noun().filter(|_| matches!(shape.question_word(), "which" | "what"))?;
            let noun = text[found[1].start..].trim_end_matches(['?', '.', '!', ' ']);
            Some(format!("which {noun} {}", shape.cut(shape.asking, shape.words.len())))
        }
        [.., "example" | "examples"] if lower.len() < 8 => {
            let asks = lower.iter().any(|word| is_one_of(word, AUXILIARIES) || is_one_of(word, REQUESTS));
            let many = lower.ends_with(&["examples"]);
            let bare = text.trim_end_matches(['?', '.', '!', ' ']);
            match asks {
                true => Some(format!("{bare} of {}", topic()?)),
                false => Some(format!("what {} of {}", if many { "are examples" } else { "is an example" }, topic()?)),
            }
        }
        ["is", "that" | "this", "the", "default" | "limit" | "maximum" | "minimum"] => {
            let last = exchanges.last()?;
            let amount = last.answer.as_deref().filter(|answer| is_quantity(answer))?;
            Some(format!("is {amount} the {} for {}", lower[3], clause(&Shape::of(&last.question))?))
        }
        ["what", "is" | "was", "that" | "this", "called"] => {
            let last = exchanges.last()?;
            let shape = Shape::of(&last.question);
            let told = statement(&shape, last.answer.as_deref()).filter(|_| shape.question_word() == "when")?;
            Some(format!("what {} it called when {told}", lower[1]))
        }
        _ => None,
    }
}

/// `when was that?` and its like ask for a circumstance of what was told: what asks, without the rest.
pub(super) fn about_event<'a>(text: &'a str, exchanges: &[Exchange]) -> Option<&'a str> {
    let found = words(text);
    // `when did that happen?`, `when did this take place?`
    let asked: Vec<&str> = lowers(&found);
    if let [.., "did", "that" | "this" | "it", "happen" | "occur"]
    | [.., "did", "that" | "this" | "it", "take", "place"] = asked.as_slice()
    {
        let did = asked.iter().rposition(|word| *word == "did").filter(|did| *did > 0)?;
        let acted = Shape::of(&exchanges.last()?.question);
        // An event happens itself.
        let acted = matches!(acted.verb(), Some(Verb::Main { .. })) && acted.asks_agent();
        return acted.then(|| text[..found[did].start].trim());
    }
    let [asking @ .., verb, that] = found.as_slice() else { return None };
    let circumstance = asking.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "when" | "where" | "why" | "how" | "year" | "country" | "city" | "century" | "month" | "day"
        )
    });
    let points = matches!(verb.lower.as_str(), "was" | "is" | "were") && matches!(that.lower.as_str(), "that" | "this");
    let last = exchanges.last()?;
    let shape = Shape::of(&last.question);
    // After `Who was X?` or `What is X?`, `that` is what was answered, and no event; nor is it where that is one itself.
    let names = shape.verb() == Some(Verb::Auxiliary) && shape.predicate().is_some()
        || last.answer.as_deref().is_some_and(names_event) && !matches!(shape.verb(), Some(Verb::Main { .. }));
    (circumstance && points && !names).then(|| text[..verb.start].trim())
}
