//! Word documents (DOCX, and DOTX, DOCM, DOTM, which hold the same): paragraphs, headings by style, lists, tables, notes,
//! text boxes, formulas, the numbers of charts and the words of diagrams, as Markdown.
//!
//! The text is what the document says now: inserted text is taken, deleted text is not. Page headers and
//! footers, comments and the table of contents repeat or surround the content and are left out. Macros are not looked at.
//!
//! May depend on `domain` only.

mod body;
mod drawings;
mod forms;
mod formula;
mod numbering;
mod paragraph;
mod styles;
mod table;

pub(super) use self::numbering::written as number_in_format;
use self::{
    body::{Body, Notes},
    numbering::Numbering,
    styles::Styles,
};
use super::{
    ExtractError, ExtractLimits,
    package::Package,
    properties,
    relationships::{Relationships, media_type, resolve},
    writer::MarkdownWriter,
};
use crate::domain::ExtractedDocument;

/// What the format is called in errors.
const FORMAT: &str = "DOCX";
const USUAL_MAIN_PART: &str = "word/document.xml";
const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, FORMAT, limits)?;
    let main = main_part(&mut package, limits)?;
    let document = package
        .part(&main)?
        .ok_or_else(|| malformed(format_args!("the part that holds the text ({main}) is missing")))?;
    let media_type = media_type(&mut package, &main, limits.max_depth)?.unwrap_or_else(|| MEDIA_TYPE.into());
    let mut writer = MarkdownWriter::new(&media_type, limits);
    let relationships = match Relationships::of(&mut package, &main, limits.max_depth) {
        Err(error @ ExtractError::Malformed { .. }) => {
            writer.warn(format!("the charts and diagrams were left out: {error}"));
            Relationships::default()
        }
        other => other?,
    };
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    // Programs that number the main part number those beside it as well; some files do not name them at all.
    let mut beside = |kind: &str| {
        let named = relationships.of_kind(kind).next().filter(|name| package.has(name)).map(str::to_owned);
        package.part(&named.unwrap_or_else(|| resolve(folder, &format!("{kind}.xml"))))
    };
    let styles = Styles::read(beside("styles")?.as_deref(), limits.max_depth)?;
    let numbering = Numbering::read(beside("numbering")?.as_deref(), limits.max_depth)?;
    let mut notes = Notes::default();
    for (part, kind) in [("footnotes", "footnote"), ("endnotes", "endnote")] {
        if let Some(text) = beside(part)? {
            notes.read(kind, &text, &styles, limits)?;
        }
    }
    let drawings = drawings::read_all(&mut package, &relationships, limits, &mut writer)?;
    let mut body = Body::new(&document, &styles, numbering, &notes, limits).with_drawings(drawings);
    body.write(&mut writer)?;
    if body.missing > 0 {
        writer.warn(format!("{} charts or diagrams of the document are not in the file", body.missing));
    }
    for (program, count) in &body.embedded {
        writer.warn(format!("what the document embeds of another program ({program}, {count} in all) was left out"));
    }
    if body.unknown_signs > 0 {
        writer.warn(format!("{} signs of fonts of pictures have no character and were left out", body.unknown_signs));
    }
    if writer.is_blank() {
        return Err(ExtractError::no_text("the document has no words in it, only pictures or nothing at all"));
    }
    let title = properties::title(&mut package, "docProps/core.xml", limits.max_depth)?;
    package.take_warnings().into_iter().for_each(|warning| writer.warn(warning));
    Ok(writer.finish(title))
}

/// The name of the part that holds the text. Some programs number it, and some call it something else.
fn main_part(package: &mut Package<'_>, limits: &ExtractLimits) -> Result<String, ExtractError> {
    if package.has(USUAL_MAIN_PART) {
        return Ok(USUAL_MAIN_PART.into());
    }
    if let Some(numbered) = package.names().find(|name| is_main_part(name)) {
        return Ok(String::from_utf8_lossy(numbered).into_owned());
    }
    let root = Relationships::of(package, "", limits.max_depth)?;
    Ok(root.of_kind("officeDocument").next().unwrap_or(USUAL_MAIN_PART).to_owned())
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
