//! What is drawn on a sheet: charts, diagrams, text boxes, and the descriptions of pictures.

use super::FORMAT;
use crate::ingest::extract::{
    ExtractError, ExtractLimits, chart::Chart, diagram::Diagram, drawing_text::TextBody, package::Package,
    pictures::description, relationships::Relationships, structure::one_line, writer::MarkdownWriter, xml::Reader,
};

#[derive(Debug)]
pub(super) enum Drawn {
    Chart(Chart),
    Diagram(Diagram),
    Text(String),
}

impl Drawn {
    /// Writes it; `place` is where it stands, for warnings.
    pub(super) fn write(&self, place: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        match self {
            Self::Chart(chart) => chart.write(place, writer),
            Self::Diagram(diagram) => diagram.write(writer),
            Self::Text(text) => writer.block(text),
        }
    }
}

enum Found {
    /// A chart, by the id of its relationship.
    Chart(String),
    /// The data of a diagram, by the id of its relationship.
    Diagram(String),
    Text(String),
}

/// What the part that `id` points to draws, in order. `place` is where that is, for warnings: what cannot be read is left
/// out, because the cells do not depend on it.
pub(super) fn read(
    package: &mut Package<'_>,
    sheet: &Relationships,
    id: Option<&str>,
    place: &str,
    limits: &ExtractLimits,
    writer: &mut MarkdownWriter,
) -> Result<Vec<Drawn>, ExtractError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let part = sheet.target(id).unwrap_or_default();
    let Some(text) = package.part(part)? else {
        writer.warn(format!("what is drawn{place} is not in the file"));
        return Ok(Vec::new());
    };
    let relationships = Relationships::of(package, part, limits.max_depth)?;
    let mut found = Vec::new();
    inside(&mut Reader::new(FORMAT, &text, limits.max_depth), &mut found)?;
    let mut drawn = Vec::new();
    for one in found {
        let (noun, id) = match &one {
            Found::Text(text) => {
                drawn.push(Drawn::Text(text.clone()));
                continue;
            }
            Found::Chart(id) => ("chart", id),
            Found::Diagram(id) => ("diagram", id),
        };
        let Some(part) = relationships.target(id).map_or(Ok(None), |name| package.part(name))? else {
            writer.warn(format!("a {noun}{place} is not in the file"));
            continue;
        };
        let read = match one {
            Found::Diagram(_) => Diagram::read(FORMAT, &part, limits).map(Drawn::Diagram),
            _ => Chart::read(FORMAT, &part, limits).map(Drawn::Chart),
        };
        match read {
            Ok(one) => drawn.push(one),
            Err(error) => writer.warn(format!("a {noun}{place} was left out: {error}")),
        }
    }
    Ok(drawn)
}

fn inside(reader: &mut Reader<'_>, found: &mut Vec<Found>) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            // The description of a chart says what its title says.
            "nvGraphicFramePr" => reader.skip()?,
            "chart" => {
                found.extend(element.prefixed("id").map(Found::Chart));
                reader.skip()?;
            }
            "relIds" => {
                found.extend(element.prefixed("dm").map(Found::Diagram));
                reader.skip()?;
            }
            "cNvPr" => {
                let words = element.attribute("descr").and_then(|text| description(&text));
                found.extend(words.map(|words| Found::Text(format!("[image: {words}]"))));
                reader.skip()?;
            }
            "txBody" => {
                let text = TextBody::read(reader)?.flat();
                let lines: Vec<String> = text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
                if !lines.is_empty() {
                    found.push(Found::Text(lines.join("\n")));
                }
            }
            "Fallback" => reader.skip()?,
            _ => inside(reader, found)?,
        }
    }
    Ok(())
}
