//! The marks of list items and of numbered headings: bullets, or the labels that Word would show (`2.`, `1.3.`, `b)`).
//!
//! Lists that rest on one definition count on together, and a level starts anew below an item of a higher one (ECMA-376
//! part 1, section 17.9).

use std::collections::{HashMap, HashSet};

use super::{FORMAT, styles::ListPosition};
use crate::ingest::extract::{
    ExtractError,
    xml::{Element, Reader},
};

/// A list has nine levels.
const LEVELS: usize = 9;

/// One level of the definition of lists.
#[derive(Debug, Clone)]
struct Level {
    start: i64,
    format: String,
    /// The label with `%1` for the number of the first level; absent in files that leave it out.
    text: Option<String>,
    /// All numbers of the label in decimal figures.
    legal: bool,
    /// It never starts anew.
    continues: bool,
    /// The paragraph style that has this level.
    style: Option<String>,
}

/// What a list takes from its definition, and where it starts otherwise.
#[derive(Debug, Default)]
struct List {
    definition: String,
    starts: HashMap<usize, i64>,
}

/// The lists of a document, and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    definitions: HashMap<String, HashMap<usize, Level>>,
    lists: HashMap<String, List>,
    /// Definitions that are said elsewhere: the style of lists that says them.
    links: HashMap<String, String>,
    /// The definitions of the styles of lists.
    of_list_style: HashMap<String, String>,
    counts: HashMap<(String, usize), i64>,
    /// The lists and levels that have started where they are told to.
    started: HashSet<(String, usize)>,
}

/// What stands before an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Bullet,
    Label(String),
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
                    numbering.definition(id, &mut reader)?;
                }
                "num" => {
                    let id = element.attribute("numId").unwrap_or_default();
                    numbering.lists.insert(id, read_list(&mut reader)?);
                }
                _ => reader.skip()?,
            }
        }
        for list in numbering.lists.values_mut() {
            let style = numbering.links.get(&list.definition);
            if let Some(definition) = style.and_then(|style| numbering.of_list_style.get(style)) {
                list.definition.clone_from(definition);
            }
        }
        Ok(numbering)
    }

    /// Reads the rest of a `w:abstractNum`.
    fn definition(&mut self, id: String, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        let mut levels = HashMap::new();
        while let Some(element) = reader.child()? {
            match element.name() {
                "lvl" => {
                    let (at, level) = read_level(&element, reader)?;
                    levels.insert(at, level);
                    continue;
                }
                "numStyleLink" => drop(element.value().and_then(|style| self.links.insert(id.clone(), style))),
                "styleLink" => drop(element.value().and_then(|style| self.of_list_style.insert(style, id.clone()))),
                _ => {}
            }
            reader.skip()?;
        }
        self.definitions.insert(id, levels);
        Ok(())
    }

    /// The position with the level that the definition gives to a paragraph style, where it does.
    pub(super) fn of_style(&self, mut position: ListPosition, style: &str) -> ListPosition {
        let levels = self.lists.get(&position.list).and_then(|list| self.definitions.get(&list.definition));
        let named = |(at, level): (&usize, &Level)| (level.style.as_deref() == Some(style)).then_some(*at);
        if let Some(level) = levels.and_then(|levels| levels.iter().filter_map(named).min()) {
            position.level = level;
        }
        position
    }

    /// The mark of the next item at this position; `None` where the list shows none.
    pub(super) fn next(&mut self, position: &ListPosition) -> Option<Mark> {
        // List 0 takes a paragraph out of the list that its style put it in.
        if position.list == "0" || position.list.is_empty() {
            return None;
        }
        let found = self.lists.get(&position.list);
        let found = found.and_then(|list| Some((list, self.definitions.get(&list.definition)?)));
        let Some((list, levels)) = found else { return Some(Mark::Bullet) };
        let Some(level) = levels.get(&position.level) else { return Some(Mark::Bullet) };
        let key = |level: usize| (list.definition.clone(), level);
        let anew =
            list.starts.get(&position.level).filter(|_| self.started.insert((position.list.clone(), position.level)));
        let first = anew.copied().unwrap_or(level.start);
        if anew.is_some() {
            self.counts.remove(&key(position.level));
        }
        let count = self.counts.entry(key(position.level)).or_insert(first.saturating_sub(1));
        *count = count.saturating_add(1);
        for below in position.level + 1..LEVELS {
            if levels.get(&below).is_none_or(|level| !level.continues) {
                self.counts.remove(&key(below));
            }
        }
        match level.format.as_str() {
            "bullet" => Some(Mark::Bullet),
            "none" => None,
            _ => {
                let number = |at: usize| self.counts.get(&key(at)).copied();
                label(level, position.level, levels, number).map(Mark::Label)
            }
        }
    }
}

/// The label of an item; `None` when it is empty.
fn label(
    level: &Level,
    at: usize,
    levels: &HashMap<usize, Level>,
    number: impl Fn(usize) -> Option<i64>,
) -> Option<String> {
    let pattern = level.text.clone().unwrap_or_else(|| format!("%{}.", at + 1));
    let mut text = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let place = rest.peek().and_then(|digit| digit.to_digit(10)).filter(|digit| c == '%' && *digit > 0);
        let Some(place) = place else {
            text.push(c);
            continue;
        };
        rest.next();
        let place = place as usize - 1;
        let of = levels.get(&place);
        // A higher level that has not been counted yet is shown at its start.
        let number = number(place).or_else(|| of.map(|level| level.start)).unwrap_or(1);
        let format = if level.legal { "decimal" } else { of.map_or("decimal", |level| level.format.as_str()) };
        text.push_str(&written(number, format));
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number in a format of Word's; in figures, where the format is another one.
pub(in crate::ingest::extract) fn written(number: i64, format: &str) -> String {
    match (format, number) {
        ("bullet" | "none", _) => String::new(),
        ("decimalZero", 0..=9) => format!("0{number}"),
        ("lowerLetter", 1..=780) => letters(number, b'a'),
        ("upperLetter", 1..=780) => letters(number, b'A'),
        ("upperRoman", 1..=3999) => roman(number),
        ("lowerRoman", 1..=3999) => roman(number).to_lowercase(),
        _ => number.to_string(),
    }
}

/// After z comes aa, then bb.
fn letters(number: i64, first: u8) -> String {
    let letter = char::from(first + ((number - 1) % 26) as u8);
    letter.to_string().repeat(((number - 1) / 26) as usize + 1)
}

fn roman(mut number: i64) -> String {
    let signs = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut text = String::new();
    for (value, sign) in signs {
        while number >= value {
            text.push_str(sign);
            number -= value;
        }
    }
    text
}

fn read_list(reader: &mut Reader<'_>) -> Result<List, ExtractError> {
    let mut list = List::default();
    while let Some(property) = reader.child()? {
        match property.name() {
            "abstractNumId" => list.definition = property.value().unwrap_or_default(),
            "lvlOverride" => {
                let level = property.attribute("ilvl").and_then(|value| value.parse().ok()).unwrap_or(0);
                while let Some(change) = reader.child()? {
                    if change.is("startOverride")
                        && let Some(start) = change.value().and_then(|value| value.parse().ok())
                    {
                        list.starts.insert(level, start);
                    }
                    reader.skip()?;
                }
                continue;
            }
            _ => {}
        }
        reader.skip()?;
    }
    Ok(list)
}

/// Reads the rest of a `w:lvl`.
fn read_level(element: &Element<'_>, reader: &mut Reader<'_>) -> Result<(usize, Level), ExtractError> {
    let at = element.attribute("ilvl").and_then(|value| value.parse().ok()).unwrap_or(0).min(LEVELS - 1);
    let mut level =
        Level { start: 1, format: "decimal".into(), text: None, legal: false, continues: false, style: None };
    while let Some(property) = reader.child()? {
        match property.name() {
            "start" => level.start = property.value().and_then(|value| value.parse().ok()).unwrap_or(1),
            "numFmt" => level.format = property.value().unwrap_or_default(),
            "lvlText" => level.text = Some(property.value().unwrap_or_default()),
            "isLgl" => level.legal = property.is_on(),
            "lvlRestart" => level.continues = property.value().as_deref() == Some("0"),
            "pStyle" => level.style = property.value(),
            _ => {}
        }
        reader.skip()?;
    }
    Ok((at, level))
}
