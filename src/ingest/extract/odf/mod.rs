//! OpenDocument files: texts (ODT), workbooks (ODS) and presentations (ODP), by OASIS OpenDocument 1.3.
//!
//! A text has its headings, lists, tables, formulas and notes; a workbook a section for each sheet; a presentation a page
//! for each slide. Deleted text, comments on text, page headers and tables of contents are left out; comments on cells
//! and slides are not.
//!
//! May depend on `domain` only.

mod body;
mod chapters;
mod inline;
mod lists;
mod numbers;
mod objects;
mod sheets;
mod slides;
mod styles;
mod table;

use self::{body::Body, objects::Objects, styles::Styles};
use super::{
    ExtractError, ExtractLimits, package::Package, properties, structure::one_line, writer::MarkdownWriter, xml::Reader,
};
use crate::domain::ExtractedDocument;

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Spreadsheet,
    Presentation,
}

impl Kind {
    /// What the format is called in errors.
    fn format(self) -> &'static str {
        match self {
            Self::Text => "ODT",
            Self::Spreadsheet => "ODS",
            Self::Presentation => "ODP",
        }
    }

    /// The beginning of the media types of its documents and templates.
    fn media_type(self) -> &'static str {
        match self {
            Self::Text => "application/vnd.oasis.opendocument.text",
            Self::Spreadsheet => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Presentation => "application/vnd.oasis.opendocument.presentation",
        }
    }

    /// The kind that a media type stands for.
    pub(super) fn of_media_type(media_type: &str) -> Option<Self> {
        let document = media_type.trim().trim_end_matches("-template");
        [Self::Text, Self::Spreadsheet, Self::Presentation].into_iter().find(|kind| kind.media_type() == document)
    }
}

pub(super) fn read(bytes: &[u8], kind: Kind, limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let format = kind.format();
    let mut package = Package::open(bytes, format, limits)?;
    refuse_encrypted(&mut package, limits)?;
    let content = package.required("content.xml")?;
    let common = package.part("styles.xml")?;
    let styles = Styles::read(format, &content, common.as_deref(), limits.max_depth)?;
    let objects = Objects::read(&mut package, limits)?;
    let media_type = package.part("mimetype")?.map(|found| found.trim().to_owned());
    let media_type = media_type.filter(|found| Kind::of_media_type(found) == Some(kind));
    let mut writer = MarkdownWriter::new(media_type.as_deref().unwrap_or(kind.media_type()), limits);
    let mut reader = Reader::new(format, &content, limits.max_depth);
    let body = |reader| Body::new(reader, format, &styles, &objects, limits);
    match kind {
        Kind::Text => {
            find_content(&mut reader, "text")?;
            body(reader).write(&mut writer)?;
        }
        Kind::Presentation => {
            let titles = slides::titles(format, &content, &styles, &objects, limits)?;
            find_content(&mut reader, "presentation")?;
            slides::write(&mut body(reader), &titles, &mut writer)?;
        }
        Kind::Spreadsheet => {
            find_content(&mut reader, "spreadsheet")?;
            sheets::write(&mut body(reader), &mut writer)?;
        }
    }
    if writer.is_blank() {
        return Err(ExtractError::no_text("the document has no words in it, only pictures or nothing at all"));
    }
    let title = properties::title(&mut package, "meta.xml", limits.max_depth)?;
    package.take_warnings().into_iter().for_each(|warning| writer.warn(warning));
    Ok(writer.finish(title))
}

/// Goes on to the element of the body that holds the content; `false` where there is none. The name alone does not tell:
/// the formats of numbers and dates, which come before the body, have a `number:text`.
fn find_content(reader: &mut Reader<'_>, name: &str) -> Result<bool, ExtractError> {
    let Some(_root) = reader.child()? else { return Ok(false) };
    while let Some(element) = reader.child()? {
        if !element.is("body") {
            reader.skip()?;
            continue;
        }
        while let Some(content) = reader.child()? {
            if content.is(name) {
                return Ok(true);
            }
            reader.skip()?;
        }
    }
    Ok(false)
}

/// The list of parts says which are encrypted; with a password, all that hold text are.
fn refuse_encrypted(package: &mut Package<'_>, limits: &ExtractLimits) -> Result<(), ExtractError> {
    let format = package.format();
    let Some(manifest) = package.part("META-INF/manifest.xml")? else { return Ok(()) };
    if Reader::new(format, &manifest, limits.max_depth).find("encryption-data")? {
        return Err(ExtractError::Encrypted { format: format.into() });
    }
    Ok(())
}

/// The lines of a text, blanks inside each collapsed, empty ones left out.
fn lines_of(text: &str) -> String {
    text.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
