//! Running heads, running feet and page numbers: rows near the edge that come back on most pages. They are
//! taken out and reported once, because they would stand in the middle of sentences.

use std::collections::HashMap;

use super::rows::Row;
use crate::ingest::extract::writer::MarkdownWriter;

/// Rows this close to the first or the last of a page, in parts of the height of its text, may be furniture.
const EDGE: f64 = 0.08;
/// Furniture comes back on at least this many pages, and at least this part of them.
const MIN_PAGES: usize = 3;
const MIN_SHARE: f64 = 0.4;

pub(super) fn remove(pages: &mut [Vec<Vec<Row>>], writer: &mut MarkdownWriter) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let mut keys: Vec<String> = page.first().map(|rows| edge_keys(rows)).unwrap_or_default();
        keys.sort();
        keys.dedup();
        for key in keys {
            *seen.entry(key).or_default() += 1;
        }
    }
    let enough = (pages.len() as f64 * MIN_SHARE).ceil() as usize;
    seen.retain(|_, count| *count >= enough.max(MIN_PAGES));
    if seen.is_empty() {
        return;
    }
    let mut removed = 0;
    let mut example = None;
    for rows in pages.iter_mut().filter_map(|page| page.first_mut()) {
        let Some((top, bottom)) = edges(rows) else { continue };
        rows.retain(|row| {
            let is_furniture = (row.y >= top || row.y <= bottom) && seen.contains_key(&key_of(row));
            if is_furniture {
                removed += 1;
                example.get_or_insert_with(|| row.text());
            }
            !is_furniture
        });
    }
    if let Some(example) = example {
        writer.warn(format!("{removed} lines that repeat at the edge of the pages were left out, such as “{example}”"));
    }
}

fn edge_keys(rows: &[Row]) -> Vec<String> {
    let Some((top, bottom)) = edges(rows) else { return Vec::new() };
    rows.iter().filter(|row| row.y >= top || row.y <= bottom).map(key_of).collect()
}

fn edges(rows: &[Row]) -> Option<(f64, f64)> {
    let (top, bottom) = (rows.first()?.y, rows.last()?.y);
    let edge = (top - bottom) * EDGE;
    Some((top - edge, bottom + edge))
}

/// The words of a row with its numbers made alike, and its place, since a running head keeps it.
fn key_of(row: &Row) -> String {
    let mut key = format!("{} ", (row.y / 4.0).round());
    let mut in_number = false;
    for c in row.text().chars() {
        if c.is_ascii_digit() {
            if !in_number {
                key.push('#');
            }
            in_number = true;
        } else {
            in_number = false;
            key.push(c);
        }
    }
    key
}
