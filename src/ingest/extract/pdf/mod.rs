//! PDF: text with its pages, headings, columns and simple tables, as Markdown.
//!
//! A PDF holds glyphs at places, no words and no paragraphs. `pdf-extract` tells which glyph stands where;
//! everything else is read off the geometry: [`rows`] puts glyphs into words and lines, [`columns`] finds
//! the reading order, [`tables`] and [`blocks`] say what the lines are. Lines that repeat on most pages
//! (running heads, page numbers) are left out and reported.
//!
//! May depend on `domain` only.

mod annotations;
mod blocks;
mod columns;
mod content;
mod encoding;
mod face;
mod fonts;
mod furniture;
mod glyphs;
mod named;
mod open;
mod operators;
mod page_tree;
mod repair;
mod rows;
mod tables;
mod text;
mod unpack;
mod visibility;

use self::{blocks::Scale, glyphs::PageGlyphs, open::Opened, rows::Row};
use super::{ExtractError, ExtractLimits, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

/// The name of the format in reasons.
const PDF: &str = "PDF";

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut opened = Opened::load(bytes, limits)?;
    let mut writer = MarkdownWriter::new("application/pdf", limits);
    if opened.is_repaired() {
        writer.warn("the file is damaged: the table of its objects was lost and has been made again");
    }
    let mut pages: Vec<Vec<Vec<Row>>> = Vec::new();
    let mut seen = Seen::default();
    for number in 1..=opened.pages() {
        let page = match opened.page(number, limits) {
            Ok(page) => page,
            Err(reason) => {
                writer.warn(format!("page {number} could not be read: {reason}"));
                pages.push(Vec::new());
                continue;
            }
        };
        seen.add(&page, number);
        if seen.glyphs > limits.max_text_bytes {
            return Err(ExtractError::too_large("the extracted text in bytes", limits.max_text_bytes as u64));
        }
        pages.push(rows::rows_of(page));
    }
    if seen.unmapped > 0 {
        let Seen { unmapped, unmapped_pages, .. } = seen;
        writer.warn(format!("{unmapped} characters on {unmapped_pages} pages have no text in the file"));
    }
    for (pages, what) in [
        (&seen.hidden_layers, "has something on a layer that is switched off, which was left out"),
        (&seen.damaged, "is damaged inside: words of it may be missing"),
    ] {
        if let Some(first) = pages.first() {
            let others = if pages.len() > 1 { format!(" (and {} others)", pages.len() - 1) } else { String::new() };
            writer.warn(format!("page {first}{others} {what}"));
        }
    }
    furniture::remove(&mut pages, &mut writer);
    // A stamp or a running head on a scan are not its words.
    seen.picture_pages
        .retain(|number| pages.get(*number as usize - 1).is_none_or(|page| page.iter().all(Vec::is_empty)));
    let scale = Scale::of(&pages);
    for (index, groups) in pages.into_iter().enumerate() {
        writer.page(index as u32 + 1);
        for rows in groups {
            for column in columns::in_reading_order(rows) {
                blocks::write(column, &scale, &mut writer)?;
            }
        }
    }
    if writer.is_blank() {
        return Err(seen.instead_of_text());
    }
    let title = opened.title();
    Ok(ExtractedDocument { picture_pages: seen.picture_pages, ..writer.finish(title) })
}

/// What the pages hold, all of them together.
#[derive(Debug, Default)]
struct Seen {
    glyphs: usize,
    unmapped: usize,
    unmapped_pages: usize,
    /// The pages that have pictures; once all are read, those that have no words beside them.
    picture_pages: Vec<u32>,
    hidden_layers: Vec<u32>,
    damaged: Vec<u32>,
}

impl Seen {
    fn add(&mut self, page: &PageGlyphs, number: u32) {
        self.glyphs += page.glyphs.len();
        self.unmapped += page.unmapped;
        self.unmapped_pages += usize::from(page.unmapped > 0);
        self.hidden_layers.extend(page.has_hidden_layer.then_some(number));
        self.damaged.extend(page.is_damaged.then_some(number));
        self.picture_pages.extend((page.pictures > 0).then_some(number));
    }

    fn instead_of_text(&self) -> ExtractError {
        if self.unmapped > 0 {
            ExtractError::no_text(
                "the fonts of the PDF do not say which characters they show; run text recognition (OCR) over it first",
            )
        } else if self.picture_pages.is_empty() {
            ExtractError::no_text("the PDF has no words in it")
        } else {
            ExtractError::OnlyPictures { what: "the PDF".into(), extension: "pdf".into() }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
