//! The sheet as CSV, for those who prefer a spreadsheet: the last columns are to be filled in.
//!
//! Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, so such a text
//! gets an apostrophe before it, which they show as text. The file begins with a byte order mark, because some of them
//! take it for another encoding otherwise.
//!
//! May depend on `eval::review::sheet`.

use std::path::Path;

use super::{
    ReviewError,
    sheet::{Sheet, Shown},
};

/// The columns that a filled sheet must have, whatever else is in it.
pub const SHEET: &str = "sheet";
/// The number of the item.
pub const ITEM: &str = "item";
/// What the reviewer says.
pub const VERDICT: &str = "verdict";
/// Who the reviewer is.
pub const REVIEWER: &str = "reviewer";

/// Writes the sheet. `path` is for the error's sake.
pub fn render(sheet: &Sheet, path: &Path) -> Result<Vec<u8>, ReviewError> {
    let failed = |reason: String| ReviewError::Malformed { path: path.to_owned(), line: 0, reason };
    let mut table = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let header = [SHEET, ITEM, "question", "answer_a", "answer_b", "passages", VERDICT, "comment", REVIEWER];
    table.write_record(header).map_err(|error| failed(error.to_string()))?;
    for item in &sheet.items {
        let passages: Vec<String> =
            item.passages.iter().map(|passage| format!("[{}] {}", passage.title, passage.text)).collect();
        let cells =
            [&item.question, &in_words(&item.a), &in_words(&item.b), &passages.join("\n\n")].map(|text| safe(text));
        let [question, a, b, passages] = &cells;
        let number = item.number.to_string();
        let record = [&sheet.id, &number, question, a, b, passages, "", "", ""];
        table.write_record(record).map_err(|error| failed(error.to_string()))?;
    }
    table.into_inner().map_err(|error| failed(error.to_string()))
}

fn in_words(shown: &Shown) -> String {
    let mut text = match shown.ended {
        Some(ended) => format!("[{ended}] {}", shown.answer),
        None => shown.answer.clone(),
    };
    if let Some(short) = &shown.short_answer {
        text.push_str(&format!("\n[in short] {short}"));
    }
    for quote in &shown.quotes {
        text.push_str(&format!("\n[footnote] {quote}"));
    }
    text
}

fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::review::sheet::SheetItem;

    #[test]
    fn a_row_holds_both_answers_and_no_formula() {
        let shown = |answer: &str| Shown {
            ended: None,
            answer: answer.into(),
            short_answer: Some("212".into()),
            quotes: vec!["It is \"212\" metres long.".into()],
        };
        let declined = Shown { ended: Some("declined"), short_answer: None, quotes: vec![], ..shown("Not in there.") };
        let item =
            SheetItem { number: 1, question: "=1+1?".into(), passages: vec![], a: shown("212, it is."), b: declined };
        let sheet = Sheet { id: "abc".into(), suite: "harbour".into(), items: vec![item] };
        let text = String::from_utf8(render(&sheet, Path::new("x")).unwrap()).unwrap();
        let mut rows = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        assert_eq!(rows.headers().unwrap().get(6), Some("verdict"));
        let row = rows.records().next().unwrap().unwrap();
        assert_eq!((&row[0], &row[1], &row[2]), ("abc", "1", "'=1+1?"));
        assert_eq!(&row[3], "212, it is.\n[in short] 212\n[footnote] It is \"212\" metres long.");
        assert_eq!(&row[4], "[declined] Not in there.");
    }
}
