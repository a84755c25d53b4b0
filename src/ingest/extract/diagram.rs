//! Diagrams (SmartArt): the texts of their points, as a list that is nested as the points are.
//!
//! The data part of a diagram (ECMA-376 part 1, 21.4) has points and connections between them; how they are drawn is in
//! other parts.
//!
//! May depend on `xml`, `drawing_text` and the writer.

use std::collections::{HashMap, HashSet};

use super::{
    ExtractError, ExtractLimits, drawing_text::TextBody, structure::one_line, writer::MarkdownWriter, xml::Reader,
};

/// Items are indented at most this often.
const MAX_INDENT: usize = 8;

/// What a diagram says.
#[derive(Debug, Default)]
pub(super) struct Diagram {
    /// The points that hold text, in the order of the part.
    order: Vec<String>,
    texts: HashMap<String, String>,
    root: Option<String>,
    /// The points below each point, with their places.
    below: HashMap<String, Vec<(u32, String)>>,
}

impl Diagram {
    /// Reads the data part of a diagram in a file of `format`.
    pub(super) fn read(format: &'static str, part: &str, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let mut diagram = Self::default();
        let mut reader = Reader::new(format, part, limits.max_depth);
        if !reader.child()?.is_some_and(|root| root.is("dataModel")) {
            return Err(ExtractError::malformed(format, "a part that should hold a diagram holds none"));
        }
        diagram.inside(&mut reader)?;
        for points in diagram.below.values_mut() {
            points.sort();
        }
        Ok(diagram)
    }

    /// Its points as the lines of a list, each point below the one that it hangs on.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut seen = HashSet::new();
        // Depth first, with a stack of its own: connections may go in circles.
        let mut open: Vec<(usize, &str)> = self.root.iter().map(|root| (0, root.as_str())).collect();
        while let Some((depth, id)) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let line = self.line(id, depth);
            let inner = depth + usize::from(line.is_some());
            lines.extend(line);
            let below = self.below.get(id).into_iter().flatten();
            open.extend(below.rev().map(|(_, id)| (inner, id.as_str())));
        }
        // Points that hang on nothing.
        let alone = self.order.iter().filter(|id| !seen.contains(id.as_str()));
        lines.extend(alone.filter_map(|id| self.line(id, 0)));
        lines
    }

    /// Writes the list.
    pub(super) fn write(&self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        self.lines().iter().try_for_each(|line| writer.line_of_list(line))?;
        writer.end_list();
        Ok(())
    }

    fn inside(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "ptLst" | "cxnLst" => self.inside(reader)?,
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

    /// A point as an item; none when it has no text.
    fn line(&self, id: &str, depth: usize) -> Option<String> {
        Some(format!("{}- {}", "  ".repeat(depth.min(MAX_INDENT)), self.texts.get(id)?))
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
