//! Follow-up questions: each a row that names a place in a paragraph of a SQuAD file, or in a page of a folder, what was
//! said before, the question as it was typed, and the same question standing alone.
//!
//! A row is taken in one of two forms: as it was typed, with what was said before it, or standing alone. Suites of the
//! two forms over the same rows say what the conversation costs. The rows of `dev` become the split `validation`, those
//! of `test` the split `test`.
//!
//! May depend on `marked` and `sink`.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Format, Reason, Sink, each_line,
    marked::Marked,
    read_json,
    sink::{Draft, Refusal},
};
use crate::{
    domain::text::{CodePointIndex, CodePointRange},
    train::dataset::{error::DatasetError, example::Exchange, files::Split},
};

/// The licence of rows over our own pages.
const OWN: &str = "Apache-2.0";
/// That of rows over paragraphs of Wikipedia.
const OVER_WIKIPEDIA: &str = "Apache-2.0 AND CC-BY-SA-4.0";

/// Where the paragraphs and pages are, and in which form the questions are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowUpSources {
    /// The SQuAD file that rows with `article` are about.
    pub squad: Option<PathBuf>,
    /// The folder that rows with `page` are about.
    pub corpus: Option<PathBuf>,
    /// Take the questions standing alone, without what was said before.
    pub stand_alone: bool,
}

impl FollowUpSources {
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.squad, &self.corpus) {
            (None, None) => Err("say what the follow-ups are about: --squad FILE, --corpus DIR, or both".to_owned()),
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    part: Part,
    article: Option<String>,
    paragraph: Option<usize>,
    page: Option<String>,
    history: Vec<Exchange>,
    question: String,
    stand_alone: String,
    short_answers: Vec<String>,
    answer_start: u32,
    answer_end: u32,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Part {
    Dev,
    Test,
}

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
}

/// The paragraphs of a SQuAD file by article.
type Articles = HashMap<String, Vec<String>>;

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let sources = &sink.options().follow_ups;
    let articles = match &sources.squad {
        Some(file) => Some(articles(file)?),
        None => None,
    };
    each_line(path, sink, |_, row: Row, sink| {
        let split = match row.part {
            Part::Dev => Split::Validation,
            Part::Test => Split::Test,
        };
        let (id, draft) = (row.id.clone(), draft(row, articles.as_ref(), sources));
        sink.record_of(Some(split), id, draft)
    })
}

fn articles(file: &Path) -> Result<Articles, DatasetError> {
    let squad: Squad = read_json(file, Format::Squad)?;
    let texts = |article: Article| article.paragraphs.into_iter().map(|paragraph| paragraph.context).collect();
    Ok(squad.data.into_iter().map(|article| (spaced(&article.title), texts(article))).collect())
}

/// A title as the importer of SQuAD writes it, so that the same passage has the same title in both data sets.
fn spaced(title: &str) -> String {
    title.replace('_', " ")
}

fn draft(row: Row, articles: Option<&Articles>, sources: &FollowUpSources) -> Result<Draft, Refusal> {
    let (marked, licence) = match (&row.article, row.paragraph, &row.page) {
        (Some(article), Some(paragraph), None) => (paragraph_of(article, paragraph, articles)?, OVER_WIKIPEDIA),
        (None, None, Some(page)) => (page_of(page, sources.corpus.as_deref())?, OWN),
        _ => return Err((Reason::Malformed, "it must have `article` and `paragraph`, or `page`".to_owned())),
    };
    let index = CodePointIndex::new(&marked.passage.text);
    let range = CodePointRange { start: row.answer_start, end: row.answer_end };
    let answer = index.slice(range).filter(|answer| row.short_answers.iter().any(|short| short == answer));
    let Some(answer) = answer.map(str::to_owned) else {
        let there = index.slice(range).map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
        let detail = format!("from {} to {} there is {there}, none of its short answers", range.start, range.end);
        return Err((Reason::SpanNotAtOffset, detail));
    };
    let place = marked.at_offset(row.answer_start, &answer)?;
    Ok(Draft {
        id: Some(row.id),
        history: if sources.stand_alone { Vec::new() } else { row.history },
        question: if sources.stand_alone { row.stand_alone } else { row.question },
        support: marked.support(&[place]),
        passages: vec![marked.passage],
        answer: Some(answer),
        short_answers: row.short_answers,
        tags: vec![if row.page.is_some() { "page" } else { "article" }.to_owned()],
        licence: Some(licence.to_owned()),
        ..Draft::default()
    })
}

fn paragraph_of(article: &str, paragraph: usize, articles: Option<&Articles>) -> Result<Marked, Refusal> {
    let no_passage = |detail: String| (Reason::NoPassage, detail);
    let articles = articles.ok_or_else(|| no_passage("it is about an article; give --squad".to_owned()))?;
    let title = spaced(article);
    let paragraphs = articles.get(&title).ok_or_else(|| no_passage(format!("there is no article {article:?}")))?;
    let text = paragraphs.get(paragraph).ok_or_else(|| {
        let count = paragraphs.len();
        no_passage(format!("{article:?} has {count} paragraphs, so none has the number {paragraph}"))
    })?;
    Ok(Marked::new(&title, text))
}

fn page_of(page: &str, corpus: Option<&Path>) -> Result<Marked, Refusal> {
    let no_passage = |detail: String| (Reason::NoPassage, detail);
    let corpus = corpus.ok_or_else(|| no_passage("it is about a page; give --corpus".to_owned()))?;
    // A row is data: it names nothing outside the folder.
    if Path::new(page).components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(no_passage(format!("{page:?} is no path inside the folder of --corpus")));
    }
    let path = corpus.join(page);
    let text = fs::read_to_string(&path).map_err(|error| no_passage(format!("{}: {error}", path.display())))?;
    Ok(Marked::new(page, &text))
}
