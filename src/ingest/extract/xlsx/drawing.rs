//! What is drawn on a sheet: charts, text boxes, and the descriptions of pictures.

use super::FORMAT;
use crate::ingest::extract::{
    ExtractError, ExtractLimits, chart::Chart, package::Package, relationships::Relationships, structure::one_line,
    writer::MarkdownWriter, xml::Reader,
};

#[derive(Debug)]
pub(super) enum Drawn {
    Chart(Chart),
    Text(String),
}

impl Drawn {
    pub(super) fn write(&self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        match self {
            Self::Chart(chart) => chart.write(writer),
            Self::Text(text) => writer.block(text),
        }
    }
}

enum Found {
    Chart(String),
    Text(String),
}

/// What the part that `id` points to draws, in order.
pub(super) fn read(
    package: &mut Package<'_>,
    sheet: &Relationships,
    id: Option<&str>,
    limits: &ExtractLimits,
) -> Result<Vec<Drawn>, ExtractError> {
    let Some(part) = id.and_then(|id| sheet.target(id)) else { return Ok(Vec::new()) };
    let Some(text) = package.part(part)? else { return Ok(Vec::new()) };
    let relationships = Relationships::of(package, part, limits.max_depth)?;
    let mut found = Vec::new();
    inside(&mut Reader::new(FORMAT, &text, limits.max_depth), &mut found)?;
    let mut drawn = Vec::new();
    for one in found {
        match one {
            Found::Text(text) => drawn.push(Drawn::Text(text)),
            Found::Chart(id) => {
                let part = relationships.target(&id).map_or(Ok(None), |name| package.part(name))?;
                if let Some(part) = part {
                    drawn.push(Drawn::Chart(Chart::read(FORMAT, &part, limits)?));
                }
            }
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
            "cNvPr" => {
                let description = one_line(&element.attribute("descr").unwrap_or_default());
                if description.contains(' ') {
                    found.push(Found::Text(format!("[image: {description}]")));
                }
                reader.skip()?;
            }
            "txBody" => {
                let mut text = String::new();
                words(reader, &mut text)?;
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

fn words(reader: &mut Reader<'_>, text: &mut String) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "t" => text.push_str(&reader.text_of_current()?),
            "p" | "br" => {
                text.push('\n');
                words(reader, text)?;
            }
            _ => words(reader, text)?,
        }
    }
    Ok(())
}
