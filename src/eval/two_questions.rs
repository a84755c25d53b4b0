//! Requests that ask two things, built from pairs of a suite's questions, with the answer to each part known.
//!
//! Half of the pairs (one more, of an odd number) are about one document and half about two. Of each half, six in ten
//! have two answerable parts, three in ten one, and one in ten none. Each question stands in one pair at most. Pairs are
//! joined in the ways of `JOINS`, in turn. What is drawn depends on the seed and on the ids alone.
//!
//! May depend on `eval::examples`, `eval::card` (for sums) and `train::dataset`.

use std::collections::{BTreeMap, HashSet};

use super::{card::sha256, examples::document_of, squad_score::normalise};
use crate::train::dataset::example::{Example, ExamplePart, Expected, Passage};

/// The tag of every pair.
pub const PAIR: &str = "pair";

/// Why pairs cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    /// Too few questions of a kind.
    #[error(
        "{wanted} pairs need {wanted_here} {what}, and the questions give {found}; ask for fewer pairs, or raise `limit`"
    )]
    TooFew {
        /// The pairs that were asked for.
        wanted: usize,
        /// Those of this kind.
        wanted_here: usize,
        /// The kind.
        what: String,
        /// How many can be built.
        found: usize,
    },
    /// A question that is no single question.
    #[error("`{0}` cannot be a part of a pair: it has a conversation or parts, or must be asked back about")]
    NotSingle(String),
}

impl PairsError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// How two questions become one request: a tag, and the request of the first and the second question without their
/// question marks.
type Join = (&'static str, fn(&str, &str) -> String);

const JOINS: [Join; 6] = [
    ("joined-and", |a, b| format!("{a}? And {}?", lower(b))),
    ("joined-comma", |a, b| format!("{a}, and {}", lower(b))),
    ("joined-also", |a, b| format!("{}; also: {}", lower(a), lower(b))),
    ("joined-apart", |a, b| format!("{a}? {b}?")),
    ("joined-two-things", |a, b| format!("Two things: {}? And {}?", lower(a), lower(b))),
    ("joined-also-know", |a, b| format!("{a}? I'd also like to know {}.", lower(b))),
];

/// Words that begin a question and are no names: the only ones that may lose their capital.
const OPENERS: [&str; 37] = [
    "a", "about", "after", "along", "an", "are", "at", "by", "can", "could", "did", "do", "does", "during", "for",
    "from", "had", "has", "have", "how", "if", "in", "is", "of", "on", "the", "to", "was", "were", "what", "when",
    "where", "which", "who", "whom", "whose", "why",
];

/// A question with a small letter at its beginning, unless that may be a name.
fn lower(question: &str) -> String {
    let first = question.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match OPENERS.contains(&first.to_lowercase().as_str()) && first.chars().skip(1).all(char::is_lowercase) {
        true => format!("{}{}", first.to_lowercase(), &question[first.len()..]),
        false => question.to_owned(),
    }
}

/// `count` pairs of these questions, drawn by the seed.
pub fn pairs(examples: &[Example], count: usize, seed: u64) -> Result<Vec<Example>, PairsError> {
    if let Some(example) = examples.iter().find(|example| !example.is_trainable()) {
        return Err(PairsError::NotSingle(example.id.clone()));
    }
    let mut order: Vec<(String, &Example)> =
        examples.iter().map(|example| (sha256(format!("{seed} pair {}", example.id).as_bytes()), example)).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let mut left: Vec<&Example> = order.into_iter().map(|(_, example)| example).collect();
    let mut built: Vec<Example> = Vec::new();
    for (same, in_half) in [(true, count.div_ceil(2)), (false, count / 2)] {
        for (answered, wanted_here) in shares(in_half) {
            for found in 0..wanted_here {
                let Some((one, other)) = draw(&mut left, same, answered) else {
                    let what = format!(
                        "about {} with {answered} answerable parts",
                        if same { "one document" } else { "two documents" }
                    );
                    return Err(PairsError::TooFew { wanted: count, wanted_here, what, found });
                };
                built.push(pair(one, other, same, JOINS[built.len() % JOINS.len()]));
            }
        }
    }
    Ok(built)
}

/// How many of `count` pairs have two answerable parts, one, and none.
fn shares(count: usize) -> [(usize, usize); 3] {
    let (one, none) = (count * 3 / 10, count / 10);
    [(2, count - one - none), (1, one), (0, none)]
}

/// Takes two questions that go together out of those that are left: the first that finds another.
fn draw<'a>(left: &mut Vec<&'a Example>, same: bool, answered: usize) -> Option<(&'a Example, &'a Example)> {
    let fits = |one: &Example, other: &Example| {
        (document_of(one) == document_of(other)) == same
            && usize::from(is_answered(one)) + usize::from(is_answered(other)) == answered
            && apart(one, other)
    };
    let candidates = left.iter().enumerate().filter(|(_, one)| match answered {
        0 => !is_answered(one),
        2 => is_answered(one),
        _ => true,
    });
    let (at, second) = candidates
        .filter_map(|(at, one)| Some((at, (at + 1..left.len()).find(|second| fits(one, left[*second]))?)))
        .next()?;
    let other = left.remove(second);
    Some((left.remove(at), other))
}

fn is_answered(example: &Example) -> bool {
    example.expected == Expected::Answered
}

/// Whether two questions ask different things, as far as their words and answers say.
fn apart(one: &Example, other: &Example) -> bool {
    let words = |example: &Example| -> HashSet<String> {
        normalise(&example.question).split_whitespace().map(str::to_owned).collect()
    };
    let answers = |example: &Example| -> HashSet<String> {
        example.short_answers.iter().map(|answer| normalise(answer)).collect()
    };
    let (ours, theirs) = (words(one), words(other));
    let shared = ours.intersection(&theirs).count();
    4 * shared < 3 * ours.len().max(theirs.len()) && answers(one).is_disjoint(&answers(other))
}

fn pair(one: &Example, other: &Example, same: bool, (join, request): Join) -> Example {
    let bare = |example: &Example| example.question.trim().trim_end_matches(['?', '.', ' ']).to_owned();
    let part = |example: &Example| ExamplePart {
        question: example.question.clone(),
        expected: example.expected,
        answer: example.answer.clone(),
        short_answers: example.short_answers.clone(),
    };
    let answered = [one, other].iter().filter(|example| is_answered(example)).count();
    let passages: BTreeMap<&str, &Passage> =
        one.passages.iter().chain(&other.passages).map(|passage| (passage.id.as_str(), passage)).collect();
    let words: Vec<&str> = [one, other].iter().filter_map(|example| example.answer.as_deref()).collect();
    let places = if same { "one-document" } else { "two-documents" };
    let kinds = ["none-answerable", "one-answerable", "both-answerable"][answered];
    Example {
        id: format!("{}+{}", one.id, other.id),
        kind: one.kind,
        history: vec![],
        question: request(&bare(one), &bare(other)),
        parts: vec![part(one), part(other)],
        // In the order of their ids, which says nothing of which part is answered where.
        passages: passages.into_values().cloned().collect(),
        expected: [Expected::Abstained, Expected::Partial, Expected::Answered][answered],
        answer: (!words.is_empty()).then(|| words.join(" ")),
        short_answers: vec![],
        support: one.support.iter().chain(&other.support).cloned().collect(),
        tags: [PAIR, places, kinds, join].map(str::to_owned).to_vec(),
        provenance: format!("{} and {}, joined", one.provenance, other.provenance),
        licence: match one.licence == other.licence {
            true => one.licence.clone(),
            false => format!("({}) AND ({})", one.licence, other.licence),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        eval::testing::{abstaining, answerable},
        train::dataset::validate::defects,
    };

    /// Sixty questions on six documents, every third without an answer, no two alike.
    fn questions() -> Vec<Example> {
        (0..60)
            .map(|at| {
                let (id, thing) = (format!("q{at}"), format!("thing{at} item{at} part{at}"));
                let mut example = match at % 3 {
                    2 => abstaining(&id, &format!("Who made {thing}?")),
                    _ => answerable(
                        &id,
                        &format!("How old is {thing}?"),
                        &format!("It is {at} years old."),
                        &[&format!("{at} years")],
                    ),
                };
                example.passages[0].title = format!("Document {}", at / 10);
                example
            })
            .collect()
    }

    #[test]
    fn pairs_have_the_shares_and_keep_the_answer_of_each_part() {
        let questions = questions();
        let built = pairs(&questions, 20, 3).unwrap();
        let tagged = |tag: &str| built.iter().filter(|pair| pair.tags.iter().any(|found| found == tag)).count();
        assert_eq!(["one-document", "two-documents"].map(tagged), [10, 10]);
        assert_eq!(["both-answerable", "one-answerable", "none-answerable"].map(tagged), [12, 6, 2]);
        assert!(JOINS.iter().all(|(tag, _)| tagged(tag) >= 3));
        let mut used = HashSet::new();
        for pair in &built {
            assert_eq!(defects(pair), [], "{}", pair.id);
            let (one, other) = pair.id.split_once('+').unwrap();
            for (id, part) in [one, other].into_iter().zip(&pair.parts) {
                let original = questions.iter().find(|question| question.id == id).unwrap();
                assert_eq!((&part.question, part.expected), (&original.question, original.expected));
                assert_eq!(part.short_answers, original.short_answers);
                assert!(used.insert(id.to_owned()), "{id} twice");
            }
            let titles: HashSet<&str> = pair.passages.iter().map(|passage| passage.title.as_str()).collect();
            assert_eq!(titles.len() == 1, pair.tags.iter().any(|tag| tag == "one-document"));
        }
    }

    #[test]
    fn the_seed_draws_and_too_many_are_refused() {
        let questions = questions();
        assert_eq!(pairs(&questions, 10, 1), pairs(&questions, 10, 1));
        assert_ne!(pairs(&questions, 10, 1).unwrap(), pairs(&questions, 10, 2).unwrap());
        let error = pairs(&questions, 60, 1).unwrap_err().to_string();
        assert!(error.contains("60 pairs need") && error.contains("fewer"), "{error}");
        let answered: Vec<Example> = questions.iter().filter(|question| is_answered(question)).cloned().collect();
        assert!(pairs(&answered, 10, 1).unwrap_err().to_string().contains("with 1 answerable parts"));
        let pair = pairs(&questions, 1, 1).unwrap();
        assert!(matches!(pairs(&pair, 1, 1), Err(PairsError::NotSingle(_))));
    }

    #[test]
    fn a_name_keeps_its_capital() {
        assert_eq!(lower("Who lit it"), "who lit it");
        assert_eq!(lower("Ada lit what"), "Ada lit what");
        assert_eq!(lower("WHO has how many members"), "WHO has how many members");
        let asked: Vec<String> = JOINS.iter().map(|(_, join)| join("Who lit it", "When was Ada born")).collect();
        assert_eq!(asked[0], "Who lit it? And when was Ada born?");
        assert_eq!(asked[2], "who lit it; also: when was Ada born");
    }
}
