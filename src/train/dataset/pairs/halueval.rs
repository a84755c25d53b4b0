//! HaluEval's questions (Li et al. 2023): a question with what is known, a right answer and one that a language model made
//! up. The right one is supported by what is known, the other is not; whether it contradicts it nobody marked.
//!
//! The made-up answers are much longer than the right ones: the number of words alone tells them apart in nine of ten
//! cases. So the right answers are there twice, the second time in a sentence (tag `worded`), and a measurement names
//! both. Cut by what is known: questions over the same text lie in the same split.
//!
//! May depend on the siblings and the parent's `files`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    NOT_SUPPORTED, Pair, PairWriter, PairsReport, SUPPORTED,
    clusters::{clusters, splits},
};
use crate::{
    domain::sentences::sentences,
    train::dataset::{error::DatasetError, normal_form},
};

/// A record.
#[derive(Debug, Deserialize)]
struct Record {
    knowledge: String,
    question: String,
    right_answer: String,
    hallucinated_answer: String,
}

/// Sentences with so many words say which text they are from.
const TELLING: usize = 6;

/// Makes the splits `train`, `validation` and `test` of the new folder `out` from files of JSON lines.
pub fn halueval_pairs(files: &[PathBuf], seed: u64, out: &Path) -> Result<PairsReport, DatasetError> {
    let mut records = Vec::new();
    for path in files {
        let text = fs::read_to_string(path).map_err(DatasetError::io("reading", path))?;
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let record: Record = serde_json::from_str(line).map_err(|error| DatasetError::Line {
                file: path.clone(),
                line: number as u32 + 1,
                reason: format!("no record of HaluEval's questions: {error}"),
            })?;
            records.push((format!("{name}-{}", number + 1), record));
        }
    }
    let keys: Vec<Vec<u64>> = records.iter().map(|(_, record)| keys(record)).collect();
    let clusters = clusters(&keys);
    let splits = splits(&clusters, seed);
    let mut writer = PairWriter::create(out)?;
    let mut seen = std::collections::HashSet::new();
    for ((name, record), cluster) in records.iter().zip(&clusters) {
        writer.report.read += 1;
        let Record { knowledge, question, right_answer, hallucinated_answer } = record;
        let question = question.trim();
        let said = [
            (SUPPORTED, "bare", format!("{question} {right_answer}")),
            (SUPPORTED, "worded", format!("{question} {}", worded(right_answer))),
            (NOT_SUPPORTED, "made-up", format!("{question} {hallucinated_answer}")),
        ];
        for (label, tag, first) in said {
            if !seen.insert((normal_form::key(&first), label)) {
                continue;
            }
            let pair = Pair {
                id: format!("halueval-{name}-{tag}"),
                first,
                second: knowledge.trim().to_owned(),
                label: label.to_owned(),
                source: format!("halueval-{cluster}"),
                group: None,
                tags: vec![tag.to_owned()],
                provenance: name.clone(),
                licence: "MIT".to_owned(),
            };
            writer.write(splits.get(cluster).copied(), &pair)?;
        }
    }
    writer.finish()
}

/// What ties records together: the question, and the sentences of what is known.
fn keys(record: &Record) -> Vec<u64> {
    let text = record.knowledge.trim();
    let telling = sentences(text).into_iter().map(|range| &text[range]);
    let telling = telling.filter(|sentence| normal_form::word_count(sentence) >= TELLING).map(normal_form::key);
    telling.chain([normal_form::key(&record.question), normal_form::key(text)]).collect()
}

/// A bare answer in a sentence.
fn worded(answer: &str) -> String {
    let answer = answer.trim().trim_end_matches('.');
    match answer.to_lowercase().as_str() {
        "yes" => "Yes, that is what the text says.".to_owned(),
        "no" => "No, that is not what the text says.".to_owned(),
        _ => format!("The answer to this question is {answer}."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::train::dataset::pairs::file::{read, unsound};

    #[test]
    fn questions_over_one_text_stay_together_and_both_answers_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let line = |number: usize, text: usize| {
            serde_json::json!({
                "knowledge": format!("The kiln number {text} was lit by a woman named Ada. It burns."),
                "question": format!("Who lit kiln {number}?"), "right_answer": "Ada", "hallucinated_answer": "Bertha lit it.",
            })
            .to_string()
        };
        let lines: Vec<String> = (0..60).map(|number| line(number, number / 2)).collect();
        let path = folder.path().join("one.json");
        fs::write(&path, lines.join("\n")).unwrap();
        let out = folder.path().join("out");
        let report = halueval_pairs(&[path.clone(), path], 1, &out).unwrap();
        let counted: u64 = report.pairs.values().flat_map(|labels| labels.values()).sum();
        assert_eq!((report.read, counted), (120, 180), "the same record makes no pair twice");
        assert!(["train", "validation", "test"].iter().all(|split| report.pairs[*split].len() == 2));
        let pairs = |split: &str| read(&out.join(split)).unwrap().remove(0).pairs;
        assert_eq!(unsound(pairs("train").iter(), pairs("test").iter(), 3), Vec::<String>::new());
        let worded = pairs("train").into_iter().find(|pair| pair.tags == ["worded"]).unwrap();
        assert!(worded.first.ends_with("The answer to this question is Ada.") && worded.label == SUPPORTED);
    }
}
