//! Cuts a stretch of text that is too large for one chunk: text-splitter for prose, row by row for tables.
//!
//! May depend on `domain`.

use std::ops::Range;

use text_splitter::{ChunkCapacity, ChunkConfig, MarkdownSplitter, TextSplitter};

use super::sizes::Sizes;
use crate::domain::{Table, TextSyntax};

/// The splitter's work on one text grows with the square of its length, so it gets windows of this many bytes.
const WINDOW: usize = 32 * 1024;

/// How large chunks may be, in tokens without context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Where a chunk is large enough.
    pub(super) target: usize,
    /// The most that it may have.
    pub(super) max: usize,
}

/// A stretch for one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    /// Whether the piece is a part of a table that is too large for one chunk.
    part_of_table: bool,
}

impl Piece {
    fn plain(range: Range<usize>) -> Self {
        Self { range, part_of_table: false }
    }
}

/// Whether a table's header is repeated in chunks of at most `max` tokens: one that would take more than half of
/// each would leave too little for the rows.
pub(super) fn header_is_repeated(header: usize, max: usize) -> bool {
    header > 0 && header <= max / 2
}

/// A text with what is needed to cut it.
pub(super) struct Splitter<'a> {
    pub(super) text: &'a str,
    pub(super) syntax: TextSyntax,
    pub(super) sizes: &'a Sizes<'a>,
}

impl Splitter<'_> {
    /// Cuts `range`, which holds each of `tables` as a whole. Pieces are in order, do not overlap, and leave out
    /// white space only.
    pub(super) fn pieces(&self, range: Range<usize>, tables: &[&Table], budget: Budget) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = range.start;
        for table in tables {
            let small = self.sizes.of(table.range.clone()) <= budget.max;
            pieces.extend(self.prose(at..table.range.start, budget).into_iter().map(Piece::plain));
            if small {
                pieces.push(Piece::plain(table.range.clone()));
            } else {
                let rows = self.rows(table, budget).into_iter();
                pieces.extend(rows.map(|range| Piece { range, part_of_table: true }));
            }
            at = table.range.end;
        }
        pieces.extend(self.prose(at..range.end, budget).into_iter().map(Piece::plain));
        self.join(pieces, budget)
    }

    /// Cuts prose with text-splitter.
    pub(super) fn prose(&self, range: Range<usize>, budget: Budget) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for window in windows(self.text, range) {
            let text = &self.text[window.clone()];
            let capacity = ChunkCapacity::new(budget.target.min(budget.max));
            let config = ChunkConfig::new(capacity.with_max(budget.max).unwrap_or(capacity)).with_sizer(self.sizes);
            let found: Vec<(usize, usize)> = match self.syntax {
                TextSyntax::Plain => {
                    TextSplitter::new(config).chunk_indices(text).map(|(at, chunk)| (at, chunk.len())).collect()
                }
                TextSyntax::Markdown => {
                    MarkdownSplitter::new(config).chunk_indices(text).map(|(at, chunk)| (at, chunk.len())).collect()
                }
            };
            ranges.extend(cover(self.text, window, &found));
        }
        ranges
    }

    /// Cuts a table between rows; a row that is too long by itself is cut as prose.
    fn rows(&self, table: &Table, budget: Budget) -> Vec<Range<usize>> {
        let header = self.sizes.of(table.header.clone());
        let repeats = header_is_repeated(header, budget.max);
        let room = |start: usize| if repeats && start >= table.header.end { budget.max - header } else { budget.max };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut at = table.range.start;
        for line in self.text[table.range.clone()].split_inclusive('\n') {
            let row = at..at + line.len();
            at = row.end;
            match ranges.last_mut() {
                Some(last) if self.sizes.of(last.start..row.end) <= room(last.start) => last.end = row.end,
                _ if self.sizes.of(row.clone()) <= room(row.start) => ranges.push(row),
                _ => {
                    let max = room(row.start);
                    ranges.extend(self.prose(row, Budget { target: max, max }));
                }
            }
        }
        ranges
    }

    /// Joins neighbours that fit into one chunk together, as text-splitter does inside its own stretch.
    fn join(&self, pieces: Vec<Piece>, budget: Budget) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            if self.text[piece.range.clone()].trim().is_empty() {
                continue;
            }
            match joined.last_mut() {
                Some(last)
                    if !last.part_of_table
                        && !piece.part_of_table
                        && self.sizes.of(last.range.start..piece.range.end) <= budget.target.min(budget.max) =>
                {
                    last.range.end = piece.range.end;
                }
                _ => joined.push(piece),
            }
        }
        joined
    }
}

/// Cuts a long range at blank lines, else at line ends, else at spaces, else between characters.
fn windows(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut start = range.start;
    while range.end.saturating_sub(start) > WINDOW {
        let limit = text.floor_char_boundary(start + WINDOW);
        let head = &text[start..limit];
        let cut = ["\n\n", "\n", " "].iter().find_map(|mark| head.rfind(mark).map(|at| at + mark.len()));
        let end = start + cut.filter(|at| *at > WINDOW / 2).unwrap_or(head.len());
        windows.push(start..end);
        start = end;
    }
    if start < range.end {
        windows.push(start..range.end);
    }
    windows
}

/// Turns what the splitter found into ranges that leave out white space only, whatever it found.
fn cover(text: &str, window: Range<usize>, found: &[(usize, usize)]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut covered = window.start;
    for (at, length) in found {
        let start = (window.start + at).max(covered);
        let end = (window.start + at + length).max(start);
        if text[covered..start].trim().is_empty() {
            ranges.push(start..end);
        } else {
            ranges.push(covered..end);
        }
        covered = end;
    }
    if !text[covered..window.end].trim().is_empty() {
        ranges.push(covered..window.end);
    }
    ranges.retain(|range| !range.is_empty());
    ranges
}
