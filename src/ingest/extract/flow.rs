//! Paragraphs, lists and quotations in each other, for formats that are marked up with light signs.
//!
//! May depend on `domain` only.

use super::{ExtractError, ExtractLimits, writer::MarkdownWriter};

/// Writes blocks at the place where lists and quotations have got to.
pub(super) struct Flow {
    pub(super) writer: MarkdownWriter,
    /// What stands before each line: the indent of lists, the mark of quotations.
    prefix: String,
    /// What stands before the next line instead: the mark of an item.
    mark: Option<String>,
    /// Whether the next block follows the one before it without a blank line.
    tight: bool,
    /// Whether the item that is being written holds something that stands by itself.
    broken: bool,
    depth: usize,
    max_depth: usize,
}

/// What to go back to when an item or a quotation ends.
pub(super) struct Outer(String);

impl Flow {
    pub(super) fn new(media_type: &str, limits: &ExtractLimits) -> Self {
        let writer = MarkdownWriter::new(media_type, limits);
        Self {
            writer,
            prefix: String::new(),
            mark: None,
            tight: false,
            broken: false,
            depth: 0,
            max_depth: limits.max_depth.min(MAX_DEPTH),
        }
    }

    /// Lines of prose.
    pub(super) fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let first = self.mark.take().unwrap_or_else(|| self.prefix.clone());
        let text = format!("{first}{}", text.replace('\n', &format!("\n{}", self.prefix)));
        if std::mem::take(&mut self.tight) { self.writer.line(&text) } else { self.writer.block(&text) }
    }

    pub(super) fn heading(&mut self, level: usize, title: &str) -> Result<(), ExtractError> {
        self.leave_list();
        self.writer.heading(level, title)
    }

    pub(super) fn code(&mut self, text: &str, language: &str) -> Result<(), ExtractError> {
        self.leave_list();
        self.writer.code_in(text, language).map(drop)
    }

    pub(super) fn table(&mut self, rows: &[Vec<String>]) -> Result<(), ExtractError> {
        self.leave_list();
        self.writer.table(rows)
    }

    /// Begins a list, or ends it: an inner one follows closely on what it belongs to.
    pub(super) fn begin_list(&mut self) {
        let in_item = self.prefix.ends_with(' ') && !self.prefix.ends_with("> ");
        self.tight = in_item && !self.broken;
    }

    pub(super) fn end_list(&mut self) {
        self.tight = false;
    }

    pub(super) fn begin_item(&mut self, mark: &str) -> Result<Outer, ExtractError> {
        let outer = self.deeper()?;
        self.mark = Some(format!("{}{mark}", outer.0));
        self.prefix = format!("{}{}", outer.0, " ".repeat(mark.chars().count()));
        Ok(outer)
    }

    /// What explains a term stands right below it.
    pub(super) fn follow_closely(&mut self) {
        self.tight = true;
    }

    pub(super) fn begin_quote(&mut self) -> Result<Outer, ExtractError> {
        let outer = self.deeper()?;
        self.prefix.push_str("> ");
        Ok(outer)
    }

    pub(super) fn end_item(&mut self, outer: Outer) {
        self.end_quote(outer);
        self.mark = None;
        self.tight = !std::mem::take(&mut self.broken);
    }

    pub(super) fn end_quote(&mut self, outer: Outer) {
        self.prefix = outer.0;
        self.depth -= 1;
    }

    /// What has a form of its own is no part of the item that it stands in.
    fn leave_list(&mut self) {
        self.mark = None;
        self.tight = false;
        self.broken = self.depth > 0;
    }

    fn deeper(&mut self) -> Result<Outer, ExtractError> {
        if self.depth >= self.max_depth {
            return Err(ExtractError::too_large(
                "the depth of lists and quotations in each other",
                self.max_depth as u64,
            ));
        }
        self.depth += 1;
        Ok(Outer(self.prefix.clone()))
    }
}

/// Each level makes every line longer.
const MAX_DEPTH: usize = 64;

/// Several rows of headers become one: the names above each other, each once.
pub(super) fn merged_header(mut rows: Vec<Vec<String>>, headers: usize) -> Vec<Vec<String>> {
    if headers < 2 || headers > rows.len() {
        return rows;
    }
    let above: Vec<Vec<String>> = rows.drain(..headers).collect();
    let columns = above.iter().map(Vec::len).max().unwrap_or(0);
    let name = |column: usize| {
        let mut names: Vec<&str> = Vec::new();
        for name in above.iter().filter_map(|row| row.get(column)).map(|name| name.trim()) {
            if !name.is_empty() && names.last() != Some(&name) {
                names.push(name);
            }
        }
        names.join(" / ")
    };
    rows.insert(0, (0..columns).map(name).collect());
    rows
}
