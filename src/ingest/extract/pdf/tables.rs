//! Tables without their lines: consecutive rows whose words stand in the same columns.

use super::rows::{Row, Word};

/// The narrowest gap between cells, in parts of the font size.
const CELL_GAP: f64 = 0.8;
/// A table has at least this many rows with more than one cell.
const MIN_ROWS: usize = 3;
/// Lines that lie closer, in parts of the font size, stand beside each other: one cell is set between two lines of another.
const BESIDE: f64 = 0.75;
/// Longer cells are columns of prose.
const MAX_CELL: usize = 60;

/// What a run of rows is.
#[derive(Debug)]
pub(super) enum Piece {
    Text(Vec<Row>),
    /// The cells, row by row; the first row is the header.
    Table(Vec<Vec<String>>),
}

/// Divides the rows of a column into tables and text.
pub(super) fn divide(rows: Vec<Row>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text: Vec<Row> = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        match table_at(&rows[at..]) {
            Some((length, cells)) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Table(cells));
                at += length;
            }
            None => {
                text.push(rows[at].clone());
                at += 1;
            }
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// The words of a row that stand together.
#[derive(Debug, Clone)]
struct Cell {
    x0: f64,
    x1: f64,
    text: String,
}

fn cells_of(row: &Row) -> Vec<Cell> {
    let mut words: Vec<&Word> = row.words.iter().collect();
    words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let mut cells: Vec<Cell> = Vec::new();
    for word in words {
        match cells.last_mut() {
            Some(cell) if word.x0 - cell.x1 < CELL_GAP * word.size => {
                cell.text.push(' ');
                cell.text.push_str(&word.text);
                cell.x1 = cell.x1.max(word.x1);
            }
            _ => cells.push(Cell { x0: word.x0, x1: word.x1, text: word.text.clone() }),
        }
    }
    cells
}

/// A table that begins with the first of `rows`: how many rows it has, and its cells.
fn table_at(rows: &[Row]) -> Option<(usize, Vec<Vec<String>>)> {
    let first = cells_of(rows.first()?);
    if first.len() < 2 {
        return None;
    }
    let mut lines = vec![first];
    // How many rows went into the lines so far.
    let mut taken = vec![1];
    let mut columns: Vec<(f64, f64)> = lines[0].iter().map(|cell| (cell.x0, cell.x1)).collect();
    for pair in rows.windows(2) {
        let size = pair[1].size();
        // A wide gap ends a table, and so does a row that bridges its columns.
        if pair[0].y - pair[1].y > 3.0 * size.max(pair[0].size()) {
            break;
        }
        let cells = cells_of(&pair[1]);
        let Some(wider) = widen(&columns, &cells) else { break };
        columns = wider;
        let rows = taken.last().map_or(1, |rows| rows + 1);
        match (lines.last_mut(), taken.last_mut()) {
            (Some(line), Some(taken)) if pair[0].y - pair[1].y < BESIDE * size && are_apart(line, &cells, &columns) => {
                line.extend(cells);
                *taken = rows;
            }
            _ => {
                lines.push(cells);
                taken.push(rows);
            }
        }
    }
    // The table ends with its last row of several cells, or that row's continuation lines.
    while lines.last().is_some_and(|line| line.len() < 2 && !continues(line, &columns)) {
        lines.pop();
    }
    let full = lines.iter().filter(|line| line.len() >= 2).count();
    if full < MIN_ROWS || columns.len() < 2 || full * 10 < lines.len() * 4 {
        return None;
    }
    let length = taken.get(lines.len().checked_sub(1)?).copied()?;
    let grid = grid_of(lines, &columns);
    is_table(&grid).then_some((length, grid))
}

/// The columns with room for `cells`; `None` when a cell reaches over several of them.
fn widen(columns: &[(f64, f64)], cells: &[Cell]) -> Option<Vec<(f64, f64)>> {
    let mut wider = columns.to_vec();
    for cell in cells {
        let touched: Vec<usize> = (0..wider.len()).filter(|i| wider[*i].0 < cell.x1 && cell.x0 < wider[*i].1).collect();
        match touched.as_slice() {
            [] => wider.push((cell.x0, cell.x1)),
            [one] => {
                wider[*one].0 = wider[*one].0.min(cell.x0);
                wider[*one].1 = wider[*one].1.max(cell.x1);
            }
            _ => return None,
        }
    }
    wider.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Two cells of one row in one column: the columns were none.
    let clear = wider.windows(2).all(|pair| pair[0].1 <= pair[1].0);
    clear.then_some(wider)
}

/// Whether two lines have no column in common. With two columns only, it may as well be a text with notes beside it.
fn are_apart(one: &[Cell], other: &[Cell], columns: &[(f64, f64)]) -> bool {
    if columns.len() < 3 {
        return false;
    }
    let column = |cell: &Cell| columns.iter().rposition(|(x0, _)| *x0 <= cell.x0 + 0.01);
    one.iter().all(|cell| other.iter().all(|beside| column(cell) != column(beside)))
}

/// A line that only goes on with a cell which is not the first: text that was broken inside the cell.
fn continues(line: &[Cell], columns: &[(f64, f64)]) -> bool {
    matches!((line, columns), ([cell], [first, ..]) if cell.x0 >= first.1)
}

fn grid_of(lines: Vec<Vec<Cell>>, columns: &[(f64, f64)]) -> Vec<Vec<String>> {
    let mut grid: Vec<Vec<String>> = Vec::new();
    for line in lines {
        // Broken text goes on in a few cells; a row with most of them is one whose first cell spans rows.
        let is_sparse = line.len() * 2 <= columns.len();
        let goes_on = is_sparse && !grid.is_empty() && line.iter().all(|cell| cell.x0 >= columns[0].1);
        let mut row = vec![String::new(); columns.len()];
        for cell in line {
            let column = columns.iter().rposition(|(x0, _)| *x0 <= cell.x0 + 0.01).unwrap_or(0);
            if !row[column].is_empty() {
                row[column].push(' ');
            }
            row[column].push_str(&cell.text);
        }
        match grid.last_mut() {
            Some(before) if goes_on => {
                for (cell, more) in before.iter_mut().zip(row).filter(|(_, more)| !more.is_empty()) {
                    if !cell.is_empty() {
                        cell.push(' ');
                    }
                    cell.push_str(&more);
                }
            }
            _ => grid.push(row),
        }
    }
    grid
}

/// Lists and tables of contents stand in columns too, and are none.
fn is_table(grid: &[Vec<String>]) -> bool {
    let filled: Vec<&String> = grid.iter().flatten().filter(|cell| !cell.is_empty()).collect();
    let letters: usize = filled.iter().map(|cell| cell.chars().count()).sum();
    let leaders = filled.iter().filter(|cell| cell.contains("....") || cell.contains(". . . .")).count();
    let marks = grid.iter().filter(|row| row.first().is_some_and(|cell| is_list_mark(cell))).count();
    grid.len() >= MIN_ROWS.min(2)
        && letters <= filled.len() * MAX_CELL
        && leaders * 4 < grid.len()
        && (marks * 2 < grid.len() || grid[0].len() > 2)
        && filled.len() * 2 >= grid.len() * grid[0].len()
}

/// What stands before the items of a list.
pub(super) fn is_list_mark(text: &str) -> bool {
    let text = text.trim();
    let bare = text.trim_start_matches('(').trim_end_matches(['.', ')', ':']);
    if matches!(text, "•" | "◦" | "▪" | "■" | "●" | "○" | "‣" | "–" | "-" | "*" | "·" | "\u{f0b7}" | "➢" | "✓")
    {
        return true;
    }
    bare.len() < text.len()
        && (!bare.is_empty() && bare.len() <= 3 && bare.bytes().all(|byte| byte.is_ascii_digit())
            || bare.len() == 1 && bare.bytes().all(|byte| byte.is_ascii_alphabetic()))
}
