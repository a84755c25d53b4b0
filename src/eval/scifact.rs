//! Retrieval questions from SciFact (Wadden et al. 2020): claims, and the abstracts that hold their evidence.
//!
//! May depend on `eval::retrieval` and `train::dataset::import`.

use std::{collections::BTreeMap, path::Path};

use super::retrieval::{EvalError, EvalQuestion, EvalSet, Target};
use crate::train::dataset::import::printed_list;

/// Reads `corpus_train.csv` and `claims_train.csv` of a folder: every abstract is a document, and every claim with at
/// least one evidence document is a question.
pub fn read(folder: &Path) -> Result<EvalSet, EvalError> {
    let mut set = EvalSet::default();
    let corpus = folder.join("corpus_train.csv");
    for row in rows(&corpus)? {
        let (id, title) = (field(&row, "doc_id", &corpus)?, field(&row, "title", &corpus)?);
        let sentences = printed_list::strings(field(&row, "abstract", &corpus)?);
        let sentences = sentences.map_err(|reason| EvalError::Malformed(corpus.clone(), format!("{id}: {reason}")))?;
        let sentences: Vec<&str> = sentences.iter().map(|sentence| sentence.trim()).collect();
        set.documents.push((format!("{id}.txt"), format!("{title}\n\n{}", sentences.join(" "))));
    }
    let claims = folder.join("claims_train.csv");
    // A claim has a row for each of its evidence documents.
    let mut targets: BTreeMap<String, (String, Vec<Target>)> = BTreeMap::new();
    for row in rows(&claims)? {
        let document = field(&row, "evidence_doc_id", &claims)?;
        if document.is_empty() {
            continue;
        }
        let target = Target { document: format!("{document}.txt"), paragraph: None, spans: Vec::new() };
        let claim =
            targets.entry(field(&row, "id", &claims)?.to_owned()).or_insert_with(|| (String::new(), Vec::new()));
        claim.0 = field(&row, "claim", &claims)?.to_owned();
        if !claim.1.contains(&target) {
            claim.1.push(target);
        }
    }
    set.questions = targets.into_values().map(|(text, targets)| EvalQuestion { text, targets }).collect();
    Ok(set)
}

type Row = BTreeMap<String, String>;

fn rows(path: &Path) -> Result<Vec<Row>, EvalError> {
    let malformed = |error: csv::Error| EvalError::Malformed(path.to_owned(), error.to_string());
    csv::Reader::from_path(path).map_err(malformed)?.deserialize().map(|row| row.map_err(malformed)).collect()
}

fn field<'a>(row: &'a Row, name: &str, path: &Path) -> Result<&'a str, EvalError> {
    let missing = || EvalError::Malformed(path.to_owned(), format!("there is no column `{name}`"));
    row.get(name).map(String::as_str).ok_or_else(missing)
}
