//! Tables: cells behind `|`, or separated values.

use csv::ReaderBuilder;

use super::{About, Parser};
use crate::ingest::extract::ExtractError;

/// A cell, before it has its place.
struct Cell {
    text: String,
    across: usize,
    down: usize,
    /// How often it stands there.
    times: usize,
    line: usize,
}

/// The most columns that a cell may claim.
const MAX_SPAN: usize = 256;

impl Parser {
    pub(super) fn table(&mut self, about: &About, fence: &str, content: &[&str]) -> Result<(), ExtractError> {
        let separated = match (fence.as_bytes()[0], about.named("format")) {
            (b',', _) | (_, Some("csv")) => Some(b','),
            (b':', _) | (_, Some("dsv")) => Some(b':'),
            (_, Some("tsv")) => Some(b'\t'),
            _ => None,
        };
        let named = about.named("separator").map(|named| if named == "\\t" { "\t" } else { named });
        let named = named.and_then(|named| named.chars().next());
        let ascii = named.and_then(|named| u8::try_from(named).ok()).filter(u8::is_ascii);
        let rows = match separated {
            Some(usual) => self.values(content, ascii.unwrap_or(usual))?,
            None => {
                let mark = named.unwrap_or(if fence.starts_with('!') { '!' } else { '|' });
                let cells = cells(content, mark);
                let columns = about.named("cols").map_or_else(|| columns_of_first_line(&cells), columns_of);
                self.rows(cells, columns)
            }
        };
        self.flow.table(&rows)
    }

    fn values(&mut self, content: &[&str], separator: u8) -> Result<Vec<Vec<String>>, ExtractError> {
        let source = content.join("\n");
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(source.as_bytes());
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let record = record.map_err(|error| ExtractError::malformed("AsciiDoc", error))?;
            rows.push(record.iter().map(|cell| self.text(cell.trim())).collect());
        }
        Ok(rows)
    }

    /// Puts cells into rows of so many columns.
    fn rows(&self, cells: Vec<Cell>, columns: usize) -> Vec<Vec<String>> {
        let columns = columns.clamp(1, MAX_SPAN);
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row: Vec<String> = Vec::new();
        // What hangs down into each column: for how many rows, and what it says.
        let mut hanging: Vec<(usize, String)> = vec![(0, String::new()); columns];
        for cell in cells {
            let text = self.text(&cell.text.split_whitespace().collect::<Vec<_>>().join(" "));
            for _ in 0..cell.times {
                self.fill(&mut row, &mut hanging);
                if row.len() >= columns {
                    rows.push(std::mem::take(&mut row));
                    self.fill(&mut row, &mut hanging);
                }
                for part in 0..cell.across.min(columns.saturating_sub(row.len())) {
                    let text = if part == 0 { text.clone() } else { String::new() };
                    if cell.down > 1 {
                        hanging[row.len()] = (cell.down - 1, text.clone());
                    }
                    row.push(text);
                }
            }
        }
        self.fill(&mut row, &mut hanging);
        if !row.is_empty() {
            rows.push(row);
        }
        rows
    }

    fn fill(&self, row: &mut Vec<String>, hanging: &mut [(usize, String)]) {
        while let Some((left, text)) = hanging.get_mut(row.len()).filter(|(left, _)| *left > 0) {
            *left -= 1;
            row.push(text.clone());
        }
    }
}

/// `"1,2a,3*"`: the number of columns. A number alone is that number.
fn columns_of(columns: &str) -> usize {
    if let Ok(alone) = columns.trim().parse() {
        return alone;
    }
    let times =
        |column: &str| column.split_once('*').and_then(|(times, _)| times.trim().parse().ok()).unwrap_or(1usize);
    columns.split([',', ';']).map(times).fold(0, usize::saturating_add)
}

/// Without a word about columns, there are as many as cells in the first line that has any.
fn columns_of_first_line(cells: &[Cell]) -> usize {
    let Some(first) = cells.first() else { return 1 };
    let wide = |cell: &Cell| cell.across.saturating_mul(cell.times);
    cells.iter().take_while(|cell| cell.line == first.line).map(wide).fold(0, usize::saturating_add)
}

fn cells(content: &[&str], mark: char) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for (number, line) in content.iter().enumerate() {
        let mut rest = *line;
        let mut first = true;
        while let Some(at) = find_mark(rest, mark) {
            let (before, after) = rest.split_at(at);
            let (text, spec) = split_spec(before);
            match cells.last_mut() {
                Some(cell) => {
                    cell.text.push(if first { '\n' } else { ' ' });
                    cell.text.push_str(&text.replace("\\|", "|"));
                }
                None if text.trim().is_empty() => {}
                None => break,
            }
            cells.push(Cell { line: number, ..cell_of(spec) });
            rest = &after[mark.len_utf8()..];
            first = false;
        }
        if let Some(cell) = cells.last_mut() {
            cell.text.push(if first { '\n' } else { ' ' });
            cell.text.push_str(&rest.replace("\\|", "|"));
        }
    }
    cells
}

fn find_mark(text: &str, mark: char) -> Option<usize> {
    let is_bare = |at: &usize| !text[..*at].ends_with('\\');
    text.match_indices(mark).map(|(at, _)| at).find(is_bare)
}

/// What stands right before the mark of a cell may be about the cell: `2+`, `.3+^`, `a`.
fn split_spec(before: &str) -> (&str, &str) {
    let start =
        before.rfind(char::is_whitespace).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let spec = &before[start..];
    let letters = spec.trim_start_matches(|c: char| c.is_ascii_digit() || ".+*<^>".contains(c));
    let is_spec = !spec.is_empty() && (letters.is_empty() || letters.len() == 1 && "aehlmsdv".contains(letters));
    // A bare number is a value.
    if is_spec && !spec.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        (&before[..start], spec)
    } else {
        (before, "")
    }
}

fn cell_of(spec: &str) -> Cell {
    let mut cell = Cell { text: String::new(), across: 1, down: 1, times: 1, line: 0 };
    let number = |text: &str| text.parse::<usize>().unwrap_or(1).clamp(1, MAX_SPAN);
    if let Some((times, _)) = spec.split_once('*') {
        cell.times = number(times);
    } else if let Some((span, _)) = spec.split_once('+') {
        let (across, down) = span.split_once('.').unwrap_or((span, ""));
        (cell.across, cell.down) = (number(across), number(down));
    }
    cell
}
