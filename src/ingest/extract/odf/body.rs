//! The body of a text, block by block: paragraphs, headings, lists, tables, and what hangs on them.

use std::collections::HashMap;

use super::{
    inline::{Paragraph, is_drawn},
    lines_of,
    objects::Objects,
    styles::{Mark, Styles},
};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    sheet::CellBudget,
    writer::MarkdownWriter,
    xml::{Element, Reader},
};

/// Lists are nested at most as deep as this in what is written.
const MAX_LEVEL: usize = 8;

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
    /// How far each list has counted that a later one may go on with.
    counts: HashMap<(String, usize), i64>,
}

/// Where in a list a paragraph stands.
#[derive(Debug, Clone)]
struct Place {
    list: String,
    level: usize,
    /// The numbers of the items that it lies in, the outermost first; empty where they have none.
    numbers: Vec<String>,
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
            "h" => self.heading(element, writer),
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
                self.list(element, None, writer)?;
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

    fn heading(&mut self, element: &Element<'_>, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let level = element.number("outline-level").unwrap_or(1);
        let paragraph = self.paragraph()?;
        writer.heading(level, &paragraph.text)?;
        self.hanging(paragraph, writer)
    }

    /// Writes what hangs on a paragraph that was written.
    fn hanging(&mut self, paragraph: Paragraph, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
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

    /// Writes a list; an inner one has the marks of the outer one unless it says otherwise.
    fn list(
        &mut self,
        element: &Element<'_>,
        outer: Option<&Place>,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let list = element.attribute("style-name").or_else(|| outer.map(|outer| outer.list.clone()));
        let level = outer.map_or(0, |outer| outer.level + 1);
        let mut place = Place { list: list.unwrap_or_default(), level, numbers: Vec::new() };
        let around = outer.map(|outer| outer.numbers.as_slice()).unwrap_or_default();
        let key = (place.list.clone(), place.level);
        let goes_on = element.attribute("continue-numbering").as_deref() == Some("true")
            || element.attribute("continue-list").is_some();
        let mut count = self.counts.get(&key).copied().filter(|_| goes_on);
        while let Some(item) = self.reader.child()? {
            let (number, mark) = match self.styles.mark(&place.list, place.level) {
                _ if item.is("list-header") => (String::new(), String::new()),
                Mark::Nothing => (String::new(), String::new()),
                Mark::Sign => (String::new(), "- ".to_owned()),
                Mark::Number(numbers) => {
                    let next = count.map_or(numbers.start, |count| count.saturating_add(1));
                    let next = item.number("start-value").unwrap_or(next);
                    count = Some(next);
                    let number = numbers.number(next);
                    let mark = format!("{} ", numbers.label(&number, around));
                    (number, mark)
                }
            };
            place.numbers = around.iter().cloned().chain([number]).collect();
            self.item(&place, &mark, writer)?;
        }
        if let Some(count) = count {
            self.counts.insert(key, count);
        }
        Ok(())
    }

    fn item(&mut self, place: &Place, mark: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let indent = "  ".repeat(place.level.min(MAX_LEVEL));
        let blank = " ".repeat(mark.chars().count());
        let below = format!("\n{indent}{blank}");
        let mut is_first = true;
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "p" => {
                    let paragraph = self.paragraph()?;
                    let text = lines_of(&paragraph.text).replace('\n', &below);
                    if mark.is_empty() {
                        writer.block(&text)?;
                    } else if !text.is_empty() {
                        let mark = if is_first { mark } else { blank.as_str() };
                        writer.line_of_list(&format!("{indent}{mark}{text}"))?;
                        is_first = false;
                    }
                    self.hanging(paragraph, writer)?;
                }
                "list" => self.list(&element, Some(place), writer)?,
                _ => self.block(&element, writer)?,
            }
        }
        Ok(())
    }
}
