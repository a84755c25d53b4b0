//! Walks the elements of a page and writes them as blocks of Markdown.

use dom_query::NodeRef;

use super::{
    inline::{Line, add, first_number, is_block, number_of},
    table,
};
use crate::ingest::extract::{ExtractError, writer::MarkdownWriter};

pub(super) struct BlockWriter<'w> {
    writer: &'w mut MarkdownWriter,
    line: Line,
    /// What stands before each line of a paragraph: the indent of lists, the mark of quotations.
    prefix: String,
    /// What stands before the next line instead: the mark of a list item.
    mark: Option<String>,
    /// Whether the next block follows the one before it without a blank line.
    tight: bool,
    depth: usize,
}

impl<'w> BlockWriter<'w> {
    pub(super) fn new(writer: &'w mut MarkdownWriter, max_depth: usize) -> Self {
        Self { writer, line: Line::default(), prefix: String::new(), mark: None, tight: false, depth: max_depth }
    }

    pub(super) fn write(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        self.children(node)?;
        self.flush()
    }

    fn children(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        if self.depth == 0 {
            self.line.push(&node.text());
            return self.flush();
        }
        self.depth -= 1;
        for child in node.children_it(false) {
            self.node(&child)?;
        }
        self.depth += 1;
        Ok(())
    }

    fn node(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        let name = node.node_name().filter(|_| node.is_element());
        let Some(name) = name else {
            if node.is_text() {
                self.line.push(&node.text());
            }
            return Ok(());
        };
        if !is_block(&name) {
            // `<a><h2>…</h2></a>`: a block inside an inline element is still a block.
            if node.descendants_it().any(|below| below.node_name().is_some_and(|name| is_block(&name))) {
                return self.children(node);
            }
            add(node, &mut self.line, self.depth);
            return Ok(());
        }
        self.flush()?;
        match name.as_ref() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(node, usize::from(name.as_bytes()[1] - b'0')),
            "ul" | "ol" | "menu" | "dir" => self.list(node, name.as_ref() == "ol"),
            "dl" => self.definitions(node),
            "pre" => self.preformatted(node),
            "table" => self.table(node),
            "blockquote" => self.prefixed("> ", node),
            _ => {
                self.children(node)?;
                self.flush()
            }
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = self.line.take();
        if text.is_empty() {
            return Ok(());
        }
        let first = self.mark.take().unwrap_or_else(|| self.prefix.clone());
        let text = format!("{first}{}", text.replace('\n', &format!("\n{}", self.prefix)));
        if std::mem::take(&mut self.tight) { self.writer.line(&text) } else { self.writer.block(&text) }
    }

    fn heading(&mut self, node: &NodeRef<'_>, level: usize) -> Result<(), ExtractError> {
        for child in node.children_it(false) {
            add(&child, &mut self.line, self.depth);
        }
        let title = self.line.take();
        // What follows a heading is no part of the list item that the page put it into.
        self.prefix.clear();
        self.mark = None;
        self.tight = false;
        self.writer.heading(level, &title)
    }

    fn list(&mut self, node: &NodeRef<'_>, ordered: bool) -> Result<(), ExtractError> {
        let outer = self.prefix.clone();
        self.tight |= !outer.is_empty();
        let mut number = first_number(node);
        for item in node.children_it(false) {
            if !item.has_name("li") {
                self.node(&item)?;
                self.flush()?;
                continue;
            }
            number = number_of(&item).filter(|_| ordered).unwrap_or(number);
            let mark = if ordered { format!("{number}. ") } else { "- ".to_owned() };
            number = number.saturating_add(1);
            self.item(&outer, &mark, &item)?;
        }
        self.prefix = outer;
        self.tight = false;
        Ok(())
    }

    fn item(&mut self, outer: &str, mark: &str, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        let marked = format!("{outer}{mark}");
        self.prefix = format!("{outer}{}", " ".repeat(mark.len()));
        self.mark = Some(marked);
        self.children(node)?;
        self.flush()?;
        self.mark = None;
        outer.clone_into(&mut self.prefix);
        self.tight = true;
        Ok(())
    }

    /// A term is an item, and what it means stands below it, so that the two stay together.
    fn definitions(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        let outer = self.prefix.clone();
        for part in node.children_it(false) {
            match part.node_name().as_deref() {
                Some("dt") => self.item(&outer, "- ", &part)?,
                Some("dd") => {
                    let start = self.writer.position();
                    self.prefix = format!("{outer}  ");
                    self.tight = true;
                    self.children(&part)?;
                    self.flush()?;
                    // Terms follow each other closely as long as their meanings are short.
                    self.tight = !self.writer.has_blank_line_after(start);
                }
                Some("div") => self.definitions(&part)?,
                // What should not stand there is read all the same.
                _ => {
                    self.node(&part)?;
                    self.flush()?;
                }
            }
            self.prefix.clone_from(&outer);
        }
        self.tight = false;
        Ok(())
    }

    fn preformatted(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        self.mark = None;
        self.tight = false;
        let text = preformatted_text(node);
        self.writer.code(&text)
    }

    fn table(&mut self, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        let caption = table::caption(node, self.depth);
        let rows = table::rows(node, self.depth);
        if let Some(caption) = caption {
            self.line.push(&caption);
            self.flush()?;
        }
        self.mark = None;
        self.tight = false;
        if let Some(rows) = rows {
            return self.writer.table(&rows);
        }
        for cell in table::contents(node) {
            self.children(&cell)?;
            self.flush()?;
        }
        Ok(())
    }

    fn prefixed(&mut self, prefix: &str, node: &NodeRef<'_>) -> Result<(), ExtractError> {
        let outer = self.prefix.clone();
        self.prefix.push_str(prefix);
        self.children(node)?;
        self.flush()?;
        self.prefix = outer;
        Ok(())
    }
}

/// The text of `<pre>` with its own line ends; `<br>` is one too.
pub(super) fn preformatted_text(node: &NodeRef<'_>) -> String {
    let mut text = String::new();
    for below in node.descendants_it() {
        if below.is_text() {
            text.push_str(&below.text());
        } else if below.has_name("br") {
            text.push('\n');
        }
    }
    text
}
