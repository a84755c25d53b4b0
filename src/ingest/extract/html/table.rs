//! Tables of a page: which of them hold data, and their cells as a grid.

use dom_query::NodeRef;

use super::{
    blocks::preformatted_text,
    inline::{Line, add},
};

/// A grid of at most this many cells is built; a span may claim millions.
const MAX_CELLS: usize = 1 << 20;

/// A cell with a heading or a table of its own and more characters than these is a box that the page was laid out with,
/// and not a value.
const MAX_VALUE: usize = 200;
/// The same in a table that says of itself that it has a header or a caption.
const MAX_VALUE_UNDER_HEADER: usize = 1_000;

/// The rows of a table of data, its header merged into the first.
pub(super) fn rows(table: &NodeRef<'_>, depth: usize) -> Option<Vec<Vec<String>>> {
    if table.attr("role").is_some_and(|role| matches!(role.as_ref(), "presentation" | "none")) {
        return None;
    }
    let lines = lines(table);
    let columns = lines.iter().map(|line| cells(line).len()).max().unwrap_or(0);
    let is_named = lines.first().is_some_and(is_header_line) || table.children_it(false).any(|c| c.has_name("caption"));
    let most = if is_named { MAX_VALUE_UNDER_HEADER } else { MAX_VALUE };
    // One row with code in it is code with its line numbers beside it.
    if lines.len() == 1 && cells(&lines[0]).iter().any(has_lines_of_code) {
        return None;
    }
    if columns < 2 || lines.iter().any(|line| cells(line).iter().any(|cell| is_box(cell, most))) {
        return None;
    }
    let mut grid: Vec<Vec<String>> = Vec::with_capacity(lines.len());
    let mut hanging: Vec<(usize, String)> = Vec::new();
    let mut headers = 0;
    let mut count = 0;
    for line in &lines {
        let mut row: Vec<String> = Vec::new();
        let is_header = grid.len() == headers && is_header_line(line);
        for cell in cells(line) {
            fill_hanging(&mut row, &mut hanging);
            let text = text_of(&cell, depth);
            let down = span(&cell, "rowspan");
            for part in 0..span(&cell, "colspan") {
                let text = if part == 0 || is_header { text.clone() } else { String::new() };
                let column = row.len();
                row.push(text.clone());
                if down > 1 {
                    hang(&mut hanging, column, down - 1, text);
                }
            }
        }
        fill_hanging(&mut row, &mut hanging);
        count += row.len();
        if count > MAX_CELLS {
            return None;
        }
        headers += usize::from(is_header);
        grid.push(row);
    }
    let body = grid.split_off(headers.max(1).min(grid.len()));
    Some(
        std::iter::once(merge(&grid)).chain(body.into_iter().filter(|row| row.iter().any(|c| !c.is_empty()))).collect(),
    )
}

/// The caption above a table.
pub(super) fn caption(table: &NodeRef<'_>, depth: usize) -> Option<String> {
    let caption = table.children_it(false).find(|child| child.has_name("caption"))?;
    Some(text_of(&caption, depth)).filter(|text| !text.is_empty())
}

/// The cells of a table that only arranges things, in reading order.
pub(super) fn contents<'a>(table: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    let mut cells: Vec<NodeRef<'a>> = lines(table).iter().flat_map(cells).collect();
    if cells.iter().any(|cell| has_lines_of_code(cell) && !is_line_numbers(cell)) {
        cells.retain(|cell| !is_line_numbers(cell));
    }
    cells
}

/// Whether a cell holds code of more than one line.
fn has_lines_of_code(cell: &NodeRef<'_>) -> bool {
    let is_code = |below: &NodeRef<'_>| {
        below.has_name("pre") && preformatted_text(below).trim_matches(['\n', '\r']).contains('\n')
    };
    cell.descendants_it().any(|below| is_code(&below))
}

/// Whether a cell holds nothing but numbers that count up by one.
fn is_line_numbers(cell: &NodeRef<'_>) -> bool {
    let texts: Vec<String> =
        cell.descendants_it().filter(|below| below.is_text()).map(|below| below.text().to_string()).collect();
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
    let numbers: Option<Vec<u32>> = words.iter().map(|word| word.parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        numbers.len() > 1 && numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]))
    })
}

pub(super) fn lines<'a>(table: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    let mut found = Vec::new();
    for child in table.children_it(false) {
        match child.node_name().as_deref() {
            Some("tr") => found.push(child),
            Some("thead" | "tbody" | "tfoot") => {
                found.extend(child.children_it(false).filter(|row| row.has_name("tr")));
            }
            _ => {}
        }
    }
    found
}

pub(super) fn cells<'a>(line: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    line.children_it(false).filter(|cell| cell.has_name("td") || cell.has_name("th")).collect()
}

fn is_header_line(line: &NodeRef<'_>) -> bool {
    line.parent().is_some_and(|parent| parent.has_name("thead"))
        || cells(line).iter().all(|cell| cell.has_name("th")) && !cells(line).is_empty()
}

/// Whether a cell holds a section of the page. A small table in a cell is a part of its value.
fn is_box(cell: &NodeRef<'_>, most: usize) -> bool {
    let is_section = |name: &str| matches!(name, "section" | "article");
    let is_large = |below: &NodeRef<'_>| {
        matches!(below.node_name().as_deref(), Some("h1" | "h2" | "h3"))
            || below.has_name("table") && lines(below).len() > 1 && lines(below).iter().any(|l| cells(l).len() > 1)
    };
    cell.descendants_it().any(|below| below.node_name().is_some_and(|name| is_section(&name)))
        || cell.descendants_it().any(|below| is_large(&below))
            && cell.text().split_whitespace().map(|word| word.chars().count()).sum::<usize>() > most
}

fn text_of(node: &NodeRef<'_>, depth: usize) -> String {
    let mut line = Line::default();
    for child in node.children_it(false) {
        add(&child, &mut line, depth);
    }
    line.take().replace('\n', " ")
}

fn span(cell: &NodeRef<'_>, attribute: &str) -> usize {
    cell.attr(attribute).and_then(|value| value.trim().parse().ok()).unwrap_or(1usize).clamp(1, 1000)
}

/// What a cell of an earlier row lays into this one: the column, and the text with the rows it still covers.
fn hang(hanging: &mut Vec<(usize, String)>, column: usize, rows: usize, text: String) {
    for _ in 0..rows {
        hanging.push((column, text.clone()));
    }
}

fn fill_hanging(row: &mut Vec<String>, hanging: &mut Vec<(usize, String)>) {
    while let Some(position) = hanging.iter().position(|(column, _)| *column == row.len()) {
        row.push(hanging.remove(position).1);
    }
}

/// Several header rows become one: the names above each other, each once.
fn merge(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let name = |column: usize| {
        let mut names: Vec<&str> = Vec::new();
        for name in rows.iter().filter_map(|row| row.get(column)).map(|name| name.trim()) {
            if !name.is_empty() && names.last() != Some(&name) {
                names.push(name);
            }
        }
        names.join(" / ")
    };
    (0..columns).map(name).collect()
}
