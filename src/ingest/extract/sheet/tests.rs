#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::check_structure;

/// A sheet of lines of text, cells between bars, a blank for an empty cell.
fn sheet(lines: &[&str], budget: &mut CellBudget) -> Sheet {
    let mut sheet = Sheet::new("x");
    for (row, line) in (0u32..).zip(lines) {
        for (column, cell) in (0u32..).zip(line.split('|')) {
            sheet.set(row, column, cell, budget).unwrap();
        }
    }
    sheet
}

fn written(sheet: Sheet, budget: &mut CellBudget) -> String {
    let mut writer = MarkdownWriter::new("x", &ExtractLimits::default());
    sheet.write(budget, &mut writer).unwrap();
    let document = writer.finish(None);
    assert_eq!(check_structure(&document), Ok(()));
    document.text
}

fn text(lines: &[&str], merged: &[Area]) -> String {
    let mut budget = CellBudget::new(&ExtractLimits::default());
    let mut sheet = sheet(lines, &mut budget);
    merged.iter().for_each(|area| sheet.merge(*area, &mut budget).unwrap());
    written(sheet, &mut budget)
}

#[test]
fn empty_rows_and_columns_divide_tables() {
    let lines = ["a|b| |x|y", "1|2| |8|9", " | | | | ", "c|d", "3|4"];
    let expected = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n| x | y |\n| --- | --- |\n| 8 | 9 |\n\n\
                    | c | d |\n| --- | --- |\n| 3 | 4 |\n";
    assert_eq!(text(&lines, &[]), expected);
}

#[test]
fn cells_that_meet_at_a_corner_are_apart_and_holes_are_kept() {
    assert_eq!(text(&["a|b", "1|2", " | |x|y", " | |8|9"], &[]).matches("| --- |").count(), 2);
    let hole = "| a | b | c |\n| --- | --- | --- |\n| 1 | | 3 |\n| 4 | 5 | 6 |\n";
    assert_eq!(text(&["a|b|c", "1| |3", "4|5|6"], &[]), hole);
    // The lone value in the middle of a frame belongs to it.
    let framed = text(&["a|b|c|d|e", "f| | | |g", "h| |x| |i", "j| | | |k", "l|m|n|o|p"], &[]);
    assert_eq!(framed.matches("---").count(), 5, "{framed}");
    assert!(framed.contains("| h | | x | | i |"), "{framed}");
}

#[test]
fn a_lone_cell_is_text_and_so_is_a_title_over_a_table() {
    assert_eq!(
        text(&["All in euros,", "", "thing|price", "tea|2"], &[]),
        "All in euros,\n\n| thing | price |\n| --- | --- |\n| tea | 2 |\n"
    );
    assert_eq!(
        text(&["Prices| ", "thing|price", "tea|2"], &[]),
        "Prices\n\n| thing | price |\n| --- | --- |\n| tea | 2 |\n"
    );
    assert_eq!(text(&[" |price", "tea|2"], &[]), "| | price |\n| --- | --- |\n| tea | 2 |\n");
}

#[test]
fn merged_cells_stand_in_every_cell_that_they_cover() {
    let area = |top, left, bottom, right| Area { top, left, bottom, right };
    let merged = [area(0, 1, 0, 2), area(1, 0, 2, 0)];
    let expected = "| n | both | both |\n| --- | --- | --- |\n| down | 1 | 2 |\n| down | 3 | 4 |\n";
    assert_eq!(text(&["n|both| ", "down|1|2", " |3|4"], &merged), expected);
    let title = [area(0, 0, 0, 1)];
    assert_eq!(text(&["Title| ", "a|b", "1|2"], &title), "Title\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    let whole = [area(0, 0, u32::MAX, u32::MAX)];
    assert_eq!(text(&["a|b"], &whole), "| a | b |\n| --- | --- |\n");
}

#[test]
fn pipes_and_lines_of_cells_do_not_break_the_table() {
    let mut budget = CellBudget::new(&ExtractLimits::default());
    let mut sheet = sheet(&["a|b"], &mut budget);
    sheet.set(1, 0, "one\ntwo", &mut budget).unwrap();
    sheet.set(1, 1, "x|y", &mut budget).unwrap();
    assert_eq!(written(sheet, &mut budget), "| a | b |\n| --- | --- |\n| one two | x\\|y |\n");
}

#[test]
fn a_sheet_costs_what_it_holds_and_no_more_than_the_limit() {
    let mut budget = CellBudget::new(&ExtractLimits::default());
    let mut far = Sheet::new("x");
    far.set(0, 0, "first", &mut budget).unwrap();
    far.set(1_048_575, 16_383, "last", &mut budget).unwrap();
    assert_eq!(written(far, &mut budget), "first\n\nlast\n");

    let limits = ExtractLimits { max_cells: 10, ..ExtractLimits::default() };
    let mut budget = CellBudget::new(&limits);
    let mut full = Sheet::new("x");
    let filled = (0..11).try_for_each(|row| full.set(row, 0, "x", &mut budget));
    assert!(matches!(filled, Err(ExtractError::TooLarge { limit: 10, .. })));
}

#[test]
fn scattered_cells_are_one_table_and_their_grid_is_counted() {
    let limits = ExtractLimits { max_cells: 100_000, ..ExtractLimits::default() };
    let mut budget = CellBudget::new(&limits);
    let mut diagonal = Sheet::new("x");
    (0..5_000).for_each(|at| diagonal.set(at, at, "x", &mut budget).unwrap());
    let mut writer = MarkdownWriter::new("x", &limits);
    assert!(matches!(diagonal.write(&mut budget, &mut writer), Err(ExtractError::TooLarge { .. })));

    let mut budget = CellBudget::new(&limits);
    let mut grid = Sheet::new("x");
    for row in 0..100 {
        (0..50).for_each(|column| grid.set(row * 2, column * 2, format!("{row}.{column}"), &mut budget).unwrap());
    }
    let text = written(grid, &mut budget);
    assert_eq!(text.lines().count(), 101);
    assert!(text.contains("| 7.0 | 7.1 |"), "{text}");
}
