//! Comma- and tab-separated values become one pipe table.
//!
//! The first record is the header. Where it is plainly data (a number above numbers), the columns are
//! numbered instead, so that no record is repeated as if it were a name.
//!
//! May depend on `domain` only.

use csv::{ReaderBuilder, StringRecord};

use super::{ExtractError, ExtractLimits, charset, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

/// The separators that are tried, besides the one that the name suggests.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many records are looked at to find the separator.
const SAMPLE: usize = 100;

pub(super) fn read(bytes: &[u8], suggested: u8, limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let (text, named) = named_separator(&decoded.text);
    let separator = named.unwrap_or_else(|| sniff(text, suggested));
    let media_type = if separator == b'\t' { "text/tab-separated-values" } else { "text/csv" };
    let mut writer = MarkdownWriter::new(media_type, limits);
    decoded.warnings.into_iter().for_each(|warning| writer.warn(warning));

    let mut rows = records(text, separator)
        .map(|record| record.map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ExtractError::malformed("CSV", error))?;
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let uneven = rows.iter().filter(|row| row.len() != columns).count();
    if uneven > 0 {
        writer.warn(format!("{uneven} of {} records have fewer than {columns} fields", rows.len()));
    }
    if is_headless(&rows) {
        rows.insert(0, (1..=columns).map(|column| format!("column {column}")).collect());
    }
    writer.table(&rows)?;
    Ok(writer.finish(None))
}

fn records(text: &str, separator: u8) -> impl Iterator<Item = Result<StringRecord, csv::Error>> {
    ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records()
}

/// Spreadsheets write `sep=;` as a first line of their own.
fn named_separator(text: &str) -> (&str, Option<u8>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        Some([separator]) if separator.is_ascii() => (rest, Some(*separator)),
        _ => (text, None),
    }
}

/// The separator that splits most of the first records into the same number of fields, more than one.
fn sniff(text: &str, suggested: u8) -> u8 {
    let score = |separator: u8| {
        let mut counts: Vec<usize> =
            records(text, separator).take(SAMPLE).map_while(Result::ok).map(|record| record.len()).collect();
        counts.sort_unstable();
        let middle = counts.get(counts.len() / 2).copied().unwrap_or(1);
        let same = counts.iter().filter(|count| **count == middle).count();
        if middle > 1 { (same * 100 / counts.len(), middle) } else { (0, 1) }
    };
    let mut best = (suggested, score(suggested));
    for separator in SEPARATORS {
        let candidate = score(separator);
        if candidate > best.1 {
            best = (separator, candidate);
        }
    }
    best.0
}

fn is_headless(rows: &[Vec<String>]) -> bool {
    let (Some(first), true) = (rows.first(), rows.len() > 2) else { return false };
    first.iter().enumerate().any(|(column, cell)| {
        let below = || rows[1..].iter().take(SAMPLE).filter_map(|row| row.get(column));
        is_number(cell) && !is_year(cell) && below().all(|cell| cell.trim().is_empty() || is_number(cell))
    })
}

fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    cell.bytes().any(|byte| byte.is_ascii_digit()) && cell.parse::<f64>().is_ok()
}

/// Columns are named after years.
fn is_year(cell: &str) -> bool {
    cell.trim().parse::<u32>().is_ok_and(|year| (1500..2200).contains(&year))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(source: &str) -> String {
        read(source.as_bytes(), b',', &ExtractLimits::default()).unwrap().text
    }

    #[test]
    fn a_table_has_its_header_and_escapes_what_would_split_it() {
        let document = read(b"name,note\n\"Ann\",\"a | b\nc\"\nBob,\n", b',', &ExtractLimits::default()).unwrap();
        assert_eq!(document.text, "| name | note |\n| --- | --- |\n| Ann | a \\| b c |\n| Bob | |\n");
        let table = &document.tables[0];
        assert_eq!(&document.text[table.header.clone()], "| name | note |\n| --- | --- |");
        assert_eq!(&document.text[table.range.clone()], document.text.trim_end());
    }

    #[test]
    fn the_separator_is_found() {
        let expected = "| a | b |\n| --- | --- |\n| 1,5 | x |\n| 2,5 | y |\n";
        for source in
            ["a;b\n1,5;x\n2,5;y\n", "a\tb\n1,5\tx\n2,5\ty\n", "a|b\n1,5|x\n2,5|y\n", "sep=;\na;b\n1,5;x\n2,5;y\n"]
        {
            assert_eq!(text(source), expected);
        }
    }

    #[test]
    fn a_header_that_is_data_is_kept_as_data() {
        assert!(text("1,a\n2,b\n3,c\n").starts_with("| column 1 | column 2 |\n| --- | --- |\n| 1 | a |"));
        assert!(text("place,2019,2020\nx,1,2\ny,3,4\n").starts_with("| place | 2019 | 2020 |"));
    }

    #[test]
    fn short_records_are_filled_and_reported() {
        let document = read(b"a,b,c\n1,2\n", b',', &ExtractLimits::default()).unwrap();
        assert!(document.text.ends_with("| 1 | 2 | |\n"));
        assert_eq!(document.warnings.len(), 1);
    }
}
