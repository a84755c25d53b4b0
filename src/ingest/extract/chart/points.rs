//! The points of a series: each at its place, as it is shown.
//!
//! May depend on `number_format` and `structure`.

use crate::ingest::extract::{number_format::NumberFormat, structure::one_line, xml::Element};

/// A point's number may claim any place; points beyond this are not placed.
pub(super) const MAX_POINTS: usize = 1 << 16;

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

    /// Takes the next level of categories. They come innermost first: an outer one is named where it begins.
    pub(super) fn put_below(&mut self, outer: Self) {
        self.unplaced += outer.unplaced;
        if self.values.is_empty() {
            self.values = outer.values;
            return;
        }
        let mut name = String::new();
        for (at, value) in self.values.iter_mut().enumerate() {
            if let Some(begins) = outer.values.get(at).filter(|value| !value.is_empty()) {
                name.clone_from(begins);
            }
            if !name.is_empty() {
                *value = format!("{name} / {value}");
            }
        }
    }
}

/// The place that a point claims.
pub(super) fn place(element: &Element<'_>) -> Option<usize> {
    element.number("idx")
}
