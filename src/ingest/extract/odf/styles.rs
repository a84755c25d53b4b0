//! What the styles of a document mean: which paragraphs are titles, how lists and chapters count, what is hidden or raised.

use std::collections::{HashMap, HashSet};

use super::numbers::Numbers;
use crate::ingest::extract::{ExtractError, xml::Reader};

/// Styles are based on one another; a chain that is longer goes in circles.
const MAX_CHAIN: usize = 16;

/// What stands before the items of one level of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Sign,
    Number(Numbers),
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Styles {
    /// The style that a style is based on.
    parents: HashMap<String, String>,
    lists: HashMap<String, HashMap<usize, Mark>>,
    /// How chapters count, level by level.
    outline: HashMap<usize, Mark>,
    /// What the style of chapters is called.
    outline_name: Option<String>,
    /// The list that paragraphs of a style stand in, empty for none.
    list_of: HashMap<String, String>,
    /// Styles of hidden sheets and slides.
    hidden: HashSet<String>,
    /// Styles of raised text.
    raised: HashSet<String>,
}

impl Styles {
    /// Reads the styles that stand in the content and those that have names. What else the part of styles has is for
    /// page headers and the like, and may bear the names of other styles of the content.
    pub(super) fn read(
        format: &'static str,
        content: &str,
        common: Option<&str>,
        max_depth: usize,
    ) -> Result<Self, ExtractError> {
        let mut styles = Self::default();
        for (part, wanted) in [(common, "styles"), (Some(content), "automatic-styles")] {
            let Some(part) = part else { continue };
            let mut reader = Reader::new(format, part, max_depth);
            let Some(_root) = reader.child()? else { continue };
            while let Some(element) = reader.child()? {
                if element.is(wanted) { styles.inside(&mut reader)? } else { reader.skip()? }
            }
        }
        Ok(styles)
    }

    fn inside(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            let name = element.attribute("name").unwrap_or_default();
            match element.name() {
                "style" => {
                    if let Some(parent) = element.attribute("parent-style-name") {
                        self.parents.insert(name.clone(), parent);
                    }
                    if let Some(list) = element.attribute("list-style-name") {
                        self.list_of.insert(name.clone(), list);
                    }
                    self.style(&name, reader)?;
                }
                "list-style" => {
                    let levels = levels(reader)?;
                    self.lists.insert(name, levels);
                }
                "outline-style" => {
                    self.outline = levels(reader)?;
                    self.outline_name = Some(name);
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn style(&mut self, name: &str, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            let says = |attribute: &str, value: &str| element.attribute(attribute).as_deref() == Some(value);
            let is_hidden = match element.name() {
                "table-properties" => says("display", "false"),
                "drawing-page-properties" => says("visibility", "hidden"),
                _ => false,
            };
            if is_hidden {
                self.hidden.insert(name.to_owned());
            }
            let position = element.attribute("text-position").unwrap_or_default();
            if element.is("text-properties") && is_above(&position) {
                self.raised.insert(name.to_owned());
            }
            reader.skip()?;
        }
        Ok(())
    }

    /// Whether paragraphs of a style are the title of the document.
    pub(super) fn is_title(&self, name: &str) -> bool {
        self.chain(name).any(|name| name == "Title")
    }

    pub(super) fn is_hidden(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    pub(super) fn is_raised(&self, name: &str) -> bool {
        self.raised.contains(name)
    }

    /// The mark of a level, 0 for the outermost, of a list.
    pub(super) fn mark(&self, list: &str, level: usize) -> Mark {
        self.lists.get(list).and_then(|levels| levels.get(&level)).cloned().unwrap_or(Mark::Sign)
    }

    pub(super) fn has_list(&self, name: &str) -> bool {
        self.lists.contains_key(name)
    }

    /// How headings of a level, 0 for the outermost, count as chapters.
    pub(super) fn chapter(&self, level: usize) -> Option<&Numbers> {
        match self.outline.get(&level)? {
            Mark::Number(numbers) => Some(numbers),
            Mark::Sign | Mark::Nothing => None,
        }
    }

    /// Whether headings of a style count as chapters: not those that stand in a list, or in none on purpose.
    pub(super) fn is_chapter(&self, name: &str) -> bool {
        let list = self.chain(name).find_map(|name| self.list_of.get(name));
        list.is_none_or(|list| Some(list) == self.outline_name.as_ref())
    }

    fn chain<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        std::iter::successors(Some(name), |name| self.parents.get(*name).map(String::as_str)).take(MAX_CHAIN)
    }
}

fn levels(reader: &mut Reader<'_>) -> Result<HashMap<usize, Mark>, ExtractError> {
    let mut levels = HashMap::new();
    while let Some(element) = reader.child()? {
        let level = element.number::<usize>("level").and_then(|level| level.checked_sub(1)).unwrap_or(0);
        let mark = match element.name() {
            // A number without a form is not shown.
            "list-level-style-number" | "outline-level-style"
                if element.attribute("num-format").is_none_or(|form| form.is_empty()) =>
            {
                Mark::Nothing
            }
            "list-level-style-number" | "outline-level-style" => Mark::Number(Numbers::of(&element)),
            "list-level-style-bullet" if element.attribute("bullet-char").is_some_and(|c| c.trim().is_empty()) => {
                Mark::Nothing
            }
            _ => Mark::Sign,
        };
        levels.insert(level, mark);
        reader.skip()?;
    }
    Ok(levels)
}

/// Whether a position such as `super 58%` or `33% 58%` is above the line.
fn is_above(position: &str) -> bool {
    let first = position.split_whitespace().next().unwrap_or_default();
    first == "super" || first.strip_suffix('%').and_then(|at| at.parse::<f64>().ok()).is_some_and(|at| at > 0.0)
}
