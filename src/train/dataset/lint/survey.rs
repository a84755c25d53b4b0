//! What `lint` keeps of the examples while it reads them once: enough to compare them with each other.
//!
//! May depend on `files`, `settings`, `min_hash` and `normal_form`, and calls what looks at single examples.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    answers,
    finding::{Code, LintReport},
    lengths, mixed, personal, schema,
};
use crate::train::dataset::{
    FREE_FORM, SYNTHETIC,
    error::DatasetError,
    example::{Example, Expected, Kind},
    files::{DataSet, Split, lines, parse},
    min_hash::{MinHash, Signature, word_shingles},
    normal_form,
    settings::LintSettings,
    split_mix::hash64,
};

/// Words of a shingle of passages.
const SHINGLE: usize = 4;

/// What must not leak into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    /// What the model learns from, and everything that is not split.
    Train,
    Validation,
    Test,
    /// What the user named to compare with.
    Against,
}

/// A file that was read.
pub(super) struct SurveyedFile {
    pub path: PathBuf,
    pub shown: String,
    pub side: Side,
    pub split: Option<Split>,
    pub kind: Kind,
    /// The data set it belongs to.
    pub set: usize,
}

/// Where an example stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub file: u32,
    pub line: u32,
}

/// What is kept of an example.
pub(super) struct Surveyed {
    pub place: Place,
    pub id: Box<str>,
    pub question: Box<str>,
    pub question_key: u64,
    pub abstained: bool,
    /// The bare answers as answers are compared.
    pub short_answers: Box<[Box<str>]>,
    pub answer_words: u32,
    pub form: mixed::Form,
    pub synthetic: bool,
    /// Its passages, in the order of the survey.
    pub passages: Box<[u32]>,
    /// Those of them that support the answer.
    pub supporting: Box<[u32]>,
    /// The documents of its passages.
    pub documents: Box<[u32]>,
}

/// What is kept of a passage.
pub(super) struct SurveyedPassage {
    /// The first example that has it.
    pub first: Place,
    pub words: u32,
    pub signature: Signature,
}

/// A data set that was read.
pub(super) struct SurveyedSet {
    pub shown: String,
    pub settings: LintSettings,
    pub allowed: Vec<Code>,
}

/// Everything that is kept, and what was found so far.
#[derive(Default)]
pub(super) struct Survey {
    pub sets: Vec<SurveyedSet>,
    pub files: Vec<SurveyedFile>,
    /// Of the data sets and of those that they are compared with.
    pub examples: Vec<Surveyed>,
    pub passages: Vec<SurveyedPassage>,
    /// The titles as they are written first.
    pub documents: Vec<Box<str>>,
    ids: HashMap<Box<str>, Place>,
    by_text: HashMap<u64, u32>,
    by_title: HashMap<String, u32>,
    report: LintReport,
}

impl Survey {
    /// Reads a data set. One to compare `against` is not looked at by itself.
    pub fn read(&mut self, set: &DataSet, against: bool) -> Result<(), DatasetError> {
        let settings = set.settings().lint.clone();
        let mut allowed = Vec::new();
        for name in &settings.allow {
            let Some(code) = Code::ALL.iter().find(|code| code.as_str() == name) else {
                let reason = format!("`allow` names {name:?}, which is no code of a finding");
                return Err(DatasetError::Settings(set.root().join(super::super::settings::SETTINGS_FILE), reason));
            };
            allowed.push(*code);
        }
        self.sets.push(SurveyedSet { shown: set.root().display().to_string(), settings, allowed });
        let functions = MinHash::new();
        for part in set.parts() {
            let side = match part.split {
                _ if against => Side::Against,
                None | Some(Split::Train) => Side::Train,
                Some(Split::Validation) => Side::Validation,
                Some(Split::Test) => Side::Test,
            };
            self.files.push(SurveyedFile {
                path: part.path.clone(),
                shown: part.path.display().to_string(),
                side,
                split: part.split,
                kind: part.kind,
                set: self.sets.len() - 1,
            });
            self.read_file(&part.path, &functions)?;
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, functions: &MinHash) -> Result<(), DatasetError> {
        let file = self.files.len() as u32 - 1;
        let (against, kind) = (self.files[file as usize].side == Side::Against, self.files[file as usize].kind);
        let max_passage_words = self.sets[self.files[file as usize].set].settings.max_passage_words;
        for line in lines(path)? {
            let line = line?;
            let place = Place { file, line: line.number };
            let example = match line.text.and_then(|text| parse(&text)) {
                Ok(example) => example,
                Err(reason) => {
                    self.add(Code::Schema, place, reason);
                    continue;
                }
            };
            if !against {
                self.report.examples += 1;
                let mut found = Vec::new();
                schema::look_at(&example, kind, &mut found);
                answers::look_at(&example, &mut found);
                mixed::look_at(&example, &mut found);
                personal::look_at(&example, &mut found);
                lengths::look_at(&example, &self.sets[self.files[file as usize].set].settings, &mut found);
                for (code, message) in found {
                    self.add(code, place, message);
                }
                self.check_id(&example, place);
            }
            self.keep(&example, place, functions, |survey, text| {
                // A passage stands in many examples; it is looked at once.
                let mut found = Vec::new();
                personal::look_at_passage(text, &mut found);
                lengths::look_at_passage(text, max_passage_words, &mut found);
                for (code, message) in found.into_iter().filter(|_| !against) {
                    survey.add(code, place, message);
                }
            });
        }
        Ok(())
    }

    fn check_id(&mut self, example: &Example, place: Place) {
        match self.ids.get(example.id.as_str()) {
            Some(first) => {
                let message = format!("the id {:?} is taken by {}; rename one of them", example.id, self.shown(*first));
                self.add(Code::DuplicateId, place, message);
            }
            None => {
                self.ids.insert(example.id.as_str().into(), place);
            }
        }
    }

    fn keep(
        &mut self,
        example: &Example,
        place: Place,
        functions: &MinHash,
        mut look_at_new: impl FnMut(&mut Self, &str),
    ) {
        let (mut passages, mut supporting, mut documents) = (Vec::new(), Vec::new(), Vec::new());
        for passage in &example.passages {
            let next = self.passages.len() as u32;
            let id = *self.by_text.entry(hash64(passage.text.as_bytes())).or_insert(next);
            if id == next {
                let words = normal_form::word_hashes(&passage.text);
                let signature = functions.signature(&word_shingles(&words, SHINGLE));
                self.passages.push(SurveyedPassage { first: place, words: words.len() as u32, signature });
                look_at_new(self, &passage.text);
            }
            passages.push(id);
            if example.support.iter().any(|span| span.passage == passage.id) {
                supporting.push(id);
            }
            let next = self.documents.len() as u32;
            let document = *self.by_title.entry(normal_form::document_key(&passage.title)).or_insert(next);
            if document == next {
                self.documents.push(passage.title.as_str().into());
            }
            documents.push(document);
        }
        documents.sort_unstable();
        documents.dedup();
        self.examples.push(Surveyed {
            place,
            id: example.id.as_str().into(),
            question: example.question.as_str().into(),
            question_key: normal_form::key(&in_conversation(example)),
            abstained: example.expected == Expected::Abstained,
            short_answers: example.short_answers.iter().map(|a| normal_form::answer(a).into_boxed_str()).collect(),
            answer_words: example.answer.as_deref().map_or(0, normal_form::word_count) as u32,
            form: mixed::form_of(example, example.tags.iter().any(|tag| tag == FREE_FORM)),
            synthetic: example.tags.iter().any(|tag| tag == SYNTHETIC),
            passages: passages.into(),
            supporting: supporting.into(),
            documents: documents.into(),
        });
    }

    /// The examples that are looked at, without those that they are compared with.
    pub fn own(&self) -> impl Iterator<Item = &Surveyed> {
        self.examples.iter().filter(|example| self.side(example.place) != Side::Against)
    }

    /// The side of a place.
    pub fn side(&self, place: Place) -> Side {
        self.files[place.file as usize].side
    }

    /// A place as people write it.
    pub fn shown(&self, place: Place) -> String {
        format!("{}:{}", self.files[place.file as usize].shown, place.line)
    }

    /// Adds a finding about an example.
    pub fn add(&mut self, code: Code, place: Place, message: String) {
        let file = &self.files[place.file as usize];
        self.report.add(&self.sets[file.set].allowed, code, &file.shown, Some(place.line), message);
    }

    /// Adds a finding about a whole data set.
    pub fn add_to_set(&mut self, code: Code, set: usize, message: String) {
        let set = &self.sets[set];
        self.report.add(&set.allowed, code, &set.shown, None, message);
    }

    /// The report, its findings in order.
    pub fn finish(self) -> LintReport {
        let mut report = self.report;
        report.findings.sort_by(|a, b| {
            let key = |f: &super::Finding| (f.severity, f.code);
            key(a).cmp(&key(b)).then_with(|| (&a.file, a.line).cmp(&(&b.file, b.line)))
        });
        report
    }
}

/// A question with what was said before it: the same words mean something else in another conversation.
fn in_conversation(example: &Example) -> String {
    let before = example.history.iter().flat_map(|exchange| [exchange.question.as_str(), exchange.answer.as_str()]);
    before.chain([example.question.as_str()]).collect::<Vec<_>>().join(" ")
}
