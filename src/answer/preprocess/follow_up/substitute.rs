//! The last question with something else in the place of one of its phrases: `and in 2009?`, `what about Postgres?`.
//!
//! May depend on `english`.

use super::question_shape::Shape;
use crate::answer::preprocess::english::{
    CONJUNCTIONS, PREPOSITIONS, is_one_of,
    noun_kinds::is_class,
    noun_phrases::{NounPhrase, noun_phrases},
    nouns::is_plural,
    verbs::{base_of_gerund, is_base},
    words::{Word, words},
};

/// Adverbs and phrases like them; one of a line takes the place of another.
const ADVERBIALS: &[&[&str]] = &[
    &[
        "at first",
        "at the beginning",
        "originally",
        "initially",
        "later",
        "afterwards",
        "now",
        "today",
        "nowadays",
        "before",
        "in the end",
        "finally",
    ],
    &[
        "by default",
        "at most",
        "at least",
        "in the worst case",
        "in the best case",
        "on average",
        "in total",
        "at once",
    ],
];

/// The last question with one of its phrases replaced by `new`; `None` where there is no place for it.
pub(super) fn substitute(new: &str, question: &str) -> Option<String> {
    let shape = Shape::of(question);
    let here = words(new);
    let first = here.first()?;
    let bare = question.trim_end_matches(['?', '.', ' ']);
    if let Some(found) = adverbial(new, &here, &shape) {
        return Some(found);
    }
    if is_one_of(&first.lower, CONJUNCTIONS) && here.len() > 2 {
        let same = shape.words.iter().rposition(|word| word.lower == first.lower).filter(|at| *at > 0);
        return Some(same.map_or_else(|| format!("{bare} {new}"), |at| format!("{} {new}", shape.cut(0, at))));
    }
    if is_one_of(&first.lower, PREPOSITIONS) && here.len() > 1 {
        return Some(prepositional(new, &here, &shape).unwrap_or_else(|| format!("{bare} {new}")));
    }
    // `how do I` with another verb: `what about removing it`, `and retry it`.
    let how_to = shape.words.len() > 3 && shape.words[0].lower == "how" && shape.words[2].lower == "i";
    let base = base_of_gerund(&first.lower).or_else(|| is_base(&first.lower).then(|| first.lower.clone()));
    if let Some(base) = base.filter(|_| how_to && here.len() > 1) {
        return Some(format!("{} {base} {}", shape.cut(0, 3), &new[here[1].start..]));
    }
    let single = here.len() == 1;
    if single && let Some(at) = shape.words.iter().rposition(|word| like(word, first)) {
        return Some(replaced(&shape, at, at + 1, new));
    }
    if single && first.is_year() {
        return Some(format!("{bare} in {new}"));
    }
    if let Some(asked) =
        shape.asked_noun().filter(|asked| asked.is_plural() && here.last().is_some_and(|word| is_plural(&word.lower)))
    {
        return Some(replaced(&shape, asked.first, asked.last, new));
    }
    in_slot(new, &here, &shape)
}

fn replaced(shape: &Shape<'_>, from: usize, to: usize, by: &str) -> String {
    let (start, end) = (shape.words[from].start, shape.words[to - 1].end);
    format!("{}{by}{}", &shape.text[..start], &shape.text[end..])
}

/// `and later?`, `and at most?`, `and ten years later?`
fn adverbial(new: &str, here: &[Word], shape: &Shape<'_>) -> Option<String> {
    let lower = here.iter().map(|word| word.lower.as_str()).collect::<Vec<_>>().join(" ");
    let after_a_time = here.len() > 1 && matches!(here[here.len() - 1].lower.as_str(), "later" | "earlier" | "before");
    let group = match ADVERBIALS.iter().find(|group| group.contains(&lower.as_str())) {
        Some(group) => group,
        None if after_a_time => ADVERBIALS.first()?,
        None => return None,
    };
    let count = shape.words.len();
    let said = |at: usize, phrase: &str| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        at + parts.len() <= count && parts.iter().zip(&shape.words[at..]).all(|(part, word)| *part == word.lower)
    };
    let old = (1..count).rev().find_map(|at| {
        let phrase = group.iter().find(|phrase| said(at, phrase))?;
        Some((at, at + phrase.split(' ').count()))
    });
    if let Some((from, to)) = old {
        return Some(replaced(shape, from, to, new));
    }
    // `Who bought it in 1995?`, and ten years later.
    let year = shape
        .words
        .iter()
        .rposition(Word::is_year)
        .filter(|at| group.contains(&"later") && *at > 1 && is_one_of(&shape.words[at - 1].lower, PREPOSITIONS));
    let bare = shape.text.trim_end_matches(['?', '.', ' ']);
    Some(year.map_or_else(|| format!("{bare} {new}"), |at| replaced(shape, at - 1, at + 1, new)))
}

/// `and in 2009?`, `and of the other key?`: what stands after the same preposition, or a time after any.
fn prepositional(new: &str, here: &[Word], shape: &Shape<'_>) -> Option<String> {
    let preposition = here[0].lower.as_str();
    let object = &new[here[1].start..];
    let same = shape.phrases.iter().rfind(|phrase| phrase.after.as_deref() == Some(preposition) && !phrase.asks);
    if let Some(phrase) = same {
        return Some(replaced(shape, phrase.first, phrase.last, object));
    }
    // `of` stands inside a phrase.
    let inside = shape.words.iter().rposition(|word| word.lower == preposition).filter(|_| preposition == "of");
    if let Some(phrase) =
        inside.and_then(|of| shape.phrases.iter().find(|phrase| (phrase.first..phrase.last).contains(&of)))
    {
        let from = inside.unwrap_or_default() + 1;
        let number = here.len() == 2 && here[1].is_number() && shape.words.get(from).is_some_and(Word::is_number);
        return Some(replaced(shape, from, if number { from + 1 } else { phrase.last }, object));
    }
    let year = shape.words.iter().rposition(Word::is_year)?;
    let timed =
        here.len() == 2 && here[1].is_year() && is_one_of(&shape.words[year.checked_sub(1)?].lower, PREPOSITIONS);
    timed.then(|| replaced(shape, year - 1, year + 1, new))
}

/// Whether two words are of one kind, so that one can stand for the other: years, numbers, names of programs.
fn like(old: &Word, new: &Word) -> bool {
    (new.is_year() && old.is_year())
        || (new.is_number() && old.is_number())
        || (new.is_identifier() && old.is_identifier())
}

/// A stretch of the question that something else can stand for.
struct Slot<'a> {
    phrase: &'a NounPhrase,
    /// The number of the first word that is replaced: behind `of`, where the phrase is a property of something.
    from: usize,
    text: &'a str,
}

/// The question with `new` in the place of the phrase that is most like it.
fn in_slot(new: &str, here: &[Word], shape: &Shape<'_>) -> Option<String> {
    let mut slots: Vec<Slot<'_>> = Vec::new();
    for phrase in shape.phrases.iter().filter(|phrase| !phrase.asks && !phrase.is_quantity()) {
        slots.push(Slot { phrase, from: phrase.first, text: shape.cut(phrase.first, phrase.last) });
        let of = (phrase.first..phrase.last).find(|at| shape.words[*at].lower == "of");
        if let Some(of) = of.filter(|_| phrase.bearer().is_some()) {
            slots.push(Slot { phrase, from: of + 1, text: shape.cut(of + 1, phrase.last) });
        }
    }
    // `Wars' wife` stands where Wars stood.
    let owner = new.split_once("'s ").or_else(|| new.split_once("' ")).map(|(owner, _)| owner);
    let slot = slots.iter().max_by_key(|slot| (owner == Some(slot.text), likeness(slot.text, new)))?;
    let (phrase, from) = (slot.phrase, slot.from);
    let last = here.last()?;
    // `and Isuzu's?` after `the partner of Mazda`
    let owner = last.of(new).strip_suffix("'s").or_else(|| last.of(new).strip_suffix("’s"));
    if let Some(owner) = owner {
        let owned = slot.text.find("'s ").map(|end| &slot.text[end..]);
        let by = owned.map_or_else(|| owner.to_owned(), |owned| format!("{}{owner}{owned}", &new[..last.start]));
        return Some(replaced(shape, from, phrase.last, &by));
    }
    // `and admin?` after `the scope ingest`
    let class = phrase.last.checked_sub(2).map(|at| &shape.words[at]);
    if here.len() == 1 && phrase.last > from + 1 && class.is_some_and(|word| is_class(&word.lower)) {
        return Some(replaced(shape, phrase.last - 1, phrase.last, new));
    }
    // `and electricity with magnetism`: what stands beside the phrase is replaced with it.
    let link = here.iter().position(|word| is_one_of(&word.lower, PREPOSITIONS));
    let beside = link.and_then(|link| {
        let preposition = here[link].lower.as_str();
        shape.phrases.iter().find(|next| next.first > phrase.last && next.after.as_deref() == Some(preposition))
    });
    let by = under_owner(slot.text, new);
    Some(replaced(shape, from, beside.map_or(phrase.last, |beside| beside.last), &by))
}

/// How much two phrases are alike: names stand for names, plurals for plurals, and what has the same noun first of all.
fn likeness(old: &str, new: &str) -> i32 {
    // The first letter is no sentence's: a word before keeps it from being read as one.
    let [old_text, new_text] = [old, new].map(|text| format!("is {text}"));
    let [old_phrases, new_phrases] = [&old_text, &new_text].map(|text| noun_phrases(text));
    let (Some(one), Some(two)) = (old_phrases.first(), new_phrases.first()) else { return 0 };
    let opener = |phrase: &NounPhrase| {
        let first = phrase.text.split(' ').next().unwrap_or_default().to_lowercase();
        matches!(first.as_str(), "the" | "a" | "an").then_some(first)
    };
    let points = |alike: bool, points: i32| if alike { points } else { 0 };
    points(one.head == two.head, 5)
        + points(one.named == two.named, 4)
        + points(one.is_plural() == two.is_plural(), 2)
        + points(opener(one) == opener(two), 1)
}

/// `the third law` in the place of `Newton's second law` is Newton's as well.
fn under_owner(old: &str, new: &str) -> String {
    let owner = old.split_once("'s ").map(|(owner, _)| owner);
    match (owner, new.strip_prefix("the ")) {
        (Some(owner), Some(rest)) => format!("{owner}'s {rest}"),
        _ => new.to_owned(),
    }
}
