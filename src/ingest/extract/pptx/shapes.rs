//! The shapes of a slide, a layout or a master: what each holds, groups taken apart.

use super::FORMAT;
use crate::ingest::extract::{
    ExtractError,
    drawing_text::{Levels, TextBody},
    pictures::description,
    xml::{Element, Reader},
};

/// A longer text is not repeated in the cells that its cell is merged with: there can be millions of them.
const MAX_REPEATED: usize = 1_000;

/// The place in a layout that a shape fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placeholder {
    /// `title`, `body`, `ftr` and so on; `obj` where nothing is said.
    pub(super) kind: String,
    pub(super) index: u32,
}

impl Placeholder {
    pub(super) fn is_title(&self) -> bool {
        matches!(self.kind.as_str(), "title" | "ctrTitle")
    }

    /// Dates, headers, footers and slide numbers, which repeat.
    pub(super) fn is_furniture(&self) -> bool {
        matches!(self.kind.as_str(), "dt" | "hdr" | "ftr" | "sldNum")
    }
}

#[derive(Debug)]
pub(super) enum Content {
    Text(TextBody),
    Table(Vec<Vec<String>>),
    /// A chart, by the id of its relationship.
    Chart(String),
    /// The data of a diagram, by the id of its relationship.
    Diagram(String),
    /// Something of another program.
    Embedded(String),
    Nothing,
}

#[derive(Debug)]
pub(super) struct Shape {
    pub(super) placeholder: Option<Placeholder>,
    /// What the shape shows, in words for those who cannot see it.
    pub(super) description: String,
    pub(super) content: Content,
    pub(super) position: Option<Position>,
}

/// How far below the top of a slide and right of its left side something stands, in English Metric Units (914,400 to the
/// inch). What is in a group stands where the group does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) down: i64,
    pub(super) right: i64,
}

impl Shape {
    pub(super) fn levels(&self) -> Levels {
        match &self.content {
            Content::Text(body) => body.levels,
            _ => Levels::default(),
        }
    }

    pub(super) fn is_title(&self) -> bool {
        self.placeholder.as_ref().is_some_and(Placeholder::is_title)
    }
}

/// The shapes of a part, in order, and whether the slide is hidden.
pub(super) fn read(part: &str, max_depth: usize) -> Result<(Vec<Shape>, bool), ExtractError> {
    let mut shapes = Vec::new();
    let mut reader = Reader::new(FORMAT, part, max_depth);
    let Some(root) = reader.child()? else { return Ok((shapes, false)) };
    let hidden = matches!(root.attribute("show").as_deref(), Some("0" | "false"));
    if reader.find("spTree")? {
        tree(&mut reader, &mut shapes, None, false)?;
    }
    Ok((shapes, hidden))
}

fn tree(
    reader: &mut Reader<'_>,
    shapes: &mut Vec<Shape>,
    mut group: Option<Position>,
    is_group: bool,
) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "sp" | "cxnSp" | "pic" | "graphicFrame" | "contentPart" => {
                let mut shape =
                    Shape { placeholder: None, description: String::new(), content: Content::Nothing, position: None };
                inside(reader, &mut shape)?;
                shape.position = group.or(shape.position);
                shapes.push(shape);
            }
            "grpSpPr" => {
                // That of the whole slide says nothing.
                let own = position(reader)?.filter(|_| is_group);
                group = group.or(own);
            }
            "grpSp" => tree(reader, shapes, group, true)?,
            "AlternateContent" => alternate(reader, |reader| {
                let before = shapes.len();
                tree(reader, shapes, group, is_group)?;
                Ok(shapes.len() > before)
            })?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// Takes the first choice that holds anything: the others say the same in another form.
fn alternate<'a>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(&mut Reader<'a>) -> Result<bool, ExtractError>,
) -> Result<(), ExtractError> {
    let mut taken = false;
    while let Some(element) = reader.child()? {
        if taken || !matches!(element.name(), "Choice" | "Fallback") {
            reader.skip()?;
        } else {
            taken = take(reader)?;
        }
    }
    Ok(())
}

/// Reads the rest of a shape.
fn inside(reader: &mut Reader<'_>, shape: &mut Shape) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "cNvPr" => {
                shape.description = element.attribute("descr").and_then(|text| description(&text)).unwrap_or_default();
                reader.skip()?;
            }
            "ph" => {
                let kind = element.attribute("type").unwrap_or_else(|| "obj".into());
                shape.placeholder = Some(Placeholder { kind, index: element.number("idx").unwrap_or(0) });
                reader.skip()?;
            }
            "txBody" => shape.content = Content::Text(TextBody::read(reader)?),
            "tbl" => shape.content = Content::Table(table(reader)?),
            "chart" => {
                shape.content = element.prefixed("id").map_or(Content::Nothing, Content::Chart);
                reader.skip()?;
            }
            "relIds" => {
                shape.content = element.prefixed("dm").map_or(Content::Nothing, Content::Diagram);
                reader.skip()?;
            }
            "oleObj" => {
                let program = element.attribute("progId").or_else(|| element.attribute("name"));
                shape.content = Content::Embedded(program.unwrap_or_else(|| "an object".into()));
                reader.skip()?;
            }
            "AlternateContent" => alternate(reader, |reader| {
                inside(reader, shape)?;
                Ok(!matches!(shape.content, Content::Nothing))
            })?,
            "spPr" => shape.position = position(reader)?,
            "xfrm" => shape.position = offset(reader)?,
            "style" | "blipFill" | "extLst" => reader.skip()?,
            _ => inside(reader, shape)?,
        }
    }
    Ok(())
}

/// Reads the rest of the properties of a shape or a group.
fn position(reader: &mut Reader<'_>) -> Result<Option<Position>, ExtractError> {
    let mut found = None;
    while let Some(element) = reader.child()? {
        if element.is("xfrm") {
            found = offset(reader)?;
        } else {
            reader.skip()?;
        }
    }
    Ok(found)
}

/// Reads the rest of an `xfrm`.
fn offset(reader: &mut Reader<'_>) -> Result<Option<Position>, ExtractError> {
    let mut found = None;
    while let Some(element) = reader.child()? {
        if let (true, Some(down), Some(right)) = (element.is("off"), element.number("y"), element.number("x")) {
            found = Some(Position { down, right });
        }
        reader.skip()?;
    }
    Ok(found)
}

/// Reads the rest of an `a:tbl`. What a merged cell says stands in each cell that it covers.
fn table(reader: &mut Reader<'_>) -> Result<Vec<Vec<String>>, ExtractError> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    while let Some(element) = reader.child()? {
        if !element.is("tr") {
            reader.skip()?;
            continue;
        }
        let mut row: Vec<String> = Vec::new();
        while let Some(element) = reader.child()? {
            if element.is("tc") {
                cell(reader, &element, &mut row, rows.last())?;
            } else {
                reader.skip()?;
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn cell(
    reader: &mut Reader<'_>,
    element: &Element<'_>,
    row: &mut Vec<String>,
    above: Option<&Vec<String>>,
) -> Result<(), ExtractError> {
    let mut text = String::new();
    while let Some(part) = reader.child()? {
        if part.is("txBody") {
            text = TextBody::read(reader)?.flat();
        } else {
            reader.skip()?;
        }
    }
    let repeated = |text: Option<&String>| text.filter(|text| text.len() <= MAX_REPEATED).cloned().unwrap_or_default();
    if element.has_flag("vMerge") {
        text = repeated(above.and_then(|above| above.get(row.len())));
    } else if element.has_flag("hMerge") {
        text = repeated(row.last());
    }
    row.push(text);
    Ok(())
}
