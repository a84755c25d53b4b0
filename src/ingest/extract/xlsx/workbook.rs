//! The list of the sheets of a workbook, in the order of their tabs.

use super::FORMAT;
use crate::ingest::extract::{ExtractError, structure::one_line, xml::Reader};

#[derive(Debug, Default)]
pub(super) struct Workbook {
    pub(super) sheets: Vec<Entry>,
    /// Whether days are counted from 1904 on and not from 1900.
    pub(super) from_1904: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The id of the relationship to its part.
    pub(super) id: String,
    pub(super) hidden: bool,
}

impl Workbook {
    pub(super) fn read(part: &str, max_depth: usize) -> Result<Self, ExtractError> {
        let mut workbook = Self::default();
        let mut reader = Reader::new(FORMAT, part, max_depth);
        let Some(_root) = reader.child()? else { return Ok(workbook) };
        while let Some(element) = reader.child()? {
            match element.name() {
                "workbookPr" => {
                    workbook.from_1904 = element.has_flag("date1904");
                    reader.skip()?;
                }
                "sheets" => {
                    while let Some(sheet) = reader.child()? {
                        workbook.sheets.push(Entry {
                            name: one_line(&sheet.attribute("name").unwrap_or_default()),
                            id: sheet.prefixed("id").unwrap_or_default(),
                            hidden: sheet.attribute("state").is_some_and(|state| state != "visible"),
                        });
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok(workbook)
    }
}
