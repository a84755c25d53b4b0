//! The charts that a document refers to. May depend on `extract::chart`, `package` and `relationships`.

use std::collections::HashMap;

use crate::ingest::extract::{
    ExtractError, ExtractLimits, chart::Chart, package::Package, relationships::Relationships, writer::MarkdownWriter,
};

/// The charts of a document by the identifiers under which the text refers to them.
pub(super) type Charts = HashMap<String, Chart>;

/// Reads the charts that the part `main` refers to. What cannot be read is a warning: the text does not depend on it.
pub(super) fn read_all(
    package: &mut Package<'_>,
    main: &str,
    limits: &ExtractLimits,
    writer: &mut MarkdownWriter,
) -> Result<Charts, ExtractError> {
    let relationships = match Relationships::of(package, main, limits.max_depth) {
        Err(error @ ExtractError::Malformed { .. }) => {
            writer.warn(format!("the charts were left out: {error}"));
            Relationships::default()
        }
        other => other?,
    };
    let mut charts = Charts::new();
    for (id, target) in relationships.with_ids_of_kind("chart") {
        let Some(part) = package.part(target)? else { continue };
        match Chart::read(package.format(), &part, limits) {
            Ok(chart) => {
                charts.insert(id.to_owned(), chart);
            }
            Err(error) => writer.warn(format!("a chart was left out: {error}")),
        }
    }
    Ok(charts)
}
