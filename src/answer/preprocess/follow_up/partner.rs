//! Which pronouns lean on nothing outside their question: those that stand for nothing, and those whose partner is in it.
//!
//! May depend on `english`.

use super::topic::Kind;
use crate::answer::preprocess::english::{
    AUXILIARIES, CLAUSE_WORDS, PREPOSITIONS, is_closed_class, is_one_of, noun_phrases::noun_phrases, verbs, words::Word,
};

/// `is it possible to`, `how long does it take to`, `how far is it from A to B`: such an `it` stands for nothing.
pub(super) fn is_expletive(found: &[Word], at: usize) -> bool {
    const STATES: &[&str] = &[
        "possible",
        "necessary",
        "true",
        "allowed",
        "safe",
        "ok",
        "okay",
        "legal",
        "worth",
        "better",
        "best",
        "enough",
        "required",
        "important",
        "correct",
        "advisable",
        "hard",
        "easy",
        "difficult",
        "impossible",
        "normal",
        "raining",
        "late",
        "forbidden",
        "essential",
        "useful",
        "likely",
        "unlikely",
        "usual",
        "common",
    ];
    let next = found.get(at + 1).map_or("", |next| next.lower.as_str());
    let after = found.get(at + 2).map_or("", |next| next.lower.as_str());
    let reaches = found[at + 1..].iter().any(|word| matches!(word.lower.as_str(), "to" | "that" | "if" | "when"));
    (is_one_of(next, STATES) && reaches)
        || (matches!(next, "take" | "cost" | "mean" | "takes")
            && matches!(after, "to" | "for" | "if" | "that" | "when"))
        || (next == "called" && found[at + 1..].iter().any(|word| matches!(word.lower.as_str(), "when" | "if")))
        || (next == "from" && found[at + 1..].iter().any(|word| word.lower == "to"))
        || (matches!(next, "that" | "to") && found.len() > at + 2)
}

/// Whether the question itself names what a pronoun in it stands for.
pub(super) fn has_partner(text: &str, found: &[Word], at: usize, kind: Kind) -> bool {
    let subject = at > 0
        && is_one_of(&found[at - 1].lower, AUXILIARIES)
        && !found[..at].iter().any(|word| verbs::is_past(&word.lower) && !is_one_of(&word.lower, AUXILIARIES));
    // The subject of the main clause comes after what asks, and before everything else.
    let earlier = noun_phrases(text).into_iter().filter(|phrase| phrase.last <= at);
    let own = matches!(found[at].lower.as_str(), "its" | "his" | "her" | "their");
    // `Who announced she would resign?`: the one who is asked for.
    let who = found[0].lower == "who" && at > 1;
    let nominative = matches!(found[at].lower.as_str(), "he" | "she" | "they");
    let infinitive = found[..at].windows(2).any(|pair| pair[0].lower == "to" && !is_closed_class(&pair[1].lower));
    if who
        && ((nominative && !subject && !is_one_of(&found[at - 1].lower, AUXILIARIES))
            || (infinitive && !nominative && own))
    {
        return true;
    }
    // `Which treaty established it?`: within one clause, a thing that acts on itself would be `itself`.
    // `what did he do after it?`: a preposition, and no other clause.
    let object = found.len() == at + 1 && is_one_of(&found[at.saturating_sub(1)].lower, PREPOSITIONS);
    let parted = |from: usize| {
        let between = &found[from..at - usize::from(object && from < at)];
        // `decide she wanted`: `that` may be left out.
        let clause = nominative && at > 2 && !is_one_of(&found[at - 1].lower, AUXILIARIES);
        clause || between.iter().any(|word| is_one_of(&word.lower, CLAUSE_WORDS) || word.ends_clause)
    };
    earlier.into_iter().any(|phrase| {
        if !own && !parted(phrase.last) {
            return false;
        }
        let fits = match kind {
            Kind::Person => phrase.named && phrase.is_person(),
            // `When did Germany found their first settlement?`
            Kind::Several if own && phrase.named => true,
            Kind::Several => phrase.is_plural() && !phrase.is_quantity(),
            _ => !phrase.is_plural() && !phrase.is_quantity() && phrase.head != "year",
        };
        fits && (!phrase.asks || (!subject && kind != Kind::Person && phrase.after.is_none()))
            && !(subject && phrase.after.is_some())
    })
}
