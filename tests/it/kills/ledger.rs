//! What was asked of the program, what it answered, and what may be true because of that.
//!
//! A request whose answer was cut off counts as unknown: that it was done and that it was not are both right, but not
//! half of it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// The content of a document, by the number of the only upload that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(pub u32);

impl Content {
    /// A word that stands in this content and in no other, and that no stemmer shortens.
    pub fn word(self) -> String {
        let digits = (0..5).rev().map(|place| (self.0 >> (4 * place)) as usize & 15);
        let letters: String = digits.map(|digit| char::from(b"bcfghjkmnpqtvwxz"[digit])).collect();
        format!("qx{letters}q")
    }

    /// The file: a few sections, some of them many.
    pub fn text(self) -> String {
        let word = self.word();
        let mut text = format!("# Notice {}\n\nThe word of this notice is {word}.\n", self.0);
        let sections = if self.0 % 11 == 3 { 12 } else { self.0 % 3 };
        for section in 0..sections {
            text.push_str(&format!(
                "\n## Part {section} of {word}\n\nBox {} of {word} stands on shelf {section}. It weighs {} grams, was \
                 packed in week {}, and may be opened by the keeper alone, who signs for it on page {}.\n",
                self.0,
                self.0 * 37 + section,
                (self.0 + section) % 52,
                section * 3 + 1,
            ));
        }
        text
    }

    pub fn sha256(self) -> String {
        hex::encode(Sha256::digest(self.text()))
    }
}

/// Something that was asked of one name, in order.
#[derive(Debug, Clone)]
pub enum Asked {
    /// An upload, and what it was answered.
    Upload(Content, Option<Promise>),
    /// A delete of this document, and whether it was answered.
    Delete(String, bool),
}

/// An upload that was answered 202 or 200.
#[derive(Debug, Clone)]
pub struct Promise {
    pub document: String,
    pub version: i64,
    pub job: String,
}

/// All that was asked of a program.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By the name of the document. Only one sender sends to a name.
    pub names: BTreeMap<String, Vec<Asked>>,
    /// Reindexes that were answered 202.
    pub reindexes: BTreeSet<String>,
    /// Documents whose delete was answered.
    pub deleted: BTreeSet<String>,
    /// What was seen to be wrong while the program ran.
    pub wrong: Wrong,
    contents: u32,
}

/// What must not be.
#[derive(Debug, Default, Clone)]
pub struct Wrong {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub stuck: Vec<String>,
    pub visible: Vec<String>,
    pub leftover: Vec<String>,
    /// Answers that no fault of the backends explains.
    pub failed: Vec<String>,
}

impl Wrong {
    pub fn is_empty(&self) -> bool {
        [&self.lost, &self.doubled, &self.stuck, &self.visible, &self.leftover, &self.failed]
            .iter()
            .all(|list| list.is_empty())
    }
}

impl Ledger {
    pub fn new_content(&mut self) -> Content {
        self.contents += 1;
        Content(self.contents)
    }

    /// Every content that was ever sent.
    pub fn contents(&self) -> impl Iterator<Item = Content> + use<> {
        (1..=self.contents).map(Content)
    }

    /// Notes what is about to be asked, and returns its place.
    pub fn ask(&mut self, name: &str, asked: Asked) -> usize {
        let list = self.names.entry(name.to_owned()).or_default();
        list.push(asked);
        list.len() - 1
    }

    /// An upload was answered.
    pub fn promised(&mut self, name: &str, place: usize, promise: Promise) {
        match self.names.get_mut(name).and_then(|list| list.get_mut(place)) {
            Some(Asked::Upload(_, answer)) => *answer = Some(promise),
            other => panic!("{name} at {place} is no upload: {other:?}"),
        }
    }

    /// A delete was answered.
    pub fn gone(&mut self, name: &str, place: usize) {
        match self.names.get_mut(name).and_then(|list| list.get_mut(place)) {
            Some(Asked::Delete(document, answer)) => {
                *answer = true;
                self.deleted.insert(document.clone());
            }
            other => panic!("{name} at {place} is no delete: {other:?}"),
        }
    }

    /// The document that a name stands for as far as is known, if its delete was not even asked for.
    pub fn document(&self, name: &str) -> Option<String> {
        self.names.get(name)?.iter().rev().find_map(|asked| match asked {
            Asked::Upload(_, promise) => promise.as_ref().map(|promise| Some(promise.document.clone())),
            Asked::Delete(..) => Some(None),
        })?
    }

    /// A delete of the name that was not answered, and that nothing followed.
    pub fn open_delete(&self, name: &str) -> Option<String> {
        match self.names.get(name)?.last()? {
            Asked::Delete(document, false) => Some(document.clone()),
            _ => None,
        }
    }

    /// The last thing that was uploaded under a name, if nothing followed.
    pub fn last_upload(&self, name: &str) -> Option<Content> {
        match self.names.get(name)?.last()? {
            Asked::Upload(content, _) => Some(*content),
            Asked::Delete(..) => None,
        }
    }

    /// Every upload that was answered: its name, place, content and promise.
    pub fn promises(&self) -> impl Iterator<Item = (&str, usize, Content, &Promise)> {
        self.names.iter().flat_map(|(name, list)| {
            list.iter().enumerate().filter_map(move |(place, asked)| match asked {
                Asked::Upload(content, Some(promise)) => Some((name.as_str(), place, *content, promise)),
                _ => None,
            })
        })
    }

    /// What a name may stand for in the end; `None` is no document, or one without an active version. `failed` says
    /// whether the job of an answered upload has failed, so that what was before it still stands.
    pub fn possible(&self, name: &str, failed: impl Fn(&Promise) -> bool) -> BTreeSet<Option<Content>> {
        let mut possible = BTreeSet::new();
        for asked in self.names.get(name).into_iter().flatten().rev() {
            match asked {
                Asked::Upload(_, Some(promise)) if failed(promise) => {}
                Asked::Upload(content, Some(_)) => {
                    possible.insert(Some(*content));
                    return possible;
                }
                Asked::Upload(content, None) => {
                    possible.insert(Some(*content));
                }
                Asked::Delete(_, true) => {
                    possible.insert(None);
                    return possible;
                }
                Asked::Delete(_, false) => {
                    possible.insert(None);
                }
            }
        }
        possible.insert(None);
        possible
    }
}
