//! Pairs for "does this passage answer the question?": the gold passage of each question, and near ones that do not
//! answer it, found by BM25.
//!
//! The pairs of a question are a group: they compete. May depend on the parent's `files` and `hard_negatives`.

use std::path::Path;

use super::{NOT_RELEVANT, Pair, PairWriter, PairsReport, RELEVANT};
use crate::train::dataset::{
    SYNTHETIC,
    error::DatasetError,
    example::{Example, Expected, Passage},
    files::DataSet,
    hard_negatives::pool::Pool,
    normal_form,
    split_mix::SplitMix64,
};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RerankPairs {
    /// So many passages that do not answer beside the one that does.
    pub negatives: usize,
    /// They are drawn from so many of the nearest.
    pub depth: usize,
    /// At most so many questions, drawn by the seed; all when absent.
    pub limit: Option<usize>,
    /// Decides which questions, and which passages.
    pub seed: u64,
}

/// Makes pairs of the answered examples of `set` and writes them to the new folder `out`.
pub fn rerank_pairs(set: &DataSet, wanted: &RerankPairs, out: &Path) -> Result<PairsReport, DatasetError> {
    let [split] = set.splits()[..] else {
        let reason = format!("{} has several splits; name the folder of one", set.root().display());
        return Err(DatasetError::Request(reason));
    };
    if wanted.negatives == 0 || wanted.depth < wanted.negatives {
        return Err(DatasetError::Request("ask for at least 1 negative, and a depth of as many".to_owned()));
    }
    let pool = Pool::read(set, split)?;
    let mut examples: Vec<Example> = Vec::new();
    for located in set.examples() {
        let example = located?.example;
        if example.expected == Expected::Answered {
            examples.push(example);
        }
    }
    let mut order: Vec<usize> = (0..examples.len()).collect();
    SplitMix64::new(wanted.seed).shuffle(&mut order);
    order.truncate(wanted.limit.unwrap_or(usize::MAX));
    order.sort_unstable();
    let mut writer = PairWriter::create(out)?;
    for example in order.into_iter().map(|at| &examples[at]) {
        writer.report.read += 1;
        let gold =
            example.passages.iter().find(|passage| example.support.iter().any(|span| span.passage == passage.id));
        let Some(gold) = gold.filter(|_| pool.is_checkable(example)) else {
            writer.report.passed_over += 1;
            continue;
        };
        // The same words again, written or cut otherwise, answer as well.
        let key = |passage: &Passage| normal_form::key(&titled(&passage.title, &passage.text));
        let (pool, own) = (&pool, key(gold));
        let others = pool.wrong_passages(example).filter(|number| key(&pool.get(*number).passage) != own);
        let mut near: Vec<usize> = others.take(wanted.depth).collect();
        SplitMix64::for_name(wanted.seed, &example.id).shuffle(&mut near);
        near.truncate(wanted.negatives);
        if near.is_empty() {
            writer.report.passed_over += 1;
            continue;
        }
        writer.write(None, &pair(example, 0, gold, gold))?;
        for (rank, number) in near.into_iter().enumerate() {
            writer.write(None, &pair(example, rank + 1, &pool.get(number).passage, gold))?;
        }
    }
    writer.finish()
}

fn pair(example: &Example, rank: usize, passage: &Passage, gold: &Passage) -> Pair {
    let label = if rank == 0 { RELEVANT } else { NOT_RELEVANT };
    Pair {
        id: format!("{}-{rank}", example.id),
        first: example.question.clone(),
        second: titled(&passage.title, &passage.text),
        label: label.to_owned(),
        source: gold.title.clone(),
        group: Some(example.id.clone()),
        tags: if rank == 0 { Vec::new() } else { vec![SYNTHETIC.to_owned()] },
        provenance: example.provenance.clone(),
        licence: example.licence.clone(),
    }
}

/// A passage with the title of its document before it, as chunks are indexed.
pub fn titled(title: &str, text: &str) -> String {
    if title.trim().is_empty() { text.to_owned() } else { format!("{}\n{text}", title.trim()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::train::dataset::{files::Writer, pairs::file::read};

    #[test]
    fn each_question_has_its_passage_and_near_ones_that_do_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("set")).unwrap();
        let names = ["Ada", "Bertha", "Clara", "Dora", "Emma", "Frida"];
        for (number, name) in names.into_iter().enumerate() {
            let example: Example = serde_json::from_value(serde_json::json!({
                "id": format!("e{number}"), "kind": "task", "question": format!("Who lit kiln {number}?"),
                "passages": [{"id": "p", "title": format!("Kiln {number}"), "text": format!("The kiln {number} was lit by {name}.")}],
                "expected": "answered", "answer": name, "short_answers": [name],
                "support": [{"passage": "p", "start": 0, "end": 5, "role": "evidence"}],
                "provenance": "written here", "licence": "CC0-1.0",
            }))
            .unwrap();
            writer.write(None, &example).unwrap();
        }
        writer.finish().unwrap();
        let set = DataSet::open(&folder.path().join("set")).unwrap();
        let wanted = RerankPairs { negatives: 2, depth: 4, limit: Some(5), seed: 1 };
        let out = folder.path().join("out");
        let report = rerank_pairs(&set, &wanted, &out).unwrap();
        assert_eq!((report.pairs["all"][RELEVANT], report.pairs["all"][NOT_RELEVANT]), (5, 10));
        for pair in read(&out).unwrap().remove(0).pairs {
            let (_, number) = pair.first.trim_end_matches('?').rsplit_once(' ').unwrap();
            let own = pair.second.starts_with(&format!("Kiln {number}\n"));
            assert!(own == (pair.label == RELEVANT) && pair.group.is_some(), "{pair:?}");
        }
        assert!(rerank_pairs(&set, &RerankPairs { negatives: 0, ..wanted }, &folder.path().join("x")).is_err());
    }
}
