//! Where negatives come from, and how an example is made of one.
//!
//! May depend on `pool`, `edited` and `select`.

use super::{
    NegativeKind,
    edited::{Edit, EditKind, Editor},
    joined,
    pool::{Pool, Pooled},
    select::{Candidate, under_share},
};
use crate::train::dataset::{
    HARD_NEGATIVE, SYNTHETIC,
    error::DatasetError,
    example::{Example, Expected},
    files::{DataSet, Split},
};

/// The greatest share of negated questions among edited ones: a model that sees many learns to decline at "not".
const MOST_NEGATIONS: f64 = 0.1;

/// What negatives of a split are made of.
pub(super) enum Source {
    /// Wrong passages.
    Paired(Pool),
    /// Edits, and those that were made so far.
    Edited(Editor, Vec<Edit>),
}

impl Source {
    /// Reads the examples of a split.
    pub fn read(kind: NegativeKind, set: &DataSet, split: Option<Split>) -> Result<Self, DatasetError> {
        Ok(match kind {
            NegativeKind::Paired => Self::Paired(Pool::read(set, split)?),
            NegativeKind::Edited => Self::Edited(Editor::read(set, split)?, Vec::new()),
        })
    }

    /// The numbers of up to `most` negatives of an answered example; `None` when it cannot be told that it is not
    /// answered.
    pub fn negatives_of(&mut self, example: &Example, most: usize, seed: u64) -> Option<Vec<usize>> {
        match self {
            Self::Paired(pool) => pool.is_checkable(example).then(|| pool.wrong_passages(example).take(most).collect()),
            Self::Edited(editor, made) => {
                let before = made.len();
                made.extend(editor.edits(example, most, seed)?);
                Some((before..made.len()).collect())
            }
        }
    }

    /// The candidates without too many negated questions, and how many were left out.
    pub fn within_share(&self, all: Vec<Candidate>, seed: u64) -> (Vec<Candidate>, u64) {
        match self {
            Self::Paired(_) => (all, 0),
            Self::Edited(_, made) => {
                let negation = |candidate: &Candidate| made[candidate.what].kind == EditKind::Negation;
                under_share(all, negation, MOST_NEGATIONS, seed)
            }
        }
    }

    /// The example to decline, and the tag that names how it was made.
    pub fn negative(&self, example: &Example, candidate: Candidate) -> (Example, &'static str) {
        match self {
            Self::Paired(pool) => (paired(example, candidate.rank, pool.get(candidate.what)), HARD_NEGATIVE),
            Self::Edited(_, made) => {
                let edit = &made[candidate.what];
                (edited(example, candidate.rank, edit), edit.kind.as_str())
            }
        }
    }
}

/// The question of `example` over a wrong passage.
fn paired(example: &Example, rank: usize, wrong: &Pooled) -> Example {
    Example {
        passages: vec![wrong.passage.clone()],
        provenance: format!("{}, paired with a passage of {:?}", example.provenance, wrong.passage.title),
        licence: joined(&example.licence, &wrong.licence),
        ..declined(example, format!("{}-negative-{}", example.id, rank + 1), HARD_NEGATIVE)
    }
}

/// The passages of `example`, the one that answered first, under an edited question.
fn edited(example: &Example, rank: usize, edit: &Edit) -> Example {
    let mut passages = example.passages.clone();
    passages.sort_by_key(|passage| !example.support.iter().any(|span| span.passage == passage.id));
    Example {
        question: edit.question.clone(),
        passages,
        provenance: format!(
            "{}, the question of {:?} edited: {:?} to {:?}",
            example.provenance, example.id, edit.from, edit.to
        ),
        ..declined(example, format!("{}-edited-{}", example.id, rank + 1), edit.kind.as_str())
    }
}

/// `example` without its answer.
fn declined(example: &Example, id: String, tag: &str) -> Example {
    Example {
        id,
        kind: example.kind,
        history: vec![],
        parts: vec![],
        question: example.question.clone(),
        passages: Vec::new(),
        expected: Expected::Abstained,
        answer: None,
        short_answers: Vec::new(),
        support: Vec::new(),
        tags: vec![SYNTHETIC.to_owned(), tag.to_owned()],
        provenance: String::new(),
        licence: example.licence.clone(),
    }
}
