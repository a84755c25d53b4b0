//! The cells of one sheet.

use std::{borrow::Cow, collections::BTreeMap};

use super::{FORMAT, strings, styles::Styles};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    sheet::{Area, CellBudget, Sheet},
    xml::{Element, Reader},
};

/// The rows and columns that a sheet can have.
const ROWS: u32 = 1_048_576;
const COLUMNS: u32 = 16_384;

/// A sheet, and the id of the relationship to what is drawn on it.
#[derive(Debug)]
pub(super) struct Worksheet {
    pub(super) sheet: Sheet,
    pub(super) drawing: Option<String>,
    /// How many cells name a text that is not there.
    pub(super) textless: usize,
    /// How many formulas have no result.
    pub(super) uncomputed: usize,
    /// What the sheet embeds of other programs, and how often.
    pub(super) embedded: BTreeMap<String, usize>,
}

struct Context<'c> {
    strings: &'c [String],
    styles: &'c Styles,
    budget: &'c mut CellBudget,
    textless: usize,
    uncomputed: usize,
}

impl Worksheet {
    pub(super) fn read(
        part: &str,
        name: &str,
        strings: &[String],
        styles: &Styles,
        limits: &ExtractLimits,
        budget: &mut CellBudget,
    ) -> Result<Self, ExtractError> {
        let mut found =
            Self { sheet: Sheet::new(name), drawing: None, textless: 0, uncomputed: 0, embedded: BTreeMap::new() };
        let mut context = Context { strings, styles, budget, textless: 0, uncomputed: 0 };
        let mut reader = Reader::new(FORMAT, part, limits.max_depth);
        let Some(_root) = reader.child()? else { return Ok(found) };
        while let Some(element) = reader.child()? {
            match element.name() {
                "sheetData" => rows(&mut reader, &mut found.sheet, &mut context)?,
                "mergeCells" => {
                    while let Some(merged) = reader.child()? {
                        if let Some(area) = merged.attribute("ref").and_then(|area| parse_area(&area)) {
                            found.sheet.merge(area, context.budget)?;
                        }
                        reader.skip()?;
                    }
                }
                "drawing" => {
                    found.drawing = element.prefixed("id");
                    reader.skip()?;
                }
                "oleObjects" => embedded(&mut reader, &mut found.embedded)?,
                _ => reader.skip()?,
            }
        }
        (found.textless, found.uncomputed) = (context.textless, context.uncomputed);
        Ok(found)
    }
}

fn rows(reader: &mut Reader<'_>, sheet: &mut Sheet, context: &mut Context<'_>) -> Result<(), ExtractError> {
    let mut next_row = 0u32;
    while let Some(element) = reader.child()? {
        if !element.is("row") {
            reader.skip()?;
            continue;
        }
        let row = element.number::<u32>("r").and_then(|row| row.checked_sub(1)).unwrap_or(next_row);
        next_row = row.saturating_add(1);
        let mut next_column = 0u32;
        while let Some(element) = reader.child()? {
            if !element.is("c") {
                reader.skip()?;
                continue;
            }
            let place = element.attribute("r").and_then(|place| parse_place(&place));
            let (row, column) = place.unwrap_or((row, next_column));
            next_column = column.saturating_add(1);
            let text = cell(reader, &element, context)?;
            if row >= ROWS || column >= COLUMNS {
                return Err(ExtractError::malformed(FORMAT, "a cell lies outside of the sheet"));
            }
            sheet.set(row, column, text, context.budget)?;
        }
    }
    Ok(())
}

/// Reads the rest of an `oleObjects`.
fn embedded(reader: &mut Reader<'_>, found: &mut BTreeMap<String, usize>) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "oleObject" => {
                *found.entry(element.attribute("progId").unwrap_or_else(|| "an object".into())).or_default() += 1;
                reader.skip()?;
            }
            // It says the same in an older form.
            "Fallback" => reader.skip()?,
            _ => embedded(reader, found)?,
        }
    }
    Ok(())
}

/// Reads the rest of a cell as the text that it shows.
fn cell<'c>(
    reader: &mut Reader<'_>,
    element: &Element<'_>,
    context: &mut Context<'c>,
) -> Result<Cow<'c, str>, ExtractError> {
    let mut value = None;
    let mut inline = String::new();
    let mut is_formula = false;
    while let Some(part) = reader.child()? {
        match part.name() {
            "v" => value = Some(reader.text_of_current()?),
            "is" => inline = strings::text(reader)?,
            "f" => {
                is_formula = true;
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
    }
    // A text may be empty, which no other result is: nobody has computed it.
    let has_value = value.as_ref().is_some_and(|value: &String| !value.trim().is_empty());
    let is_text = element.attribute("t").as_deref() == Some("str");
    context.uncomputed += usize::from(is_formula && !has_value && !is_text && inline.is_empty());
    let Some(value) = value else { return Ok(inline.into()) };
    Ok(match element.attribute("t").as_deref() {
        Some("s") => {
            let shared = value.trim().parse::<usize>().ok().and_then(|at| context.strings.get(at));
            context.textless += usize::from(shared.is_none() && !value.trim().is_empty());
            Cow::Borrowed(shared.map_or("", String::as_str))
        }
        Some("b") => if value.trim() == "0" { "FALSE" } else { "TRUE" }.into(),
        Some("str" | "inlineStr") => strings::unescape(&value).into(),
        Some("e") => value.into(),
        Some("d") => moment(value.trim()).into(),
        _ => match value.trim().parse::<f64>() {
            Ok(number) => context.styles.show(element.number("s").unwrap_or(0), number).into(),
            Err(_) => value.into(),
        },
    })
}

/// ISO 8601 as it is, but for the time of a day that has none, and for what some libraries add to each.
fn moment(value: &str) -> String {
    let value = value.trim_end_matches('Z').trim_end_matches(".000");
    value.trim_end_matches("T00:00:00").replace('T', " ")
}

/// The row and the column of a place such as `B7`.
fn parse_place(place: &str) -> Option<(u32, u32)> {
    let place = place.trim().replace('$', "");
    let digits = place.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = place.split_at(digits);
    let column = letters.bytes().try_fold(0u32, |column, letter| {
        let letter = letter.to_ascii_uppercase();
        letter.is_ascii_uppercase().then(|| column.checked_mul(26)?.checked_add(u32::from(letter - b'A') + 1)).flatten()
    })?;
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

fn parse_area(area: &str) -> Option<Area> {
    let (first, last) = area.split_once(':').unwrap_or((area, area));
    let ((top, left), (bottom, right)) = (parse_place(first)?, parse_place(last)?);
    (top <= bottom && left <= right).then_some(Area { top, left, bottom, right })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days_where_they_have_no_time() {
        for (value, expected) in [
            ("2024-02-03", "2024-02-03"),
            ("2024-02-03T00:00:00", "2024-02-03"),
            ("2024-02-03T00:00:00.000Z", "2024-02-03"),
            ("2024-02-03T10:30:00.000Z", "2024-02-03 10:30:00"),
            ("2024-02-03T10:30:00.250", "2024-02-03 10:30:00.250"),
        ] {
            assert_eq!(moment(value), expected);
        }
    }

    #[test]
    fn places_have_letters_and_numbers() {
        assert_eq!(parse_place("A1"), Some((0, 0)));
        assert_eq!(parse_place("$xfd$1048576"), Some((1_048_575, 16_383)));
        for none in ["", "A", "1", "A0", "É1", "ZZZZZZZZZZ1", "A99999999999"] {
            assert_eq!(parse_place(none), None, "{none}");
        }
        assert_eq!(parse_area("B2:C4"), Some(Area { top: 1, left: 1, bottom: 3, right: 2 }));
        assert_eq!(parse_area("C4:B2"), None);
    }
}
