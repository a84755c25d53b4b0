//! CSV with named columns: `--column question=Frage` says that the column headed "Frage" holds the question.
//!
//! Without a title every passage is a document of its own. An answer that stands in the passage is also a short answer
//! and is marked there; any other one is `free-form`. With a column `short_answer` the answer may be in other words,
//! and the short one must stand in the passage; with `answer_start`, at that code point.
//!
//! May depend on `marked` and `sink`.

use std::path::Path;

use super::{
    Format, Reason, Sink,
    marked::Marked,
    sink::{Draft, Refusal},
};
use crate::train::dataset::{FREE_FORM, error::DatasetError, normal_form};

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The id; without it a sum of question and passage.
    Id,
    /// The question.
    Question,
    /// The title of the passage's document.
    Title,
    /// The passage.
    Passage,
    /// The answer in the words that are wanted.
    Answer,
    /// The bare answer, which stands in the passage.
    ShortAnswer,
    /// The code point of the passage at which the bare answer starts.
    AnswerStart,
    /// The supporting sentence, which stands in the passage once.
    Evidence,
    /// `answered` or `abstained`; without it every row must have an answer.
    Expected,
    /// Tags, separated by spaces.
    Tags,
    /// Where the row comes from; without it file and row.
    Provenance,
    /// Its licence.
    Licence,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 12] = [
        Self::Id,
        Self::Question,
        Self::Title,
        Self::Passage,
        Self::Answer,
        Self::ShortAnswer,
        Self::AnswerStart,
        Self::Evidence,
        Self::Expected,
        Self::Tags,
        Self::Provenance,
        Self::Licence,
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Question => "question",
            Self::Title => "title",
            Self::Passage => "passage",
            Self::Answer => "answer",
            Self::ShortAnswer => "short_answer",
            Self::AnswerStart => "answer_start",
            Self::Evidence => "evidence",
            Self::Expected => "expected",
            Self::Tags => "tags",
            Self::Provenance => "provenance",
            Self::Licence => "licence",
        }
    }
}

/// Which column holds which field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(Vec<(Field, String)>);

impl Columns {
    /// Adds `FIELD=HEADER`.
    pub fn add(&mut self, said: &str) -> Result<(), String> {
        let Some((name, header)) = said.split_once('=') else {
            return Err(format!("{said:?} is not FIELD=HEADER"));
        };
        let Some(field) = Field::ALL.into_iter().find(|field| field.as_str() == name) else {
            let known = Field::ALL.map(Field::as_str).join(", ");
            return Err(format!("{name:?} is no field; there are {known}"));
        };
        if self.names(field) {
            return Err(format!("the field {name} is named twice"));
        }
        self.0.push((field, header.to_owned()));
        Ok(())
    }

    /// Whether a field has a column.
    pub fn names(&self, field: Field) -> bool {
        self.0.iter().any(|(known, _)| *known == field)
    }

    /// Says which columns are missing.
    pub(super) fn check(&self) -> Result<(), String> {
        let needs = |field: Field, why: &str| {
            if self.names(field) {
                Ok(())
            } else {
                Err(format!("name the column: --column {}=HEADER{why}", field.as_str()))
            }
        };
        needs(Field::Question, "")?;
        needs(Field::Passage, "")?;
        if !self.names(Field::Expected) {
            needs(Field::Answer, ", or --column expected=HEADER")?;
        }
        Ok(())
    }
}

/// Reads one file.
pub(super) fn read(path: &Path, columns: &Columns, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let wrong = |reason: String| DatasetError::Format { file: path.to_owned(), format: Format::Csv.as_str(), reason };
    let mut reader = ::csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let mut places = Vec::new();
    for (field, header) in &columns.0 {
        let mut found = headers.iter().enumerate().filter(|(_, known)| known.trim() == header.trim());
        match (found.next(), found.next()) {
            (Some((place, _)), None) => places.push((*field, place)),
            (None, _) => return Err(wrong(format!("there is no column {header:?}"))),
            _ => return Err(wrong(format!("there are several columns {header:?}"))),
        }
    }
    for row in reader.records() {
        match row {
            Ok(row) => {
                let name = row.position().map_or_else(String::new, |position| format!("line {}", position.line()));
                let get = |field: Field| {
                    let place = places.iter().find(|(known, _)| *known == field)?.1;
                    row.get(place).filter(|value| !value.trim().is_empty())
                };
                sink.record(name, draft(&get))?;
            }
            Err(error) => {
                let line = error.position().map_or(0, ::csv::Position::line);
                sink.refuse(format!("line {line}"), Reason::Malformed, error.to_string());
            }
        }
    }
    Ok(())
}

fn draft<'a>(get: &impl Fn(Field) -> Option<&'a str>) -> Result<Draft, Refusal> {
    let text = get(Field::Passage).ok_or((Reason::EmptyField, "passage".to_owned()))?;
    let mut marked = Marked::new(get(Field::Title).unwrap_or(""), text);
    if marked.passage.title.is_empty() {
        marked.passage.title = format!("passage {}", marked.passage.id);
    }
    let owned = |field: Field| get(field).map(|value| value.trim().to_owned());
    let mut draft = Draft {
        id: owned(Field::Id),
        question: owned(Field::Question).unwrap_or_default(),
        passages: vec![marked.passage.clone()],
        tags: get(Field::Tags).unwrap_or("").split_whitespace().map(str::to_owned).collect(),
        provenance: owned(Field::Provenance),
        licence: owned(Field::Licence),
        ..Draft::default()
    };
    let answer = owned(Field::Answer).or_else(|| owned(Field::ShortAnswer));
    let answer = match (get(Field::Expected).map(str::trim), answer) {
        (Some("abstained"), None) => return Ok(draft),
        (Some("abstained"), Some(_)) => return Err((Reason::AnswerToUnanswerable, String::new())),
        (None | Some("answered"), Some(answer)) => answer,
        (None | Some("answered"), None) => return Err((Reason::NoAnswer, String::new())),
        (Some(other), _) => return Err((Reason::Malformed, format!("expected is {other:?}"))),
    };
    mark(&mut draft, &marked, &answer, get)?;
    draft.answer = Some(answer);
    Ok(draft)
}

fn mark<'a>(
    draft: &mut Draft,
    marked: &Marked,
    answer: &str,
    get: &impl Fn(Field) -> Option<&'a str>,
) -> Result<(), Refusal> {
    let bare = get(Field::ShortAnswer).map_or(answer, str::trim);
    let evidence = get(Field::Evidence).map(|sentence| marked.supporting(sentence)).transpose()?;
    if let Some(start) = get(Field::AnswerStart) {
        let start = start.trim().parse().map_err(|_| (Reason::Malformed, format!("answer_start is {start:?}")))?;
        let place = marked.at_offset(start, bare)?;
        draft.short_answers = vec![bare.to_owned()];
        draft.support = match &evidence {
            Some(_) => marked.answer_spans(&[place]),
            None => marked.support(&[place]),
        };
    } else {
        let found = marked.find(&[bare.to_owned()]);
        let is_decision = matches!(normal_form::answer(bare).as_str(), "yes" | "no" | "maybe");
        if found.answers.is_empty() && get(Field::ShortAnswer).is_some() && !is_decision {
            return Err((Reason::AnswerNotInPassage, format!("{bare:?}")));
        }
        if found.answers.is_empty() {
            draft.tags.push(FREE_FORM.to_owned());
        }
        draft.short_answers =
            if found.answers.is_empty() && is_decision { vec![bare.to_owned()] } else { found.answers };
        draft.tags.extend(found.tags);
        draft.support = found.support;
        if evidence.is_some() {
            draft.support.retain(|span| span.role == crate::train::dataset::SpanRole::Answer);
        }
    }
    draft.support.extend(marked.evidence(evidence.into_iter()));
    Ok(())
}
