//! The series of a chart as tables of their categories and values.
//!
//! May depend on the limits and the errors.

use std::sync::Arc;

use crate::ingest::extract::{ExtractError, ExtractLimits};

/// Series by series, within bounds: a few bytes of a part can claim very many cells.
#[derive(Debug)]
pub(super) struct Tables {
    series: Vec<Series>,
    /// The points of the longest series.
    points: usize,
    bytes: usize,
    max_cells: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Series {
    name: String,
    /// The same for the series that share them.
    categories: Arc<[String]>,
    values: Vec<String>,
}

impl Tables {
    pub(super) fn new(limits: &ExtractLimits) -> Self {
        Self { series: Vec::new(), points: 0, bytes: 0, max_cells: limits.max_cells, max_bytes: limits.max_text_bytes }
    }

    /// Takes a series, whose values stand beside the categories in the same places.
    pub(super) fn add(&mut self, name: String, categories: &[String], values: &[String]) -> Result<(), ExtractError> {
        self.points = self.points.max(categories.len()).max(values.len());
        let cells = self.points.saturating_mul(self.series.len() + 2);
        if cells > self.max_cells {
            return Err(ExtractError::too_large("the number of cells of a chart", self.max_cells as u64));
        }
        let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        // Series that share their categories share a table.
        let shared = self.series.last().map(|last| &last.categories).filter(|shared| ***shared == *categories).cloned();
        let more = name.len() + bytes(values) + if shared.is_some() { 0 } else { bytes(categories) };
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > self.max_bytes {
            return Err(ExtractError::too_large("the text of a chart in bytes", self.max_bytes as u64));
        }
        let categories = shared.unwrap_or_else(|| categories.into());
        self.series.push(Series { name, categories, values: values.to_vec() });
        Ok(())
    }

    /// A table for the series that share their categories, mostly one. The first row is the header.
    pub(super) fn rows(&self) -> Vec<Vec<Vec<String>>> {
        let (mut tables, mut rest) = (Vec::new(), self.series.as_slice());
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|series| series.categories == first.categories).count().max(1);
            let (now, later) = rest.split_at(alike);
            tables.push(table(now, &first.categories));
            rest = later;
        }
        tables
    }
}

fn table(series: &[Series], categories: &[String]) -> Vec<Vec<String>> {
    let points = series.iter().map(|one| one.values.len()).max().unwrap_or(0).max(categories.len());
    let header = std::iter::once(String::new()).chain(series.iter().map(|one| one.name.clone()));
    let row = |point: usize| {
        let category = categories.get(point).cloned().unwrap_or_else(|| (point + 1).to_string());
        let values = series.iter().map(|one| one.values.get(point).cloned().unwrap_or_default());
        std::iter::once(category).chain(values).collect()
    };
    std::iter::once(header.collect()).chain((0..points).map(row)).collect()
}
