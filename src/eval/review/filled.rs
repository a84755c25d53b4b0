//! Reads filled sheets: what the page downloads, or the CSV sheet as a spreadsheet saved it (with commas or semicolons,
//! with or without a byte order mark, in any encoding that writes ASCII as ASCII).
//!
//! May depend on `eval::review::sheet` and `eval::review::table`.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use csv::ByteRecord;
use serde::Serialize;

use super::{
    ReviewError,
    sheet::Key,
    table::{ITEM, REVIEWER, SHEET, VERDICT},
};

/// What a reviewer said of a question, with the sides resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The first run's answer is better.
    First,
    /// The second run's is.
    Second,
    /// Both are equally good.
    EqualGood,
    /// Both are equally bad.
    EqualBad,
}

impl Preference {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::EqualGood, Self::EqualBad];
}

/// One reviewer's sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Who it is: the name in the sheet, else the file's.
    pub reviewer: String,
    /// What was said, by the number of the item.
    pub verdicts: BTreeMap<usize, Preference>,
    /// The items that are not judged.
    pub open: usize,
    /// How often A was preferred, and how often B: a reviewer who reads carelessly prefers one side.
    pub sides: (usize, usize),
}

/// Reads the key of a sheet.
pub fn read_key(path: &Path) -> Result<Key, ReviewError> {
    let bytes = fs::read(path).map_err(|error| ReviewError::Io("read", path.to_owned(), error))?;
    serde_json::from_slice(&bytes).map_err(|error| ReviewError::Malformed {
        path: path.to_owned(),
        line: 0,
        reason: error.to_string(),
    })
}

/// Reads a filled sheet and resolves its sides by the key.
pub fn read(path: &Path, key: &Key) -> Result<Filled, ReviewError> {
    let bytes = fs::read(path).map_err(|error| ReviewError::Io("read", path.to_owned(), error))?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let malformed = |line: u64, reason: String| ReviewError::Malformed { path: path.to_owned(), line, reason };
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if header.contains(&b';') && !header.contains(&b',') { b';' } else { b',' };
    let mut table = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let columns = table.byte_headers().map_err(|error| malformed(1, error.to_string()))?.clone();
    let column = |name: &str| columns.iter().position(|column| text(column).eq_ignore_ascii_case(name));
    let needed = |name: &str| column(name).ok_or_else(|| malformed(1, format!("there is no column `{name}`")));
    let (sheet, item, verdict) = (needed(SHEET)?, needed(ITEM)?, needed(VERDICT)?);
    let reviewer = column(REVIEWER);

    let sides: HashMap<usize, bool> = key.items.iter().map(|item| (item.number, item.a_is_first)).collect();
    let mut filled = Filled { reviewer: String::new(), verdicts: BTreeMap::new(), open: 0, sides: (0, 0) };
    let mut seen = HashMap::new();
    for record in table.byte_records() {
        let record =
            record.map_err(|error| malformed(error.position().map_or(0, csv::Position::line), error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| cell(&record, at);
        if cell(sheet) != key.sheet {
            let (found, expected) = (cell(sheet), key.sheet.clone());
            return Err(ReviewError::OtherSheet { path: path.to_owned(), found, expected });
        }
        let number: usize =
            cell(item).parse().map_err(|_| malformed(line, format!("`{}` is no number of an item", cell(item))))?;
        let Some(&a_is_first) = sides.get(&number) else {
            return Err(malformed(line, format!("the sheet has no item {number}")));
        };
        if let Some(first) = seen.insert(number, line) {
            return Err(malformed(line, format!("the item {number} stands in line {first} already")));
        }
        let name = reviewer.map(cell).unwrap_or_default();
        if !name.is_empty() && !filled.reviewer.is_empty() && name != filled.reviewer {
            return Err(malformed(line, format!("it is by `{name}`, and a line above by `{}`", filled.reviewer)));
        }
        if !name.is_empty() {
            filled.reviewer = name;
        }
        let Some(side) = side(&cell(verdict)).map_err(|reason| malformed(line, reason))? else { continue };
        match side {
            Side::A => filled.sides.0 += 1,
            Side::B => filled.sides.1 += 1,
            Side::Both(_) => {}
        }
        filled.verdicts.insert(number, side.resolve(a_is_first));
    }
    filled.open = key.items.len() - filled.verdicts.len();
    if filled.reviewer.is_empty() {
        filled.reviewer = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    }
    Ok(filled)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn cell(record: &ByteRecord, at: usize) -> String {
    record.get(at).map(text).unwrap_or_default()
}

/// What a reviewer can say, before it is known which side is which.
enum Side {
    A,
    B,
    Both(Preference),
}

impl Side {
    fn resolve(self, a_is_first: bool) -> Preference {
        match self {
            Self::Both(preference) => preference,
            Self::A if a_is_first => Preference::First,
            Self::B if !a_is_first => Preference::First,
            Self::A | Self::B => Preference::Second,
        }
    }
}

/// The meaning of a filled cell; `None` when it is empty.
fn side(verdict: &str) -> Result<Option<Side>, String> {
    Ok(Some(match verdict.to_ascii_lowercase().replace(['-', '_'], " ").trim() {
        "" => return Ok(None),
        "a" | "better a" => Side::A,
        "b" | "better b" => Side::B,
        "equal good" | "both good" => Side::Both(Preference::EqualGood),
        "equal bad" | "both bad" => Side::Both(Preference::EqualBad),
        _ => return Err(format!("`{verdict}` is no verdict; write A, B, both good or both bad, or leave it empty")),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::review::sheet::KeyItem;

    fn key() -> Key {
        let item = |number, a_is_first| KeyItem { number, example: format!("q{number}"), a_is_first };
        let items = vec![item(1, true), item(2, false), item(3, true), item(4, false), item(5, true)];
        Key { sheet: "abc".into(), first: "base".into(), second: "tuned".into(), seed: 1, items }
    }

    fn read_bytes(bytes: &[u8]) -> Result<Filled, ReviewError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mary.csv");
        fs::write(&path, bytes).unwrap();
        read(&path, &key())
    }

    #[test]
    fn sides_are_resolved_by_the_key() {
        let filled = read_bytes(
            b"sheet,item,verdict,comment\nabc,2,A,\nabc,1,better_a,\"so, so\"\nabc,3,B,\nabc,4,Both Good,\nabc,5,,\n",
        )
        .unwrap();
        assert_eq!(filled.reviewer, "mary");
        assert_eq!((filled.open, filled.sides), (1, (2, 1)));
        let expected =
            [(1, Preference::First), (2, Preference::Second), (3, Preference::Second), (4, Preference::EqualGood)];
        assert_eq!(filled.verdicts, BTreeMap::from(expected));
    }

    #[test]
    fn what_spreadsheets_save_is_read() {
        let mut bytes = "\u{feff}sheet;item;answer_a;verdict;reviewer\r\nabc;1;".as_bytes().to_vec();
        // Windows-1252 in a column that does not matter.
        bytes.extend_from_slice(b"H\xfctte;a;Ann\r\nabc;2;\"two\r\nlines\";b;Ann\r\n");
        let filled = read_bytes(&bytes).unwrap();
        assert_eq!(filled.reviewer, "Ann");
        assert_eq!(filled.verdicts, BTreeMap::from([(1, Preference::First), (2, Preference::First)]));
        assert_eq!(filled.open, 3);
    }

    #[test]
    fn a_sheet_that_does_not_fit_is_refused() {
        for (text, words) in [
            ("sheet,item\nabc,1\n", "no column `verdict`"),
            ("sheet,item,verdict\nxyz,1,a\n", "of the sheet xyz"),
            ("sheet,item,verdict\nabc,9,a\n", "no item 9"),
            ("sheet,item,verdict\nabc,one,a\n", "`one` is no number"),
            ("sheet,item,verdict\nabc,1,a\nabc,1,b\n", "line 3: the item 1 stands in line 2"),
            ("sheet,item,verdict\nabc,1,maybe\n", "`maybe` is no verdict"),
            ("sheet,item,verdict,reviewer\nabc,1,a,Ann\nabc,2,a,Bob\n", "by `Bob`"),
        ] {
            let error = read_bytes(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
