//! The marks of list items: bullets, or the numbers that Word would count.

use std::collections::HashMap;

use super::{FORMAT, styles::ListPosition};
use crate::ingest::extract::{ExtractError, xml::Reader};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Bullet,
    Number { start: i64 },
    Nothing,
}

/// The lists of a document, and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    abstracts: HashMap<String, HashMap<usize, Mark>>,
    lists: HashMap<String, String>,
    counts: HashMap<(String, usize), i64>,
}

impl Numbering {
    pub(super) fn read(part: Option<&str>, max_depth: usize) -> Result<Self, ExtractError> {
        let mut numbering = Self::default();
        let Some(part) = part else { return Ok(numbering) };
        let mut reader = Reader::new(FORMAT, part, max_depth);
        let Some(_root) = reader.child()? else { return Ok(numbering) };
        while let Some(element) = reader.child()? {
            match element.name() {
                "abstractNum" => {
                    let id = element.attribute("abstractNumId").unwrap_or_default();
                    numbering.abstracts.insert(id, read_levels(&mut reader)?);
                }
                "num" => {
                    let id = element.attribute("numId").unwrap_or_default();
                    while let Some(property) = reader.child()? {
                        if property.is("abstractNumId") {
                            numbering.lists.insert(id.clone(), property.value().unwrap_or_default());
                        }
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok(numbering)
    }

    /// The mark of the next item at this position; `None` where the list shows none.
    pub(super) fn next(&mut self, position: &ListPosition) -> Option<String> {
        // List 0 takes a paragraph out of the list that its style put it in.
        if position.list == "0" || position.list.is_empty() {
            return None;
        }
        let levels = self.lists.get(&position.list).and_then(|id| self.abstracts.get(id));
        let mark = levels.and_then(|levels| levels.get(&position.level)).copied().unwrap_or(Mark::Bullet);
        let text = match mark {
            Mark::Nothing => return None,
            Mark::Bullet => "- ".to_owned(),
            Mark::Number { start } => {
                self.counts.retain(|(list, level), _| *list != position.list || *level <= position.level);
                let count =
                    self.counts.entry((position.list.clone(), position.level)).or_insert(start.saturating_sub(1));
                *count = count.saturating_add(1);
                format!("{count}. ")
            }
        };
        Some(format!("{}{text}", "  ".repeat(position.level)))
    }
}

fn read_levels(reader: &mut Reader<'_>) -> Result<HashMap<usize, Mark>, ExtractError> {
    let mut levels = HashMap::new();
    while let Some(element) = reader.child()? {
        if !element.is("lvl") {
            reader.skip()?;
            continue;
        }
        let level = element.attribute("ilvl").and_then(|value| value.parse().ok()).unwrap_or(0);
        let mut start = 1;
        let mut format = String::new();
        while let Some(property) = reader.child()? {
            match property.name() {
                "start" => start = property.value().and_then(|value| value.parse().ok()).unwrap_or(1),
                "numFmt" => format = property.value().unwrap_or_default(),
                _ => {}
            }
            reader.skip()?;
        }
        let mark = match format.as_str() {
            "bullet" => Mark::Bullet,
            "none" => Mark::Nothing,
            _ => Mark::Number { start },
        };
        levels.insert(level, mark);
    }
    Ok(levels)
}
