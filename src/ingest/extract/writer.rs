//! Writes the text of formats that have no text form of their own, as Markdown, and notes where the
//! headings, tables and pages stand.
//!
//! Words are written as they read, without escapes: a quote from the text must be what the reader of the
//! original sees. The noted ranges, not a second parse, say what is a heading or a table.
//!
//! May depend on `domain` only.

use std::ops::Range;

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
        self.code_in(text, "").map(drop)
    }

    /// The same with the name of the language, which may be empty. Returns where the first line that is not blank stands.
    pub(super) fn code_in(&mut self, text: &str, language: &str) -> Result<usize, ExtractError> {
        let text = text.trim_matches('\n').trim_end();
        if text.is_empty() {
            return Ok(self.document.text.len());
        }
        let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
        self.separate("\n\n");
        self.push(&format!("{fence}{language}\n"))?;
        let start = self.document.text.len();
        self.push(text)?;
        self.push(&format!("\n{fence}"))?;
        Ok(start)
    }

    /// Notes that lines that have been written head what stands below them.
    pub(super) fn note_heading(&mut self, level: usize, title: &str, range: Range<usize>) {
        let title = one_line(title);
        if !title.is_empty() {
            self.document.headings.push(Heading { level: level.clamp(1, 6) as u8, title, range });
        }
    }

    /// Writes a whole other document, its headings `below` levels lower. Its pages and its title are not taken over, and
    /// its warnings are the caller's.
    pub(super) fn append(&mut self, other: &ExtractedDocument, below: usize) -> Result<(), ExtractError> {
        let first = other.text.len() - other.text.trim_start_matches('\n').len();
        let end = other.text.trim_end().len();
        if first >= end {
            return Ok(());
        }
        self.separate("\n\n");
        // Where places of the other text have got to: from each of these on, so much further.
        let mut moved: Vec<(usize, usize)> = vec![(0, self.document.text.len())];
        let mut at = first;
        let mut levels = Vec::with_capacity(other.headings.len());
        for heading in &other.headings {
            let old = usize::from(heading.level);
            let level = (old + below).min(6);
            levels.push(level);
            let start = heading.range.start;
            let line = other.text.get(heading.range.clone()).unwrap_or_default();
            let title = line.trim_start_matches('#');
            // A definition in code has its comments above it, which may begin with the same sign and stay as they are.
            let is_marked = line.len() - title.len() == old && title.starts_with([' ', '\t']) && !line.contains('\n');
            if is_marked && start >= at && heading.range.end <= end {
                self.push(&other.text[at..start])?;
                self.push(&"######"[..level - old])?;
                let further = moved.last().map_or(0, |last| last.1) + level - old;
                moved.push((start + 1, further));
                at = start;
            }
        }
        self.push(&other.text[at..end])?;
        let place = |old: usize| {
            let old = old.clamp(first, end);
            let known = moved.partition_point(|(from, _)| *from <= old);
            old - first + moved[known.saturating_sub(1)].1
        };
        for (heading, level) in other.headings.iter().zip(levels) {
            let range = place(heading.range.start)..place(heading.range.end);
            self.document.headings.push(Heading { level: level as u8, title: heading.title.clone(), range });
        }
        for table in &other.tables {
            let [range, header] = [&table.range, &table.header].map(|range| place(range.start)..place(range.end));
            self.document.tables.push(Table { range, header });
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::structure::check_structure, *};

    #[test]
    fn a_document_in_another_one_keeps_its_structure_lower_down() {
        let limits = ExtractLimits::default();
        let mut inner = MarkdownWriter::new("text/html", &limits);
        inner.heading(1, "Prices").unwrap();
        inner.table(&[vec!["a".into(), "b".into()], vec!["1".into(), "2".into()]]).unwrap();
        inner.heading(2, "Notes").unwrap();
        inner.block("last").unwrap();
        let inner = inner.finish(None);
        let mut outer = MarkdownWriter::new("application/zip", &limits);
        for name in ["one", "two"] {
            outer.heading(1, name).unwrap();
            outer.append(&inner, 1).unwrap();
        }
        let outer = outer.finish(None);
        assert_eq!(check_structure(&outer), Ok(()));
        let one = "## Prices\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n### Notes\n\nlast\n";
        assert_eq!(outer.text, format!("# one\n\n{one}\n# two\n\n{one}"));
        let headings: Vec<_> = outer.headings.iter().map(|h| (h.level, &outer.text[h.range.clone()])).collect();
        let expected = ["# one", "## Prices", "### Notes", "# two", "## Prices", "### Notes"];
        assert_eq!(headings, expected.map(|line| (line.find(' ').unwrap() as u8, line)));
        for table in &outer.tables {
            assert_eq!(&outer.text[table.range.clone()], "| a | b |\n| --- | --- |\n| 1 | 2 |");
            assert_eq!(&outer.text[table.header.clone()], "| a | b |\n| --- | --- |");
        }
        assert_eq!(outer.tables.len(), 2);
    }

    #[test]
    fn comments_in_code_are_no_headings() {
        let limits = ExtractLimits::default();
        let source = "# Adds.\ndef add(a):\n    pass";
        let mut inner = MarkdownWriter::new("text/x-source", &limits);
        let at = inner.code_in(source, "python").unwrap();
        inner.note_heading(1, "def add", at..at + "# Adds.\ndef add(a):".len());
        let mut outer = MarkdownWriter::new("application/zip", &limits);
        outer.heading(1, "a.py").unwrap();
        outer.append(&inner.finish(None), 1).unwrap();
        let outer = outer.finish(None);
        assert_eq!(outer.text, format!("# a.py\n\n```python\n{source}\n```\n"));
        let heading = &outer.headings[1];
        assert_eq!((heading.level, &outer.text[heading.range.clone()]), (2, "# Adds.\ndef add(a):"));
    }

    #[test]
    fn code_says_its_language_and_where_it_stands() {
        let mut writer = MarkdownWriter::new("text/plain", &ExtractLimits::default());
        writer.block("before").unwrap();
        let at = writer.code_in("\nlet fence = \"```\";\n", "rust").unwrap();
        let text = writer.finish(None).text;
        assert_eq!(text, "before\n\n````rust\nlet fence = \"```\";\n````\n");
        assert!(text[at..].starts_with("let fence"));
    }
}
