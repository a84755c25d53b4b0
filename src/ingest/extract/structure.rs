//! What every extracted document keeps to, whatever format it came from.
//!
//! May depend on `domain` only.

use std::ops::Range;

use super::{ExtractError, ExtractLimits};
use crate::domain::ExtractedDocument;

/// The last step for every format: bounds, characters that no store takes, and the refusal of empty texts.
pub(super) fn finish(
    mut document: ExtractedDocument,
    limits: &ExtractLimits,
) -> Result<ExtractedDocument, ExtractError> {
    if document.text.len() > limits.max_text_bytes {
        return Err(ExtractError::too_large("the extracted text in bytes", limits.max_text_bytes as u64));
    }
    if document.text.trim().is_empty() {
        return Err(ExtractError::no_text("there are only blanks in it"));
    }
    // PostgreSQL stores no U+0000. A blank is as long, so every range stays right.
    let nulls = document.text.matches('\0').count();
    if nulls > 0 {
        document.text = document.text.replace('\0', " ");
        document.warnings.push(format!("{nulls} null characters were replaced by blanks"));
    }
    for heading in &mut document.headings {
        heading.title = one_line(&heading.title);
    }
    document.title = document.title.map(|title| one_line(&title)).filter(|title| !title.is_empty());
    debug_assert_eq!(check_structure(&document), Ok(()));
    Ok(document)
}

/// Joins all words of `text` with single blanks; control characters separate words.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a raised number after `before` is an exponent: `10⁶` must not become 106, nor `m²` m2. After a longer
/// word it is the mark of a note.
pub(super) fn takes_exponent(before: &str) -> bool {
    let start = before
        .rfind(|c: char| !c.is_alphanumeric())
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    before.ends_with(')')
        || (1..=2).contains(&word.chars().count())
        || !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Checks what [`ExtractedDocument`] promises about its ranges; the error says which promise is broken.
pub fn check_structure(document: &ExtractedDocument) -> Result<(), String> {
    let text = document.text.as_str();
    let mut start = 0;
    for heading in &document.headings {
        sliceable(text, &heading.range, "heading")?;
        if heading.range.start < start {
            return Err(format!("heading {:?} is out of order", heading.title));
        }
        if !(1..=6).contains(&heading.level) {
            return Err(format!("heading level {} is none", heading.level));
        }
        start = heading.range.start;
    }
    let mut end = 0;
    for table in &document.tables {
        sliceable(text, &table.range, "table")?;
        sliceable(text, &table.header, "table header")?;
        if table.range.start < end {
            return Err(format!("the table at {} overlaps the one before it", table.range.start));
        }
        if table.header.start != table.range.start || table.header.end > table.range.end {
            return Err(format!("the header of the table at {} is not its start", table.range.start));
        }
        end = table.range.end;
    }
    let mut end = 0;
    let mut number = 0;
    for page in &document.pages {
        sliceable(text, &page.range, "page")?;
        if page.range.start != end || page.number <= number {
            return Err(format!("page {} does not follow on the one before it", page.number));
        }
        (end, number) = (page.range.end, page.number);
    }
    if !document.pages.is_empty() && end != text.len() {
        return Err("the pages end before the text".into());
    }
    if text.contains('\0') {
        return Err("the text holds a null character".into());
    }
    Ok(())
}

fn sliceable(text: &str, range: &Range<usize>, what: &str) -> Result<(), String> {
    match text.get(range.clone()) {
        Some(_) => Ok(()),
        None => Err(format!("the {what} range {range:?} is no range of the text")),
    }
}
