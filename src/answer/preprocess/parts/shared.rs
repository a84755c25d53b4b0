//! Question words that share a clause: `when and where was he born?`, `who started and who won the war?`, and what
//! comes after a question and takes its clause from it: `and why?`
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, BE, DETERMINERS, PREPOSITIONS, QUESTION_WORDS, is_one_of,
    noun_phrases::noun_phrases,
    verbs::{base_of_third, is_past, participle_of_past},
    words::{Word, words},
};

/// A part, and whether it stands in the place of the one before, which was not whole.
pub(super) struct Part {
    pub question: String,
    pub replaces_last: bool,
}

/// The questions of a clause, given the question before it.
pub(super) fn distribute(clause: &str, before: Option<&str>) -> Vec<Part> {
    let found = words(clause);
    let part = |question: String| Part { question, replaces_last: false };
    if let Some(rest) = shared_from(&found) {
        let asked = asked_words(clause, &found[..rest]);
        let tail = &clause[found[rest].start..];
        return asked.into_iter().map(|asked| part(format!("{asked} {tail}"))).collect();
    }
    if let Some(before) = before {
        if let Some(question) = completed(clause, &found, before) {
            return vec![part(question)];
        }
        if let Some(object) = shared_object(clause, before) {
            let first = format!("{} {object}", before.trim().trim_end_matches([',', '?']));
            return vec![Part { question: first, replaces_last: true }, part(clause.to_owned())];
        }
    }
    vec![part(clause.to_owned())]
}

/// Where the clause begins that several question words at the beginning share.
fn shared_from(found: &[Word]) -> Option<usize> {
    let asks = |at: usize| found.get(at).is_some_and(|word| is_one_of(&word.lower, QUESTION_WORDS));
    let mut at = 1;
    if !asks(0) {
        return None;
    }
    let mut count = 1;
    loop {
        let linked = found.get(at).is_some_and(|word| matches!(word.lower.as_str(), "and" | "&"));
        let comma = at > 0 && found[at - 1].ends_clause;
        let next = at + usize::from(linked);
        if !(linked || comma) || !asks(next) {
            break;
        }
        count += 1;
        at = next + 1;
    }
    let verb = found.get(at).is_some_and(|word| is_one_of(&word.lower, AUXILIARIES));
    (count > 1 && verb).then_some(at)
}

fn asked_words<'a>(clause: &'a str, found: &[Word]) -> Vec<&'a str> {
    found.iter().filter(|word| is_one_of(&word.lower, QUESTION_WORDS)).map(|word| word.of(clause)).collect()
}

/// `and why?`, `and how many professors?` with the clause of the question before.
fn completed(clause: &str, found: &[Word], before: &str) -> Option<String> {
    let asking = clause.trim().trim_end_matches(['?', '.', '!']);
    let asks = found.iter().take(2).any(|word| is_one_of(&word.lower, QUESTION_WORDS));
    let acts = found.get(1).is_some_and(|word| base_of_third(&word.lower).is_some())
        && matches!(found[0].lower.as_str(), "who" | "what");
    let verb = acts
        || found.iter().any(|word| {
            is_one_of(&word.lower, AUXILIARIES)
                || is_past(&word.lower)
                || matches!(word.lower.as_str(), "about" | "it" | "them")
        });
    if !asks || verb || found.len() > 4 {
        return None;
    }
    let last = words(before);
    let phrases = noun_phrases(before);
    let asked = phrases.iter().find(|phrase| phrase.asks && phrase.first <= 3);
    let rest = asked.map_or_else(
        || last.iter().position(|word| is_one_of(&word.lower, QUESTION_WORDS)).map_or(0, |at| at + 1),
        |phrase| phrase.last,
    );
    let verb = last.get(rest)?;
    let tail = before[verb.start..].trim_end_matches(['?', ',', ' ']);
    let ones = found.last().is_some_and(|word| matches!(word.lower.as_str(), "ones" | "one"));
    let asking = match asked.filter(|_| ones) {
        Some(phrase) => format!("{} {}", found[0].of(clause), phrase.text),
        None => asking.to_owned(),
    };
    if is_one_of(&verb.lower, AUXILIARIES) {
        return Some(format!("{asking} {tail}"));
    }
    // `Who built the bridge, and why?`: why was the bridge built.
    let participle = participle_of_past(&verb.lower)?;
    let object = phrases.iter().find(|phrase| phrase.first == rest + 1)?;
    let auxiliary = if object.is_plural() { "were" } else { "was" };
    let after = last.get(object.last).map_or("", |word| &before[word.start..]);
    Some(
        format!("{asking} {auxiliary} {} {participle} {after}", object.text)
            .trim_end_matches(['?', ',', ' '])
            .to_owned(),
    )
}

/// The object of `who won the war` when the question before is a bare `who started`.
fn shared_object<'a>(clause: &'a str, before: &str) -> Option<&'a str> {
    let (last, found) = (words(before), words(clause));
    let bare = last.len() == 2 && is_one_of(&last[0].lower, QUESTION_WORDS) && !is_one_of(&last[1].lower, BE);
    let same = found.len() > 2 && found[0].lower == last.first()?.lower && !is_one_of(&found[1].lower, AUXILIARIES);
    let object = found.get(2).filter(|word| {
        is_one_of(&word.lower, DETERMINERS) || word.is_capitalised(clause) || is_one_of(&word.lower, PREPOSITIONS)
    });
    let object = object.filter(|_| bare && same)?;
    Some(clause[object.start..].trim_end_matches(['?', ' ']))
}
