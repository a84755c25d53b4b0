//! The reading order of a page: where text stands in columns, one column is read after the other.
//!
//! Going down the page, rows that leave the same strip free belong together. Such a band is read as columns
//! when both sides of the strip hold lines of prose; short cells on both sides are a table, and stay whole.

use super::rows::{Row, Word, runs_right_to_left};

/// The narrowest strip between columns, in parts of the font size.
const MIN_GUTTER: f64 = 0.9;
/// A column has at least this many rows.
const MIN_ROWS: usize = 3;
/// Lines of prose have at least this many characters on average; a table's cells have fewer.
const MIN_LINE: usize = 18;
/// In prose at most this part of the rows has a gap as wide as between the cells of a table.
const MAX_GAPPED: f64 = 0.3;
/// Such a gap, in parts of the font size.
const CELL_GAP: f64 = 1.0;
/// How many columns within columns are looked for.
const MAX_DEPTH: usize = 4;

/// The parts of a page in reading order; within each, rows go from top to bottom.
pub(super) fn in_reading_order(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut parts = Vec::new();
    split(rows, MAX_DEPTH, &mut parts);
    parts
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Strip {
    lo: f64,
    hi: f64,
}

impl Strip {
    fn width(self) -> f64 {
        self.hi - self.lo
    }

    fn middle(self) -> f64 {
        (self.lo + self.hi) / 2.0
    }
}

fn split(rows: Vec<Row>, depth: usize, parts: &mut Vec<Vec<Row>>) {
    let mut whole: Vec<Row> = Vec::new();
    let mut rest = rows.into_iter().collect::<std::collections::VecDeque<_>>();
    while !rest.is_empty() {
        let band = if depth > 0 { band(rest.make_contiguous()) } else { None };
        let Some((length, middle)) = band else {
            whole.extend(rest.pop_front());
            continue;
        };
        if !whole.is_empty() {
            parts.push(std::mem::take(&mut whole));
        }
        let (left, right) = divide(rest.drain(..length), middle);
        // Arabic and Hebrew are read from the right, and so are their columns.
        let (first, second) = if is_right_to_left(&left, &right) { (right, left) } else { (left, right) };
        split(first, depth - 1, parts);
        split(second, depth - 1, parts);
    }
    if !whole.is_empty() {
        parts.push(whole);
    }
}

/// The longest run of rows from the first on that a gutter runs through, and the gutter's middle.
fn band(rows: &[Row]) -> Option<(usize, f64)> {
    let first = rows.first()?;
    let lo = rows.iter().map(Row::x0).fold(f64::INFINITY, f64::min);
    let hi = rows.iter().map(Row::x1).fold(f64::NEG_INFINITY, f64::max);
    // Strips at the margins are margins.
    let inner = Strip { lo: lo + 0.15 * (hi - lo), hi: hi - 0.15 * (hi - lo) };
    let mut strips = strips_of(first, inner);
    let mut best = None;
    let mut length = 1;
    for row in &rows[1..] {
        let next = common(&strips, &strips_of(row, inner), MIN_GUTTER * row.size().max(first.size() * 0.8));
        if next != strips {
            best = gutter(&rows[..length], &strips).or(best);
        }
        strips = next;
        if strips.is_empty() {
            return best;
        }
        length += 1;
    }
    gutter(&rows[..length], &strips).or(best)
}

/// The widest of `strips` that runs between columns of prose: how many rows it divides, and its middle.
fn gutter(rows: &[Row], strips: &[Strip]) -> Option<(usize, f64)> {
    strips
        .iter()
        .filter(|strip| rows.len() >= MIN_ROWS && is_gutter(rows, strip.middle()))
        .max_by(|a, b| a.width().total_cmp(&b.width()))
        .map(|strip| (rows.len(), strip.middle()))
}

/// What a row leaves free between `inner`'s ends.
fn strips_of(row: &Row, inner: Strip) -> Vec<Strip> {
    let mut words: Vec<(f64, f64)> = row.words.iter().map(|word| (word.x0, word.x1)).collect();
    words.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut strips = Vec::new();
    let mut free_from = inner.lo;
    for (x0, x1) in words {
        if x0 > free_from {
            strips.push(Strip { lo: free_from, hi: x0.min(inner.hi) });
        }
        free_from = free_from.max(x1);
    }
    strips.push(Strip { lo: free_from, hi: inner.hi });
    strips.retain(|strip| strip.width() > 0.0);
    strips
}

fn common(a: &[Strip], b: &[Strip], min: f64) -> Vec<Strip> {
    let both = a.iter().flat_map(|a| b.iter().map(|b| Strip { lo: a.lo.max(b.lo), hi: a.hi.min(b.hi) }));
    both.filter(|strip| strip.width() >= min).collect()
}

/// What stands on one side of a strip.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    rows: usize,
    gapped: usize,
    letters: usize,
}

/// Whether both sides of a strip are prose.
fn is_gutter(rows: &[Row], middle: f64) -> bool {
    let mut sides = [Side::default(); 2];
    for row in rows {
        for (right, side) in sides.iter_mut().enumerate() {
            let mut words: Vec<&Word> =
                row.words.iter().filter(|word| usize::from(word.middle() >= middle) == right).collect();
            // Words that are read from the right stand in that order.
            words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
            let mut letters = 0;
            let mut is_gapped = false;
            let mut end: Option<f64> = None;
            for word in words {
                letters += word.text.chars().count() + 1;
                is_gapped |= end.is_some_and(|end| word.x0 - end > CELL_GAP * word.size);
                end = Some(word.x1);
            }
            side.rows += usize::from(letters > 0);
            side.gapped += usize::from(is_gapped);
            side.letters += letters;
        }
    }
    sides.iter().all(|side| {
        side.rows >= MIN_ROWS
            && side.letters / side.rows >= MIN_LINE
            && side.gapped as f64 <= side.rows as f64 * MAX_GAPPED
    })
}

/// Whether most words of two columns are written from right to left. Numbers say nothing.
fn is_right_to_left(left: &[Row], right: &[Row]) -> bool {
    let words = || left.iter().chain(right).flat_map(|row| &row.words).map(|word| word.text.as_str());
    let letters = words().filter(|text| text.contains(char::is_alphabetic)).count();
    words().filter(|text| runs_right_to_left(text)).count() * 2 > letters
}

fn divide(rows: impl Iterator<Item = Row>, middle: f64) -> (Vec<Row>, Vec<Row>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for row in rows {
        let (l, r): (Vec<_>, Vec<_>) = row.words.into_iter().partition(|word| word.middle() < middle);
        for (side, words) in [(&mut left, l), (&mut right, r)] {
            if !words.is_empty() {
                side.push(Row { y: row.y, words });
            }
        }
    }
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five lines of two columns; the words of a line in the order in which its script is read.
    fn page(left: &str, right: &str, right_to_left: bool) -> Vec<Row> {
        let words = |x: f64, text: &str| -> Vec<Word> {
            let place = |(at, part): (usize, &str)| {
                let x0 = x + 30.0 * at as f64;
                Word { x0, x1: x0 + 28.0, size: 10.0, text: part.to_owned(), bold: false, fixed: false, family: 0 }
            };
            text.split(' ').enumerate().map(place).collect()
        };
        let row = |line: usize| {
            let mut words = [words(50.0, left), words(300.0, right)].concat();
            if right_to_left {
                words.reverse();
            }
            Row { y: 700.0 - 12.0 * line as f64, words }
        };
        (0..5).map(row).collect()
    }

    fn first_words(rows: Vec<Row>) -> Vec<String> {
        let first = |part: &Vec<Row>| part.first().and_then(|row| row.words.first()).map(|word| word.text.clone());
        in_reading_order(rows).iter().filter_map(first).collect()
    }

    #[test]
    fn columns_are_read_from_the_side_on_which_their_script_begins() {
        let latin = page("alpha bravo charlie delta echo", "foxtrot golf hotel india juliet", false);
        assert_eq!(first_words(latin), ["alpha", "foxtrot"]);
        let hebrew = page("ראשון שני שלישי רביעי חמישי", "אלף בית גימל דלת האאאא", true);
        assert_eq!(first_words(hebrew), ["האאאא", "חמישי"]);
    }
}
