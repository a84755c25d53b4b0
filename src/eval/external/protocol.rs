//! The lines of JSON between an evaluation and the program that it measures.
//!
//! | To the program | From the program |
//! |---|---|
//! | open suite, first: `{"document": {"name", "text"}}` for each, then `{"documents": COUNT}` | once it can be asked about them: `{"documents": COUNT}` |
//! | closed suite: `{"question", "history"?, "passages": [{"id", "title", "text"}]}` | `{"outcome", "answer", "short_answer"?, "confidence"?, "parts"?, "citations"?}` |
//! | open suite: `{"question", "history"?}` | the same |
//!
//! `history` is there for a question that goes on with a conversation: `[{"question", "answer"}]`, oldest first. `outcome`
//! is `answered`, `partial`, `abstained` or `clarify`. `parts` says what was said to each of the things that a question
//! asks: `[{"question", "outcome", "answer"?, "short_answer"?, "confidence"?}]`. A citation is `{"passage", "start", "end"}` in a closed suite and
//! `{"document", "start", "end"}`, by the document's name, in an open one; offsets are `[start, end)` in code points of
//! the text that was given. Other fields are errors.
//!
//! May depend on `eval::answerer`, `eval::corpus`, `eval::prediction` and `domain::text`.

use serde::{Deserialize, Serialize};

use crate::{
    domain::text::{CodePointIndex, CodePointRange},
    eval::{
        answerer::{Asked, Reply},
        corpus::Corpus,
        prediction::{CitedSpan, PredictedOutcome, PredictedPart},
    },
    train::dataset::example::{Exchange, Passage},
};

#[derive(Serialize)]
struct QuestionLine<'a> {
    question: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    history: &'a [Exchange],
    #[serde(skip_serializing_if = "Option::is_none")]
    passages: Option<&'a [Passage]>,
}

#[derive(Serialize)]
struct DocumentLine<'a> {
    document: Document<'a>,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    text: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentsLine {
    documents: usize,
}

/// What a program says to a question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyLine {
    outcome: SaidOutcome,
    #[serde(default)]
    answer: String,
    short_answer: Option<String>,
    confidence: Option<f64>,
    #[serde(default)]
    parts: Vec<PartLine>,
    #[serde(default)]
    citations: Vec<CitationLine>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum SaidOutcome {
    Answered,
    Partial,
    Abstained,
    Clarify,
}

impl SaidOutcome {
    /// The same with the confidence that it has where the program gives none: an answer is then as sure as can be and
    /// everything else as unsure, so that thresholds have nothing to choose.
    fn with_confidence(self) -> (PredictedOutcome, f64) {
        match self {
            Self::Answered => (PredictedOutcome::Answered, 1.0),
            Self::Partial => (PredictedOutcome::Partial, 1.0),
            Self::Abstained => (PredictedOutcome::Abstained, 0.0),
            Self::Clarify => (PredictedOutcome::Clarify, 0.0),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartLine {
    question: String,
    outcome: SaidOutcome,
    answer: Option<String>,
    short_answer: Option<String>,
    confidence: Option<f64>,
}

impl From<PartLine> for PredictedPart {
    fn from(part: PartLine) -> Self {
        let (outcome, sure) = part.outcome.with_confidence();
        Self {
            question: part.question,
            outcome,
            answer: part.answer,
            short_answer: part.short_answer,
            confidence: part.confidence.unwrap_or(sure),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CitationLine {
    passage: Option<String>,
    document: Option<String>,
    start: u32,
    end: u32,
}

/// The line of a question, without the line break.
pub(super) fn question(asked: &Asked) -> serde_json::Result<Vec<u8>> {
    let (question, history, passages) = (&asked.question, &asked.history, asked.passages.as_deref());
    serde_json::to_vec(&QuestionLine { question, history, passages })
}

/// The line of a document.
pub(super) fn document(name: &str, text: &str) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&DocumentLine { document: Document { name, text } })
}

/// The line behind the last document.
pub(super) fn documents(count: usize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&DocumentsLine { documents: count })
}

/// How many documents a program says that it has taken.
pub(super) fn taken(line: &[u8]) -> serde_json::Result<usize> {
    serde_json::from_slice(line).map(|line: DocumentsLine| line.documents)
}

/// The reply as the runner wants it: with the words of each footnote, by passages of the data set.
pub(super) fn reply(line: ReplyLine, asked: &Asked, corpus: Option<&Corpus>) -> Result<Reply, String> {
    let (outcome, sure) = line.outcome.with_confidence();
    let cited = line.citations.into_iter().enumerate();
    let citations = cited.map(|(number, citation)| {
        cite(citation, asked, corpus).map_err(|reason| format!("citation {number} {reason}"))
    });
    Ok(Reply {
        outcome,
        answer: line.answer,
        short_answer: line.short_answer,
        confidence: line.confidence.unwrap_or(sure),
        parts: line.parts.into_iter().map(Into::into).collect(),
        citations: citations.collect::<Result<_, _>>()?,
        read: None,
        answer_loss: None,
        stages_ms: Default::default(),
    })
}

fn cite(citation: CitationLine, asked: &Asked, corpus: Option<&Corpus>) -> Result<CitedSpan, String> {
    let range = CodePointRange { start: citation.start, end: citation.end };
    let (name, text) = match (&asked.passages, corpus, citation.passage, citation.document) {
        (Some(passages), _, Some(id), None) => {
            let passage = passages.iter().find(|passage| passage.id == id);
            let passage = passage.ok_or_else(|| format!("names the passage `{id}`, which was not given"))?;
            (id, passage.text.as_str())
        }
        (None, Some(corpus), None, Some(name)) => {
            let document = corpus.documents.iter().find(|document| document.name == name);
            let document = document.ok_or_else(|| format!("names the document `{name}`, which was not given"))?;
            (name, document.text.as_str())
        }
        (Some(_), ..) => return Err("must have `passage` and no `document`: passages were given".to_owned()),
        (None, ..) => return Err("must have `document` and no `passage`: documents were given".to_owned()),
    };
    let quote = CodePointIndex::new(text).slice(range).filter(|_| !range.is_empty());
    let quote = quote.ok_or_else(|| {
        let length = text.chars().count();
        format!("goes from {} to {} in `{name}`, which has {length} code points", range.start, range.end)
    })?;
    // What lies in no single passage names its document, as with the product: it then supports nothing.
    let place = corpus.and_then(|corpus| corpus.locate(&name, range)).map(|(id, inside)| (id.to_owned(), inside));
    let (passage, inside) = place.unwrap_or((name, range));
    Ok(CitedSpan { passage, start: inside.start, end: inside.end, quote: quote.to_owned() })
}
