//! Sentences that stop where the answer would stand: `harvard was founded by`.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, BE, is_one_of,
    noun_kinds::is_person,
    nouns::is_plural,
    verbs::{base_of_third, is_participle},
    words::Word,
};

/// The question that completes the sentence.
pub(super) fn question(text: &str, words: &[Word]) -> Option<String> {
    let join = |words: &[Word]| words.iter().map(|word| word.of(text)).collect::<Vec<_>>().join(" ");
    let count = words.len();
    if count < 3 {
        return None;
    }
    let (last, before) = (&words[count - 1], &words[count - 2]);
    // `the capital of poland is`
    if is_one_of(&last.lower, BE) && !is_one_of(&before.lower, AUXILIARIES) {
        let subject = &words[..count - 1];
        let stop = subject.iter().position(|word| word.lower == "of").filter(|at| *at > 0).unwrap_or(subject.len());
        let asked = if is_person(&subject[stop - 1].lower) && !is_plural(&last.lower) { "who" } else { "what" };
        return Some(format!("{asked} {} {}", last.lower, join(subject)));
    }
    if !matches!(last.lower.as_str(), "by" | "in" | "on" | "at" | "of" | "for" | "from" | "to" | "with" | "about") {
        return None;
    }
    // `the charter was granted in`
    let auxiliary = (1..count - 1).find(|at| is_one_of(&words[*at].lower, BE));
    if let Some(at) = auxiliary.filter(|_| is_participle(&before.lower)) {
        let (subject, auxiliary) = (join(&words[..at]), words[at].lower.as_str());
        let rest = join(&words[at + 1..count - 1]);
        let placed = matches!(
            before.lower.as_str(),
            "located" | "situated" | "held" | "based" | "kept" | "stored" | "buried" | "found" | "placed"
        );
        return Some(match last.lower.as_str() {
            "in" | "on" | "at" if placed => format!("where {auxiliary} {subject} {rest}"),
            "in" | "on" => format!("when {auxiliary} {subject} {rest}"),
            "by" => format!("who {auxiliary} {subject} {rest} by"),
            other => format!("what {auxiliary} {subject} {rest} {other}"),
        });
    }
    // `the committee consists of`, `a lease lasts for`
    let base = base_of_third(&before.lower)?;
    let subject = join(&words[..count - 2]);
    Some(match (base.as_str(), last.lower.as_str()) {
        ("last", "for") => format!("how long does {subject} last"),
        (base, preposition) => format!("what does {subject} {base} {preposition}"),
    })
}
