//! Running heads, running feet and page numbers: rows near the edge that come back on most pages. They are
//! taken out and reported once, because they would stand in the middle of sentences.
//!
//! Numbers may differ from page to page where one of them counts the pages. The rows of a long table of numbers
//! stand in the same places too, and are content.

use std::collections::HashMap;

use super::rows::Row;
use crate::ingest::extract::writer::MarkdownWriter;

/// Rows this close to the first or the last of a page, in parts of the height of its text, may be furniture.
const EDGE: f64 = 0.08;
/// Furniture comes back on at least this many pages, and at least this part of them.
const MIN_PAGES: usize = 3;
const MIN_SHARE: f64 = 0.4;
/// So many numbers of a row are compared with that of the page.
const MAX_NUMBERS: usize = 8;

pub(super) fn remove(pages: &mut [Vec<Vec<Row>>], writer: &mut MarkdownWriter) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        let mut keys: Vec<String> = page.first().map(|rows| edge_keys(rows, number)).unwrap_or_default();
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
    for (number, page) in pages.iter_mut().enumerate() {
        let Some(rows) = page.first_mut() else { continue };
        let Some((top, bottom)) = edges(rows) else { continue };
        let outermost = [rows.first().map(|row| row.y), rows.last().map(|row| row.y)];
        rows.retain(|row| {
            let is_furniture = (row.y >= top || row.y <= bottom)
                && keys_of(row, number, outermost.contains(&Some(row.y))).iter().any(|key| seen.contains_key(key));
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

fn edge_keys(rows: &[Row], page: usize) -> Vec<String> {
    let Some((top, bottom)) = edges(rows) else { return Vec::new() };
    let outermost = [rows.first().map(|row| row.y), rows.last().map(|row| row.y)];
    let at_the_edge = rows.iter().filter(|row| row.y >= top || row.y <= bottom);
    at_the_edge.flat_map(|row| keys_of(row, page, outermost.contains(&Some(row.y)))).collect()
}

fn edges(rows: &[Row]) -> Option<(f64, f64)> {
    let (top, bottom) = (rows.first()?.y, rows.last()?.y);
    let edge = (top - bottom) * EDGE;
    Some((top - edge, bottom + edge))
}

/// What a row may have in common with those of other pages, together with its place, since a running head keeps it: all
/// of its words, or all but its numbers. Then one of these must be as far from the number of the page as it is
/// elsewhere, or the row be a page number and nothing else.
fn keys_of(row: &Row, page: usize, is_outermost: bool) -> Vec<String> {
    let (text, place) = (row.text(), (row.y / 4.0).round());
    let mut plain = String::new();
    let mut numbers: Vec<&str> = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        plain.push_str(&rest[..start]);
        plain.push('#');
        numbers.push(&rest[start..start + length]);
        rest = &rest[start + length..];
    }
    plain.push_str(rest);
    let counted = numbers.iter().take(MAX_NUMBERS).enumerate().filter_map(|(position, number)| {
        let apart = number.parse::<i64>().ok()?.checked_sub(page as i64)?;
        Some(format!("{place} {plain} {position} {apart}"))
    });
    let mut keys: Vec<String> = counted.collect();
    if is_outermost && is_page_number(&text, numbers.len()) {
        keys.push(format!("{place} {plain}"));
    }
    // Nought, nought, nought is a row as well.
    if numbers.len() <= 2 || text.contains(char::is_alphabetic) {
        keys.push(format!("{place} = {text}"));
    }
    keys
}

/// `12`, `- 12 -`, `3/40` or `Page 3-12`; not `12.50`.
fn is_page_number(text: &str, numbers: usize) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_apart = |c: char| c.is_ascii_digit() || c.is_alphabetic() || matches!(c, ' ' | '-' | '–' | '/' | '|');
    (1..=2).contains(&numbers) && letters <= 5 && text.chars().count() <= 12 && text.chars().all(is_apart)
}
