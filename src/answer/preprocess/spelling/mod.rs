//! Misspelt words of a question, corrected by the vocabulary of the index.
//!
//! A word that the index or the language knows is never touched, nor is anything that may be an identifier
//! (`tokens`). For any other word, the words that look alike are weighed as a noisy channel: how likely a word is here
//! (how often the index and the language use it, what it stands beside, what it shares passages with) times how likely it
//! is to be mistyped so (`edits`). That the user meant a word which nobody knows is weighed too, and wins when in doubt.
//!
//! Pure functions over [`Words`] and [`Context`]. May depend on `domain`.

mod edits;
mod endings;
mod tokens;

pub use edits::{MAX_LETTERS, folded};

use crate::domain::{Correction, CorrectionKind};
use tokens::Token;

/// How a word is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WordUse {
    /// How often it stands in the index.
    pub count: u32,
    /// How often of these with a capital although no sentence starts there.
    pub capitals: u32,
    /// Its place in the base vocabulary of the language, from 1 for the most frequent word; 0 when it is not there.
    pub rank: u32,
}

/// The words that are known, all in lower case.
pub trait Words {
    /// How a word is used.
    fn word(&self, word: &str) -> WordUse;
    /// Whether the index or the language knows a word.
    fn is_known(&self, word: &str) -> bool;
    /// How many words the index holds, each as often as it stands there.
    fn total(&self) -> u64;
    /// The words that at most `distance` edits part from `word`; of those, what [`Words::word`] says must not be nothing.
    fn similar(&self, word: &str, distance: usize) -> Vec<&str>;
}

/// What goes with what.
pub trait Context {
    /// How often one word follows another in the index.
    fn followed_by(&self, first: &str, second: &str) -> u32;
    /// How many times likelier than by chance two words share a passage; 1 when nothing is known.
    fn together(&self, one: &str, other: &str) -> f64;
}

/// A question after its words were looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelled {
    /// The question with the corrections.
    pub text: String,
    /// What was changed, in order.
    pub corrections: Vec<Correction>,
    /// How sure each of them is, 0 to 1, in the same order.
    pub confidences: Vec<f64>,
}

/// The constants of the decision. They were chosen on questions of ten articles (`footnote eval spelling`), with the
/// identifiers of `datasets/spelling` kept as they are; four other articles measure.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    /// The natural logarithm of how often a word is mistyped at all.
    pub mistyped: f64,
    /// What an edit of cost one takes off.
    pub edit: f64,
    /// The logarithm of how likely a word is that nobody knows, for one without letters.
    pub unknown: f64,
    /// What each letter adds to that; long words that nobody knows are rarer.
    pub unknown_letter: f64,
    /// The same for each letter from the seventh on.
    pub unknown_long: f64,
    /// What it adds that a word is short: the names of programs are.
    pub unknown_short: f64,
    /// What it adds that a word is made of two known ones.
    pub unknown_compound: f64,
    /// What is added for the words by which sentences hang together, which no index has in the way questions do.
    pub function: f64,
    /// What a capital adds.
    pub unknown_name: f64,
    /// What it adds that the word is another form of one that is known.
    pub unknown_form: f64,
    /// How many words the language weighs as much as.
    pub base: f64,
    /// How much what stands beside a word counts.
    pub beside: f64,
    /// How much what shares passages with a word counts.
    pub together: f64,
    /// How sure it has to be that a word is misspelt.
    pub wrong: f64,
    /// How sure it then has to be which word was meant.
    pub chosen: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            mistyped: -3.76,
            edit: 4.2,
            unknown: -11.36,
            unknown_letter: -1.19,
            unknown_long: -0.94,
            unknown_short: 0.71,
            unknown_compound: 3.29,
            function: 5.49,
            unknown_name: -1.75,
            unknown_form: 3.05,
            base: 72_400.0,
            beside: 0.48,
            together: 0.394,
            wrong: 0.745,
            chosen: 0.5,
        }
    }
}

/// The words by which sentences hang together: the only ones that a word of two or three letters is corrected to.
const FUNCTION_WORDS: [&str; 72] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been", "before",
    "being", "between", "but", "by", "can", "could", "did", "do", "does", "during", "for", "from", "had", "has",
    "have", "he", "her", "his", "how", "if", "in", "into", "is", "it", "its", "many", "much", "not", "of", "on", "or",
    "other", "should", "than", "that", "the", "their", "there", "these", "they", "this", "those", "to", "was", "were",
    "what", "when", "where", "which", "who", "whom", "why", "will", "with", "would", "you", "your",
];
/// The fewest letters of a word that is corrected to any word.
const LETTERS: usize = 4;
/// The most letters of a short word.
const SHORT: usize = 5;
/// From so many letters on, two edits are looked for.
const TWO_EDITS: usize = 7;

/// Corrects what is surely misspelt.
pub fn correct(text: &str, words: &dyn Words, context: &dyn Context) -> Spelled {
    let weights = &Weights::default();
    let tokens = tokens::tokens(text);
    let mut spelled =
        Spelled { text: String::with_capacity(text.len()), corrections: Vec::new(), confidences: Vec::new() };
    let is_known = |word: &str| words.is_known(word) || FUNCTION_WORDS.binary_search(&word).is_ok();
    let unknown: Vec<bool> = tokens.iter().map(|token| token.plain && !is_known(&token.lower)).collect();
    let lower: Vec<&str> = tokens.iter().map(|token| token.lower.as_str()).collect();
    let mut end = 0;
    // When most words are unknown, the question is in another language than the index.
    if 2 * unknown.iter().filter(|unknown| **unknown).count() <= tokens.len().max(3) {
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| unknown[*at]) {
            let Some((word, confidence)) = best(&lower, at, token, words, context, weights) else { continue };
            let from = &text[token.range.clone()];
            let to = in_case_of(from, word);
            spelled.text.push_str(&text[end..token.range.start]);
            spelled.text.push_str(&to);
            end = token.range.end;
            spelled.corrections.push(Correction { kind: CorrectionKind::Spelling, from: from.to_owned(), to });
            spelled.confidences.push(confidence);
        }
    }
    spelled.text.push_str(&text[end..]);
    spelled
}

/// The word that was surely meant, with the confidence.
fn best<'a>(
    lower: &[&str],
    at: usize,
    token: &Token,
    words: &'a dyn Words,
    context: &dyn Context,
    weights: &Weights,
) -> Option<(&'a str, f64)> {
    let letters = token.lower.chars().count();
    if !(2..=MAX_LETTERS).contains(&letters) {
        return None;
    }
    let name = token.capital && !token.starts;
    let distance = if letters >= TWO_EDITS && !name { 2 } else { 1 };
    let mut candidates = Vec::new();
    let mut form = endings::is_prefixed(&token.lower, |rest| words.is_known(rest));
    for word in words.similar(&token.lower, distance) {
        let Some(cost) = edits::cost(&token.lower, word, LIMIT) else { continue };
        let usage = words.word(word);
        // Only the accents differ: it is found as it is.
        if cost <= 0.2 {
            return None;
        }
        // Another form of a word that is known is a right word.
        let asks = at == 0 && QUESTION_WORDS.iter().any(|(question, _)| *question == word);
        let is_function = FUNCTION_WORDS.binary_search(&word).is_ok();
        let nation = name && word.strip_prefix(token.lower.as_str()).is_some_and(|end| matches!(end, "n" | "ns"));
        if !asks
            && (nation
                || endings::are_forms(&token.lower, word)
                || endings::is_prefixed(word, |rest| rest == token.lower))
        {
            form = true;
            continue;
        }
        if ((!asks && !is_function && is_too_short(letters, word, cost)) || (letters < LETTERS && cost >= 1.1))
            || (name && (usage.count < 2 || 2 * usage.capitals < usage.count))
        {
            continue;
        }
        let slip = weights.mistyped - weights.edit * f64::from(cost);
        let slip = slip + if is_function { weights.function } else { 0.0 };
        candidates.push((word, slip + log_likelihood(word, usage, lower, at, words, context, weights)));
    }
    let unknown = weights.unknown
        + weights.unknown_letter * letters.min(TWO_EDITS - 1) as f64
        + weights.unknown_long * letters.saturating_sub(TWO_EDITS - 1) as f64
        + if is_compound(&token.lower, words) { weights.unknown_compound } else { 0.0 }
        + if letters <= SHORT { weights.unknown_short } else { 0.0 }
        + if name { weights.unknown_name } else { 0.0 }
        + if form { weights.unknown_form } else { 0.0 };
    let &(word, score) = candidates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let likely = |score: &f64, other: f64| (other - score).exp();
    let all: f64 = candidates.iter().map(|(_, other)| likely(&score, *other)).sum();
    let as_it_is = likely(&score, unknown);
    // Which form of a word was meant matters less than which word.
    let forms = candidates.iter().filter(|(other, _)| *other == word || endings::are_forms(other, word));
    let same: f64 = forms.map(|(_, other)| likely(&score, *other)).sum();
    // That the word is wrong has to be surer than what is right: a wrong word is of no use as it stands, and it is
    // searched beside the correction anyway.
    let (wrong, chosen) = (all / (all + as_it_is), same / all);
    (wrong >= weights.wrong && chosen >= weights.chosen).then_some((word, 1.0 / (all + as_it_is)))
}

/// The highest cost that is looked at.
const LIMIT: f32 = 2.3;

/// Whether a word has too few letters to be taken for another one: three and less always, and four when a key beside the
/// right one is all that parts it, as it is with the names of programs (`deno`, `demo`).
fn is_too_short(letters: usize, candidate: &str, cost: f32) -> bool {
    let others = candidate.chars().count();
    letters < LETTERS || (letters == LETTERS && (others < LETTERS || cost > if others > LETTERS { 0.9 } else { 0.7 }))
}

/// Whether a word is two words written together, as names of programs and functions are (`proptest`, `hashlib`).
fn is_compound(word: &str, words: &dyn Words) -> bool {
    let is_common = |part: &str| {
        let usage = words.word(part);
        part.chars().nth(2).is_some() && (usage.count >= 3 || usage.rank > 0)
    };
    word.char_indices().any(|(at, _)| is_common(&word[..at]) && is_common(&word[at..]))
}

/// The logarithm of how likely a word is at a place of a question.
fn log_likelihood(
    word: &str,
    usage: WordUse,
    lower: &[&str],
    at: usize,
    words: &dyn Words,
    context: &dyn Context,
    weights: &Weights,
) -> f64 {
    let first = if at == 0 { QUESTION_WORDS.iter().find(|(question, _)| *question == word) } else { None };
    let alone = first.map_or(0.0, |(_, often)| *often).max(probability(usage, words, weights));
    // How much likelier a neighbour makes it. Pairs that were never seen say little: questions are not worded like
    // documents.
    let beside = |neighbour: &str, seen: u32| {
        let often = f64::from(words.word(neighbour).count);
        // "in" and "the" stand beside any word, also beside one that nobody knows.
        let most = if FUNCTION_WORDS.binary_search(&neighbour).is_ok() { 1.5 } else { 6.0 };
        ((f64::from(seen) + PAIR_PRIOR * alone) / (often + PAIR_PRIOR) / alone).ln().clamp(-0.7, most)
    };
    let mut sum = alone.ln();
    if at > 0 {
        sum += weights.beside * beside(lower[at - 1], context.followed_by(lower[at - 1], word));
    }
    if let Some(next) = lower.get(at + 1) {
        sum += weights.beside * beside(next, context.followed_by(word, next));
    }
    let others = lower.iter().enumerate().filter(|(other, _)| *other != at);
    let mut together: Vec<f64> =
        others.map(|(_, other)| context.together(word, other).max(1.0).ln().min(4.0)).collect();
    together.sort_unstable_by(|a, b| b.total_cmp(a));
    sum + weights.together * together.iter().take(3).sum::<f64>()
}

/// The words that questions start with, and how likely about. Documents rarely hold them.
const QUESTION_WORDS: [(&str, f64); 24] = [
    ("what", 0.3),
    ("who", 0.08),
    ("how", 0.15),
    ("when", 0.06),
    ("where", 0.05),
    ("which", 0.06),
    ("why", 0.05),
    ("does", 0.02),
    ("is", 0.03),
    ("are", 0.02),
    ("can", 0.03),
    ("in", 0.02),
    ("do", 0.02),
    ("did", 0.01),
    ("was", 0.01),
    ("were", 0.005),
    ("whose", 0.005),
    ("whom", 0.003),
    ("should", 0.005),
    ("could", 0.003),
    ("the", 0.02),
    ("has", 0.005),
    ("have", 0.003),
    ("will", 0.003),
];

/// The weight of "it stands beside anything" against what was counted.
const PAIR_PRIOR: f64 = 20.0;

/// How likely a word is by itself: what was counted in the index, with the language as what is believed before.
fn probability(usage: WordUse, words: &dyn Words, weights: &Weights) -> f64 {
    // Zipf's law, for a vocabulary of some ten thousand words.
    let base = if usage.rank > 0 { 0.12 / (f64::from(usage.rank) + 3.0) } else { 1e-8 };
    (f64::from(usage.count) + weights.base * base) / (words.total() as f64 + weights.base)
}

/// A word with a capital where the user's word has one.
fn in_case_of(from: &str, word: &str) -> String {
    if !from.starts_with(char::is_uppercase) {
        return word.to_owned();
    }
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
