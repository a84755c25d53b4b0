//! The body of a text, block by block: paragraphs, headings, lists, tables, and what hangs on them.

use std::collections::HashMap;

use super::{
    chapters::Chapters,
    inline::{Paragraph, is_drawn},
    lines_of,
    objects::Objects,
    styles::Styles,
};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    sheet::CellBudget,
    writer::MarkdownWriter,
    xml::{Element, Reader},
};

pub(super) struct Body<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) format: &'static str,
    pub(super) styles: &'a Styles,
    pub(super) objects: &'a Objects,
    pub(super) budget: CellBudget,
    pub(super) note_count: usize,
    /// Notes whose marks were written and they themselves were not.
    pub(super) pending_notes: Vec<String>,
    /// Charts and other objects that are anchored in what was written last.
    pub(super) pending_objects: Vec<String>,
    /// How far each list has counted at each level that a later one may go on with.
    pub(super) counts: HashMap<String, Vec<Option<i64>>>,
    chapters: Chapters,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        reader: Reader<'a>,
        format: &'static str,
        styles: &'a Styles,
        objects: &'a Objects,
        limits: &ExtractLimits,
    ) -> Self {
        Self {
            reader,
            format,
            styles,
            objects,
            budget: CellBudget::new(limits),
            note_count: 0,
            pending_notes: Vec::new(),
            pending_objects: Vec::new(),
            counts: HashMap::new(),
            chapters: Chapters::default(),
        }
    }

    /// Writes the rest of the current element.
    pub(super) fn write(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            self.block(&element, writer)?;
        }
        Ok(())
    }

    /// Writes the block that `element` begins.
    pub(super) fn block(&mut self, element: &Element<'_>, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        match element.name() {
            "h" => self.heading(element, None, writer),
            "p" => {
                let style = element.attribute("style-name").unwrap_or_default();
                let paragraph = self.paragraph()?;
                if self.styles.is_title(&style) {
                    writer.heading(1, &paragraph.text)?;
                } else {
                    writer.block(&lines_of(&paragraph.text))?;
                }
                self.hanging(paragraph, writer)
            }
            "list" => {
                self.list(element, None, false, writer)?;
                writer.end_list();
                Ok(())
            }
            "table" => {
                let rows = self.table_rows()?;
                match rows.as_slice() {
                    // A single cell is a box around text.
                    [row] if row.len() == 1 => row.iter().try_for_each(|text| writer.block(&lines_of(text)))?,
                    _ => writer.table(&rows)?,
                }
                self.pending(writer)
            }
            name if is_drawn(name) => {
                let mut paragraph = Paragraph::default();
                self.drawn(&mut paragraph)?;
                writer.block(&lines_of(&paragraph.text))?;
                self.hanging(paragraph, writer)
            }
            "table-of-content" | "illustration-index" | "table-index" | "object-index" | "user-index"
            | "alphabetical-index" | "tracked-changes" | "forms" | "sequence-decls" | "variable-decls"
            | "user-field-decls" | "annotation" => self.reader.skip(),
            _ => self.write(writer),
        }
    }

    /// Writes a heading; `label` is that of the item that it is, unless it counts as a chapter.
    pub(super) fn heading(
        &mut self,
        element: &Element<'_>,
        label: Option<&str>,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let level = element.number("outline-level").unwrap_or(1);
        let label = match label {
            Some(label) => label.to_owned(),
            None => self.chapters.label(self.styles, element, level),
        };
        let paragraph = self.paragraph()?;
        let label = if paragraph.number.is_empty() { label } else { paragraph.number.clone() };
        if paragraph.text.trim().is_empty() || label.is_empty() {
            writer.heading(level, &paragraph.text)?;
        } else {
            writer.heading(level, &format!("{label} {}", paragraph.text))?;
        }
        self.hanging(paragraph, writer)
    }

    /// Writes what hangs on a paragraph that was written.
    pub(super) fn hanging(&mut self, paragraph: Paragraph, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        for text in &paragraph.boxes {
            writer.block(&lines_of(text))?;
        }
        self.pending_objects.extend(paragraph.objects);
        self.pending(writer)
    }

    /// Writes the notes and charts that belong to what was written last.
    pub(super) fn pending(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        for note in std::mem::take(&mut self.pending_notes) {
            writer.block(&note)?;
        }
        for name in std::mem::take(&mut self.pending_objects) {
            self.objects.write(&name, writer)?;
        }
        Ok(())
    }
}
