//! Puts the pages that were recognised among those that had words already, so that every page keeps its number.

use super::super::{ExtractLimits, pictures, writer::MarkdownWriter};
use crate::{
    domain::{ExtractedDocument, Heading, Page, Table},
    ingest::extract::ExtractError,
};

/// The document with the text of its picture pages, as far as any was recognised.
pub(in crate::ingest::extract) fn merged(
    original: &ExtractedDocument,
    recognised: &ExtractedDocument,
    limits: &ExtractLimits,
) -> Result<ExtractedDocument, ExtractError> {
    if original.pages.len() != recognised.pages.len() {
        let (had, has) = (original.pages.len(), recognised.pages.len());
        return Err(ExtractError::Ocr { reason: format!("the PDF had {had} pages and came back with {has}") });
    }
    let mut writer = MarkdownWriter::new(&original.media_type, limits);
    let mut unread = Vec::new();
    for (own, other) in original.pages.iter().zip(&recognised.pages) {
        writer.page(own.number);
        let is_picture = original.picture_pages.contains(&own.number);
        let part = if is_picture { part_of(recognised, other) } else { part_of(original, own) };
        if is_picture && part.text.trim().is_empty() {
            unread.push(own.number);
        }
        writer.append(&part, 0)?;
    }
    let mut document = writer.finish(original.title.clone());
    document.warnings.clone_from(&original.warnings);
    if !unread.is_empty() {
        document.warnings.push(format!("{}, and text recognition found none", pictures::unread_pages(&unread)));
    }
    Ok(document)
}

/// What was recognised of a picture, or of a PDF that has only pictures: it keeps the type of what was uploaded.
pub(in crate::ingest::extract) fn as_picture(mut recognised: ExtractedDocument, extension: &str) -> ExtractedDocument {
    recognised.media_type = pictures::media_type(extension).into();
    if extension != "pdf" {
        // Programs put the name of their own file there.
        let first = recognised.headings.iter().find(|heading| heading.level == 1);
        recognised.title = first.map(|heading| heading.title.clone());
    }
    let unread = std::mem::take(&mut recognised.picture_pages);
    if !unread.is_empty() {
        recognised.warnings.push(format!("{}, and text recognition found none", pictures::unread_pages(&unread)));
    }
    recognised
}

/// One page as a document of its own.
fn part_of(document: &ExtractedDocument, page: &Page) -> ExtractedDocument {
    let (start, end) = (page.range.start, page.range.end);
    let inside = |range: &std::ops::Range<usize>| start <= range.start && range.end <= end;
    let moved = |range: &std::ops::Range<usize>| range.start - start..range.end - start;
    let headings = document.headings.iter().filter(|heading| inside(&heading.range));
    let tables = document.tables.iter().filter(|table| inside(&table.range));
    ExtractedDocument {
        text: document.text.get(start..end).unwrap_or_default().to_owned(),
        headings: headings.map(|heading| Heading { range: moved(&heading.range), ..heading.clone() }).collect(),
        tables: tables.map(|table| Table { range: moved(&table.range), header: moved(&table.header) }).collect(),
        ..ExtractedDocument::default()
    }
}
