//! The charts and diagrams that a document refers to. May depend on `extract::chart`, `diagram`, `package` and
//! `relationships`.

use std::collections::HashMap;

use crate::ingest::extract::{
    ExtractError, ExtractLimits, chart::Chart, diagram::Diagram, package::Package, relationships::Relationships,
    writer::MarkdownWriter,
};

/// What is drawn at one place.
pub(super) enum Drawing {
    Chart(Chart),
    Diagram(Diagram),
    /// It could not be read, and a warning says so.
    LeftOut,
}

/// The drawings of a document by the identifiers under which the text refers to them.
pub(super) type Drawings = HashMap<String, Drawing>;

/// Reads the charts and diagrams that the main part refers to. What cannot be read is a warning: the text does not
/// depend on it.
pub(super) fn read_all(
    package: &mut Package<'_>,
    relationships: &Relationships,
    limits: &ExtractLimits,
    writer: &mut MarkdownWriter,
) -> Result<Drawings, ExtractError> {
    let mut drawings = Drawings::new();
    for kind in ["chart", "chartEx", "diagramData"] {
        for (id, target) in relationships.with_ids_of_kind(kind) {
            let Some(part) = package.part(target)? else { continue };
            let (noun, read) = if kind == "diagramData" {
                ("diagram", Diagram::read(package.format(), &part, limits).map(Drawing::Diagram))
            } else {
                ("chart", Chart::read(package.format(), &part, limits).map(Drawing::Chart))
            };
            let drawing = read.unwrap_or_else(|error| {
                writer.warn(format!("a {noun} was left out: {error}"));
                Drawing::LeftOut
            });
            if let Drawing::Chart(chart) = &drawing {
                chart.warnings("").into_iter().for_each(|warning| writer.warn(warning));
            }
            drawings.insert(id.to_owned(), drawing);
        }
    }
    Ok(drawings)
}
