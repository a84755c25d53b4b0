//! JSON and JSON lines become Markdown that can be searched: records under headings, flat lists of objects
//! as tables, everything else as `key: value` lines.
//!
//! The order of the keys and the digits of the numbers stay as they were written.
//!
//! May depend on `domain` only.

use std::{cell::Cell, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{ExtractError, ExtractLimits, charset, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

/// A table with more columns or longer cells than these reads worse than records do.
const MAX_COLUMNS: usize = 16;
const MAX_CELL_CHARS: usize = 200;
/// The members that name a record, in order of preference.
const NAMES: [&str; 5] = ["title", "name", "label", "id", "key"];

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut writer = MarkdownWriter::new("application/json", limits);
    decoded.warnings.into_iter().for_each(|warning| writer.warn(warning));
    let halves = Cell::new(0);
    let value = Value::parse(&decoded.text, limits.max_depth, &halves).map_err(|error| match error {
        ExtractError::Malformed { .. } if are_lines(&decoded.text) => ExtractError::malformed(
            "JSON",
            "each of its lines is a value of its own; upload it under a name that ends in .jsonl",
        ),
        other => other,
    })?;
    warn_of_halves(&mut writer, &halves);
    let title = value.name();
    write_value(&mut writer, 1, "", &value)?;
    nothing_in("JSON", &writer)?;
    Ok(writer.finish(title))
}

pub(super) fn read_lines(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut writer = MarkdownWriter::new("application/jsonl", limits);
    decoded.warnings.into_iter().for_each(|warning| writer.warn(warning));
    let halves = Cell::new(0);
    for (number, line) in decoded.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record = Value::parse(line, limits.max_depth, &halves).map_err(|error| match error {
            ExtractError::Malformed { reason, .. } => {
                ExtractError::malformed("JSON lines", format_args!("line {}: {reason}", number + 1))
            }
            other => other,
        })?;
        write_record(&mut writer, 2, number + 1, &record)?;
    }
    warn_of_halves(&mut writer, &halves);
    nothing_in("JSON lines", &writer)?;
    Ok(writer.finish(None))
}

/// Whether the first two lines that are not blank are JSON, each by itself.
fn are_lines(text: &str) -> bool {
    let is_value = |line: &str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(is_value) && lines.next().is_some_and(is_value)
}

fn warn_of_halves(writer: &mut MarkdownWriter, halves: &Cell<usize>) {
    if halves.get() > 0 {
        writer.warn(format!("{} characters are cut in half and were replaced by \u{fffd}", halves.get()));
    }
}

fn nothing_in(format: &str, writer: &MarkdownWriter) -> Result<(), ExtractError> {
    if writer.is_blank() {
        return Err(ExtractError::NoText { reason: format!("the {format} holds no values") });
    }
    Ok(())
}

#[derive(Debug)]
enum Value {
    /// A string, a number, a boolean; empty for `null`.
    Scalar(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Counts in `halves` the characters that were cut.
    fn parse(text: &str, max_depth: usize, halves: &Cell<usize>) -> Result<Self, ExtractError> {
        let raw = serde_json::from_str(text).map_err(|error| ExtractError::malformed("JSON", error))?;
        Self::from_raw(raw, max_depth, halves)
    }

    fn from_raw(raw: &RawValue, depth: usize, halves: &Cell<usize>) -> Result<Self, ExtractError> {
        let malformed = |error: serde_json::Error| ExtractError::malformed("JSON", error);
        let deeper = depth.checked_sub(1).ok_or_else(|| ExtractError::malformed("JSON", "it is nested too deeply"))?;
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text).map_err(malformed)?;
                let members =
                    members.into_iter().map(|(key, raw)| Ok((key.whole(halves), Self::from_raw(raw, deeper, halves)?)));
                Self::Object(members.collect::<Result<_, ExtractError>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
                Self::List(items.into_iter().map(|raw| Self::from_raw(raw, deeper, halves)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Scalar(serde_json::from_str::<Words>(text).map_err(malformed)?.whole(halves)),
            Some(b'n') => Self::Scalar(String::new()),
            _ => Self::Scalar(text.to_owned()),
        })
    }

    /// The value in one line, when it has one: a scalar, or a list of scalars.
    fn flat(&self) -> Option<String> {
        match self {
            Self::Scalar(text) => Some(text.clone()),
            Self::List(items) => {
                let words: Option<Vec<&str>> = items
                    .iter()
                    .map(|item| match item {
                        Self::Scalar(text) if !text.contains('\n') => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                Some(words?.join(", "))
            }
            Self::Object(_) => None,
        }
    }

    fn name(&self) -> Option<String> {
        let Self::Object(members) = self else { return None };
        NAMES.iter().find_map(|wanted| {
            let (_, value) = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted))?;
            match value {
                Self::Scalar(text) if !text.is_empty() && text.len() <= 120 => Some(text.clone()),
                _ => None,
            }
        })
    }
}

/// The members of an object in the order in which they are written.
struct Members<'a>(Vec<(Words, &'a RawValue)>);

/// A string with what was cut off in the middle of a character that is written in two halves (`\ud83d` alone), as programs
/// leave it that shorten texts.
struct Words(Vec<u8>);

impl Words {
    /// The string with a sign for each half.
    fn whole(self, halves: &Cell<usize>) -> String {
        String::from_utf8(self.0).unwrap_or_else(|error| {
            let mut text = String::new();
            for chunk in error.as_bytes().utf8_chunks() {
                text.push_str(chunk.valid());
                // Half a character is three bytes, of which this is the first.
                if chunk.invalid().first() == Some(&0xed) {
                    text.push(char::REPLACEMENT_CHARACTER);
                    halves.set(halves.get() + 1);
                }
            }
            text
        })
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsBytes;
        impl Visitor<'_> for AsBytes {
            type Value = Words;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Words, E> {
                Ok(Words(bytes.to_vec()))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(text.as_bytes().to_vec()))
            }
        }
        // Bytes may hold what a string may not.
        deserializer.deserialize_bytes(AsBytes)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Words, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Writes a value under the heading level that its parts get; `path` names it once headings have run out.
fn write_value(writer: &mut MarkdownWriter, level: usize, path: &str, value: &Value) -> Result<(), ExtractError> {
    match value {
        Value::Scalar(text) => writer.block(text),
        Value::List(items) => write_list(writer, level, items),
        Value::Object(members) => write_members(writer, level, path, members),
    }
}

fn write_list(writer: &mut MarkdownWriter, level: usize, items: &[Value]) -> Result<(), ExtractError> {
    if let Some(rows) = as_table(items) {
        return writer.table(&rows);
    }
    for (position, item) in items.iter().enumerate() {
        match item.flat() {
            Some(line) => write_item(writer, position == 0, &line)?,
            None => write_record(writer, level, position + 1, item)?,
        }
    }
    Ok(())
}

fn write_item(writer: &mut MarkdownWriter, first: bool, line: &str) -> Result<(), ExtractError> {
    let item = format!("- {}", line.trim().replace('\n', "\n  "));
    if first { writer.block(&item) } else { writer.line(&item) }
}

fn write_record(writer: &mut MarkdownWriter, level: usize, number: usize, record: &Value) -> Result<(), ExtractError> {
    if let Value::Scalar(text) = record {
        return writer.block(text);
    }
    writer.heading(level, &record.name().unwrap_or_else(|| format!("Record {number}")))?;
    write_value(writer, level + 1, "", record)
}

fn write_members(
    writer: &mut MarkdownWriter,
    level: usize,
    path: &str,
    members: &[(String, Value)],
) -> Result<(), ExtractError> {
    // Plain members first, so that none of them ends up under the heading of a nested one.
    let mut first = true;
    for (key, value) in members {
        let Some(text) = value.flat().filter(|text| !text.trim().is_empty()) else { continue };
        if text.trim().contains('\n') {
            writer.block(&format!("{path}{key}:"))?;
            writer.block(&text)?;
            first = true;
        } else {
            write_item(writer, std::mem::take(&mut first), &format!("{path}{key}: {text}"))?;
        }
    }
    for (key, value) in members.iter().filter(|(_, value)| value.flat().is_none()) {
        if level <= 6 {
            writer.heading(level, key)?;
            write_value(writer, level + 1, "", value)?;
        } else {
            write_value(writer, level, &format!("{path}{key}."), value)?;
        }
    }
    Ok(())
}

/// A list of flat objects with much the same keys and short values.
fn as_table(items: &[Value]) -> Option<Vec<Vec<String>>> {
    if items.len() < 2 {
        return None;
    }
    let mut header: Vec<&str> = Vec::new();
    let mut filled = 0;
    for item in items {
        let Value::Object(members) = item else { return None };
        // A cell has room for one of the values that have the same key.
        let is_known = |at: usize| members[..at].iter().any(|(known, _)| *known == members[at].0);
        if members.len() > MAX_COLUMNS || (1..members.len()).any(is_known) {
            return None;
        }
        for (key, value) in members {
            if value.flat()?.chars().count() > MAX_CELL_CHARS {
                return None;
            }
            if !header.contains(&key.as_str()) {
                header.push(key);
            }
        }
        filled += members.len();
        if header.len() > MAX_COLUMNS {
            return None;
        }
    }
    if header.is_empty() || filled * 2 < header.len() * items.len() {
        return None;
    }
    let mut rows = vec![header.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()];
    for item in items {
        let Value::Object(members) = item else { return None };
        let cell = |key: &&str| members.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.flat());
        rows.push(header.iter().map(|key| cell(key).unwrap_or_default()).collect());
    }
    Some(rows)
}

#[cfg(test)]
mod tests;
