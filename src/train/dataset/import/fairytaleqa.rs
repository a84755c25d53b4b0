//! FairytaleQA (Xu et al. 2022): a folder with `questions/…/STORY-questions.csv` and, beside `questions`,
//! `section-stories/…/STORY-story.csv`; or single files of questions in such a folder.
//!
//! Each section that a question names is a passage. The files break lines at a fixed width; the lines of a paragraph
//! are joined, because a break inside a sentence would stand in the evidence. Answers are marked where they stand in a
//! section, by the section's own letters where the case differs. A question none of whose answers does is `free-form`:
//! the first answer is taken, and the others, which have no place in an example, are counted.
//!
//! May depend on `marked` and `sink`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Format, Reason, Sink,
    marked::Marked,
    sink::{Draft, Refusal},
};
use crate::train::dataset::{FREE_FORM, error::DatasetError, example::SpanRole};

/// The columns of answers: each annotator's first answer before their further ones.
const ANSWERS: [&str; 6] = ["answer1", "answer4", "answer2", "answer3", "answer5", "answer6"];

type Row = BTreeMap<String, String>;

/// Reads a folder, or one file of questions.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let mut files = Vec::new();
    if path.is_dir() {
        question_files(path, &mut files)?;
    } else {
        files.push(path.to_owned());
    }
    if files.is_empty() {
        return Err(wrong(path, "there is no file *-questions.csv in it".to_owned()));
    }
    for file in files {
        let (story, sections_file) = story_of(&file)?;
        let mut sections: BTreeMap<String, Marked> = BTreeMap::new();
        for row in rows(&sections_file)? {
            let text = unwrapped(cell(&row, "text"));
            sections.insert(cell(&row, "section").to_owned(), Marked::new(&story.replace('-', " "), &text));
        }
        let below = file.strip_prefix(path).ok().filter(|below| !below.as_os_str().is_empty());
        for (position, row) in rows(&file)?.into_iter().enumerate() {
            // `question_id` is used twice in some files.
            let number = (position + 1).to_string();
            let record = below.map_or_else(|| number.clone(), |below| format!("{}#{number}", below.display()));
            match draft(&format!("{story}-{number}"), &row, &sections) {
                Ok((draft, left_out)) => {
                    sink.leave_out("further wordings of an answer that is not in the text", left_out);
                    sink.record(record, Ok(draft))?;
                }
                Err((reason, detail)) => sink.refuse(record, reason, detail),
            }
        }
    }
    Ok(())
}

fn draft(id: &str, row: &Row, sections: &BTreeMap<String, Marked>) -> Result<(Draft, usize), Refusal> {
    let mut passages: Vec<&Marked> = Vec::new();
    for name in cell(row, "cor_section").split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let missing = || (Reason::Malformed, format!("the story has no section {name:?}"));
        let marked = sections.get(name).ok_or_else(missing)?;
        if !passages.iter().any(|known| known.passage.id == marked.passage.id) {
            passages.push(marked);
        }
    }
    let mut answers: Vec<&str> = Vec::new();
    for answer in ANSWERS.map(|column| cell(row, column).trim()) {
        if !answer.is_empty() && !answers.contains(&answer) {
            answers.push(answer);
        }
    }
    let Some(first) = answers.first() else { return Err((Reason::NoAnswer, String::new())) };
    let mut draft = Draft {
        id: Some(id.to_owned()),
        question: cell(row, "question").to_owned(),
        passages: passages.iter().map(|marked| marked.passage.clone()).collect(),
        tags: tags(row),
        ..Draft::default()
    };
    for marked in &passages {
        let worded: Vec<String> = answers.iter().flat_map(|answer| as_worded(marked, answer)).collect();
        let found = marked.find(&worded);
        draft.short_answers.extend(found.answers);
        draft.support.extend(found.support);
        draft.tags.extend(found.tags);
    }
    draft.short_answers.sort_by_key(|answer| answers.iter().position(|given| same(given, answer)));
    draft.short_answers.dedup();
    let left_out = if draft.short_answers.is_empty() { answers.len() - 1 } else { 0 };
    let marked_in = passages.iter().filter(|p| draft.support.iter().any(|span| span.passage == p.passage.id)).count();
    if marked_in > 1 {
        // The same words in several sections: nobody knows which of them is meant.
        draft.support.retain(|span| span.role == SpanRole::Answer);
    }
    if draft.short_answers.is_empty() {
        draft.tags.push(FREE_FORM.to_owned());
    }
    draft.answer = Some(draft.short_answers.first().map_or_else(|| (*first).to_owned(), String::clone));
    Ok((draft, left_out))
}

/// An answer in the letters of the section, where it stands in it in any case.
fn as_worded(marked: &Marked, answer: &str) -> Option<String> {
    let bare = answer.trim_end_matches('.').trim();
    let text = &marked.passage.text;
    if !marked.places(bare).is_empty() {
        return Some(bare.to_owned());
    }
    // Lower case in ASCII keeps the offsets.
    let lower = Marked::new("", &text.to_ascii_lowercase());
    let place = lower.places(&bare.to_ascii_lowercase()).into_iter().next()?;
    Some(text[place].to_owned())
}

fn same(given: &str, worded: &str) -> bool {
    given.trim_end_matches('.').trim().eq_ignore_ascii_case(worded)
}

/// What the annotators said of a question: `explicit` or `implicit`, `local` or `summary`, and what it is about.
fn tags(row: &Row) -> Vec<String> {
    let columns = ["ex-or-im1", "local-or-sum", "attribute1", "attribute2"];
    let said = columns.map(|column| cell(row, column).trim().to_lowercase().replace(' ', "-"));
    said.into_iter().filter(|tag| !tag.is_empty()).collect()
}

/// The text with the lines of each paragraph joined.
fn unwrapped(text: &str) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            _ if line.is_empty() => open = false,
            Some(last) if open => {
                last.push(' ');
                last.push_str(line);
            }
            _ => {
                paragraphs.push(line.to_owned());
                open = true;
            }
        }
    }
    paragraphs.join("\n\n")
}

fn question_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let entries = folder.read_dir().map_err(DatasetError::io("reading", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(DatasetError::io("reading", folder))?.path());
    }
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            question_files(&path, found)?;
        } else if path.to_string_lossy().ends_with("-questions.csv") {
            found.push(path);
        }
    }
    Ok(())
}

/// The name of the story and the file of its sections.
fn story_of(file: &Path) -> Result<(String, PathBuf), DatasetError> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(story) = name.strip_suffix("-questions.csv") else {
        return Err(wrong(file, "its name does not end in -questions.csv".to_owned()));
    };
    let questions = file.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "questions"));
    let below = questions.and_then(|questions| Some((questions.parent()?, file.strip_prefix(questions).ok()?)));
    let Some((home, below)) = below else {
        return Err(wrong(file, "it lies in no folder `questions`, so its sections cannot be found".to_owned()));
    };
    let sections = home.join("section-stories").join(below).with_file_name(format!("{story}-story.csv"));
    Ok((story.to_owned(), sections))
}

fn wrong(file: &Path, reason: String) -> DatasetError {
    DatasetError::Format { file: file.to_owned(), format: Format::FairytaleQa.as_str(), reason }
}

fn rows(path: &Path) -> Result<Vec<Row>, DatasetError> {
    let mut reader = ::csv::Reader::from_path(path).map_err(|error| wrong(path, error.to_string()))?;
    reader.deserialize().collect::<Result<_, _>>().map_err(|error: ::csv::Error| wrong(path, error.to_string()))
}

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn the_lines_of_a_paragraph_are_joined() {
        assert_eq!(unwrapped("one\ntwo \n\n\nthree\r\nfour\n"), "one two\n\nthree four");
        assert_eq!(unwrapped(" \n"), "");
    }
}
