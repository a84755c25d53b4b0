//! Excel workbooks (XLSX, and XLSM, XLTX, XLTM, which hold the same): SpreadsheetML of ECMA-376 part 1, read part by part.
//!
//! Each sheet is a section under its name, its blocks of cells are tables, and what stands in a cell is what the program
//! shows there, computed when the workbook was saved. Dates are ISO dates. Charts come below the cells with the values
//! they were drawn from, and diagrams with their words. Hidden sheets, rows and columns are read as well; macros are not looked at.
//!
//! May depend on `domain` only.

mod cells;
mod comments;
mod drawing;
mod strings;
mod styles;
mod workbook;

use self::{cells::Worksheet, strings::shared_strings, styles::Styles, workbook::Workbook};
use super::{
    ExtractError, ExtractLimits,
    package::Package,
    properties,
    relationships::{Relationships, media_type},
    sheet::CellBudget,
    writer::MarkdownWriter,
};
use crate::domain::ExtractedDocument;

/// What the format is called in errors.
const FORMAT: &str = "XLSX";
const USUAL_MAIN_PART: &str = "xl/workbook.xml";
const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The level of the heading of a sheet: the title of the workbook is above it.
pub(super) const SHEET_LEVEL: usize = 2;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, FORMAT, limits)?;
    let root = Relationships::of(&mut package, "", limits.max_depth)?;
    let main = root.of_kind("officeDocument").next().unwrap_or(USUAL_MAIN_PART).to_owned();
    let workbook = Workbook::read(&package.required(&main)?, limits.max_depth)?;
    let relationships = Relationships::of(&mut package, &main, limits.max_depth)?;
    let mut part_of = |kind: &str| relationships.of_kind(kind).next().map_or(Ok(None), |name| package.part(name));
    let strings = shared_strings(part_of("sharedStrings")?.as_deref(), limits.max_depth)?;
    let styles = Styles::read(part_of("styles")?.as_deref(), workbook.from_1904, limits.max_depth)?;

    let media_type = media_type(&mut package, &main, limits.max_depth)?.unwrap_or_else(|| MEDIA_TYPE.into());
    let mut writer = MarkdownWriter::new(&media_type, limits);
    let mut budget = CellBudget::new(limits);
    let people = comments::people(&mut package, &relationships, limits)?;
    for entry in &workbook.sheets {
        let Some(text) = relationships.target(&entry.id).map_or(Ok(None), |name| package.part(name))? else {
            writer.warn(format!("the sheet \"{}\" is listed, but is not in the file", entry.name));
            continue;
        };
        if entry.hidden {
            writer.warn(format!("the sheet \"{}\" is hidden in the workbook; it was read as well", entry.name));
        }
        let worksheet = Worksheet::read(&text, &entry.name, &strings, &styles, limits, &mut budget)?;
        drop(text);
        if worksheet.textless > 0 {
            let (cells, name) = (worksheet.textless, &entry.name);
            writer.warn(format!("{cells} cells of the sheet \"{name}\" name a text that is not in the file"));
        }
        if worksheet.uncomputed > 0 {
            writer.warn(format!(
                "{} formulas of the sheet \"{}\" have no result in the file; open it in a spreadsheet program and save it",
                worksheet.uncomputed, entry.name
            ));
        }
        for (program, count) in &worksheet.embedded {
            let place = format!("the sheet \"{}\"", entry.name);
            writer.warn(format!("what {place} embeds of another program ({program}, {count} in all) was left out"));
        }
        let part = relationships.target(&entry.id).unwrap_or_default();
        let beside = Relationships::of(&mut package, part, limits.max_depth)?;
        let place = format!(" on the sheet \"{}\"", entry.name);
        let drawing = worksheet.drawing.as_deref();
        let drawn = drawing::read(&mut package, &beside, drawing, &place, limits, &mut writer)?;
        let comments = comments::read(&mut package, &beside, &people, limits)?;
        if worksheet.sheet.is_empty() && drawn.is_empty() && comments.is_empty() {
            continue;
        }
        writer.heading(SHEET_LEVEL, &entry.name)?;
        worksheet.sheet.write(&mut budget, &mut writer)?;
        drawn.iter().try_for_each(|one| one.write(&place, &mut writer))?;
        comments.iter().try_for_each(|comment| writer.block(comment))?;
    }
    if writer.is_blank() {
        return Err(ExtractError::no_text("no cell of the workbook holds anything"));
    }
    let title = properties::title(&mut package, "docProps/core.xml", limits.max_depth)?;
    package.take_warnings().into_iter().for_each(|warning| writer.warn(warning));
    Ok(writer.finish(title))
}

#[cfg(test)]
mod tests;
