//! Diagrams (SmartArt): the texts of their points, as a list that is nested as the points are.
//!
//! The data part of a diagram (ECMA-376 part 1, 21.4) has points and connections between them; how they are drawn is in
//! other parts.

use std::collections::{HashMap, HashSet};

use super::{FORMAT, text::TextBody};
use crate::ingest::extract::{ExtractError, ExtractLimits, structure::one_line, writer::MarkdownWriter, xml::Reader};

#[derive(Debug, Default)]
struct Diagram {
    /// The points that hold text, in the order of the part.
    order: Vec<String>,
    texts: HashMap<String, String>,
    root: Option<String>,
    /// The points below each point, with their places.
    below: HashMap<String, Vec<(u32, String)>>,
}

pub(super) fn write(part: &str, limits: &ExtractLimits, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
    let mut diagram = Diagram::default();
    let mut reader = Reader::new(FORMAT, part, limits.max_depth);
    diagram.read(&mut reader)?;
    for points in diagram.below.values_mut() {
        points.sort();
    }
    let mut written = HashSet::new();
    // Depth first, with a stack of its own: connections may go in circles.
    let mut open: Vec<(usize, &str)> = diagram.root.iter().map(|root| (0, root.as_str())).collect();
    while let Some((depth, id)) = open.pop() {
        if !written.insert(id) {
            continue;
        }
        let has_text = diagram.line(id, depth, writer)?;
        let inner = depth + usize::from(has_text);
        let below = diagram.below.get(id).into_iter().flatten();
        open.extend(below.rev().map(|(_, id)| (inner, id.as_str())));
    }
    // Points that hang on nothing.
    for id in diagram.order.iter().filter(|id| !written.contains(id.as_str())) {
        diagram.line(id, 0, writer)?;
    }
    writer.end_list();
    Ok(())
}

impl Diagram {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "dataModel" | "ptLst" | "cxnLst" => self.read(reader)?,
                "pt" => {
                    let id = element.attribute("modelId").unwrap_or_default();
                    let kind = element.attribute("type").unwrap_or_default();
                    let text = point(reader)?;
                    match kind.as_str() {
                        "doc" => self.root = Some(id),
                        // What is drawn between points, and how points are drawn.
                        "parTrans" | "sibTrans" | "pres" => {}
                        _ => {
                            if !text.is_empty() {
                                self.order.push(id.clone());
                                self.texts.insert(id, text);
                            }
                        }
                    }
                }
                "cxn" => {
                    let is_below = element.attribute("type").is_none_or(|kind| kind == "parOf");
                    if let (true, Some(from), Some(to)) =
                        (is_below, element.attribute("srcId"), element.attribute("destId"))
                    {
                        self.below.entry(from).or_default().push((element.number("srcOrd").unwrap_or(0), to));
                    }
                    reader.skip()?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    /// Writes a point as an item; `false` when it has no text.
    fn line(&self, id: &str, depth: usize, writer: &mut MarkdownWriter) -> Result<bool, ExtractError> {
        let Some(text) = self.texts.get(id) else { return Ok(false) };
        writer.line_of_list(&format!("{}- {text}", "  ".repeat(depth.min(8))))?;
        Ok(true)
    }
}

fn point(reader: &mut Reader<'_>) -> Result<String, ExtractError> {
    let mut text = String::new();
    while let Some(element) = reader.child()? {
        if element.is("t") {
            text = one_line(&TextBody::read(reader)?.flat());
        } else {
            reader.skip()?;
        }
    }
    Ok(text)
}
