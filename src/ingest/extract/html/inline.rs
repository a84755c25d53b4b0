//! The words inside a block, as a reader sees them: no markup, blanks collapsed, line breaks kept.

use dom_query::NodeRef;

use super::table;
use crate::ingest::extract::structure::takes_exponent;

/// Elements that begin and end a block. Every other element is part of a line.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// A line that is being put together.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: String,
    gap: bool,
}

impl Line {
    /// Adds words; any run of blanks is one.
    pub(super) fn push(&mut self, words: &str) {
        for c in words.chars() {
            if c == '\u{ad}' || c == '\u{200b}' || c == '\u{feff}' {
                continue;
            }
            if c.is_whitespace() {
                self.gap = true;
                continue;
            }
            if self.gap && !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push(' ');
            }
            self.gap = false;
            self.text.push(c);
        }
    }

    pub(super) fn gap(&mut self) {
        self.gap = true;
    }

    /// Adds a sign right behind the last word.
    fn push_sign(&mut self, sign: char) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push(sign);
        }
        self.gap = true;
    }

    pub(super) fn break_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.gap = false;
    }

    /// Takes the line, and leaves an empty one.
    pub(super) fn take(&mut self) -> String {
        self.gap = false;
        std::mem::take(&mut self.text).trim().to_owned()
    }
}

/// Adds everything inside `node` to `line`; blocks inside are set apart by blanks.
pub(super) fn add(node: &NodeRef<'_>, line: &mut Line, depth: usize) {
    if node.is_text() {
        line.push(&node.text());
        return;
    }
    let Some(name) = node.node_name().filter(|_| node.is_element()) else { return };
    if depth == 0 {
        line.push(&node.text());
        return;
    }
    match name.as_ref() {
        "br" => line.break_line(),
        "img" => add_image(node, line),
        "sup" if !line.gap && is_exponent(node, &line.text) => {
            line.push("^");
            add_children(node, line, depth);
        }
        "rp" | "rt" | "annotation" | "annotation-xml" => {}
        "math" => match formula(node) {
            Some(formula) => line.push(&formula),
            None => add_children(node, line, depth),
        },
        "ul" | "ol" | "menu" | "dir" => add_list(node, line, depth, name.as_ref() == "ol"),
        "table" => add_table(node, line, depth),
        _ if is_block(&name) => {
            line.gap();
            add_children(node, line, depth);
            line.gap();
        }
        _ => add_children(node, line, depth),
    }
}

fn add_children(node: &NodeRef<'_>, line: &mut Line, depth: usize) {
    for child in node.children_it(false) {
        add(&child, line, depth - 1);
    }
}

/// A formula as it was written in TeX, where the page says so: the signs alone would lose what is raised and what is below.
fn formula(math: &NodeRef<'_>) -> Option<String> {
    let is_tex = |below: &NodeRef<'_>| {
        below.has_name("annotation")
            && below.attr("encoding").is_some_and(|encoding| encoding.to_ascii_lowercase().ends_with("tex"))
    };
    let tex = math.descendants_it().find(is_tex)?.text().trim().to_owned();
    (!tex.is_empty()).then_some(tex)
}

/// A picture's description, when it is one and not the name of an icon.
fn add_image(node: &NodeRef<'_>, line: &mut Line) {
    let Some(alt) = node.attr("alt") else { return };
    if alt.split_whitespace().count() > 1 {
        line.gap();
        line.push(&format!("[image: {}]", alt.trim()));
        line.gap();
    }
}

/// A list inside a line, such as that of a cell: each item behind its bullet or its number.
fn add_list(list: &NodeRef<'_>, line: &mut Line, depth: usize, ordered: bool) {
    let mut number = first_number(list);
    for child in list.children_it(false) {
        if child.has_name("li") {
            number = number_of(&child).unwrap_or(number);
            line.gap();
            line.push(&if ordered { format!("{number}.") } else { "-".to_owned() });
            number = number.saturating_add(1);
        }
        add(&child, line, depth - 1);
    }
    line.gap();
}

/// A table inside a line, such as one in a cell of another: `a, b; c, d`.
fn add_table(node: &NodeRef<'_>, line: &mut Line, depth: usize) {
    line.gap();
    let rows = table::lines(node);
    if rows.is_empty() {
        add_children(node, line, depth);
        return line.gap();
    }
    if let Some(caption) = table::caption(node, depth - 1) {
        line.push(&caption);
        line.push_sign(':');
    }
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            line.push_sign(';');
        }
        for (column, cell) in table::cells(row).iter().enumerate() {
            if column > 0 {
                line.push_sign(',');
            }
            add(cell, line, depth - 1);
        }
    }
    line.gap();
}

/// The number at which a list starts.
pub(super) fn first_number(list: &NodeRef<'_>) -> i64 {
    list.attr("start").and_then(|start| start.trim().parse().ok()).unwrap_or(1)
}

/// The number that an item of a list says it has.
pub(super) fn number_of(item: &NodeRef<'_>) -> Option<i64> {
    item.attr("value")?.trim().parse().ok()
}

/// A footnote mark is raised too, but it is a link.
fn is_exponent(node: &NodeRef<'_>, before: &str) -> bool {
    let text = node.text();
    let text = text.trim();
    (1..=3).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '−' | 'n'))
        && takes_exponent(before)
        && !node.descendants_it().any(|below| below.has_name("a"))
}
