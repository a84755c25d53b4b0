//! The body of a text, block by block: paragraphs, headings, lists, tables, and what hangs on them.

use std::collections::HashMap;

use super::{
    chapters::Chapters,
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
    /// How far each list has counted at each level that a later one may go on with.
    counts: HashMap<String, Vec<Option<i64>>>,
    chapters: Chapters,
}

/// Where in a list a paragraph stands.
#[derive(Debug, Clone)]
struct Place {
    list: String,
    level: usize,
    /// The numbers of the items that it lies in, the outermost first; empty where they have none.
    numbers: Vec<String>,
    /// The label that the item has as a heading; `None` in a list that is not known, such as that of the chapters.
    label: Option<String>,
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
    fn heading(
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

    /// Writes a list; an inner one has the marks of the outer one unless it says otherwise, and goes on with the one before
    /// it where the item that it lies in does.
    fn list(
        &mut self,
        element: &Element<'_>,
        outer: Option<&Place>,
        goes_on: bool,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let list = element.attribute("style-name").or_else(|| outer.map(|outer| outer.list.clone()));
        let level = outer.map_or(0, |outer| outer.level + 1);
        let mut place = Place { list: list.unwrap_or_default(), level, numbers: Vec::new(), label: None };
        let around = outer.map(|outer| outer.numbers.as_slice()).unwrap_or_default();
        let goes_on = goes_on
            || element.attribute("continue-numbering").as_deref() == Some("true")
            || element.attribute("continue-list").is_some();
        let mut count = self.count(&place).filter(|_| goes_on);
        if !goes_on && let Some(counts) = self.counts.get_mut(&place.list) {
            counts.truncate(place.level);
        }
        while let Some(item) = self.reader.child()? {
            let first = self.reader.child()?;
            // An item of nothing but a list is a deeper level of the item before it.
            let is_deeper = first.as_ref().is_some_and(|first| first.is("list")) && count.is_some();
            let (number, label, mark) = match self.styles.mark(&place.list, place.level) {
                _ if item.is("list-header") => (String::new(), None, String::new()),
                Mark::Nothing => (String::new(), None, String::new()),
                Mark::Sign => (String::new(), None, "- ".to_owned()),
                Mark::Number(numbers) => {
                    let next = match count {
                        Some(count) if is_deeper => count,
                        Some(count) => count.saturating_add(1),
                        None => numbers.start,
                    };
                    let next = item.number("start-value").unwrap_or(next);
                    count = Some(next);
                    self.keep_count(&place, next);
                    let number = numbers.number(next);
                    let label = numbers.label_of_heading(&number, around);
                    let mark = format!("{} ", numbers.label(&number, around));
                    (number, Some(label), mark)
                }
            };
            place.numbers = around.iter().cloned().chain([number]).collect();
            // A heading in a list counts as the list does, and not as a chapter.
            place.label = label.or_else(|| self.styles.has_list(&place.list).then(String::new));
            self.item(&place, &mark, first, is_deeper, writer)?;
        }
        Ok(())
    }

    fn count(&self, place: &Place) -> Option<i64> {
        self.counts.get(&place.list)?.get(place.level).copied()?
    }

    /// Keeps how far a list has counted. What lies below an earlier item has ended, unless it is still this one.
    fn keep_count(&mut self, place: &Place, count: i64) {
        let is_same = self.count(place) == Some(count);
        let counts = self.counts.entry(place.list.clone()).or_default();
        if !is_same || counts.len() <= place.level {
            counts.resize(place.level + 1, None);
        }
        if let Some(kept) = counts.get_mut(place.level) {
            *kept = Some(count);
        }
    }

    /// Writes an item that begins with `first`.
    fn item(
        &mut self,
        place: &Place,
        mark: &str,
        first: Option<Element<'_>>,
        goes_on: bool,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let indent = "  ".repeat(place.level.min(MAX_LEVEL));
        let blank = " ".repeat(mark.chars().count());
        let below = format!("\n{indent}{blank}");
        let mut is_first = true;
        let mut next = first;
        while let Some(element) = next {
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
                "h" => self.heading(&element, place.label.as_deref(), writer)?,
                "list" => self.list(&element, Some(place), goes_on, writer)?,
                _ => self.block(&element, writer)?,
            }
            next = self.reader.child()?;
        }
        Ok(())
    }
}
