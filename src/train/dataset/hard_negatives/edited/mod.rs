//! Edited questions: a question in which one fact was changed, so that its own passage, near as it is, answers it no
//! more. The rules follow the adversarial questions of Jia and Liang 2017 ("Adversarial Examples for Evaluating Reading
//! Comprehension Systems") and the rule-based negatives of SQuAD 2.0 (Rajpurkar, Jia and Liang 2018, section 4): names
//! and numbers are swapped for others like them, names change places with the answer, words become their opposites, and,
//! more seldom, verbs are negated.
//!
//! That an edited question has no answer is not proven; an edit is dropped wherever the passage says something that may
//! answer it. It may be ungrammatical.
//!
//! May depend on the parent's `files` and `normal_form`, `split_mix` and `domain::sentences`.

pub(in crate::train::dataset) mod names;
pub(in crate::train::dataset) mod negation;
pub(in crate::train::dataset) mod numbers;
pub(in crate::train::dataset) mod opposites;
mod reading;
mod roles;
mod target;
pub(in crate::train::dataset) mod words;

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::super::{
    error::DatasetError,
    example::{Example, Expected},
    files::{DataSet, Split},
    normal_form,
    split_mix::{SplitMix64, hash64},
};
use names::{Name, names};
use numbers::numbers;
use reading::Reading;
use target::Target;
use words::{replaced, stems};

/// What was done to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditKind {
    /// A name for another.
    EntitySwap,
    /// A number for another.
    NumberSwap,
    /// A name for the answer.
    RoleSwap,
    /// A word for its opposite.
    Antonym,
    /// The verb negated.
    Negation,
}

impl EditKind {
    /// The tag of an example that was made so.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntitySwap => "entity-swap",
            Self::NumberSwap => "number-swap",
            Self::RoleSwap => "role-swap",
            Self::Antonym => "antonym",
            Self::Negation => "negation",
        }
    }
}

/// An edited question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What was done.
    pub kind: EditKind,
    /// The question as it is now.
    pub question: String,
    /// What stood in it.
    pub from: String,
    /// What stands there now.
    pub to: String,
}

/// A question that is asked about a passage.
#[derive(Debug)]
struct Asked {
    key: u64,
    stems: HashSet<String>,
}

/// The passages and questions of a split.
pub struct Editor {
    passages: HashMap<u64, Rc<Reading>>,
    /// The passages of each document, in order.
    documents: HashMap<String, Vec<Rc<Reading>>>,
    /// The questions of each passage.
    asked: HashMap<u64, Vec<Asked>>,
}

impl Editor {
    /// Reads the examples of a split.
    pub fn read(set: &DataSet, split: Option<Split>) -> Result<Self, DatasetError> {
        let mut editor = Self { passages: HashMap::new(), documents: HashMap::new(), asked: HashMap::new() };
        for located in super::of_split(set, split) {
            editor.add(&located?.example);
        }
        Ok(editor)
    }

    fn add(&mut self, example: &Example) {
        for passage in &example.passages {
            let hash = hash64(passage.text.as_bytes());
            if !self.passages.contains_key(&hash) {
                let reading = Rc::new(Reading::new(&passage.text));
                let document = self.documents.entry(normal_form::document_key(&passage.title)).or_default();
                document.push(Rc::clone(&reading));
                self.passages.insert(hash, reading);
            }
            let (key, stems) = (normal_form::key(&example.question), stems(&example.question));
            let asked = self.asked.entry(hash).or_default();
            if asked.iter().all(|known| known.key != key) {
                asked.push(Asked { key, stems });
            }
        }
    }

    /// Up to `most` edits of an answered question, each kind once before any comes again, negation last; `None` when
    /// it is not known where its passages answer it.
    pub fn edits(&self, example: &Example, most: usize, seed: u64) -> Option<Vec<Edit>> {
        if example.expected != Expected::Answered {
            return None;
        }
        let readings: Option<Vec<_>> = example.passages.iter().map(|passage| self.reading(&passage.text)).collect();
        let target = Target::new(example, readings?)?;
        if negation::is_decision(target.question()) {
            return Some(Vec::new());
        }
        let mut random = SplitMix64::for_name(seed, &example.id);
        let mut kinds = [
            self.entity_swaps(&target, &mut random),
            self.number_swaps(&target, &mut random),
            antonyms(&target, &mut random),
            role_swaps(&target, &mut random),
        ];
        random.shuffle(&mut kinds);
        let longest = kinds.iter().map(Vec::len).max().unwrap_or(0);
        let mut found: Vec<Edit> =
            (0..longest).flat_map(|round| kinds.iter().filter_map(move |edits| edits.get(round).cloned())).collect();
        let negation = negation::negated(target.question(), random.below(2) == 0);
        found.extend(negation.map(|(question, from, to)| Edit {
            kind: EditKind::Negation,
            question,
            from: from.to_owned(),
            to: to.to_owned(),
        }));
        found.retain(|edit| !self.is_asked(example, edit));
        found.truncate(most);
        Some(found)
    }

    fn reading(&self, text: &str) -> Option<Rc<Reading>> {
        self.passages.get(&hash64(text.as_bytes())).map(Rc::clone)
    }

    /// Whether somebody asked the edited question, or nearly, about one of the passages.
    fn is_asked(&self, example: &Example, edit: &Edit) -> bool {
        let (key, edited, new) = (normal_form::key(&edit.question), stems(&edit.question), stems(&edit.to));
        let same = |asked: &Asked| {
            let shared = asked.stems.intersection(&edited).count();
            let near = !new.is_empty()
                && new.is_subset(&asked.stems)
                && 2 * shared >= asked.stems.len() + edited.len() - shared;
            asked.key == key || near
        };
        let passages = example.passages.iter();
        passages
            .filter_map(|passage| self.asked.get(&hash64(passage.text.as_bytes())))
            .any(|asked| asked.iter().any(same))
    }

    /// For each name of the question that a passage holds, the question with another like it.
    fn entity_swaps(&self, target: &Target<'_>, random: &mut SplitMix64) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        for name in names(target.question()) {
            let Some(old) = name.and_shorter().into_iter().find(|name| target.holds(&name.text)) else { continue };
            if edits.iter().any(|edit| edit.from == old.text) {
                continue;
            }
            let fits = |new: &Name| {
                new.look == old.look
                    && new.words.abs_diff(old.words) <= 1
                    && target.is_other(&new.text, &old.text)
                    && target.stays_unanswered(&old.text, &new.text)
            };
            let unlike = |new: &Name| {
                let pairs = [(new.place, old.place), (new.article, old.article), (new.quoted, old.quoted)];
                usize::from(new.words != old.words) + pairs.iter().filter(|(new, old)| new != old).count()
            };
            let mut near: Vec<&Name> = target.readings.iter().flat_map(|reading| &reading.names).collect();
            random.shuffle(&mut near);
            near.sort_by_key(|new| unlike(new));
            let new = near.into_iter().find(|new| fits(new)).or_else(|| {
                let mut far = self.of_document(target, |reading| &reading.names, random);
                far.find(|new| unlike(new) == 0 && !target.holds(&new.text) && fits(new))
            });
            edits.extend(new.map(|new| edit(EditKind::EntitySwap, target, &old.text, &new.text)));
        }
        random.shuffle(&mut edits);
        edits
    }

    /// For each number of the question that a passage holds, the question with another of its shape.
    fn number_swaps(&self, target: &Target<'_>, random: &mut SplitMix64) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        for old in numbers(target.question()) {
            if !target.holds(&old.text) || edits.iter().any(|edit| edit.from == old.text) {
                continue;
            }
            let answers = &target.example.short_answers;
            let fits = |new: &numbers::Number| {
                new.shape == old.shape
                    && !reading::holds(target.question(), &new.text)
                    && !answers.iter().any(|answer| reading::holds(answer, &new.text))
                    && target.stays_unanswered(&old.text, &new.text)
            };
            let mut near: Vec<_> = target.readings.iter().flat_map(|reading| &reading.numbers).collect();
            random.shuffle(&mut near);
            let new = near.into_iter().find(|new| fits(new)).or_else(|| {
                let mut far = self.of_document(target, |reading| &reading.numbers, random);
                far.find(|new| !target.holds(&new.text) && fits(new))
            });
            edits.extend(new.map(|new| edit(EditKind::NumberSwap, target, &old.text, &new.text)));
        }
        random.shuffle(&mut edits);
        edits
    }

    /// What the passages of the same documents hold, from a drawn one onwards.
    fn of_document<'s, T: 's>(
        &'s self,
        target: &Target<'_>,
        held: impl Fn(&'s Reading) -> &'s Vec<T> + 's,
        random: &mut SplitMix64,
    ) -> impl Iterator<Item = &'s T> + 's {
        let mut readings: Vec<&'s Reading> = Vec::new();
        let mut seen = HashSet::new();
        for passage in &target.example.passages {
            let document = normal_form::document_key(&passage.title);
            if let Some(of_document) = self.documents.get(&document).filter(|_| seen.insert(document)) {
                readings.extend(of_document.iter().map(Rc::as_ref));
            }
        }
        random.shuffle(&mut readings);
        let start = random.next_u64();
        readings.into_iter().flat_map(move |reading| {
            let all = held(reading);
            let turn = (start % all.len().max(1) as u64) as usize;
            all[turn..].iter().chain(&all[..turn])
        })
    }
}

/// The question with one word turned into its opposite, in each way.
fn antonyms(target: &Target<'_>, random: &mut SplitMix64) -> Vec<Edit> {
    let found = opposites::opposed(target.question());
    if found.is_empty() || target.has_rival() {
        return Vec::new();
    }
    let sound = found.into_iter().filter(|(_, old, new)| target.stays_unanswered_in_any_form(old, new));
    let mut edits: Vec<Edit> =
        sound.map(|(question, from, to)| Edit { kind: EditKind::Antonym, question, from, to: to.to_owned() }).collect();
    random.shuffle(&mut edits);
    edits
}

/// The question with its answer in the place of a name, for each name that allows it.
fn role_swaps(target: &Target<'_>, random: &mut SplitMix64) -> Vec<Edit> {
    let turned = roles::turned_round(target).into_iter();
    let mut edits: Vec<Edit> = turned.map(|(old, new)| edit(EditKind::RoleSwap, target, &old, &new)).collect();
    random.shuffle(&mut edits);
    edits
}

fn edit(kind: EditKind, target: &Target<'_>, old: &str, new: &str) -> Edit {
    let question = replaced(target.question(), old, new);
    Edit { kind, question, from: old.to_owned(), to: new.to_owned() }
}

#[cfg(test)]
mod tests;
