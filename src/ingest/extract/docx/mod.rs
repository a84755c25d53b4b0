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
mod package;
mod paragraph;
mod styles;
mod table;
mod xml;

pub(super) use self::package::is_main_part;
use self::{
    body::{Body, Notes},
    numbering::Numbering,
    package::Package,
    styles::Styles,
};
use super::{ExtractError, ExtractLimits, structure::one_line, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, limits)?;
    let main = package.main_part();
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
    let charts = chart::read_all(&mut package, &main, limits.max_depth, &mut writer)?;
    Body::new(&document, &styles, numbering, &notes, limits).with_charts(charts).write(&mut writer)?;
    if writer.is_blank() {
        return Err(ExtractError::no_text("the document has no words in it, only pictures or nothing at all"));
    }
    let title = package.part("docProps/core.xml")?.and_then(|core| title_of(&core, limits.max_depth));
    Ok(writer.finish(title))
}

/// The title in the document's properties. What a template or a library put there is none.
fn title_of(core: &str, max_depth: usize) -> Option<String> {
    let mut reader = xml::Reader::new(core, max_depth);
    while let Ok(Some(node)) = reader.next() {
        if let xml::Node::Start(element) = node
            && element.is("title")
        {
            let title = one_line(&reader.text_of_current().ok()?);
            return (!title.is_empty() && title != "Word Document").then_some(title);
        }
    }
    None
}

fn malformed(reason: impl std::fmt::Display) -> ExtractError {
    ExtractError::malformed("DOCX", reason)
}

#[cfg(test)]
mod tests;
