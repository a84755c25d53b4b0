//! Word documents (DOCX): paragraphs, headings by style, lists, tables, notes, text boxes, formulas and the numbers of
//! charts, as Markdown.
//!
//! The text is what the document says now: inserted text is taken, deleted text is not. Page headers and
//! footers, comments and the table of contents repeat or surround the content and are left out.
//!
//! May depend on `domain` only.

mod body;
mod chart;
mod formula;
mod numbering;
mod paragraph;
mod styles;
mod table;

use self::{
    body::{Body, Notes},
    numbering::Numbering,
    styles::Styles,
};
use super::{ExtractError, ExtractLimits, package::Package, properties, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

/// What the format is called in errors.
const FORMAT: &str = "DOCX";
const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, FORMAT, limits)?;
    let main = main_part(&package);
    let document =
        package.part(&main)?.ok_or_else(|| malformed("the part that holds the text (word/document.xml) is missing"))?;
    let styles = Styles::read(package.part("word/styles.xml")?.as_deref(), limits.max_depth)?;
    let numbering = Numbering::read(package.part("word/numbering.xml")?.as_deref(), limits.max_depth)?;
    let mut notes = Notes::default();
    for (part, kind) in [("word/footnotes.xml", "footnote"), ("word/endnotes.xml", "endnote")] {
        if let Some(text) = package.part(part)? {
            notes.read(kind, &text, &styles, limits)?;
        }
    }
    let mut writer = MarkdownWriter::new(MEDIA_TYPE, limits);
    let charts = chart::read_all(&mut package, &main, limits, &mut writer)?;
    Body::new(&document, &styles, numbering, &notes, limits).with_charts(charts).write(&mut writer)?;
    if writer.is_blank() {
        return Err(ExtractError::no_text("the document has no words in it, only pictures or nothing at all"));
    }
    let title = properties::title(&mut package, "docProps/core.xml", limits.max_depth)?;
    Ok(writer.finish(title))
}

/// The name of the part that holds the text. Some programs number it.
fn main_part(package: &Package<'_>) -> String {
    let usual = "word/document.xml";
    if package.has(usual) {
        return usual.into();
    }
    let numbered = package.names().find(|name| is_main_part(name));
    numbered.map_or_else(|| usual.into(), |name| String::from_utf8_lossy(name).into_owned())
}

/// Whether a name in an archive is that of a Word document's text.
pub(super) fn is_main_part(name: &[u8]) -> bool {
    name.strip_prefix(b"word/document")
        .and_then(|rest| rest.strip_suffix(b".xml"))
        .is_some_and(|number| number.iter().all(u8::is_ascii_digit))
}

fn malformed(reason: impl std::fmt::Display) -> ExtractError {
    ExtractError::malformed(FORMAT, reason)
}

#[cfg(test)]
mod tests;
