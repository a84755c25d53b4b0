//! The points of a series: each at its place, as it is shown.
//!
//! May depend on `number_format`, `structure` and the errors.

use crate::ingest::extract::{ExtractError, number_format::NumberFormat, structure::one_line, xml::Element};

/// A point's number may claim any place; points beyond this are not placed.
pub(super) const MAX_POINTS: usize = 1 << 16;
/// The most text of the points of a series: each level of categories repeats its names, so that few bytes of a part can
/// claim very many.
const MAX_BYTES: usize = 16 << 20;

/// Values or categories, as far as the chart keeps them.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) values: Vec<String>,
    /// Whether the chart keeps them, be there none, and not only a reference to where they stand.
    pub(super) are_kept: bool,
    /// How many claim a place beyond those that are read.
    pub(super) unplaced: usize,
    format: NumberFormat,
    from_1904: bool,
}

impl Points {
    pub(super) fn new(from_1904: bool) -> Self {
        Self { values: Vec::new(), are_kept: false, unplaced: 0, format: NumberFormat::General, from_1904 }
    }

    /// The numbers that follow are shown in the form that `code` says.
    pub(super) fn show_as(&mut self, code: &str) {
        self.format = NumberFormat::parse(code);
    }

    /// What is shown for a point.
    pub(super) fn shown(&self, text: &str, is_number: bool) -> String {
        let text = one_line(text);
        match text.parse::<f64>() {
            Ok(value) if is_number => self.format.show(value, self.from_1904),
            _ => text,
        }
    }

    /// Sets the point at the place that an element claims: by default, the next one.
    pub(super) fn set(&mut self, claimed: Option<usize>, text: String) {
        let at = claimed.unwrap_or(self.values.len());
        if at >= MAX_POINTS {
            self.unplaced += 1;
            return;
        }
        if self.values.len() <= at {
            self.values.resize(at + 1, String::new());
        }
        if let Some(value) = self.values.get_mut(at) {
            *value = text;
        }
    }

    /// The memory that the points take, about.
    pub(super) fn size(&self) -> usize {
        self.values.iter().map(|value| value.len() + size_of::<String>()).sum()
    }

    /// Takes the next level of categories. They come innermost first: an outer one is named where it begins.
    pub(super) fn put_below(&mut self, outer: Self) -> Result<(), ExtractError> {
        self.unplaced += outer.unplaced;
        if self.values.is_empty() {
            self.values = outer.values;
            return Ok(());
        }
        let mut name = String::new();
        let mut bytes = 0usize;
        for (at, value) in self.values.iter_mut().enumerate() {
            if let Some(begins) = outer.values.get(at).filter(|value| !value.is_empty()) {
                name.clone_from(begins);
            }
            if !name.is_empty() {
                *value = format!("{name} / {value}");
            }
            bytes = bytes.saturating_add(value.len());
            if bytes > MAX_BYTES {
                return Err(ExtractError::too_large(
                    "the text of the categories of a chart in bytes",
                    MAX_BYTES as u64,
                ));
            }
        }
        Ok(())
    }
}

/// The place that a point claims.
pub(super) fn place(element: &Element<'_>) -> Option<usize> {
    element.number("idx")
}
