//! Texts of cells: those that all sheets share, and those that stand in a cell.

use super::FORMAT;
use crate::ingest::extract::{ExtractError, structure::takes_exponent, xml::Reader};

pub(super) fn shared_strings(part: Option<&str>, max_depth: usize) -> Result<Vec<String>, ExtractError> {
    let mut strings = Vec::new();
    let Some(part) = part else { return Ok(strings) };
    let mut reader = Reader::new(FORMAT, part, max_depth);
    let Some(_root) = reader.child()? else { return Ok(strings) };
    while let Some(element) = reader.child()? {
        if element.is("si") {
            strings.push(text(&mut reader)?);
        } else {
            reader.skip()?;
        }
    }
    Ok(strings)
}

/// Reads the rest of an `si` or `is`: runs one after the other, without what says how characters are pronounced.
pub(super) fn text(reader: &mut Reader<'_>) -> Result<String, ExtractError> {
    let mut text = String::new();
    text_into(reader, &mut text)?;
    Ok(text)
}

fn text_into(reader: &mut Reader<'_>, text: &mut String) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "t" => text.push_str(&unescape(&reader.text_of_current()?)),
            "rPr" => {
                if is_raised(reader)? && takes_exponent(text) {
                    text.push('^');
                }
            }
            "rPh" | "phoneticPr" => reader.skip()?,
            _ => text_into(reader, text)?,
        }
    }
    Ok(())
}

/// Reads the rest of an `rPr`: whether its run stands above the line.
fn is_raised(reader: &mut Reader<'_>) -> Result<bool, ExtractError> {
    let mut is_raised = false;
    while let Some(element) = reader.child()? {
        is_raised |= element.is("vertAlign") && element.value().as_deref() == Some("superscript");
        reader.skip()?;
    }
    Ok(is_raised)
}

/// Characters that XML cannot hold are written `_x000D_` (ECMA-376 part 1, 22.9.2.19). Controls are line ends here.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let code = after.get(2..6).filter(|_| after.get(6..7) == Some("_"));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(if c.is_control() && c != '\t' { '\n' } else { c });
                rest = after.get(7..).unwrap_or_default();
            }
            None => {
                out.push_str("_x");
                rest = after.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}
