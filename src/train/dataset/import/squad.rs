//! SQuAD's JSON (Rajpurkar et al. 2016; with unanswerable questions, Rajpurkar, Jia and Liang 2018).
//!
//! The evidence is the sentence around the answer. Where annotators differ, answers are in the order of how many chose
//! them. `plausible_answers` are wrong by definition and left out.
//!
//! May depend on `marked` and `sink`.

use std::{ops::Range, path::Path};

use serde::Deserialize;

use super::{
    Format, Reason, Sink,
    marked::Marked,
    read_json,
    sink::{Draft, Refusal},
};
use crate::train::dataset::error::DatasetError;

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    title: Option<String>,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
    /// Sets without titles that borrow the format number their documents instead.
    document_id: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    plausible_answers: Vec<Answer>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    answer_start: u32,
}

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let squad: Squad = read_json(path, Format::Squad)?;
    for (number, article) in squad.data.into_iter().enumerate() {
        for paragraph in article.paragraphs {
            let title = match (&article.title, &paragraph.document_id) {
                (Some(title), _) => title.replace('_', " "),
                (None, Some(id)) => format!("document {}", plain(id)),
                (None, None) => format!("article {}", number + 1),
            };
            let marked = Marked::new(&title, &paragraph.context);
            for asked in paragraph.qas {
                let id = plain(&asked.id);
                sink.leave_out("plausible answers to unanswerable questions", asked.plausible_answers.len());
                let draft = draft(&id, asked, &marked, sink.options().relocate);
                sink.record(id, draft)?;
            }
        }
    }
    Ok(())
}

/// An id as text: some sets have numbers.
fn plain(id: &serde_json::Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn draft(id: &str, asked: Asked, marked: &Marked, relocate: bool) -> Result<Draft, Refusal> {
    let mut draft = Draft {
        id: Some(id.to_owned()),
        question: asked.question,
        passages: vec![marked.passage.clone()],
        ..Draft::default()
    };
    match (asked.answers.is_empty(), asked.is_impossible) {
        (true, true) => return Ok(draft),
        (true, false) => return Err((Reason::NoAnswer, String::new())),
        (false, true) => return Err((Reason::AnswerToUnanswerable, String::new())),
        (false, false) => {}
    }
    let mut places = Vec::new();
    for answer in &asked.answers {
        let place = match marked.at_offset(answer.answer_start, &answer.text) {
            Err((Reason::SpanNotAtOffset, detail)) if relocate => {
                let [only] = &marked.places(answer.text.trim())[..] else {
                    return Err((Reason::SpanNotAtOffset, detail));
                };
                draft.tags = vec!["relocated".to_owned()];
                only.clone()
            }
            place => place?,
        };
        places.push(place);
    }
    let places = by_frequency(places);
    for place in &places {
        let text = marked.passage.text[place.clone()].to_owned();
        if !draft.short_answers.contains(&text) {
            draft.short_answers.push(text);
        }
    }
    draft.answer = draft.short_answers.first().cloned();
    draft.support = marked.support(&places);
    Ok(draft)
}

/// The distinct places, those that most annotators chose first.
fn by_frequency(places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut counted: Vec<(usize, Range<usize>)> = Vec::new();
    for place in places {
        match counted.iter_mut().find(|(_, known)| *known == place) {
            Some((count, _)) => *count += 1,
            None => counted.push((1, place)),
        }
    }
    counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counted.into_iter().map(|(_, place)| place).collect()
}
