#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, package::made::archive};

/// A value of a cell.
enum Value {
    Text(&'static str),
    Number(f64),
}

use Value::{Number, Text};

const ROWS: [[Value; 2]; 3] =
    [[Text("gate"), Text("depth")], [Text("North"), Number(4.5)], [Text("a|b"), Number(0.1 + 0.2)]];
const EXPECTED: &str = "## Gates\n\n| gate | depth |\n| --- | --- |\n| North | 4.5 |\n| a\\|b | 0.3 |\n";

/// One record of an XLS file.
fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat()
}

/// The stream of a workbook of the last old version (BIFF8) with one sheet, which is hidden or not.
fn workbook(hidden: bool) -> Vec<u8> {
    let begin = |kind: u16| record(0x0809, &[&0x0600u16.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat());
    let mut sheet = begin(0x0010);
    for (row, cells) in (0u16..).zip(ROWS) {
        for (column, value) in (0u16..).zip(cells) {
            let place = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
            sheet.extend(match value {
                Text(text) => {
                    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
                    record(0x0204, &[&place, &length[..], &[0], text.as_bytes()].concat())
                }
                Number(number) => record(0x0203, &[&place, &number.to_le_bytes()[..]].concat()),
            });
        }
    }
    sheet.extend(record(0x000a, &[]));
    let globals = |at: u32| {
        let entry = [&at.to_le_bytes()[..], &[u8::from(hidden), 0, 5, 0], b"Gates"].concat();
        [begin(0x0005), record(0x0042, &1200u16.to_le_bytes()), record(0x0085, &entry), record(0x000a, &[])].concat()
    };
    let at = u32::try_from(globals(0).len()).unwrap();
    [globals(at), sheet].concat()
}

/// The compound file around the stream of a workbook.
fn compound(mut stream: Vec<u8>) -> Vec<u8> {
    // A stream that is shorter would be kept elsewhere.
    stream.resize(stream.len().max(4096).next_multiple_of(512), 0);
    let sectors = u32::try_from(stream.len() / 512).unwrap();
    let (end, free, table) = (0xffff_fffe_u32, 0xffff_ffff_u32, 0xffff_fffd_u32);
    let mut header = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    header.extend([0; 16]);
    for half in [0x3eu16, 3, 0xfffe, 9, 6, 0, 0, 0] {
        header.extend(half.to_le_bytes());
    }
    // One sector of the table of sectors, the directory in the second sector, no small streams.
    for word in [0u32, 1, 1, 0, 4096, end, 0, end, 0, 0] {
        header.extend(word.to_le_bytes());
    }
    header.resize(512, 0xff);
    let mut places: Vec<u32> = vec![table, end];
    places.extend((0..sectors).map(|at| if at + 1 == sectors { end } else { at + 3 }));
    places.resize(128, free);
    let places: Vec<u8> = places.iter().flat_map(|place| place.to_le_bytes()).collect();
    let entry = |name: &str, kind: u8, child: u32, start: u32, size: u32| {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(entry.len() + 2).unwrap();
        entry.resize(64, 0);
        entry.extend(length.to_le_bytes());
        entry.extend([kind, 1]);
        for word in [free, free, child] {
            entry.extend(word.to_le_bytes());
        }
        entry.extend([0; 36]);
        entry.extend(start.to_le_bytes());
        entry.extend(size.to_le_bytes());
        entry.extend([0; 4]);
        entry
    };
    let size = u32::try_from(stream.len()).unwrap();
    let mut directory = [entry("Root Entry", 5, 1, end, 0), entry("Workbook", 2, free, 2, size)].concat();
    directory.resize(512, 0);
    [header, places, directory, stream].concat()
}

/// One record of an XLSB part.
fn binary(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut out = if kind < 128 { vec![kind as u8] } else { vec![(kind & 0x7f) as u8 | 0x80, (kind >> 7) as u8] };
    out.push(u8::try_from(content.len()).unwrap());
    out.extend(content);
    out
}

fn wide(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    length.into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn xlsb() -> Vec<u8> {
    let word = |word: u32| word.to_le_bytes();
    let entry = [&word(0)[..], &word(1), &wide("r1"), &wide("Gates")].concat();
    let workbook =
        [binary(131, &[]), binary(143, &[]), binary(156, &entry), binary(144, &[]), binary(132, &[])].concat();
    let mut sheet = [binary(129, &[]), binary(148, &[0; 16]), binary(145, &[])].concat();
    for (row, cells) in (0u32..).zip(ROWS) {
        sheet.extend(binary(0, &[&word(row)[..], &[0; 21]].concat()));
        for (column, value) in (0u32..).zip(cells) {
            let place = [word(column), word(0)].concat();
            sheet.extend(match value {
                Text(text) => binary(6, &[place, wide(text)].concat()),
                Number(number) => binary(5, &[&place[..], &number.to_le_bytes()].concat()),
            });
        }
    }
    sheet.extend([binary(146, &[]), binary(130, &[])].concat());
    let relationships = b"<Relationships><Relationship Id='r1' Type='http://x/worksheet' Target='worksheets/sheet1.bin'/></Relationships>";
    archive(&[
        ("xl/workbook.bin", workbook),
        ("xl/_rels/workbook.bin.rels", relationships.to_vec()),
        ("xl/worksheets/sheet1.bin", sheet),
    ])
}

#[test]
fn a_workbook_of_the_old_kind_is_read() {
    let document = read(&compound(workbook(false)), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    assert_eq!(document.text, EXPECTED);
    assert_eq!(document.media_type, "application/vnd.ms-excel");
    assert!(document.warnings.is_empty());
    let document = read(&compound(workbook(true)), &ExtractLimits::default()).unwrap();
    assert_eq!(document.warnings, ["the sheet \"Gates\" is hidden in the workbook; it was read as well"]);
}

#[test]
fn a_binary_workbook_is_read() {
    let document = read_xlsb(&xlsb(), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    assert_eq!(document.text, EXPECTED);
}

#[test]
fn damage_and_bombs_are_refused() {
    let limits = ExtractLimits { max_uncompressed_bytes: 100_000, max_cells: 3, ..ExtractLimits::default() };
    let whole = compound(workbook(false));
    assert!(matches!(read(&whole[..600], &limits), Err(ExtractError::Malformed { .. })));
    assert!(matches!(read(&whole, &limits), Err(ExtractError::TooLarge { limit: 3, .. })));
    assert!(matches!(read_xlsb(&xlsb(), &limits), Err(ExtractError::TooLarge { limit: 3, .. })));
    let bomb = archive(&[("xl/workbook.bin", vec![0u8; 200_000])]);
    assert!(matches!(read_xlsb(&bomb, &limits), Err(ExtractError::TooLarge { limit: 100_000, .. })));
}

#[test]
fn moments_are_days_or_times_by_what_they_hold() {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};
    let shown = |value, kind| moment_text(&ExcelDateTime::new(value, kind, false));
    assert_eq!(shown(45_292.0, DateTime), "2024-01-01");
    assert_eq!(shown(45_292.5, DateTime), "2024-01-01 12:00:00");
    assert_eq!(shown(0.75, DateTime), "18:00:00");
    assert_eq!(shown(1.5, TimeDelta), "36:00:00");
}
