//! The documents of an open suite: the passages of a data set put together again, so that they can be ingested as a
//! user's documents are, and citations of those documents translated back into passages.
//!
//! May depend on `domain::text` and `train::dataset`.

use std::collections::HashMap;

use crate::{domain::text::CodePointRange, train::dataset::example::Passage};

/// Between two passages of a document: they are paragraphs.
const BETWEEN: &str = "\n\n";

/// Why passages do not make documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorpusError {
    /// One id for two texts.
    #[error("the passage `{0}` has two different texts or titles in the data set; give them different ids")]
    TwoTexts(String),
    /// Two documents of one name: the second would take the place of the first when they are ingested.
    #[error("the titles `{0}` and `{1}` give documents the same name; rename one of them in the data set")]
    SameName(String, String),
    /// A document that would be too long for offsets.
    #[error("the document `{0}` has more than 2^32 code points")]
    TooLong(String),
}

impl CorpusError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// The passages of a data set, each once, in the order in which they first occur.
pub fn distinct<'a>(passages: impl IntoIterator<Item = &'a Passage>) -> Result<Vec<Passage>, CorpusError> {
    let mut found: Vec<Passage> = Vec::new();
    let mut known: HashMap<&str, &Passage> = HashMap::new();
    for passage in passages {
        match known.insert(&passage.id, passage) {
            Some(first) if first != passage => return Err(CorpusError::TwoTexts(passage.id.clone())),
            Some(_) => {}
            None => found.push(passage.clone()),
        }
    }
    Ok(found)
}

/// A document of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusDocument {
    /// Its name: the title of its passages with `.txt`.
    pub name: String,
    /// Its text: the passages in their order, an empty line between two.
    pub text: String,
    places: Vec<(String, CodePointRange)>,
}

/// The documents of an open suite.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Corpus {
    /// In the order of their first passages.
    pub documents: Vec<CorpusDocument>,
}

impl Corpus {
    /// Puts distinct passages together: those of one title become one document.
    pub fn of(passages: &[Passage]) -> Result<Self, CorpusError> {
        let mut documents: Vec<CorpusDocument> = Vec::new();
        let mut lengths: Vec<usize> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut titles: HashMap<String, &str> = HashMap::new();
        for passage in passages {
            let name = format!("{}.txt", passage.title.replace(['/', '\\'], "-"));
            let title = *titles.entry(name.clone()).or_insert(&passage.title);
            if title != passage.title {
                return Err(CorpusError::SameName(title.to_owned(), passage.title.clone()));
            }
            let at = *known.entry(&passage.title).or_insert_with(|| {
                documents.push(CorpusDocument { name, text: String::new(), places: Vec::new() });
                lengths.push(0);
                documents.len() - 1
            });
            let document = &mut documents[at];
            if !document.places.is_empty() {
                document.text.push_str(BETWEEN);
                lengths[at] += BETWEEN.len();
            }
            let start = lengths[at];
            lengths[at] += passage.text.chars().count();
            document.text.push_str(&passage.text);
            let position = |at: usize| u32::try_from(at).map_err(|_| CorpusError::TooLong(passage.title.clone()));
            let range = CodePointRange { start: position(start)?, end: position(lengths[at])? };
            document.places.push((passage.id.clone(), range));
        }
        Ok(Self { documents })
    }

    /// The passage in which a stretch of a document lies, and the stretch inside it. `None` when no passage holds all
    /// of it.
    pub fn locate(&self, document: &str, range: CodePointRange) -> Option<(&str, CodePointRange)> {
        let places = &self.documents.iter().find(|known| known.name == document)?.places;
        let (passage, whole) = places.iter().find(|(_, whole)| whole.start <= range.start && range.end <= whole.end)?;
        let inside = CodePointRange { start: range.start - whole.start, end: range.end - whole.start };
        Some((passage, inside))
    }

    /// The passages that a stretch of a document touches, in their order: what a chunk of it holds.
    pub fn touched(&self, document: &str, range: CodePointRange) -> Vec<&str> {
        let document = self.documents.iter().find(|known| known.name == document);
        let places = document.into_iter().flat_map(|document| &document.places);
        places
            .filter(|(_, whole)| whole.start < range.end && range.start < whole.end)
            .map(|(id, _)| id.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::domain::text::CodePointIndex;

    fn passage(id: &str, title: &str, text: &str) -> Passage {
        Passage { id: id.into(), title: title.into(), text: text.into() }
    }

    #[test]
    fn passages_of_one_title_are_paragraphs_of_one_document() {
        let passages = [passage("a", "Pier", "Grün."), passage("b", "Hut", "Old."), passage("c", "Pier", "Long.")];
        let corpus = Corpus::of(&passages).unwrap();
        let texts: Vec<(&str, &str)> = corpus.documents.iter().map(|d| (d.name.as_str(), d.text.as_str())).collect();
        assert_eq!(texts, [("Pier.txt", "Grün.\n\nLong."), ("Hut.txt", "Old.")]);
        let range = |start, end| CodePointRange { start, end };
        assert_eq!(corpus.locate("Pier.txt", range(7, 11)), Some(("c", range(0, 4))));
        assert_eq!(corpus.locate("Pier.txt", range(4, 8)), None);
        assert_eq!(corpus.locate("Hall.txt", range(0, 1)), None);
        assert_eq!(corpus.touched("Pier.txt", range(4, 8)), ["a", "c"]);
        assert_eq!(corpus.touched("Pier.txt", range(5, 7)), Vec::<&str>::new());
    }

    #[test]
    fn two_titles_that_would_be_one_document_are_refused() {
        let passages = [passage("a", "Pier/Hut", "Old."), passage("b", "Pier-Hut", "New.")];
        let error = Corpus::of(&passages).unwrap_err().to_string();
        assert!(error.contains("Pier/Hut") && error.contains("Pier-Hut"), "{error}");
        assert!(Corpus::of(&passages[..1]).is_ok());
    }

    #[test]
    fn a_passage_occurs_once_and_means_one_text() {
        let (one, other) = (passage("a", "Pier", "Green."), passage("a", "Pier", "Blue."));
        assert_eq!(distinct([&one, &one]).unwrap(), std::slice::from_ref(&one));
        assert_eq!(distinct([&one, &other]), Err(CorpusError::TwoTexts("a".into())));
    }

    proptest! {
        #[test]
        fn what_is_located_is_the_text_of_the_passage(
            texts in prop::collection::vec(("[ab]", "\\PC{1,30}"), 1..12), which in any::<prop::sample::Index>(),
        ) {
            let passages: Vec<Passage> = texts
                .iter()
                .enumerate()
                .map(|(at, (title, text))| passage(&at.to_string(), title, text))
                .collect();
            let corpus = Corpus::of(&passages).unwrap();
            let wanted = which.get(&passages);
            let document = corpus.documents.iter().find(|one| one.name == format!("{}.txt", wanted.title)).unwrap();
            let (_, range) = document.places.iter().find(|(id, _)| *id == wanted.id).unwrap();
            prop_assert_eq!(CodePointIndex::new(&document.text).slice(*range), Some(wanted.text.as_str()));
            let (id, inside) = corpus.locate(&document.name, *range).unwrap();
            prop_assert_eq!((id, inside.start, inside.end), (wanted.id.as_str(), 0, range.len()));
        }
    }
}
