//! Tables: merged cells filled in, deleted rows left out.

use super::body::Body;
use crate::ingest::extract::ExtractError;

/// A grid of at most this many cells is built; a span may claim millions.
const MAX_SPAN: usize = 256;
/// A longer text is not repeated in the cells that its cell is merged with.
const MAX_REPEATED: usize = 1_000;

/// What stands in a cell.
#[derive(Debug)]
pub(super) enum CellPart {
    Text(String),
    Table(Vec<Vec<String>>),
}

/// The rows of a table, each as its cells.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Vec<String>>,
    /// What its cell holds, where it has just one.
    pub(super) only_cell: Option<Vec<CellPart>>,
}

impl Table {
    pub(super) fn of(rows: Vec<Vec<String>>) -> Self {
        Self { rows, only_cell: None }
    }
}

#[derive(Debug, Default)]
struct CellProperties {
    span: usize,
    continues_above: bool,
}

impl Body<'_> {
    /// Reads the rest of a `w:tbl` as rows of cells. A cell that is merged downwards stands in each row.
    pub(super) fn table(&mut self) -> Result<Table, ExtractError> {
        // This table may stand in a cell, or in a box in one.
        let before = std::mem::take(&mut self.last_cell);
        let mut rows: Vec<Vec<String>> = Vec::new();
        self.rows_into(&mut rows)?;
        let parts = std::mem::replace(&mut self.last_cell, before);
        let only_cell = matches!(rows.as_slice(), [row] if row.len() == 1).then_some(parts);
        Ok(Table { rows, only_cell })
    }

    fn rows_into(&mut self, rows: &mut Vec<Vec<String>>) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "tr" => {
                    let mut row = Vec::new();
                    let before = std::mem::take(&mut self.last_cell);
                    let notes = self.pending_notes.len();
                    if self.row_into(&mut row, rows.last())? {
                        rows.push(row);
                    } else {
                        self.last_cell = before;
                        self.pending_notes.truncate(notes);
                    }
                }
                "tblPr" | "tblGrid" | "sdtPr" | "del" | "moveFrom" => self.reader.skip()?,
                _ => self.rows_into(rows)?,
            }
        }
        Ok(())
    }

    /// Reads a row; `false` when it has been deleted.
    fn row_into(&mut self, row: &mut Vec<String>, above: Option<&Vec<String>>) -> Result<bool, ExtractError> {
        let mut lives = true;
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "tc" => self.cell_into(row, above)?,
                "trPr" => {
                    while let Some(property) = self.reader.child()? {
                        match property.name() {
                            "del" => lives = false,
                            "gridBefore" => row.extend((0..span(property.value())).map(|_| String::new())),
                            _ => {}
                        }
                        self.reader.skip()?;
                    }
                }
                "tblPrEx" | "sdtPr" => self.reader.skip()?,
                _ => lives &= self.row_into(row, above)?,
            }
        }
        Ok(lives)
    }

    fn cell_into(&mut self, row: &mut Vec<String>, above: Option<&Vec<String>>) -> Result<(), ExtractError> {
        let mut properties = CellProperties { span: 1, continues_above: false };
        let mut parts: Vec<CellPart> = Vec::new();
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "tcPr" => properties = self.cell_properties()?,
                "p" => {
                    let paragraph = self.paragraph()?;
                    parts.extend(self.words_of(paragraph).into_iter().map(CellPart::Text));
                }
                "tbl" => parts.push(CellPart::Table(self.table()?.rows)),
                "del" | "moveFrom" | "sdtPr" => self.reader.skip()?,
                _ => parts.push(CellPart::Text(self.flat()?)),
            }
        }
        let lines = parts.iter().flat_map(|part| match part {
            CellPart::Text(text) => vec![text.clone()],
            CellPart::Table(rows) => rows.iter().map(|row| row.join(", ")).collect(),
        });
        let mut text = lines.filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n");
        self.last_cell = parts;
        if properties.continues_above && text.is_empty() {
            let above = above.and_then(|above| above.get(row.len())).filter(|above| above.len() <= MAX_REPEATED);
            text = above.cloned().unwrap_or_default();
        }
        row.push(text);
        row.extend((1..properties.span).map(|_| String::new()));
        Ok(())
    }

    fn cell_properties(&mut self) -> Result<CellProperties, ExtractError> {
        let mut properties = CellProperties { span: 1, continues_above: false };
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "gridSpan" => properties.span = span(element.value()).max(1),
                "vMerge" => properties.continues_above = element.value().as_deref() != Some("restart"),
                _ => {}
            }
            self.reader.skip()?;
        }
        Ok(properties)
    }
}

fn span(value: Option<String>) -> usize {
    value.and_then(|value| value.parse::<usize>().ok()).unwrap_or(1).min(MAX_SPAN)
}
