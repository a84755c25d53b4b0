//! How cells show their numbers: the number formats of the styles of cells.

use std::collections::HashMap;

use super::FORMAT;
use crate::ingest::extract::{ExtractError, number_format::NumberFormat, xml::Reader};

#[derive(Debug, Default)]
pub(super) struct Styles {
    /// The number format of each style of cells.
    cells: Vec<NumberFormat>,
    from_1904: bool,
}

impl Styles {
    pub(super) fn read(part: Option<&str>, from_1904: bool, max_depth: usize) -> Result<Self, ExtractError> {
        let mut styles = Self { from_1904, ..Self::default() };
        let Some(part) = part else { return Ok(styles) };
        let mut codes: HashMap<u32, NumberFormat> = HashMap::new();
        let mut reader = Reader::new(FORMAT, part, max_depth);
        let Some(_root) = reader.child()? else { return Ok(styles) };
        while let Some(element) = reader.child()? {
            match element.name() {
                "numFmts" => {
                    while let Some(format) = reader.child()? {
                        if let (Some(id), Some(code)) = (format.number("numFmtId"), format.attribute("formatCode")) {
                            codes.insert(id, NumberFormat::parse(&code));
                        }
                        reader.skip()?;
                    }
                }
                "cellXfs" => {
                    while let Some(style) = reader.child()? {
                        let id = style.number("numFmtId").unwrap_or(0);
                        styles.cells.push(codes.get(&id).cloned().unwrap_or_else(|| NumberFormat::built_in(id)));
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok(styles)
    }

    /// A number as a cell of this style shows it.
    pub(super) fn show(&self, style: usize, value: f64) -> String {
        self.cells.get(style).unwrap_or(&NumberFormat::General).show(value, self.from_1904)
    }
}
