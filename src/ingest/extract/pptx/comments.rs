//! What reviewers wrote on a slide, with their names: the comments of older versions, and the threads of newer ones.

use std::collections::HashMap;

use super::FORMAT;
use crate::ingest::extract::{
    ExtractError, ExtractLimits, drawing_text::TextBody, package::Package, relationships::Relationships,
    structure::one_line, xml::Reader,
};

/// The names of those who commented, by their ids.
#[derive(Debug, Default)]
pub(super) struct Authors(HashMap<String, String>);

impl Authors {
    pub(super) fn read(
        package: &mut Package<'_>,
        presentation: &Relationships,
        limits: &ExtractLimits,
    ) -> Result<Self, ExtractError> {
        let mut names = HashMap::new();
        for kind in ["commentAuthors", "authors"] {
            for part in presentation.of_kind(kind) {
                let Some(text) = package.part(part)? else { continue };
                let mut reader = Reader::new(FORMAT, &text, limits.max_depth);
                let Some(_root) = reader.child()? else { continue };
                while let Some(element) = reader.child()? {
                    if let (Some(id), Some(name)) = (element.attribute("id"), element.attribute("name")) {
                        names.insert(id, one_line(&name));
                    }
                    reader.skip()?;
                }
            }
        }
        Ok(Self(names))
    }
}

/// The comments of a part in the order of the part, each with the name of who wrote it.
pub(super) fn comments(part: &str, authors: &Authors, max_depth: usize) -> Result<Vec<String>, ExtractError> {
    let mut found = Vec::new();
    let mut reader = Reader::new(FORMAT, part, max_depth);
    inside(&mut reader, authors, &mut found)?;
    Ok(found)
}

fn inside(reader: &mut Reader<'_>, authors: &Authors, found: &mut Vec<String>) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "cmLst" | "replyLst" => inside(reader, authors, found)?,
            "cm" | "reply" => {
                let author = element.attribute("authorId").and_then(|id| authors.0.get(&id));
                // The place of the comment, before those of its replies.
                let at = found.len();
                let text = text_of(reader, authors, found)?;
                if !text.is_empty() {
                    let by = author.map(|name| format!(" by {name}")).unwrap_or_default();
                    found.insert(at, format!("Comment{by}: {text}"));
                }
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// The words of a comment; its replies go to `found`.
fn text_of(reader: &mut Reader<'_>, authors: &Authors, found: &mut Vec<String>) -> Result<String, ExtractError> {
    let mut text = String::new();
    while let Some(element) = reader.child()? {
        match element.name() {
            "text" => text.push_str(&reader.text_of_current()?),
            "txBody" => text.push_str(&TextBody::read(reader)?.flat()),
            "replyLst" => inside(reader, authors, found)?,
            _ => reader.skip()?,
        }
    }
    Ok(one_line(&text))
}
