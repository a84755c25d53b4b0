//! Rich text (RTF): paragraphs, headings by style or outline level, lists with their marks, tables, notes, as Markdown.
//!
//! The text is what the document shows: results of fields and not their instructions, no hidden and no deleted text, no
//! page headers and footers, nothing of pictures. May depend on `domain` only.

mod blocks;
mod dos;
mod fonts;
mod reader;
mod state;
#[cfg(test)]
mod tests;
mod token;

use self::reader::Reader;
use super::{ExtractError, ExtractLimits, structure::one_line};
use crate::domain::ExtractedDocument;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut reader = Reader::new(limits, false);
    reader.run(bytes)?;
    let title = one_line(&reader.title);
    let writer = reader.blocks.writer;
    if writer.is_blank() {
        return Err(ExtractError::no_text("the document has no words in it, only pictures or nothing at all"));
    }
    Ok(writer.finish((!title.is_empty()).then_some(title)))
}

/// The page that an e-mail program has put into rich text, if it has ([MS-OXRTFEX]).
pub(super) fn html_inside(bytes: &[u8]) -> Option<String> {
    let limits = ExtractLimits::default();
    let mut reader = Reader::new(&limits, true);
    reader.run(bytes).ok()?;
    reader.html.filter(|html| !html.trim().is_empty())
}
