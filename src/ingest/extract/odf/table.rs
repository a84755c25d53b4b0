//! Tables of texts and slides: what a merged cell says stands in every cell that it covers.

use super::body::Body;
use crate::ingest::extract::{ExtractError, xml::Element};

/// A cell may claim to be repeated or to reach over millions of others.
const MAX_SPAN: usize = 256;
/// A longer text is not repeated in the cells that its cell is merged with.
const MAX_REPEATED: usize = 1_000;

/// What cells of earlier rows lay over a column: for how many rows, and what.
type Covering = Vec<Option<(usize, String)>>;

impl Body<'_> {
    /// Reads the rest of a `table:table` as rows of cells.
    pub(super) fn table_rows(&mut self) -> Result<Vec<Vec<String>>, ExtractError> {
        let mut rows = Vec::new();
        let mut covering = Covering::new();
        self.rows_into(&mut rows, &mut covering)?;
        while rows.last().is_some_and(|row: &Vec<String>| row.iter().all(|cell| cell.trim().is_empty())) {
            rows.pop();
        }
        Ok(rows)
    }

    fn rows_into(&mut self, rows: &mut Vec<Vec<String>>, covering: &mut Covering) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "table-row" => {
                    let row = self.row(covering)?;
                    rows.push(row);
                }
                "table-header-rows" | "table-rows" | "table-row-group" => self.rows_into(rows, covering)?,
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn row(&mut self, covering: &mut Covering) -> Result<Vec<String>, ExtractError> {
        let mut row: Vec<String> = Vec::new();
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "table-cell" => {
                    let text = self.flat()?;
                    let (across, down) =
                        (span(&element, "number-columns-spanned"), span(&element, "number-rows-spanned"));
                    let covers = if text.len() <= MAX_REPEATED { text.clone() } else { String::new() };
                    let at = row.len();
                    if across > 1 || down > 1 {
                        covering.resize(covering.len().max(at + across), None);
                        covering
                            .iter_mut()
                            .skip(at)
                            .take(across)
                            .for_each(|place| *place = Some((down, covers.clone())));
                    }
                    self.push(&mut row, text, span(&element, "number-columns-repeated"))?;
                }
                "covered-table-cell" => {
                    self.reader.skip()?;
                    for _ in 0..span(&element, "number-columns-repeated") {
                        let text =
                            covering.get(row.len()).and_then(|place| place.as_ref()).map(|(_, text)| text.clone());
                        self.push(&mut row, text.unwrap_or_default(), 1)?;
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        for place in covering.iter_mut() {
            *place = place.take().and_then(|(rows, text)| Some((rows.checked_sub(1).filter(|left| *left > 0)?, text)));
        }
        while row.last().is_some_and(|cell| cell.trim().is_empty()) && row.len() > covering.len().max(1) {
            row.pop();
        }
        Ok(row)
    }

    fn push(&mut self, row: &mut Vec<String>, text: String, times: usize) -> Result<(), ExtractError> {
        self.budget.take(times)?;
        row.extend(std::iter::repeat_n(text, times));
        Ok(())
    }
}

fn span(element: &Element<'_>, attribute: &str) -> usize {
    element.number(attribute).unwrap_or(1usize).clamp(1, MAX_SPAN)
}
