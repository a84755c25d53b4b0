//! PowerPoint presentations (PPTX, and PPSX, PPTM, POTX, which hold the same): PresentationML of ECMA-376 part 1.
//!
//! Each slide is a page under its title, in the order in which slides are shown. The title comes first wherever it stands,
//! and the shapes follow from top to bottom and from left to right: the order in the file is the order in which they were
//! drawn. Hidden slides are read as well. Dates, footers and slide numbers repeat and are left out, and macros are not
//! looked at.
//!
//! May depend on `domain` only.

mod comments;
mod layouts;
mod shapes;
mod slide;

use super::{
    ExtractError, ExtractLimits,
    package::Package,
    properties,
    relationships::{Relationships, media_type},
    writer::MarkdownWriter,
    xml::Reader,
};
use crate::domain::ExtractedDocument;

/// What the format is called in errors.
const FORMAT: &str = "PPTX";
const USUAL_MAIN_PART: &str = "ppt/presentation.xml";
const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, FORMAT, limits)?;
    let root = Relationships::of(&mut package, "", limits.max_depth)?;
    let main = root.of_kind("officeDocument").next().unwrap_or(USUAL_MAIN_PART).to_owned();
    let presentation = package.required(&main)?;
    let relationships = Relationships::of(&mut package, &main, limits.max_depth)?;
    let ids = slide_ids(&presentation, limits.max_depth)?;
    if ids.len() > limits.max_pages {
        return Err(ExtractError::too_large("the number of slides", limits.max_pages as u64));
    }
    let media_type = media_type(&mut package, &main, limits.max_depth)?.unwrap_or_else(|| MEDIA_TYPE.into());
    let mut writer = MarkdownWriter::new(&media_type, limits);
    let mut deck = slide::Deck::new(&mut package, &relationships, limits)?;
    for (number, id) in (1u32..).zip(&ids) {
        writer.page(number);
        match relationships.target(id) {
            Some(part) => deck.slide(number, part, &mut writer)?,
            None => writer.warn(format!("slide {number} is listed, but is not in the file")),
        }
    }
    if writer.is_blank() {
        return Err(ExtractError::no_text("the presentation has no words in it, only pictures or nothing at all"));
    }
    let title = properties::title(&mut package, "docProps/core.xml", limits.max_depth)?;
    package.take_warnings().into_iter().for_each(|warning| writer.warn(warning));
    Ok(writer.finish(title))
}

/// The slides in the order in which they are shown, by the ids of their relationships.
fn slide_ids(presentation: &str, max_depth: usize) -> Result<Vec<String>, ExtractError> {
    let mut reader = Reader::new(FORMAT, presentation, max_depth);
    let mut ids = Vec::new();
    if reader.find("sldIdLst")? {
        while let Some(element) = reader.child()? {
            ids.extend(element.prefixed("id").filter(|_| element.is("sldId")));
            reader.skip()?;
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests;
