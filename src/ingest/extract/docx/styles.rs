//! What the styles of a document mean: which are headings, and which belong to lists.

use std::collections::HashMap;

use super::FORMAT;
use crate::ingest::extract::{ExtractError, xml::Reader};

/// Styles are based on one another; a chain that is longer goes in circles.
const MAX_CHAIN: usize = 16;

/// What a style makes of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Body,
    /// 1 for the highest.
    Heading(usize),
    Title,
    /// A line of the table of contents.
    Contents,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<usize>,
    list: Option<ListPosition>,
}

/// The list that a paragraph belongs to, and its level there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListPosition {
    pub(super) list: String,
    pub(super) level: usize,
}

#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(part: Option<&str>, max_depth: usize) -> Result<Self, ExtractError> {
        let mut styles = HashMap::new();
        let Some(part) = part else { return Ok(Self(styles)) };
        let mut reader = Reader::new(FORMAT, part, max_depth);
        let Some(_root) = reader.child()? else { return Ok(Self(styles)) };
        while let Some(element) = reader.child()? {
            if !element.is("style") {
                reader.skip()?;
                continue;
            }
            let id = element.attribute("styleId").unwrap_or_default();
            styles.insert(id, read_style(&mut reader)?);
        }
        Ok(Self(styles))
    }

    pub(super) fn role(&self, id: &str) -> Role {
        if !self.0.contains_key(id) {
            return role_of_name(id).unwrap_or(Role::Body);
        }
        for style in self.chain(id) {
            if let Some(role) = role_of_name(&style.name) {
                return role;
            }
            if let Some(level) = style.outline {
                return if level < 9 { Role::Heading(level + 1) } else { Role::Body };
            }
        }
        Role::Body
    }

    /// The list that a style puts its paragraphs in. A style may say the level alone; the list is then the one of what it
    /// is based on.
    pub(super) fn list(&self, id: &str) -> Option<ListPosition> {
        let said: Vec<&ListPosition> = self.chain(id).filter_map(|style| style.list.as_ref()).collect();
        let list = said.iter().find(|said| !said.list.is_empty())?.list.clone();
        Some(ListPosition { list, level: said.first().map_or(0, |said| said.level) })
    }

    fn chain<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Style> {
        std::iter::successors(self.0.get(id), |style| self.0.get(style.based_on.as_deref()?)).take(MAX_CHAIN)
    }
}

fn read_style(reader: &mut Reader<'_>) -> Result<Style, ExtractError> {
    let mut style = Style::default();
    while let Some(element) = reader.child()? {
        match element.name() {
            "name" => style.name = element.value().unwrap_or_default().to_lowercase(),
            "basedOn" => style.based_on = element.value(),
            "pPr" => {
                while let Some(property) = reader.child()? {
                    match property.name() {
                        "outlineLvl" => style.outline = property.value().and_then(|value| value.parse().ok()),
                        "numPr" => {
                            style.list = Some(read_list_position(reader)?);
                            continue;
                        }
                        _ => {}
                    }
                    reader.skip()?;
                }
                continue;
            }
            _ => {}
        }
        reader.skip()?;
    }
    Ok(style)
}

/// Reads the rest of a `w:numPr`.
pub(super) fn read_list_position(reader: &mut Reader<'_>) -> Result<ListPosition, ExtractError> {
    let mut position = ListPosition::default();
    while let Some(element) = reader.child()? {
        match element.name() {
            "numId" => position.list = element.value().unwrap_or_default(),
            "ilvl" => position.level = element.value().and_then(|value| value.parse().ok()).unwrap_or(0).min(8),
            _ => {}
        }
        reader.skip()?;
    }
    Ok(position)
}

/// The built-in names are the same in every language; a document without a style part uses ids like `Heading1`.
fn role_of_name(name: &str) -> Option<Role> {
    let name = name.to_lowercase().replace(' ', "");
    if name == "title" {
        return Some(Role::Title);
    }
    if let Some(level) = name.strip_prefix("toc")
        && level.parse::<usize>().is_ok()
    {
        return Some(Role::Contents);
    }
    let level = name.strip_prefix("heading")?.parse::<usize>().ok()?;
    (1..=9).contains(&level).then_some(Role::Heading(level))
}
