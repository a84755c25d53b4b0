//! What people wrote on cells: notes, and the threads of newer versions, which leave a note for older ones.

use std::collections::{HashMap, HashSet};

use super::{FORMAT, strings};
use crate::ingest::extract::{
    ExtractError, ExtractLimits, package::Package, relationships::Relationships, structure::one_line, xml::Reader,
};

/// The names of those who take part in threads, by their ids.
pub(super) type People = HashMap<String, String>;

pub(super) fn people(
    package: &mut Package<'_>,
    workbook: &Relationships,
    limits: &ExtractLimits,
) -> Result<People, ExtractError> {
    let mut people = People::new();
    for part in workbook.of_kind("person") {
        let Some(text) = package.part(part)? else { continue };
        let mut reader = Reader::new(FORMAT, &text, limits.max_depth);
        let Some(_root) = reader.child()? else { continue };
        while let Some(element) = reader.child()? {
            if let (Some(id), Some(name)) = (element.attribute("id"), element.attribute("displayName")) {
                people.insert(id, one_line(&name));
            }
            reader.skip()?;
        }
    }
    Ok(people)
}

/// The comments of a sheet, each with its cell and the name of who wrote it.
pub(super) fn read(
    package: &mut Package<'_>,
    sheet: &Relationships,
    people: &People,
    limits: &ExtractLimits,
) -> Result<Vec<String>, ExtractError> {
    let mut threads = Vec::new();
    let mut threaded = HashSet::new();
    for part in sheet.of_kind("threadedComment") {
        let Some(text) = package.part(part)? else { continue };
        let mut reader = Reader::new(FORMAT, &text, limits.max_depth);
        let Some(_root) = reader.child()? else { continue };
        while let Some(element) = reader.child()? {
            let place = element.attribute("ref").unwrap_or_default();
            let name = element.attribute("personId").and_then(|id| people.get(&id)).cloned().unwrap_or_default();
            let mut words = String::new();
            while let Some(part) = reader.child()? {
                if part.is("text") {
                    words = reader.text_of_current()?;
                } else {
                    reader.skip()?;
                }
            }
            threads.extend(comment(&place, &name, &words));
            threaded.insert(place);
        }
    }
    let mut found = Vec::new();
    for part in sheet.of_kind("comments") {
        if let Some(text) = package.part(part)? {
            notes(&text, &threaded, limits, &mut found)?;
        }
    }
    found.extend(threads);
    Ok(found)
}

fn notes(
    part: &str,
    threaded: &HashSet<String>,
    limits: &ExtractLimits,
    found: &mut Vec<String>,
) -> Result<(), ExtractError> {
    let mut authors: Vec<String> = Vec::new();
    let mut reader = Reader::new(FORMAT, part, limits.max_depth);
    let Some(_root) = reader.child()? else { return Ok(()) };
    while let Some(list) = reader.child()? {
        while let Some(element) = reader.child()? {
            match (list.name(), element.name()) {
                ("authors", "author") => authors.push(one_line(&reader.text_of_current()?)),
                ("commentList", "comment") => {
                    let place = element.attribute("ref").unwrap_or_default();
                    let author = element.number::<usize>("authorId").and_then(|at| authors.get(at));
                    let words = strings::text(&mut reader)?;
                    if !threaded.contains(&place) {
                        found.extend(comment(&place, author.map_or("", String::as_str), &words));
                    }
                }
                _ => reader.skip()?,
            }
        }
    }
    Ok(())
}

/// Programs begin a note with the name of its author, on a line of its own.
fn comment(place: &str, author: &str, words: &str) -> Option<String> {
    let words = one_line(words);
    let said = words.strip_prefix(author).and_then(|rest| rest.strip_prefix(':')).filter(|_| !author.is_empty());
    let said = said.map_or(words.as_str(), str::trim);
    let by = if author.is_empty() { String::new() } else { format!(" by {author}") };
    (!said.is_empty()).then(|| format!("Comment on {place}{by}: {said}"))
}
