//! Charts that came with Office 2016: waterfalls, funnels, treemaps, sunbursts, histograms, boxes and maps ([MS-ODRAWXML],
//! the schema `chartex`).
//!
//! Their data stands beside the chart, in pieces that the series name. PowerPoint and Word keep the points in them; Excel
//! keeps only the references, since the cells are in the same file.
//!
//! May depend on `xml`.

use std::collections::HashMap;

use super::{
    Chart,
    points::{Points, place},
    words,
};
use crate::ingest::extract::{
    ExtractError,
    structure::one_line,
    xml::{Element, Reader},
};

/// The most memory that all data of a chart may take: a point may claim a place far behind the others.
const MAX_SIZE: usize = 256 << 20;

/// The data and the series of such a chart, in whichever order they come.
#[derive(Debug, Default)]
pub(super) struct Newer {
    data: HashMap<String, Vec<Dimension>>,
    /// The memory that the data takes.
    size: usize,
    series: Vec<Shown>,
}

/// Categories, or one kind of values.
#[derive(Debug)]
struct Dimension {
    /// `cat`, `val`, `size` and so on.
    kind: String,
    name: String,
    points: Points,
}

/// A series that is shown.
#[derive(Debug)]
struct Shown {
    kind: String,
    name: String,
    /// The id of its data.
    data: Option<String>,
    /// Whether it shows what is computed from another series.
    is_computed: bool,
}

impl Newer {
    /// Reads the rest of a `chartData`.
    pub(super) fn data(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            if !element.is("data") {
                reader.skip()?;
                continue;
            }
            let mut dimensions = Vec::new();
            while let Some(element) = reader.child()? {
                match element.name() {
                    "strDim" | "numDim" => {
                        let dimension = dimension(&element, reader)?;
                        self.size = self.size.saturating_add(dimension.points.size());
                        if self.size > MAX_SIZE {
                            return Err(ExtractError::too_large("the data of a chart in bytes", MAX_SIZE as u64));
                        }
                        dimensions.push(dimension);
                    }
                    _ => reader.skip()?,
                }
            }
            self.data.insert(element.attribute("id").unwrap_or_default(), dimensions);
        }
        Ok(())
    }

    /// Reads the rest of a `series`.
    pub(super) fn series(&mut self, element: &Element<'_>, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        let mut series = Shown {
            kind: kind_of(&element.attribute("layoutId").unwrap_or_default()),
            name: String::new(),
            data: None,
            is_computed: element.attribute("ownerIdx").is_some(),
        };
        while let Some(element) = reader.child()? {
            match element.name() {
                "tx" => series.name = words(reader)?,
                "dataId" => {
                    series.data = element.value();
                    reader.skip()?;
                }
                "layoutPr" => {
                    while let Some(element) = reader.child()? {
                        // Columns of values that fall into bins.
                        if element.is("binning") {
                            series.kind = "histogram".into();
                        }
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        self.series.push(series);
        Ok(())
    }

    /// Gives the series their data.
    pub(super) fn join(self, chart: &mut Chart) -> Result<(), ExtractError> {
        chart.unplaced += self.data.values().flatten().map(|dimension| dimension.points.unplaced).sum::<usize>();
        for series in self.series {
            chart.is_of_kind(series.kind);
            let dimensions = series.data.and_then(|id| self.data.get(&id)).map(Vec::as_slice).unwrap_or_default();
            // What a map service calls the places is not shown.
            let shown = dimensions.iter().filter(|dimension| dimension.kind != "entityId");
            let (categories, values): (Vec<_>, Vec<_>) = shown.partition(|dimension| dimension.kind == "cat");
            let is_complete = categories.iter().chain(&values).all(|dimension| dimension.points.are_kept);
            chart.incomplete += usize::from(!series.is_computed && (values.is_empty() || !is_complete));
            let categories = categories.first().map(|first| first.points.values.as_slice()).unwrap_or_default();
            let kept: Vec<_> = values.into_iter().filter(|dimension| dimension.points.are_kept).collect();
            if kept.is_empty() && !categories.is_empty() {
                chart.tables.add(series.name, categories, &[])?;
                continue;
            }
            for values in &kept {
                let name = if series.name.is_empty() { &values.name } else { &series.name };
                let name = if kept.len() > 1 { format!("{name} ({})", values.role()) } else { name.clone() };
                chart.tables.add(name.trim_start().into(), categories, &values.points.values)?;
            }
        }
        Ok(())
    }
}

impl Dimension {
    /// What the values of one series are for that has several kinds of them.
    fn role(&self) -> &str {
        match self.kind.as_str() {
            "val" => "value",
            "colorVal" | "colorStr" => "color",
            other => other,
        }
    }
}

/// Reads the rest of a `strDim` or `numDim`.
fn dimension(element: &Element<'_>, reader: &mut Reader<'_>) -> Result<Dimension, ExtractError> {
    let is_number = element.is("numDim");
    let (mut points, mut name) = (Points::new(false), String::new());
    while let Some(element) = reader.child()? {
        if !element.is("lvl") {
            reader.skip()?;
            continue;
        }
        points.are_kept = true;
        name = element.attribute("name").map(|name| one_line(&name)).unwrap_or(name);
        let mut level = Points::new(false);
        if let Some(code) = element.attribute("formatCode") {
            level.show_as(&code);
        }
        while let Some(element) = reader.child()? {
            if element.is("pt") {
                let text = reader.text_of_current()?;
                level.set(place(&element), level.shown(&text, is_number));
            } else {
                reader.skip()?;
            }
        }
        points.put_below(level)?;
    }
    Ok(Dimension { kind: element.attribute("type").unwrap_or_default(), name, points })
}

/// The words for how a series is laid out.
fn kind_of(layout: &str) -> String {
    match layout {
        "boxWhisker" => "box and whisker".into(),
        "clusteredColumn" => "column".into(),
        "paretoLine" => "Pareto".into(),
        "regionMap" => "map".into(),
        other => other.to_lowercase(),
    }
}

#[cfg(test)]
mod tests;
