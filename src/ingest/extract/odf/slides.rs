//! Slides of a presentation as pages: the title first, then the shapes in their order, then the speaker's notes and the comments of
//! reviewers.

use super::{body::Body, find_content, inline::is_drawn, objects::Objects, styles::Styles};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    pictures::description,
    structure::one_line,
    writer::MarkdownWriter,
    xml::{Element, Reader},
};

/// The titles of all slides: a title may stand behind what it is written above.
pub(super) fn titles(
    format: &'static str,
    content: &str,
    styles: &Styles,
    objects: &Objects,
    limits: &ExtractLimits,
) -> Result<Vec<String>, ExtractError> {
    let mut body = Body::new(Reader::new(format, content, limits.max_depth), format, styles, objects, limits);
    let mut titles = Vec::new();
    if !find_content(&mut body.reader, "presentation")? {
        return Ok(titles);
    }
    while let Some(page) = body.reader.child()? {
        if !page.is("page") {
            body.reader.skip()?;
            continue;
        }
        let mut title = String::new();
        while let Some(shape) = body.reader.child()? {
            if is_title(&shape) && title.is_empty() {
                title = one_line(&body.flat()?);
            } else {
                body.reader.skip()?;
            }
        }
        titles.push(title);
    }
    Ok(titles)
}

/// Writes the rest of an `office:presentation`.
pub(super) fn write(body: &mut Body<'_>, titles: &[String], writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
    let mut number = 0u32;
    while let Some(page) = body.reader.child()? {
        if !page.is("page") {
            body.reader.skip()?;
            continue;
        }
        let title = titles.get(number as usize).map_or("", String::as_str);
        number = number.saturating_add(1);
        writer.page(number);
        if page.attribute("style-name").is_some_and(|style| body.styles.is_hidden(&style)) {
            writer.warn(format!("slide {number} is hidden in the presentation; it was read as well"));
        }
        writer.heading(1, title)?;
        let mut has_title = !title.is_empty();
        let mut comments = Vec::new();
        while let Some(shape) = body.reader.child()? {
            if has_title && is_title(&shape) {
                // The first title that says something has been written.
                let again = one_line(&body.flat()?);
                if again != title {
                    writer.block(&again)?;
                } else {
                    has_title = false;
                }
                continue;
            }
            if shape.is("annotation") {
                comments.extend(body.comment("")?);
            } else {
                body.shape(&shape, writer)?;
            }
        }
        comments.iter().try_for_each(|comment| writer.block(comment))?;
    }
    Ok(())
}

fn class_of(shape: &Element<'_>) -> String {
    shape.attribute("class").unwrap_or_default()
}

fn is_title(shape: &Element<'_>) -> bool {
    is_drawn(shape.name()) && class_of(shape) == "title"
}

impl Body<'_> {
    fn shape(&mut self, shape: &Element<'_>, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        match (shape.name(), class_of(shape).as_str()) {
            // Dates, headers, footers and slide numbers repeat.
            (_, "date-time" | "footer" | "header" | "page-number") => self.reader.skip(),
            ("notes", _) => self.speaker_notes(writer),
            ("forms" | "animations" | "par" | "annotation", _) => self.reader.skip(),
            (name, _) if is_drawn(name) => self.inside(writer),
            _ => self.block(shape, writer),
        }
    }

    /// Writes the rest of a shape: its text block by block, so that lists and tables stay what they are.
    fn inside(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "desc" | "title" => {
                    if let Some(words) = description(&self.reader.text_of_current()?) {
                        writer.block(&format!("[image: {words}]"))?;
                    }
                }
                "object" | "object-ole" => {
                    let link = element.attribute("href").unwrap_or_default();
                    match self.objects.formula(&link) {
                        Some(formula) => writer.block(formula)?,
                        None => self.pending_objects.push(link),
                    }
                    self.reader.skip()?;
                }
                "image" | "event-listeners" | "glue-point" | "plugin" => self.reader.skip()?,
                "text-box" => self.inside(writer)?,
                name if is_drawn(name) => self.shape(&element, writer)?,
                _ => self.block(&element, writer)?,
            }
        }
        self.pending(writer)
    }

    fn speaker_notes(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        while let Some(shape) = self.reader.child()? {
            if class_of(&shape) == "notes" {
                let text = super::lines_of(&self.flat()?);
                if !text.is_empty() {
                    writer.block(&format!("Speaker notes: {text}"))?;
                }
            } else {
                self.reader.skip()?;
            }
        }
        Ok(())
    }
}
