//! Writes the text of formats that have no text form of their own, as Markdown, and notes where the
//! headings, tables and pages stand.
//!
//! Words are written as they read, without escapes: a quote from the text must be what the reader of the
//! original sees. The noted ranges, not a second parse, say what is a heading or a table.
//!
//! May depend on `domain` only.

use super::{ExtractError, ExtractLimits, structure::one_line};
use crate::domain::{ExtractedDocument, Heading, Page, Table, TextSyntax};

/// Builds an [`ExtractedDocument`] block by block.
#[derive(Debug)]
pub(super) struct MarkdownWriter {
    document: ExtractedDocument,
    max_text_bytes: usize,
    /// Where the list ends that was written last.
    item_ends_at: Option<usize>,
}

impl MarkdownWriter {
    pub(super) fn new(media_type: &str, limits: &ExtractLimits) -> Self {
        let document = ExtractedDocument {
            syntax: TextSyntax::Markdown,
            media_type: media_type.into(),
            ..ExtractedDocument::default()
        };
        Self { document, max_text_bytes: limits.max_text_bytes, item_ends_at: None }
    }

    /// Writes a block of one or more lines, a blank line away from what stands before it.
    pub(super) fn block(&mut self, text: &str) -> Result<(), ExtractError> {
        let text = text.trim_matches('\n').trim_end();
        if text.trim().is_empty() {
            return Ok(());
        }
        self.separate("\n\n");
        self.push(text)
    }

    /// Writes lines right below the block before them.
    pub(super) fn line(&mut self, text: &str) -> Result<(), ExtractError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.separate("\n");
        self.push(text.trim_end())
    }

    /// Writes an item of a list: right below the item before it, or as a block of its own.
    pub(super) fn line_of_list(&mut self, text: &str) -> Result<(), ExtractError> {
        let follows = self.item_ends_at == Some(self.document.text.len());
        if follows {
            self.line(text)?
        } else {
            self.block(text)?
        }
        self.item_ends_at = Some(self.document.text.len());
        Ok(())
    }

    /// Ends the list that was written last: an item that follows is one of another list.
    pub(super) fn end_list(&mut self) {
        self.item_ends_at = None;
    }

    pub(super) fn heading(&mut self, level: usize, title: &str) -> Result<(), ExtractError> {
        let title = one_line(title);
        if title.is_empty() {
            return Ok(());
        }
        let level = level.clamp(1, 6);
        self.separate("\n\n");
        let start = self.document.text.len();
        self.push(&"######"[..level])?;
        self.push(" ")?;
        self.push(&title)?;
        let range = start..self.document.text.len();
        self.document.headings.push(Heading { level: level as u8, title, range });
        Ok(())
    }

    /// Writes a table whose first row is its header. Rows may differ in length.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) -> Result<(), ExtractError> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let Some(first) = rows.first() else { return Ok(()) };
        if columns == 0 || rows.iter().flatten().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        self.separate("\n\n");
        let start = self.document.text.len();
        self.row(first, columns)?;
        self.push("\n|")?;
        for _ in 0..columns {
            self.push(" --- |")?;
        }
        let header = start..self.document.text.len();
        for row in &rows[1..] {
            self.push("\n")?;
            self.row(row, columns)?;
        }
        self.document.tables.push(Table { range: start..self.document.text.len(), header });
        Ok(())
    }

    /// Writes preformatted lines in a fence that is longer than any in them.
    pub(super) fn code(&mut self, text: &str) -> Result<(), ExtractError> {
        let text = text.trim_matches('\n');
        if text.trim().is_empty() {
            return Ok(());
        }
        let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
        self.block(&format!("{fence}\n{text}\n{fence}"))
    }

    /// Starts a page: what is written from here on stands on it.
    pub(super) fn page(&mut self, number: u32) {
        self.separate("\n\n");
        let start = self.document.text.len();
        if let Some(before) = self.document.pages.last_mut() {
            before.range.end = start;
        }
        self.document.pages.push(Page { number, range: start..start });
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.document.warnings.push(warning.into());
    }

    /// Where the text ends now.
    pub(super) fn position(&self) -> usize {
        self.document.text.len()
    }

    /// Whether a blank line has been written since `position`.
    pub(super) fn has_blank_line_after(&self, position: usize) -> bool {
        self.document.text[position..].trim_start_matches('\n').contains("\n\n")
    }

    pub(super) fn is_blank(&self) -> bool {
        self.document.text.trim().is_empty()
    }

    /// Ends the document; without a title of its own it takes the first top-level heading.
    pub(super) fn finish(mut self, title: Option<String>) -> ExtractedDocument {
        if !self.document.text.is_empty() && !self.document.text.ends_with('\n') {
            self.document.text.push('\n');
        }
        if let Some(first) = self.document.pages.first_mut() {
            first.range.start = 0;
        }
        let end = self.document.text.len();
        if let Some(last) = self.document.pages.last_mut() {
            last.range.end = end;
        }
        let first_heading = || self.document.headings.iter().find(|heading| heading.level == 1);
        self.document.title = title
            .filter(|title| !title.trim().is_empty())
            .or_else(|| first_heading().map(|heading| heading.title.clone()));
        self.document
    }

    fn row(&mut self, cells: &[String], columns: usize) -> Result<(), ExtractError> {
        self.push("|")?;
        for column in 0..columns {
            let cell = cells.get(column).map(|cell| one_line(cell).replace('|', "\\|")).unwrap_or_default();
            self.push(" ")?;
            self.push(&cell)?;
            self.push(if cell.is_empty() { "|" } else { " |" })?;
        }
        Ok(())
    }

    fn separate(&mut self, gap: &str) {
        if self.document.text.is_empty() {
            return;
        }
        let have = self.document.text.len() - self.document.text.trim_end_matches('\n').len();
        for _ in have..gap.len() {
            self.document.text.push('\n');
        }
    }

    fn push(&mut self, text: &str) -> Result<(), ExtractError> {
        if self.document.text.len() + text.len() > self.max_text_bytes {
            return Err(ExtractError::too_large("the extracted text in bytes", self.max_text_bytes as u64));
        }
        self.document.text.push_str(text);
        Ok(())
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
