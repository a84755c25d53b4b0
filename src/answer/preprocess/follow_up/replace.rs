//! Puts what was spoken of in the place of the words that lean on it.
//!
//! May depend on `english`.

use super::{
    Exchange,
    leaning::{Leaning, Means, leaning_at},
    naming::{definite, definite_text, possessive},
    question_shape::{Shape, Verb},
    said::said,
    statement::{clause, statement},
    topic::{self, Kind, candidates},
};
use crate::answer::preprocess::english::{
    AUXILIARIES, CONJUNCTIONS, PREPOSITIONS, is_one_of,
    noun_phrases::NounPhrase,
    verbs::{base_of_past, base_of_third},
    words::{Word, words},
};

/// Verbs and adjectives of settings: what they are asked about is how something is, more often than a thing.
const CHANGES: &[&str] =
    &["change", "configure", "set", "adjust", "raise", "lower", "increase", "reduce", "limit", "control", "override"];

/// What is put in the place of some words, in the best and in the second reading.
struct Edit {
    start: usize,
    end: usize,
    best: String,
    other: String,
}

/// The text with its pronouns replaced, best reading first; none when no pronoun leans, or no partner is there.
/// `continues` says that `and` or the like stood before it.
pub(super) fn replace_pronouns(text: &str, continues: bool, exchanges: &[Exchange]) -> Vec<String> {
    let found = words(text);
    let mut leanings: Vec<Leaning> = Vec::new();
    for at in 0..found.len() {
        if leanings.last().is_none_or(|last| last.end <= at) {
            leanings.extend(leaning_at(&found, text, at));
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    let mut seen: Vec<(Kind, String)> = Vec::new();
    for (number, leaning) in leanings.iter().enumerate() {
        let kind = match leaning.means {
            Means::One(kind) => kind,
            _ => {
                edits.extend(said(&found, leaning, exchanges).map(|by| edit(&found, leaning, by.clone(), by)));
                continue;
            }
        };
        let parallel = if continues { parallel(&found, leaning, exchanges) } else { None };
        if let Some(by) = in_its_role(&found, &leanings, number, exchanges).or(parallel) {
            let by = dressed(&found, leaning, kind, &by);
            edits.push(edit(&found, leaning, by.clone(), by));
            continue;
        }
        if seen.iter().any(|(other, _)| *other == kind) {
            continue;
        }
        let mut partners = candidates(kind, exchanges);
        // `after that`, where it was asked when something was.
        let since = leaning
            .at
            .checked_sub(1)
            .is_some_and(|at| matches!(found[at].lower.as_str(), "after" | "before" | "since"));
        if since
            && kind == Kind::Pointed
            && let Some(last) = exchanges.last()
        {
            let shape = Shape::of(&last.question);
            let told = statement(&shape, None).filter(|_| shape.question_word() == "when");
            partners.splice(0..0, told);
        }
        if partners.is_empty() && found[leaning.at].lower == "she" {
            // A ship or a mermaid.
            partners = candidates(Kind::Thing, exchanges);
        }
        if matches!(kind, Kind::Thing | Kind::Pointed) && !leaning.possessive && changes(&found) {
            let asked = exchanges.last().and_then(|last| clause(&Shape::of(&last.question)));
            partners.splice(0..0, asked);
        }
        // Who acts is not who it is done to.
        partners.retain(|partner| seen.iter().all(|(_, taken)| taken != partner));
        let Some(best) = partners.first() else { continue };
        seen.push((kind, best.clone()));
        let other = partners.get(1).unwrap_or(best);
        let [best, other] = [best, other].map(|partner| dressed(&found, leaning, kind, partner));
        edits.push(edit(&found, leaning, best, other));
    }
    if edits.is_empty() {
        return Vec::new();
    }
    let (mut first, mut second) = (text.to_owned(), text.to_owned());
    for edit in edits.into_iter().rev() {
        first.replace_range(edit.start..edit.end, &edit.best);
        second.replace_range(edit.start..edit.end, &edit.other);
    }
    if first == second { vec![first] } else { vec![first, second] }
}

fn edit(found: &[Word], leaning: &Leaning, best: String, other: String) -> Edit {
    Edit { start: found[leaning.at].start, end: found[leaning.end - 1].end, best, other }
}

/// A partner as it has to stand in the place of a pronoun.
fn dressed(found: &[Word], leaning: &Leaning, kind: Kind, partner: &str) -> String {
    let before = leaning.at.checked_sub(1).map(|at| found[at].lower.as_str());
    match kind {
        _ if leaning.possessive => possessive(partner),
        Kind::Place if before.is_some_and(|before| !is_one_of(before, PREPOSITIONS)) => format!("in {partner}"),
        _ => partner.to_owned(),
    }
}

/// What two pronouns of a kind stand for: `where did he send him?` has the one who acted and the other.
fn in_its_role(found: &[Word], leanings: &[Leaning], number: usize, exchanges: &[Exchange]) -> Option<String> {
    let thing = |means| matches!(means, Means::One(Kind::Thing | Kind::Pointed));
    let means = leanings[number].means;
    let alike: Vec<usize> = (0..leanings.len())
        .filter(|at| leanings[*at].means == means || (thing(means) && thing(leanings[*at].means)))
        .filter(|at| !leanings[*at].possessive)
        .collect();
    let [first, second] = alike.as_slice() else { return None };
    let acts = is_one_of(&found[leanings[*first].at.checked_sub(1)?].lower, AUXILIARIES);
    let object = leanings[*second].at > leanings[*first].end;
    let (subject, other) = exchanges.last().and_then(topic::roles).filter(|_| acts && object)?;
    match number {
        _ if number == *first => Some(subject),
        _ if number == *second => Some(other),
        _ => None,
    }
}

/// What a pronoun stands for that is in the same place as something in the last question: in `and which followed it?`
/// what was done something to, in `and his son?` whose something was asked for, in `and if it stops?` what acts there.
fn parallel(found: &[Word], leaning: &Leaning, exchanges: &[Exchange]) -> Option<String> {
    let shape = Shape::of(&exchanges.last()?.question);
    let first = found[0].lower.as_str();
    let after = |at: usize| shape.phrases.iter().find(|phrase| phrase.first == at + 1);
    let single = |phrase: &&NounPhrase| (leaning.means == Means::One(Kind::Several)) == phrase.is_plural();
    if is_one_of(first, CONJUNCTIONS) && leaning.at == 1 {
        let same = shape.words.iter().rposition(|word| word.lower == first)?;
        return after(same).filter(single).map(definite);
    }
    if leaning.possessive && leaning.at == 0 {
        let (_, owner) = shape.predicate()?.split_once(" of ")?;
        return Some(definite_text(owner));
    }
    let object = leaning.at + 1 == found.len() && leaning.at > 1 && matches!(first, "who" | "which" | "what");
    match shape.verb()? {
        Verb::Main { at, .. } if object && leaning.means != Means::One(Kind::Person) => {
            after(at).filter(single).map(definite)
        }
        _ => None,
    }
}

/// Whether a question is about changing something.
fn changes(found: &[Word]) -> bool {
    found.iter().any(|word| {
        let word = word.lower.as_str();
        let base = base_of_past(word).or_else(|| base_of_third(word)).unwrap_or_else(|| word.to_owned());
        word == "configurable" || CHANGES.contains(&base.as_str())
    })
}
