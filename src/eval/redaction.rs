//! How well personal data is found, on texts in which somebody marked it: the synthetic sentences of Microsoft's
//! presidio-research (`generated_large.json`; MIT), a JSON list of texts with spans in code points.
//!
//! Only the kinds that are blacked out are measured: names and addresses are not. May depend on
//! `domain::personal_data` and `eval::bootstrap`.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Resampling, Units, interval};
use crate::domain::{
    personal_data::{PersonalKind, pieces},
    text::CodePointIndex,
};

/// Why a file cannot be measured on.
#[derive(Debug, thiserror::Error)]
pub enum RedactionError {
    /// It cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// It is no list of texts with spans.
    #[error("{0} is no list of texts with spans (`full_text`, `spans`): {1}")]
    Malformed(PathBuf, serde_json::Error),
    /// A span does not lie in its text.
    #[error("the span {start} to {end} does not lie in text {text} (counted from 0) of {path}")]
    Span {
        /// The file.
        path: PathBuf,
        /// The text's place in it.
        text: usize,
        /// Where the span starts.
        start: u32,
        /// Where it ends.
        end: u32,
    },
}

impl RedactionError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

#[derive(Deserialize)]
struct MarkedText {
    full_text: String,
    spans: Vec<MarkedSpan>,
}

#[derive(Deserialize)]
struct MarkedSpan {
    entity_type: String,
    start_position: u32,
    end_position: u32,
}

/// What was marked in a text, and what was found there, in bytes.
struct Compared {
    marked: Vec<(PersonalKind, Range<usize>)>,
    found: Vec<(PersonalKind, Range<usize>)>,
}

/// The figures of a kind, with intervals over texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindFigures {
    /// The kind; all of them together when absent.
    pub kind: Option<PersonalKind>,
    /// How many pieces were marked.
    pub marked: usize,
    /// How many were found.
    pub found: usize,
    /// The share of the marked pieces of which every letter and digit is blacked out, whatever it was taken for.
    pub recall: Option<Estimate>,
    /// The share of the found pieces that lie over a marked piece of their kind.
    pub precision: Option<Estimate>,
}

/// The kind by its name in the file.
fn kind_of(entity: &str) -> Option<PersonalKind> {
    Some(match entity {
        "EMAIL_ADDRESS" => PersonalKind::Email,
        "PHONE_NUMBER" => PersonalKind::Phone,
        "CREDIT_CARD" => PersonalKind::Card,
        "IBAN_CODE" => PersonalKind::Iban,
        "US_SSN" => PersonalKind::NationalId,
        _ => return None,
    })
}

/// Looks for personal data in the texts of a file.
pub fn measure(path: &Path, resampling: &Resampling) -> Result<Vec<KindFigures>, RedactionError> {
    let json = fs::read_to_string(path).map_err(|error| RedactionError::Io(path.to_owned(), error))?;
    let texts: Vec<MarkedText> =
        serde_json::from_str(&json).map_err(|error| RedactionError::Malformed(path.to_owned(), error))?;
    let mut compared = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let index = CodePointIndex::new(&text.full_text);
        let mut marked = Vec::new();
        for span in &text.spans {
            let Some(kind) = kind_of(&span.entity_type) else { continue };
            let (start, end) = (span.start_position, span.end_position);
            let bytes = index.byte_of(start).zip(index.byte_of(end)).filter(|(start, end)| start < end);
            let (from, to) =
                bytes.ok_or_else(|| RedactionError::Span { path: path.to_owned(), text: at, start, end })?;
            marked.push((kind, trimmed(&text.full_text, from..to)));
        }
        let found = pieces(&text.full_text).into_iter().map(|piece| (piece.kind, piece.range)).collect();
        compared.push(Compared { marked, found });
    }
    let measured = PersonalKind::ALL.into_iter().filter(|kind| *kind != PersonalKind::Secret);
    Ok(std::iter::once(None).chain(measured.map(Some)).map(|kind| figures(&compared, kind, resampling)).collect())
}

/// A span without the punctuation and the spaces at its ends, which nobody has to black out.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let marked = &text[range.clone()];
    let start = range.start + (marked.len() - marked.trim_start_matches(|c: char| !c.is_alphanumeric()).len());
    let end = range.start + marked.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    if start < end { start..end } else { range }
}

fn figures(compared: &[Compared], kind: Option<PersonalKind>, resampling: &Resampling) -> KindFigures {
    let is_of = |other: PersonalKind| match kind {
        Some(kind) => kind == other,
        None => other != PersonalKind::Secret,
    };
    let covered = |text: &Compared, marked: &Range<usize>| {
        text.found.iter().any(|(_, found)| found.start <= marked.start && marked.end <= found.end)
    };
    let right = |text: &Compared, kind: PersonalKind, found: &Range<usize>| {
        let over = |marked: &Range<usize>| found.start < marked.end && marked.start < found.end;
        text.marked.iter().any(|(other, marked)| *other == kind && over(marked))
    };
    // Of each text: the marked pieces and those that were covered, the found ones and those that are right.
    let counts: Vec<[f64; 4]> = compared
        .iter()
        .map(|text| {
            let marked: Vec<_> = text.marked.iter().filter(|(kind, _)| is_of(*kind)).collect();
            let found: Vec<_> = text.found.iter().filter(|(kind, _)| is_of(*kind)).collect();
            let recalled = marked.iter().filter(|(_, range)| covered(text, range)).count();
            let precise = found.iter().filter(|(kind, range)| right(text, *kind, range)).count();
            [marked.len(), recalled, found.len(), precise].map(|count| count as f64)
        })
        .collect();
    let sum = |drawn: &[usize], at: usize| drawn.iter().map(|text| counts[*text][at]).sum::<f64>();
    let share = |part: usize, whole: usize| {
        let share = |drawn: &[usize]| {
            let all = sum(drawn, whole);
            (all > 0.0).then(|| sum(drawn, part) / all)
        };
        interval(&Units::questions(counts.len()), resampling, share)
    };
    let total = |at: usize| counts.iter().map(|counts| counts[at]).sum::<f64>() as usize;
    KindFigures { kind, marked: total(0), found: total(2), recall: share(1, 0), precision: share(3, 2) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::eval::suite::LEVEL;

    fn measured(json: &str) -> Result<Vec<KindFigures>, RedactionError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marked.json");
        fs::write(&path, json).unwrap();
        measure(&path, &Resampling::new(100, 1, LEVEL).unwrap())
    }

    #[test]
    fn what_is_missed_and_what_is_no_personal_data_both_count() {
        let json = r#"[
            {"full_text": "Ähm, write to ada@kiln.org.", "spans": [
                {"entity_type": "EMAIL_ADDRESS", "start_position": 14, "end_position": 26},
                {"entity_type": "PERSON", "start_position": 0, "end_position": 3}]},
            {"full_text": "Her address is ada at kiln.", "spans": [
                {"entity_type": "EMAIL_ADDRESS", "start_position": 15, "end_position": 26}]},
            {"full_text": "Or bob@kiln.org, he says.", "spans": []}]"#;
        let figures = measured(json).unwrap();
        let email = figures.iter().find(|figures| figures.kind == Some(PersonalKind::Email)).unwrap();
        assert_eq!((email.marked, email.found), (2, 2));
        assert_eq!(email.recall.as_ref().unwrap().value, 0.5);
        assert_eq!(email.precision.as_ref().unwrap().value, 0.5);
        assert_eq!((figures[0].kind, figures[0].marked), (None, 2));
        let card = figures.iter().find(|figures| figures.kind == Some(PersonalKind::Card)).unwrap();
        assert!(card.recall.is_none() && card.precision.is_none());
    }

    #[test]
    fn a_file_that_is_none_and_a_span_outside_its_text_are_refused() {
        assert!(matches!(measured("{}"), Err(RedactionError::Malformed(..))));
        let outside = r#"[{"full_text": "a", "spans": [
            {"entity_type": "US_SSN", "start_position": 0, "end_position": 9}]}]"#;
        let error = measured(outside).unwrap_err();
        assert!(matches!(error, RedactionError::Span { text: 0, end: 9, .. }) && !error.is_transient(), "{error}");
        let missing = measure(Path::new("no/such.json"), &Resampling::new(100, 1, LEVEL).unwrap());
        assert!(matches!(missing, Err(RedactionError::Io(..))));
    }
}
