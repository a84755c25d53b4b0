//! Sheets of workbooks, whatever format they come from: cells that hold something, as tables under the sheet's name.
//!
//! Cells are kept one by one and never as a grid of the size that a sheet claims: a sheet with two cells can claim
//! seventeen thousand million of them.
//!
//! May depend on the limits, the errors and the writer.

mod blocks;

use self::blocks::{Block, blocks};
use super::{ExtractError, ExtractLimits, structure::one_line, writer::MarkdownWriter};

/// A longer text is not repeated in the cells that its cell is merged with.
const MAX_REPEATED: usize = 1_000;
/// A merged cell that covers more cells than this is a background, and stands in its first cell alone.
const MAX_MERGED: u64 = 4_096;

/// So many lines over a table can be titles.
const MAX_TITLES: usize = 3;

/// A rectangle of cells, first and last included; rows and columns are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) top: u32,
    pub(super) left: u32,
    pub(super) bottom: u32,
    pub(super) right: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    row: u32,
    column: u32,
    text: String,
    /// Whether it is the cell itself and not one that it is merged with.
    is_own: bool,
}

/// One sheet, as it is filled.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) name: String,
    cells: Vec<Cell>,
    merged: Vec<Area>,
}

/// How many cells of a workbook may still hold something, and how many bytes: many cells can share a long text.
#[derive(Debug)]
pub(super) struct CellBudget {
    left: usize,
    limit: usize,
    bytes_left: usize,
    bytes_limit: usize,
}

impl CellBudget {
    pub(super) fn new(limits: &ExtractLimits) -> Self {
        let (cells, bytes) = (limits.max_cells, limits.max_text_bytes);
        Self { left: cells, limit: cells, bytes_left: bytes, bytes_limit: bytes }
    }

    /// Takes a number of cells from what is left.
    pub(super) fn take(&mut self, cells: usize) -> Result<(), ExtractError> {
        match self.left.checked_sub(cells) {
            Some(left) => self.left = left,
            None => return Err(ExtractError::too_large("the number of cells", self.limit as u64)),
        }
        Ok(())
    }

    fn take_text(&mut self, bytes: usize) -> Result<(), ExtractError> {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => self.bytes_left = left,
            None => return Err(ExtractError::too_large("the extracted text in bytes", self.bytes_limit as u64)),
        }
        Ok(())
    }
}

impl Sheet {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Puts a text into a cell; blanks leave it empty.
    pub(super) fn set(
        &mut self,
        row: u32,
        column: u32,
        text: impl AsRef<str> + Into<String>,
        budget: &mut CellBudget,
    ) -> Result<(), ExtractError> {
        if text.as_ref().trim().is_empty() {
            return Ok(());
        }
        budget.take(1)?;
        budget.take_text(text.as_ref().len())?;
        self.cells.push(Cell { row, column, text: text.into(), is_own: true });
        Ok(())
    }

    /// Notes that the cells of an area are one.
    pub(super) fn merge(&mut self, area: Area, budget: &mut CellBudget) -> Result<(), ExtractError> {
        budget.take(1)?;
        self.merged.push(area);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Writes the blocks of the sheet, each as a table or, where it is a single cell, as a line of text.
    pub(super) fn write(mut self, budget: &mut CellBudget, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        self.put_in_order();
        self.spread_merged(budget)?;
        let found = blocks(&self.cells);
        for block in found {
            self.write_block(&block, budget, writer)?;
        }
        Ok(())
    }

    /// By rows, then by columns; of two cells at the same place the later one counts.
    fn put_in_order(&mut self) {
        self.cells.sort_by_key(|cell| (cell.row, cell.column));
        self.cells.reverse();
        self.cells.dedup_by_key(|cell| (cell.row, cell.column));
        self.cells.reverse();
    }

    /// What a merged cell says stands in each cell that it covers.
    fn spread_merged(&mut self, budget: &mut CellBudget) -> Result<(), ExtractError> {
        let mut spread = Vec::new();
        for area in &self.merged {
            let (rows, columns) = (area.bottom.saturating_sub(area.top), area.right.saturating_sub(area.left));
            let covered = (u64::from(rows) + 1).saturating_mul(u64::from(columns) + 1);
            if covered > MAX_MERGED {
                continue;
            }
            let place = self.cells.binary_search_by_key(&(area.top, area.left), |cell| (cell.row, cell.column));
            let Some(first) = place.ok().and_then(|at| self.cells.get(at)) else { continue };
            let text = if first.text.len() <= MAX_REPEATED { first.text.as_str() } else { "" };
            for row in area.top..=area.bottom {
                for column in area.left..=area.right {
                    let is_free =
                        self.cells.binary_search_by_key(&(row, column), |cell| (cell.row, cell.column)).is_err();
                    if is_free {
                        budget.take(1)?;
                        budget.take_text(text.len())?;
                        spread.push(Cell { row, column, text: text.to_owned(), is_own: false });
                    }
                }
            }
        }
        if !spread.is_empty() {
            self.cells.extend(spread);
            self.put_in_order();
        }
        Ok(())
    }

    fn write_block(
        &mut self,
        block: &Block,
        budget: &mut CellBudget,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let mut rows = self.rows_of(block, budget)?;
        // A title over a table is not its header: one cell above several, or one that is merged over all of them.
        if rows.iter().any(|row| row.len() > 1) {
            let titles: Vec<String> = rows.iter().take(MAX_TITLES).map_while(|row| lone(row)).collect();
            if titles.len() < rows.len() {
                titles.iter().try_for_each(|title| writer.block(title))?;
                rows.drain(..titles.len());
            }
        }
        match rows.as_slice() {
            [row] if row.len() == 1 => row.iter().try_for_each(|(text, _)| writer.block(&lines_of(text))),
            _ => {
                let rows: Vec<Vec<String>> =
                    rows.into_iter().map(|row| row.into_iter().map(|(text, _)| text).collect()).collect();
                writer.table(&rows)
            }
        }
    }

    /// The texts of a block as a grid, without rows and columns that are empty; and which are merged from elsewhere.
    fn rows_of(&mut self, block: &Block, budget: &mut CellBudget) -> Result<Vec<Vec<(String, bool)>>, ExtractError> {
        let mut columns: Vec<u32> = Vec::new();
        let mut lines: Vec<u32> = Vec::new();
        for cell in block.cells.iter().filter_map(|at| self.cells.get(*at)) {
            columns.push(cell.column);
            lines.push(cell.row);
        }
        for places in [&mut columns, &mut lines] {
            places.sort_unstable();
            places.dedup();
        }
        let empty = (lines.len().saturating_mul(columns.len())).saturating_sub(block.cells.len());
        budget.take(empty)?;
        let mut rows = vec![vec![(String::new(), true); columns.len()]; lines.len()];
        for at in &block.cells {
            let Some(cell) = self.cells.get_mut(*at) else { continue };
            let (Ok(row), Ok(column)) = (lines.binary_search(&cell.row), columns.binary_search(&cell.column)) else {
                continue;
            };
            if let Some(place) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
                *place = (std::mem::take(&mut cell.text), cell.is_own);
            }
        }
        Ok(rows)
    }
}

/// The text of a row whose only own cell comes first, with nothing or itself in the others.
fn lone(row: &[(String, bool)]) -> Option<String> {
    let ((first, true), rest) = row.split_first()? else { return None };
    let repeats = |(text, is_own): &(String, bool)| text.is_empty() || !is_own && text == first;
    (!first.is_empty() && rest.iter().all(repeats)).then(|| lines_of(first))
}

/// The lines of a text, blanks inside each collapsed, empty ones left out.
fn lines_of(text: &str) -> String {
    text.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
