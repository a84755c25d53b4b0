//! How well the right passage is found: documents are ingested through the product's own pipeline into an index of
//! their own, and every question is searched as a user's would be.
//!
//! May depend on `answer`, `app`, `domain`, `ingest` and the encoder's pairs.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use serde::{Serialize, de::DeserializeOwned};

use super::metrics::{ndcg_at, recall_at};
use crate::{
    answer::{self, Passage, RankingKind, SearchRequest},
    app::App,
    domain::{Access, text::CodePointRange},
    models::encoder::{PairError, PairScorer},
};

/// Documents and questions.
#[derive(Debug, Default)]
pub struct EvalSet {
    /// Name and text.
    pub documents: Vec<(String, String)>,
    /// The questions.
    pub questions: Vec<EvalQuestion>,
}

/// A question whose targets are known.
#[derive(Debug)]
pub struct EvalQuestion {
    /// The question.
    pub text: String,
    /// Where its answer stands: any of these.
    pub targets: Vec<Target>,
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The document's name.
    pub document: String,
    /// The paragraph; the whole document when absent.
    pub paragraph: Option<CodePointRange>,
    /// The answers in the paragraph; empty when the question has none.
    pub spans: Vec<CodePointRange>,
}

/// Why an evaluation could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{0}: {1}")]
    Malformed(PathBuf, String),
    /// The stored text of a document is not the text that was given, so offsets would mean something else.
    #[error("the stored text of `{0}` differs from the given one")]
    Changed(String),
    /// A search failed.
    #[error(transparent)]
    Answer(#[from] answer::AnswerError),
    /// Putting passages in a new order failed.
    #[error(transparent)]
    Rerank(#[from] PairError),
}

impl EvalError {
    /// Whether the same evaluation may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Answer(error) => error.is_transient(),
            Self::Rerank(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let text = std::fs::read(path).map_err(|error| EvalError::Unreadable(path.to_owned(), error))?;
    serde_json::from_slice(&text).map_err(|error| EvalError::Malformed(path.to_owned(), error.to_string()))
}

/// The figures of one ranking.
#[derive(Debug, Serialize)]
pub struct RetrievalReport {
    /// How passages were ranked.
    pub ranking: RankingKind,
    /// The questions.
    pub questions: usize,
    /// Recall of the target at 1, 3, 5 and 10.
    pub recall: [f64; 4],
    /// nDCG at 10, over passages where answers have a place, else over documents.
    pub ndcg_at_10: f64,
    /// How many of the first passages were put in a new order, and how long that took for a question on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<RerankCost>,
}

/// What putting passages in a new order took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RerankCost {
    /// How many passages of each question.
    pub depth: usize,
    /// Milliseconds for a question, on average.
    pub milliseconds: f64,
}

/// The first `depth` passages of every question are put in the order of their scores.
#[derive(Clone)]
pub struct Rerank {
    /// What scores a question and a passage; its first label counts.
    pub scorer: Arc<dyn PairScorer>,
    /// How many passages.
    pub depth: usize,
}

impl Rerank {
    /// The passages in their new order. Of equal ones the first stays first.
    async fn apply(&self, question: &str, mut found: Vec<Passage>) -> Result<Vec<Passage>, EvalError> {
        let rest = found.split_off(self.depth.min(found.len()));
        let pairs = found.iter().map(|passage| (question.to_owned(), passage.chunk.indexed_text()));
        let scores = self.scorer.score(pairs.collect()).await?;
        let mut scored: Vec<(f32, Passage)> =
            scores.iter().map(|scores| scores.first().copied().unwrap_or(0.0)).zip(found).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(scored.into_iter().map(|(_, passage)| passage).chain(rest).collect())
    }
}

/// Searches every question and compares with its targets.
pub async fn evaluate(
    app: &Arc<App>,
    set: &EvalSet,
    ranking: RankingKind,
    rerank: Option<&Rerank>,
) -> Result<RetrievalReport, EvalError> {
    let mut ranks = Vec::with_capacity(set.questions.len());
    let (mut gains, mut seconds) = (0.0, 0.0);
    for question in &set.questions {
        let request = SearchRequest {
            question: question.text.clone(),
            collection: None,
            filter: None,
            // Several chunks of a document count once for nDCG, so more than ten are asked for.
            top_k: Some(30),
            ranking,
            access: Access::everything(),
        };
        let mut found = answer::search(&app.retrieve, request).await?.results;
        if let Some(rerank) = rerank {
            let clock = Instant::now();
            found = rerank.apply(&question.text, found).await?;
            seconds += clock.elapsed().as_secs_f64();
        }
        let rank = found.iter().position(|passage| question.targets.iter().any(|target| target.is_held_by(passage)));
        ranks.push(rank.map(|at| at + 1));
        gains += gain(question, &found, rank);
    }
    Ok(RetrievalReport {
        ranking,
        questions: ranks.len(),
        recall: [1, 3, 5, 10].map(|k| recall_at(&ranks, k)),
        ndcg_at_10: gains / ranks.len().max(1) as f64,
        rerank: rerank.map(|rerank| RerankCost {
            depth: rerank.depth,
            milliseconds: 1000.0 * seconds / ranks.len().max(1) as f64,
        }),
    })
}

/// nDCG at 10 of a ranking. Where the answer stands in one place of a document, the first passage that holds it counts;
/// where whole documents answer, each of them counts once.
fn gain(question: &EvalQuestion, found: &[Passage], rank: Option<usize>) -> f64 {
    if question.targets.iter().any(|target| target.paragraph.is_some()) {
        let hits: Vec<bool> = (0..found.len()).map(|at| Some(at) == rank).collect();
        return ndcg_at(&hits, 1, 10);
    }
    let mut documents: Vec<&str> = Vec::new();
    for passage in found {
        if !documents.contains(&passage.name.as_str()) {
            documents.push(&passage.name);
        }
    }
    let is_relevant = |name: &&str| question.targets.iter().any(|target| target.document == *name);
    let relevant: HashSet<&str> = question.targets.iter().map(|target| target.document.as_str()).collect();
    ndcg_at(&documents.iter().map(is_relevant).collect::<Vec<bool>>(), relevant.len(), 10)
}

impl Target {
    /// Whether a passage holds the target.
    pub fn is_held_by(&self, passage: &Passage) -> bool {
        if passage.name != self.document {
            return false;
        }
        let chunk = passage.chunk.range;
        let Some(paragraph) = self.paragraph else { return true };
        if !self.spans.is_empty() {
            return self.spans.iter().any(|span| chunk.start <= span.start && span.end <= chunk.end);
        }
        let shared = chunk.end.min(paragraph.end).saturating_sub(chunk.start.max(paragraph.start));
        2 * shared > paragraph.len().min(chunk.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::postfilter_testing::passage;

    fn target(spans: Vec<CodePointRange>) -> Target {
        let paragraph = Some(CodePointRange { start: 10, end: 50 });
        Target { document: "guide.md".into(), paragraph, spans }
    }

    #[test]
    fn a_chunk_holds_an_answer_whole_or_not_at_all() {
        let mut found = passage("x");
        found.chunk.range = CodePointRange { start: 0, end: 30 };
        let span = |start, end| target(vec![CodePointRange { start, end }]);
        assert!(span(20, 30).is_held_by(&found));
        assert!(!span(25, 31).is_held_by(&found));
        found.name = "other.md".into();
        assert!(!span(20, 30).is_held_by(&found));
    }

    #[test]
    fn a_place_is_found_once_and_documents_count_once_each() {
        let mut other = passage("y");
        other.name = "other.md".into();
        let found = [other.clone(), passage("x"), passage("x"), other];
        let question = |target: Target| EvalQuestion { text: String::new(), targets: vec![target] };
        let second = 1.0 / 3f64.log2();
        assert!((gain(&question(target(vec![])), &found, Some(1)) - second).abs() < 1e-12);
        assert_eq!(gain(&question(target(vec![])), &found, None), 0.0);
        let whole = Target { document: "guide.md".into(), paragraph: None, spans: vec![] };
        assert!((gain(&question(whole), &found, Some(1)) - second).abs() < 1e-12);
    }

    #[test]
    fn without_an_answer_more_than_half_must_be_shared() {
        let mut found = passage("x");
        for (end, held) in [(20, false), (22, true), (60, true)] {
            found.chunk.range = CodePointRange { start: 0, end };
            assert_eq!(target(vec![]).is_held_by(&found), held, "{end}");
        }
    }
}
