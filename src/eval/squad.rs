//! Retrieval questions from a data set in SQuAD's JSON form (Rajpurkar, Jia and Liang 2018): one document per
//! article, one target paragraph per question.
//!
//! May depend on `domain` and `eval::retrieval`.

use std::path::Path;

use serde::Deserialize;

use super::retrieval::{EvalError, EvalQuestion, EvalSet, Target};
use crate::domain::text::{CodePointIndex, CodePointRange};

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    title: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    answer_start: u32,
}

/// Reads a data set. A question counts as found in a chunk that holds one of its answers inside the target paragraph;
/// a question without an answer, in a chunk that shares more than half of itself or of the paragraph with it.
pub fn read(path: &Path) -> Result<EvalSet, EvalError> {
    let squad: Squad = super::retrieval::read_json(path)?;
    let mut set = EvalSet::default();
    for article in squad.data {
        let title = article.title.replace('_', " ");
        let name = format!("{title}.txt");
        let mut text = String::new();
        for paragraph in article.paragraphs {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let start = text.chars().count() as u32;
            text.push_str(&paragraph.context);
            let whole = CodePointRange { start, end: text.chars().count() as u32 };
            let index = CodePointIndex::new(&paragraph.context);
            for asked in paragraph.qas {
                let spans = answer_spans(&index, &asked, start);
                set.questions.push(EvalQuestion {
                    text: asked.question,
                    targets: vec![Target { document: name.clone(), paragraph: Some(whole), spans }],
                });
            }
        }
        set.documents.push((name, text));
    }
    Ok(set)
}

fn answer_spans(index: &CodePointIndex<'_>, asked: &Asked, start: u32) -> Vec<CodePointRange> {
    if asked.is_impossible {
        return Vec::new();
    }
    let spans = asked.answers.iter().map(|answer| CodePointRange {
        start: answer.answer_start,
        end: answer.answer_start + answer.text.chars().count() as u32,
    });
    // An answer whose offset does not hold its text is a defect of the data; the paragraph then decides.
    let right = spans.zip(&asked.answers).filter(|(span, answer)| index.slice(*span) == Some(answer.text.as_str()));
    right.map(|(span, _)| CodePointRange { start: span.start + start, end: span.end + start }).collect()
}
