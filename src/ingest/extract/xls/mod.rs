//! Excel workbooks in binary form: XLS (BIFF, 97 to 2003) and XLSB. A crate knows their records; what it finds is written
//! as for XLSX. Number formats are not told apart beyond dates, and charts are not read.
//!
//! May depend on `domain` only.

use std::io::Cursor;

use calamine::{Data, DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xls, XlsError, Xlsb};

use super::{
    ExtractError, ExtractLimits,
    number_format::{NumberFormat, plain},
    package::Package,
    sheet::{Area, CellBudget, Sheet},
    writer::MarkdownWriter,
    xlsx::SHEET_LEVEL,
};
use crate::domain::ExtractedDocument;

const XLS: &str = "XLS";
const XLSB: &str = "XLSB";

/// Reads an XLS workbook.
pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsError::Password => ExtractError::Encrypted { format: XLS.into() },
        error => ExtractError::malformed(XLS, error),
    })?;
    let mut output = Output::new("application/vnd.ms-excel", limits);
    for entry in workbook.sheets_metadata().to_vec() {
        if !output.begins(&entry) {
            continue;
        }
        let range = workbook.worksheet_range(&entry.name).map_err(|error| ExtractError::malformed(XLS, error))?;
        let (top, left) = range.start().unwrap_or_default();
        let mut sheet = Sheet::new(entry.name.as_str());
        for (row, column, value) in range.used_cells() {
            let place = (top.saturating_add(place(row)), left.saturating_add(place(column)));
            sheet.set(place.0, place.1, text_of(&borrowed(value)), &mut output.budget)?;
        }
        for merged in workbook.merge_cells_by_sheet_name(&entry.name).unwrap_or_default() {
            let ((top, left), (bottom, right)) = (merged.start, merged.end);
            sheet.merge(Area { top, left, bottom, right }, &mut output.budget)?;
        }
        output.write(sheet)?;
    }
    // A damaged part of properties is no reason to refuse the workbook.
    output.finish(workbook.workbook_properties().ok().and_then(|properties| properties.title))
}

/// Reads an XLSB workbook.
pub(super) fn read_xlsb(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    // The crate unpacks without bounds.
    Package::open(bytes, XLSB, limits)?.measure()?;
    let malformed = |error| ExtractError::malformed(XLSB, format_args!("{error}"));
    let mut workbook: Xlsb<_> = Xlsb::new(Cursor::new(bytes)).map_err(malformed)?;
    let mut output = Output::new("application/vnd.ms-excel.sheet.binary.macroEnabled.12", limits);
    for entry in workbook.sheets_metadata().to_vec() {
        if !output.begins(&entry) {
            continue;
        }
        let mut sheet = Sheet::new(entry.name.as_str());
        let mut cells = workbook.worksheet_cells_reader(&entry.name).map_err(malformed)?;
        while let Some(cell) = cells.next_cell().map_err(malformed)? {
            let (row, column) = cell.get_position();
            sheet.set(row, column, text_of(cell.get_value()), &mut output.budget)?;
        }
        output.write(sheet)?;
    }
    // A damaged part of properties is no reason to refuse the workbook.
    output.finish(workbook.workbook_properties().ok().and_then(|properties| properties.title))
}

/// The document as it is written sheet by sheet.
struct Output {
    writer: MarkdownWriter,
    budget: CellBudget,
}

impl Output {
    fn new(media_type: &str, limits: &ExtractLimits) -> Self {
        Self { writer: MarkdownWriter::new(media_type, limits), budget: CellBudget::new(limits) }
    }

    /// Whether a sheet has cells; says so where it is hidden, or is nothing but a chart.
    fn begins(&mut self, entry: &calamine::Sheet) -> bool {
        match entry.typ {
            SheetType::ChartSheet => {
                self.writer
                    .warn(format!("the chart \"{}\" was left out; save the workbook as XLSX to have it", entry.name));
                return false;
            }
            SheetType::Vba | SheetType::MacroSheet => return false,
            SheetType::WorkSheet | SheetType::DialogSheet => {}
        }
        if entry.visible != SheetVisible::Visible {
            self.writer.warn(format!("the sheet \"{}\" is hidden in the workbook; it was read as well", entry.name));
        }
        true
    }

    fn write(&mut self, sheet: Sheet) -> Result<(), ExtractError> {
        if sheet.is_empty() {
            return Ok(());
        }
        self.writer.heading(SHEET_LEVEL, &sheet.name)?;
        sheet.write(&mut self.budget, &mut self.writer)
    }

    fn finish(self, title: Option<String>) -> Result<ExtractedDocument, ExtractError> {
        if self.writer.is_blank() {
            return Err(ExtractError::no_text("no cell of the workbook holds anything"));
        }
        Ok(self.writer.finish(title))
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The value of a whole sheet's range as one of a sheet that is read cell by cell.
fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// A value as a cell shows it.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => plain(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => moment_text(moment),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// A day, or a time of day, or both, by what the number holds: the format of the cell is not known.
fn moment_text(moment: &ExcelDateTime) -> String {
    let value = moment.as_f64();
    if moment.is_duration() {
        return NumberFormat::Duration.show(value, false);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let (date, time) = (value.abs() >= 1.0, value.fract() != 0.0);
    let day = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match (date, time) {
        (true, true) => format!("{day} {clock}"),
        (false, true) => clock,
        _ => day,
    }
}

#[cfg(test)]
mod tests;
