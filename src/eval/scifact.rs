//! Retrieval questions from SciFact (Wadden et al. 2020): claims, and the abstracts that hold their evidence.
//!
//! May depend on `eval::retrieval`.

use std::{collections::BTreeMap, path::Path};

use super::retrieval::{EvalError, EvalQuestion, EvalSet, Target};

/// Reads `corpus_train.csv` and `claims_train.csv` of a folder: every abstract is a document, and every claim with at
/// least one evidence document is a question.
pub fn read(folder: &Path) -> Result<EvalSet, EvalError> {
    let mut set = EvalSet::default();
    let corpus = folder.join("corpus_train.csv");
    for row in rows(&corpus)? {
        let (id, title) = (field(&row, "doc_id", &corpus)?, field(&row, "title", &corpus)?);
        let sentences = quoted_strings(field(&row, "abstract", &corpus)?);
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

/// The strings of a list as Python prints it: each in single or double quotes, with backslash escapes.
fn quoted_strings(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = list.chars();
    while let Some(quote) = characters.by_ref().find(|c| *c == '\'' || *c == '"') {
        let mut text = String::new();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(other) => text.push(other),
                    None => {}
                },
                c if c == quote => break,
                c => text.push(c),
            }
        }
        found.push(text.trim().to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::quoted_strings;

    #[test]
    fn a_printed_list_is_read_with_either_quote() {
        let list = "['One\\'s first.' \"It's second.\"\n 'Third \"quoted\".']";
        assert_eq!(quoted_strings(list), ["One's first.", "It's second.", "Third \"quoted\"."]);
    }
}
