//! Charts: their numbers as tables, from what the file keeps of them beside the picture (ECMA-376 part 1, chapter 21.2).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{package::Package, xml::Reader};
use crate::ingest::extract::{ExtractError, structure::one_line, writer::MarkdownWriter};

/// Points by their index, as they are shown.
type Points = BTreeMap<u64, String>;

/// A chart of a document.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) title: String,
    /// A table for the series that share their categories, mostly one. The first row is the header.
    pub(super) tables: Vec<Vec<Vec<String>>>,
}

/// The charts of a document by the identifiers under which the text refers to them.
pub(super) type Charts = HashMap<String, Chart>;

#[derive(Debug, Default)]
struct Series {
    name: String,
    categories: Points,
    values: Points,
}

/// Reads the charts that the part `main` refers to. A chart that cannot be read is a warning.
pub(super) fn read_all(
    package: &mut Package<'_>,
    main: &str,
    max_depth: usize,
    writer: &mut MarkdownWriter,
) -> Result<Charts, ExtractError> {
    let mut charts = Charts::new();
    let (folder, name) = main.rsplit_once('/').unwrap_or(("", main));
    let Some(relations) = package.part(&format!("{folder}/_rels/{name}.rels"))? else { return Ok(charts) };
    for (id, target) in targets(&relations, max_depth) {
        let path = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("{folder}/{target}"),
        };
        let Some(part) = package.part(&path)? else { continue };
        match read(&part, max_depth) {
            Ok(chart) => {
                charts.insert(id, chart);
            }
            Err(error) => writer.warn(format!("a chart was left out: {error}")),
        }
    }
    Ok(charts)
}

/// The parts that are charts. Relations that cannot be read name none: the text does not depend on them.
fn targets(relations: &str, max_depth: usize) -> Vec<(String, String)> {
    let mut reader = Reader::new(relations, max_depth);
    let mut found = Vec::new();
    let Ok(Some(_root)) = reader.child() else { return found };
    while let Ok(Some(relation)) = reader.child() {
        let kind = relation.attribute("Type").unwrap_or_default();
        if kind.ends_with("/chart")
            && let (Some(id), Some(target)) = (relation.attribute("Id"), relation.attribute("Target"))
        {
            found.push((id, target));
        }
        if reader.skip().is_err() {
            break;
        }
    }
    found
}

fn read(part: &str, max_depth: usize) -> Result<Chart, ExtractError> {
    let mut reader = Reader::new(part, max_depth);
    let mut chart = Chart::default();
    let mut series = Vec::new();
    walk(&mut reader, &mut chart, &mut series)?;
    let mut rest = series.as_slice();
    while let Some(first) = rest.first() {
        let alike = rest.iter().take_while(|series| series.categories == first.categories).count();
        let (together, after) = rest.split_at(alike);
        chart.tables.push(table(together));
        rest = after;
    }
    Ok(chart)
}

fn walk(reader: &mut Reader<'_>, chart: &mut Chart, series: &mut Vec<Series>) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            // Titles of axes have another parent, and say what is counted.
            "title" => {
                let title = shown_text(reader)?;
                let title = one_line(&title);
                if !title.is_empty() {
                    let gap = if chart.title.is_empty() { "" } else { "; " };
                    chart.title.push_str(&format!("{gap}{title}"));
                }
            }
            "ser" => series.push(one_series(reader)?),
            "Fallback" => reader.skip()?,
            _ => walk(reader, chart, series)?,
        }
    }
    Ok(())
}

fn one_series(reader: &mut Reader<'_>) -> Result<Series, ExtractError> {
    let mut series = Series::default();
    while let Some(element) = reader.child()? {
        match element.name() {
            "tx" => series.name = one_line(&points(reader)?.into_values().collect::<Vec<_>>().join(" ")),
            "cat" | "xVal" => series.categories = points(reader)?,
            "val" | "yVal" => series.values = points(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(series)
}

/// The points below the current element. Categories of several levels are joined, the outer one last.
fn points(reader: &mut Reader<'_>) -> Result<Points, ExtractError> {
    let mut found = Points::new();
    points_into(reader, 0, &mut found)?;
    Ok(found)
}

fn points_into(reader: &mut Reader<'_>, index: u64, found: &mut Points) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "pt" => {
                let index = element.attribute("idx").and_then(|index| index.parse().ok()).unwrap_or(0);
                points_into(reader, index, found)?;
            }
            "v" => {
                let text = reader.text_of_current()?;
                found
                    .entry(index)
                    .and_modify(|known| {
                        known.push_str(", ");
                        known.push_str(&text);
                    })
                    .or_insert(text);
            }
            "f" | "formatCode" | "extLst" => reader.skip()?,
            _ => points_into(reader, index, found)?,
        }
    }
    Ok(())
}

/// The text of a title, which may be formatted text or a cell of a sheet.
fn shown_text(reader: &mut Reader<'_>) -> Result<String, ExtractError> {
    let mut text = String::new();
    while let Some(element) = reader.child()? {
        match element.name() {
            "t" | "v" => text.push_str(&reader.text_of_current()?),
            "f" | "formatCode" => reader.skip()?,
            "p" => {
                text.push(' ');
                text.push_str(&shown_text(reader)?);
            }
            _ => text.push_str(&shown_text(reader)?),
        }
    }
    Ok(text)
}

fn table(series: &[Series]) -> Vec<Vec<String>> {
    let indices: BTreeSet<u64> =
        series.iter().flat_map(|s| s.categories.keys().chain(s.values.keys())).copied().collect();
    let at = |points: &Points, index: u64| points.get(&index).cloned().unwrap_or_default();
    let name = |series: &Series| series.name.clone();
    let header = std::iter::once(String::new()).chain(series.iter().map(name)).collect();
    let row = |index: u64| {
        let category = series.first().map_or(String::new(), |first| at(&first.categories, index));
        std::iter::once(category).chain(series.iter().map(|series| at(&series.values, index))).collect()
    };
    std::iter::once(header).chain(indices.into_iter().map(row)).collect()
}
