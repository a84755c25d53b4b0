//! The tables of a Markdown text: pipe tables, and tables in HTML where a system writes those.
//!
//! A pipe table is a row of cells over a delimiter row of as many cells (GitHub Flavored Markdown, section 4.10), and the
//! rows below it up to a line without a pipe. Code blocks hold none. Rows without a word are left out, because a table
//! without a header has to be written with an empty one; so are tables without a word. In HTML a cell that spans several
//! columns or rows stands in the first, and the others are empty; a table in a table is read as one of its own.
//!
//! May depend on `words`.

use dom_query::{Document, NodeRef};

use super::words::{is_fence, without_comments, words};

/// A cell as its words.
pub type Cell = Vec<String>;

/// The rows of a table, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid(pub Vec<Vec<Cell>>);

/// Spans beyond this are those of no table.
const MAX_SPAN: usize = 1_000;

impl Grid {
    /// The number of its cells.
    pub fn cells(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    fn of(rows: Vec<Vec<Cell>>) -> Option<Self> {
        let rows: Vec<_> = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
        (!rows.is_empty()).then_some(Self(rows))
    }
}

/// The tables of a text: first those with pipes, then those in HTML, each kind in order.
pub fn tables(markdown: &str) -> Vec<Grid> {
    let text = without_comments(markdown);
    let mut found = pipe_tables(&text);
    if text.contains("<table") {
        let document = Document::fragment(text.as_ref());
        found.extend(document.select("table").nodes().iter().filter_map(html_table));
    }
    found
}

fn pipe_tables(text: &str) -> Vec<Grid> {
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    let mut in_code = false;
    while let Some(line) = lines.next() {
        if is_fence(line) {
            in_code = !in_code;
        }
        let head = split_row(line);
        if in_code || !has_pipe(line) || lines.peek().is_none_or(|below| !is_delimiter(below, head.len())) {
            continue;
        }
        lines.next();
        let columns = head.len();
        let mut rows = vec![head];
        while let Some(row) = lines.next_if(|line| has_pipe(line)) {
            let mut cells = split_row(row);
            // What is beyond the header is no cell, by the specification; a reader who looks for it still finds it.
            cells.resize(cells.len().max(columns), "");
            rows.push(cells);
        }
        let rows = rows.into_iter().map(|row| row.into_iter().map(words).collect()).collect();
        found.extend(Grid::of(rows));
    }
    found
}

fn is_delimiter(line: &str, columns: usize) -> bool {
    let cells = split_row(line);
    cells.len() == columns
        && cells.iter().all(|cell| {
            let dashes = cell.trim();
            let dashes = dashes.strip_prefix(':').unwrap_or(dashes);
            let dashes = dashes.strip_suffix(':').unwrap_or(dashes);
            !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
        })
}

fn has_pipe(line: &str) -> bool {
    pipes(line).next().is_some()
}

/// Where the pipes stand that are not escaped.
fn pipes(line: &str) -> impl Iterator<Item = usize> {
    let mut escaped = false;
    line.char_indices().filter_map(move |(at, c)| match c {
        _ if std::mem::take(&mut escaped) => None,
        '\\' => {
            escaped = true;
            None
        }
        '|' => Some(at),
        _ => None,
    })
}

fn split_row(line: &str) -> Vec<&str> {
    let line = line.trim();
    let mut start = usize::from(line.starts_with('|'));
    let mut cells = Vec::new();
    for at in pipes(line).filter(|at| *at > 0) {
        cells.push(&line[start..at]);
        start = at + 1;
    }
    if start < line.len() {
        cells.push(&line[start..]);
    }
    cells
}

fn html_table(table: &NodeRef<'_>) -> Option<Grid> {
    let mut grid: Vec<Vec<Cell>> = Vec::new();
    // How many rows below a column is covered by a cell above.
    let mut covered: Vec<usize> = Vec::new();
    for line in own(table, "tr") {
        let mut row: Vec<Cell> = Vec::new();
        let mut cells = own(&line, "td, th").into_iter();
        loop {
            if let Some(rows @ 1..) = covered.get_mut(row.len()) {
                *rows -= 1;
                row.push(Cell::new());
                continue;
            }
            let Some(cell) = cells.next() else { break };
            let down = span(&cell, "rowspan") - 1;
            for part in 0..span(&cell, "colspan") {
                if covered.len() <= row.len() {
                    covered.resize(row.len() + 1, 0);
                }
                covered[row.len()] = down;
                row.push(if part == 0 { words(&cell.html()) } else { Cell::new() });
            }
        }
        grid.push(row);
    }
    Grid::of(grid)
}

/// The elements below `node` that belong to it and to no table inside it.
fn own<'a>(node: &NodeRef<'a>, names: &str) -> Vec<NodeRef<'a>> {
    let mut found = Vec::new();
    let mut open: Vec<NodeRef<'a>> = node.children_it(true).collect();
    while let Some(below) = open.pop() {
        if names.split(", ").any(|name| below.has_name(name)) {
            found.push(below);
        } else if !below.has_name("table") {
            open.extend(below.children_it(true));
        }
    }
    found
}

fn span(cell: &NodeRef<'_>, attribute: &str) -> usize {
    cell.attr(attribute).and_then(|value| value.trim().parse().ok()).unwrap_or(1).clamp(1, MAX_SPAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str) -> Vec<String> {
        let cell = |cell: &Cell| cell.join(" ");
        let row = |row: &Vec<Cell>| row.iter().map(cell).collect::<Vec<_>>().join(";");
        tables(markdown).iter().map(|grid| grid.0.iter().map(row).collect::<Vec<_>>().join("/")).collect()
    }

    #[test]
    fn pipe_tables_are_found_where_a_delimiter_row_stands() {
        let text = "a | b\n\n| x | y \\| z |\n|:--|---|\n| 1 | |\n| 2 |\n| 3 | 4 | 5 |\nend\n\n\
            ```\n| no | no |\n|---|---|\n```\n| **one** |\n| - |\n";
        assert_eq!(shown(text), ["x;y z/1;/2;/3;4;5", "one"]);
        assert_eq!(shown("| a | b |\n|---|\n| 1 | 2 |\n"), Vec::<String>::new());
    }

    #[test]
    fn an_empty_header_and_an_empty_table_are_left_out() {
        assert_eq!(shown("|  |  |\n| --- | --- |\n| a | b |\n|  |  |\n"), ["a;b"]);
        assert_eq!(shown("|  |\n| --- |\n"), Vec::<String>::new());
    }

    #[test]
    fn tables_in_html_have_their_spans_filled_with_empty_cells() {
        let text = "<table><thead><tr><th colspan=2>wide<th>c</thead><tr><td rowspan=2>down<td>1<td>2<tr><td>3<td>\
            <table><tr><td>in</table></table>\n\n| p |\n|---|\n| q |\n";
        assert_eq!(shown(text), ["p/q", "wide;;c/down;1;2/;3;in", "in"]);
    }
}
