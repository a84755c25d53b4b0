//! Sheets of a workbook: what their cells show, dates as ISO dates, and the comments on cells.

use super::{body::Body, inline::Paragraph, inline::is_drawn, numbers::letters};
use crate::ingest::extract::{
    ExtractError,
    number_format::{as_displayed, plain},
    sheet::{Area, Sheet},
    structure::one_line,
    writer::MarkdownWriter,
    xlsx::SHEET_LEVEL,
    xml::Element,
};

/// The most rows and columns that programs have.
const ROWS: u32 = 1 << 24;
const COLUMNS: u32 = 1 << 16;

/// A sheet as it is read, and what is written below its cells.
struct Filled {
    sheet: Sheet,
    below: Vec<String>,
}

struct Cell {
    text: String,
    repeated: u32,
    across: u32,
    down: u32,
}

/// Writes the rest of an `office:spreadsheet`.
pub(super) fn write(body: &mut Body<'_>, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
    while let Some(element) = body.reader.child()? {
        if !element.is("table") {
            body.reader.skip()?;
            continue;
        }
        let name = one_line(&element.attribute("name").unwrap_or_default());
        // The names of sheets do not begin like this: formulas refer to the cells of another workbook, which are kept.
        if name.starts_with('\'') && name.contains("'#") {
            writer.warn(format!("the cells that are kept of another workbook ({name}) were left out"));
            body.reader.skip()?;
            continue;
        }
        let is_hidden = element.attribute("style-name").is_some_and(|style| body.styles.is_hidden(&style));
        let mut filled = Filled { sheet: Sheet::new(name.as_str()), below: Vec::new() };
        let mut next = 0;
        body.sheet_rows(&mut filled, &mut next)?;
        if is_hidden {
            writer.warn(format!("the sheet \"{name}\" is hidden in the workbook; it was read as well"));
        }
        if filled.sheet.is_empty() && filled.below.is_empty() && body.pending_objects.is_empty() {
            continue;
        }
        writer.heading(SHEET_LEVEL, &name)?;
        filled.sheet.write(&mut body.budget, writer)?;
        filled.below.iter().try_for_each(|text| writer.block(text))?;
        body.pending(writer)?;
    }
    Ok(())
}

impl Body<'_> {
    fn sheet_rows(&mut self, filled: &mut Filled, next: &mut u32) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "table-row" => {
                    let repeated = count(&element, "number-rows-repeated");
                    self.sheet_row(filled, *next, repeated)?;
                    *next = next.saturating_add(repeated);
                }
                "table-header-rows" | "table-rows" | "table-row-group" => self.sheet_rows(filled, next)?,
                "shapes" => {
                    let mut drawn = Paragraph::default();
                    self.drawn(&mut drawn)?;
                    self.keep_drawn(drawn, filled);
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    /// Reads a row that stands `repeated` times, from `row` on.
    fn sheet_row(&mut self, filled: &mut Filled, row: u32, repeated: u32) -> Result<(), ExtractError> {
        let mut column = 0u32;
        while let Some(element) = self.reader.child()? {
            if !matches!(element.name(), "table-cell" | "covered-table-cell") {
                self.reader.skip()?;
                continue;
            }
            let cell = self.sheet_cell(&element, (row, column), filled)?;
            if !cell.text.trim().is_empty() {
                let last = (row.saturating_add(repeated), column.saturating_add(cell.repeated));
                if last.0 > ROWS || last.1 > COLUMNS {
                    return Err(ExtractError::malformed(self.format, "a cell lies outside of the sheet"));
                }
                for row in row..last.0 {
                    for column in column..last.1 {
                        filled.sheet.set(row, column, cell.text.as_str(), &mut self.budget)?;
                    }
                }
                if cell.across > 1 || cell.down > 1 {
                    let (bottom, right) = (row.saturating_add(cell.down - 1), column.saturating_add(cell.across - 1));
                    filled.sheet.merge(Area { top: row, left: column, bottom, right }, &mut self.budget)?;
                }
            }
            column = column.saturating_add(cell.repeated);
        }
        Ok(())
    }

    /// Reads the rest of a cell.
    fn sheet_cell(
        &mut self,
        element: &Element<'_>,
        (row, column): (u32, u32),
        filled: &mut Filled,
    ) -> Result<Cell, ExtractError> {
        let mut lines: Vec<String> = Vec::new();
        while let Some(part) = self.reader.child()? {
            match part.name() {
                "p" | "h" => {
                    let paragraph = self.paragraph()?;
                    lines.push(paragraph.text);
                }
                "annotation" => {
                    let place = format!(" on {}{}", letters(i64::from(column) + 1, b'A'), i64::from(row) + 1);
                    let comment = self.comment(&place)?;
                    filled.below.extend(comment);
                }
                name if is_drawn(name) => {
                    let mut drawn = Paragraph::default();
                    self.drawn(&mut drawn)?;
                    self.keep_drawn(drawn, filled);
                }
                _ => self.reader.skip()?,
            }
        }
        let text = shown(element, lines.join("\n"));
        Ok(Cell {
            text,
            repeated: count(element, "number-columns-repeated"),
            across: count(element, "number-columns-spanned"),
            down: count(element, "number-rows-spanned"),
        })
    }

    fn keep_drawn(&mut self, drawn: Paragraph, filled: &mut Filled) {
        let texts = drawn.boxes.into_iter().chain([drawn.text]).map(|text| super::lines_of(&text));
        filled.below.extend(texts.filter(|text| !text.is_empty()));
        self.pending_objects.extend(drawn.objects);
    }
}

fn count(element: &Element<'_>, attribute: &str) -> u32 {
    element.number(attribute).unwrap_or(1).max(1)
}

/// What a cell shows: numbers without what depends on a language, dates as ISO dates, all else as it is displayed.
fn shown(element: &Element<'_>, displayed: String) -> String {
    // An error is displayed where its value says nothing.
    if displayed.starts_with('#') || displayed.starts_with("Err:") {
        return displayed;
    }
    match element.attribute("value-type").as_deref() {
        Some("float") => match element.number("value") {
            Some(value) => as_displayed(value, &displayed),
            None => displayed,
        },
        Some("date") => element
            .attribute("date-value")
            .map_or(displayed, |date| date.trim_end_matches("T00:00:00").replace('T', " ")),
        Some("boolean") => element.attribute("boolean-value").map_or(displayed, |value| value.to_uppercase()),
        // Programs other than those for offices write values alone.
        _ if displayed.trim().is_empty() => undisplayed(element).unwrap_or_default(),
        _ => displayed,
    }
}

/// The value of a cell that displays nothing.
fn undisplayed(element: &Element<'_>) -> Option<String> {
    match element.attribute("value-type")?.as_str() {
        "string" => element.attribute("string-value"),
        "percentage" => Some(format!("{}%", plain(element.number::<f64>("value")? * 100.0))),
        "currency" => {
            let sign = element.attribute("currency").unwrap_or_default();
            Some(format!("{} {sign}", plain(element.number("value")?)))
        }
        "time" => element.attribute("time-value"),
        _ => None,
    }
}
