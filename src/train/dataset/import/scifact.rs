//! SciFact (Wadden et al. 2020) as CSV: a folder with `claims_NAME.csv` and `corpus_NAME.csv`, or one such file of
//! claims with its corpus beside it.
//!
//! A claim is a question, and the abstracts that it cites are its passages: their sentences, joined by spaces. Where the
//! annotators found evidence, all sentences of it are marked, whichever of them would do, the answer is the first set of
//! sentences, and the tag says whether they `support` or `contradict` the claim. A claim without evidence in any
//! abstract that it cites is one to decline. It stays one example, however many abstracts it cites: in a search over all
//! of them, a question has one outcome.
//!
//! May depend on `marked`, `printed_list` and `sink`.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Format, Reason, Sink,
    marked::Marked,
    printed_list,
    sink::{Draft, Refusal},
};
use crate::train::dataset::error::DatasetError;

/// One set of sentences; a claim has a row for each, and one row without any when there is no evidence.
#[derive(Deserialize)]
struct ClaimRow {
    id: String,
    claim: String,
    evidence_doc_id: String,
    evidence_label: String,
    evidence_sentences: String,
    cited_doc_ids: String,
}

#[derive(Deserialize)]
struct AbstractRow {
    doc_id: String,
    title: String,
    #[serde(rename = "abstract")]
    sentences: String,
}

/// An abstract as a passage, with the places of its sentences.
struct Abstract {
    marked: Marked,
    sentences: Vec<Range<usize>>,
}

/// Reads a folder, or one file of claims.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    for file in claim_files(path)? {
        let corpus: HashMap<String, AbstractRow> =
            rows(&corpus_of(&file)?)?.into_iter().map(|row: AbstractRow| (row.doc_id.clone(), row)).collect();
        let mut claims: Vec<Vec<ClaimRow>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for row in rows::<ClaimRow>(&file)? {
            let place = *places.entry(row.id.clone()).or_insert(claims.len());
            if place == claims.len() {
                claims.push(Vec::new());
            }
            claims[place].push(row);
        }
        let below = file.strip_prefix(path).ok().filter(|below| !below.as_os_str().is_empty());
        for rows in claims {
            let Some(first) = rows.first() else { continue };
            let record = below.map_or_else(|| first.id.clone(), |below| format!("{}#{}", below.display(), first.id));
            sink.record(record, draft(first, &rows, &corpus))?;
        }
    }
    Ok(())
}

fn draft(first: &ClaimRow, rows: &[ClaimRow], corpus: &HashMap<String, AbstractRow>) -> Result<Draft, Refusal> {
    let malformed = |reason: String| (Reason::Malformed, reason);
    let cited: Vec<u64> = printed_list::numbers(&first.cited_doc_ids).map_err(malformed)?;
    let cited: Vec<String> = cited.iter().map(u64::to_string).collect();
    let mut abstracts = Vec::new();
    for id in &cited {
        let row = corpus.get(id).ok_or_else(|| malformed(format!("the corpus has no abstract {id}")))?;
        abstracts.push(Abstract::new(row).map_err(malformed)?);
    }
    let mut draft = Draft {
        id: Some(first.id.clone()),
        question: first.claim.clone(),
        passages: abstracts.iter().map(|one| one.marked.passage.clone()).collect(),
        ..Draft::default()
    };
    let mut evidence: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for row in rows {
        if (&row.claim, &row.cited_doc_ids) != (&first.claim, &first.cited_doc_ids) {
            return Err(malformed("its rows have different claims or cited abstracts".to_owned()));
        }
        let numbers: Vec<usize> = printed_list::numbers(&row.evidence_sentences).map_err(malformed)?;
        let tag = match row.evidence_label.as_str() {
            "" if row.evidence_doc_id.is_empty() && numbers.is_empty() => continue,
            "SUPPORT" => "support",
            "CONTRADICT" => "contradict",
            other => return Err(malformed(format!("the label of its evidence is {other:?}"))),
        };
        let document = &row.evidence_doc_id;
        let place = cited.iter().position(|id| id == document);
        let place =
            place.ok_or_else(|| malformed(format!("its evidence is in {document:?}, which it does not cite")))?;
        let mut words = Vec::new();
        for number in numbers {
            let sentence = abstracts[place].sentences.get(number).filter(|sentence| !sentence.is_empty()).cloned();
            let missing =
                || (Reason::EvidenceNotInPassage, format!("the abstract {document} has no sentence {number}"));
            let sentence = sentence.ok_or_else(missing)?;
            words.push(abstracts[place].marked.passage.text[sentence.clone()].to_owned());
            evidence.entry(place).or_default().push(sentence);
        }
        if words.is_empty() {
            return Err((Reason::NotExplained, format!("no sentence of {document} is named")));
        }
        draft.answer.get_or_insert(words.join(" "));
        if !draft.tags.iter().any(|known| known == tag) {
            draft.tags.push(tag.to_owned());
        }
    }
    draft.support = evidence
        .into_iter()
        .flat_map(|(place, sentences)| abstracts[place].marked.evidence(sentences.into_iter()))
        .collect();
    Ok(draft)
}

impl Abstract {
    fn new(row: &AbstractRow) -> Result<Self, String> {
        let (mut text, mut sentences) = (String::new(), Vec::new());
        for sentence in printed_list::strings(&row.sentences).map_err(|reason| format!("{}: {reason}", row.doc_id))? {
            let sentence = sentence.trim();
            if !text.is_empty() && !sentence.is_empty() {
                text.push(' ');
            }
            sentences.push(text.len()..text.len() + sentence.len());
            text.push_str(sentence);
        }
        Ok(Self { marked: Marked::new(&row.title, &text), sentences })
    }
}

fn claim_files(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(DatasetError::io("reading", path))? {
        let file = entry.map_err(DatasetError::io("reading", path))?.path();
        if name_of(&file).starts_with("claims_") && name_of(&file).ends_with(".csv") {
            files.push(file);
        }
    }
    files.sort_unstable();
    if files.is_empty() { Err(wrong(path, "there is no file claims_*.csv in it".to_owned())) } else { Ok(files) }
}

/// The file of the abstracts, beside that of the claims.
fn corpus_of(claims: &Path) -> Result<PathBuf, DatasetError> {
    let name = name_of(claims);
    let rest = name.strip_prefix("claims_").ok_or_else(|| {
        wrong(claims, "its name does not begin with claims_, so the file of its abstracts is not known".to_owned())
    })?;
    Ok(claims.with_file_name(format!("corpus_{rest}")))
}

fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn wrong(file: &Path, reason: String) -> DatasetError {
    DatasetError::Format { file: file.to_owned(), format: Format::SciFact.as_str(), reason }
}

fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DatasetError> {
    let mut reader = ::csv::Reader::from_path(path).map_err(|error| wrong(path, error.to_string()))?;
    reader.deserialize().collect::<Result<_, _>>().map_err(|error: ::csv::Error| wrong(path, error.to_string()))
}
