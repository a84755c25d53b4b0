//! Paragraphs become headings, items, rows of tables and prose.

use std::collections::HashMap;

use super::state::Paragraph;
use crate::ingest::extract::{ExtractError, structure::one_line, writer::MarkdownWriter};

/// Writes paragraphs, and holds back the rows of a table until it ends.
pub(super) struct Blocks {
    pub(super) writer: MarkdownWriter,
    /// The level of headings that have a style.
    pub(super) heading_styles: HashMap<i32, usize>,
    /// What stands before the item of a list that is being read.
    pub(super) mark: String,
    pub(super) notes: Vec<String>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// The paragraphs of the cell that is being read.
    cell: Vec<String>,
    /// Of each cell of the row: whether it goes on with the one above.
    pub(super) continued: Vec<bool>,
    /// The same of the cell that is being defined.
    pub(super) continues: bool,
}

impl Blocks {
    pub(super) fn new(writer: MarkdownWriter) -> Self {
        Self {
            writer,
            heading_styles: HashMap::new(),
            mark: String::new(),
            notes: Vec::new(),
            rows: Vec::new(),
            row: Vec::new(),
            cell: Vec::new(),
            continued: Vec::new(),
            continues: false,
        }
    }

    pub(super) fn paragraph(&mut self, text: String, about: Paragraph) -> Result<(), ExtractError> {
        let mark = std::mem::take(&mut self.mark);
        if about.in_table {
            if !text.trim().is_empty() {
                self.cell.push(format!("{}{}", item_mark(&mark).unwrap_or_default(), text.trim()));
            }
            return Ok(());
        }
        self.end_table()?;
        let text = text.trim();
        if !text.is_empty() {
            let outline = about.outline.and_then(|outline| usize::try_from(outline).ok()).map(|outline| outline + 1);
            let styled = about.style.and_then(|style| self.heading_styles.get(&style)).copied();
            match (outline.or(styled).filter(|level| *level < 10), item_mark(&mark)) {
                (Some(level), _) => self.writer.heading(level, &format!("{} {text}", mark.trim()))?,
                (None, Some(mark)) => {
                    let indent = "   ".repeat(about.list_level.min(8));
                    let inside = format!("\n{indent}{}", " ".repeat(mark.len()));
                    self.writer.line_of_list(&format!("{indent}{mark}{}", text.replace('\n', &inside)))?;
                }
                (None, None) => self.writer.block(text)?,
            }
        }
        for note in std::mem::take(&mut self.notes) {
            self.writer.block(&note)?;
        }
        Ok(())
    }

    pub(super) fn end_cell(&mut self, text: String) {
        if !text.trim().is_empty() {
            self.cell.push(format!("{}{}", item_mark(&self.mark).unwrap_or_default(), text.trim()));
        }
        self.mark.clear();
        self.row.push(std::mem::take(&mut self.cell).join("\n"));
    }

    pub(super) fn end_cell_definition(&mut self) {
        self.continued.push(std::mem::take(&mut self.continues));
    }

    pub(super) fn end_row(&mut self) {
        let mut row = std::mem::take(&mut self.row);
        for (column, cell) in row.iter_mut().enumerate() {
            let continues = self.continued.get(column).copied().unwrap_or(false);
            if continues && cell.is_empty() {
                let above = self.rows.last().and_then(|above| above.get(column));
                *cell = above.cloned().unwrap_or_default();
            }
        }
        if row.iter().any(|cell| !cell.trim().is_empty()) {
            self.rows.push(row);
        }
    }

    /// Ends the table, if one is being read.
    pub(super) fn end_table(&mut self) -> Result<(), ExtractError> {
        // A row that never ended.
        if !self.row.is_empty() || !self.cell.is_empty() {
            self.end_cell(String::new());
            self.end_row();
        }
        let rows = std::mem::take(&mut self.rows);
        // One cell is a frame around a text.
        if rows.iter().all(|row| row.iter().filter(|cell| !cell.is_empty()).count() <= 1) && rows.len() <= 1 {
            return rows.into_iter().flatten().try_for_each(|cell| self.writer.block(&cell));
        }
        self.writer.table(&rows)
    }
}

/// The mark of an item, as Markdown has it: the number as it is shown, or a dash for any bullet.
fn item_mark(mark: &str) -> Option<String> {
    let mark = one_line(mark);
    let is_number = mark.chars().any(char::is_alphanumeric) && mark.ends_with(['.', ')']);
    match mark.as_str() {
        "" => None,
        _ if is_number => Some(format!("{mark} ")),
        _ => Some("- ".into()),
    }
}
