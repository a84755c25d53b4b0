//! How alike the tables of two texts are: which cells say the same and stand in the same order.
//!
//! A cell is as alike another as their words are (`similarity`). Two rows are matched cell by cell, in order, so that the
//! sum over the matched cells is largest; two tables row by row in the same way; and the tables of two texts again, in
//! order. With the sum `S` over all cells that are matched in the end and the numbers of cells `n` and `m`, the figure is
//! `2 S / (n + m)`: 1 for the same tables, 0 for none in common, and the same in both directions. A table that is
//! missing, invented or split counts with its cells; a column that is lost loses its share of each row.
//!
//! This is the idea of GriTS (Smock, Pesala, Abraham, "GriTS: Grid table similarity metric for table structure
//! recognition", ICDAR 2023), the share of cells in the most similar substructures of both grids, with the alignment of
//! the columns made in each row for itself, and over all tables of a text instead of one. It knows no difference
//! between header and body, which Markdown cannot always express.
//!
//! May depend on `tables` and `similarity`.

use std::collections::HashMap;

use super::{
    similarity::similarity,
    tables::{Cell, Grid},
};

/// The most pairs of cells that are compared: the numbers of cells of both texts, multiplied.
pub const MAX_PAIRS: usize = 200_000_000;

/// How alike the tables of two texts are. `None` when there are more than [`MAX_PAIRS`] pairs of cells; where neither
/// text has a table they are equal.
pub fn table_similarity(one: &[Grid], other: &[Grid]) -> Option<f64> {
    let count = |grids: &[Grid]| grids.iter().map(Grid::cells).sum::<usize>();
    let (n, m) = (count(one), count(other));
    if one == other {
        return Some(1.0);
    }
    if n.saturating_mul(m) > MAX_PAIRS {
        return None;
    }
    let mut known = Known::default();
    let one: Vec<_> = one.iter().map(|grid| known.numbered(grid)).collect();
    let other: Vec<_> = other.iter().map(|grid| known.numbered(grid)).collect();
    let sum = aligned(&one, &other, |one, other| {
        aligned(one, other, |one, other| aligned(one, other, |one, other| known.alike(*one, *other)))
    });
    Some((2.0 * sum / (n + m) as f64).min(1.0))
}

/// Cells with the same words have the same number, and each pair is compared once.
#[derive(Default)]
struct Known<'a> {
    numbers: HashMap<&'a Cell, u32>,
    cells: Vec<&'a Cell>,
    pairs: HashMap<(u32, u32), f64>,
}

impl<'a> Known<'a> {
    fn numbered(&mut self, grid: &'a Grid) -> Vec<Vec<u32>> {
        let mut number = |cell: &'a Cell| {
            *self.numbers.entry(cell).or_insert_with(|| {
                self.cells.push(cell);
                self.cells.len() as u32 - 1
            })
        };
        grid.0.iter().map(|row| row.iter().map(&mut number).collect()).collect()
    }

    fn alike(&mut self, one: u32, other: u32) -> f64 {
        if one == other {
            return 1.0;
        }
        let cells = &self.cells;
        *self.pairs.entry((one, other)).or_insert_with(|| similarity(cells[one as usize], cells[other as usize]))
    }
}

/// The largest sum of `score` over pairs in order, each item in at most one pair.
fn aligned<T>(one: &[T], other: &[T], mut score: impl FnMut(&T, &T) -> f64) -> f64 {
    let mut above = vec![0.0_f64; other.len() + 1];
    let mut row = vec![0.0_f64; other.len() + 1];
    for first in one {
        for (at, second) in other.iter().enumerate() {
            row[at + 1] = (above[at] + score(first, second)).max(above[at + 1]).max(row[at]);
        }
        std::mem::swap(&mut above, &mut row);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::tables::tables, *};

    fn figure(one: &str, other: &str) -> f64 {
        let (one, other) = (tables(one), tables(other));
        let there = table_similarity(&one, &other).unwrap();
        assert!((there - table_similarity(&other, &one).unwrap()).abs() < 1e-12 && (0.0..=1.0).contains(&there));
        assert_eq!(table_similarity(&one, &one), Some(1.0));
        there
    }

    const TRUTH: &str = "| a | b |\n|---|---|\n| c d | e |\n";

    #[test]
    fn the_figures_are_those_of_a_hand_count() {
        let close = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        close(figure(TRUTH, TRUTH), 1.0);
        close(figure(TRUTH, "no table"), 0.0);
        // Three of four cells are the same, and "c d" shares one of two words with "c x": 2 * 3.5 / 8.
        close(figure(TRUTH, "| a | b |\n|---|---|\n| c x | e |\n"), 7.0 / 8.0);
        // A column is lost: 2 * 2 / (4 + 2).
        close(figure(TRUTH, "| a |\n|---|\n| c d |\n"), 4.0 / 6.0);
        // A row is lost, and a table is invented: 2 * 2 / (4 + 2 + 1).
        close(figure(TRUTH, "| a | b |\n|---|---|\n\n| z |\n|---|\n"), 4.0 / 7.0);
        // Cells of a row that changed places: one of them can be matched in each row, 2 * 2 / 8.
        close(figure(TRUTH, "| b | a |\n|---|---|\n| e | c d |\n"), 4.0 / 8.0);
    }

    #[test]
    fn tables_are_matched_in_order() {
        let second = "\n| x | y |\n|---|---|\n| z | z |\n";
        assert_eq!(figure(&format!("{TRUTH}{second}"), second), 8.0 / 12.0);
        assert_eq!(figure(&format!("{TRUTH}{second}"), &format!("{second}\n{TRUTH}")), 8.0 / 16.0);
    }

    #[test]
    fn too_many_cells_are_refused() {
        let large = |word: &str| tables(&format!("| {word} |\n|---|\n{}", "| 1 |\n".repeat(15_000)));
        assert_eq!(table_similarity(&large("a"), &large("b")), None);
        assert_eq!(table_similarity(&large("a"), &large("a")), Some(1.0));
    }
}
