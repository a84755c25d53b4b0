//! The package document of a book (OPF): its title, its authors, and its chapters in order.

use std::collections::HashMap;

use super::FORMAT;
use crate::ingest::extract::{
    ExtractError, ExtractLimits, package::Package, relationships::resolve, structure::one_line, xml::Reader,
};

#[derive(Debug, Default)]
pub(super) struct PackageDocument {
    pub(super) title: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) chapters: Vec<Chapter>,
    /// What the spine names and the manifest does not list.
    pub(super) unlisted: Vec<String>,
}

/// One part of the spine.
#[derive(Debug, Clone)]
pub(super) struct Chapter {
    /// The name of the part in the archive.
    pub(super) part: String,
    pub(super) media_type: String,
    pub(super) is_navigation: bool,
    /// Whether it is a page of (X)HTML.
    pub(super) is_page: bool,
}

/// The name of the package document, from the container.
pub(super) fn main_document(package: &mut Package<'_>, limits: &ExtractLimits) -> Result<String, ExtractError> {
    let container = package.required("META-INF/container.xml")?;
    let mut reader = Reader::new(FORMAT, &container, limits.max_depth);
    if reader.find("rootfiles")? {
        while let Some(element) = reader.child()? {
            if let Some(path) = element.attribute("full-path") {
                return Ok(part_name("", &path));
            }
            reader.skip()?;
        }
    }
    Err(ExtractError::malformed(FORMAT, "its container names no package document"))
}

impl PackageDocument {
    pub(super) fn read(text: &str, part: &str, max_depth: usize) -> Result<Self, ExtractError> {
        let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut book = Self::default();
        let mut items: HashMap<String, Chapter> = HashMap::new();
        let mut reader = Reader::new(FORMAT, text, max_depth);
        let Some(_root) = reader.child()? else { return Ok(book) };
        while let Some(element) = reader.child()? {
            match element.name() {
                "metadata" => book.metadata(&mut reader)?,
                "manifest" => {
                    while let Some(item) = reader.child()? {
                        let media_type = item.attribute("media-type").unwrap_or_default();
                        let properties = item.attribute("properties").unwrap_or_default();
                        let chapter = Chapter {
                            part: part_name(folder, &item.attribute("href").unwrap_or_default()),
                            is_navigation: properties.split_whitespace().any(|property| property == "nav"),
                            is_page: matches!(
                                media_type.as_str(),
                                "application/xhtml+xml" | "text/html" | "text/x-oeb1-document"
                            ),
                            media_type,
                        };
                        items.insert(item.attribute("id").unwrap_or_default(), chapter);
                        reader.skip()?;
                    }
                }
                "spine" => {
                    while let Some(reference) = reader.child()? {
                        let id = reference.attribute("idref").unwrap_or_default();
                        match items.get(&id) {
                            Some(chapter) => book.chapters.push(chapter.clone()),
                            None => book.unlisted.push(id),
                        }
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok(book)
    }

    fn metadata(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "title" => {
                    let title = one_line(&reader.text_of_current()?);
                    if self.title.is_none() && !title.is_empty() {
                        self.title = Some(title);
                    }
                }
                "creator" => {
                    let author = one_line(&reader.text_of_current()?);
                    if !author.is_empty() && !self.authors.contains(&author) {
                        self.authors.push(author);
                    }
                }
                // Older books have a list of their own around these.
                "dc-metadata" => self.metadata(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }
}

/// The name of a part from a reference, seen from a folder: without its fragment, and with `%20` as a blank.
pub(super) fn part_name(folder: &str, reference: &str) -> String {
    let path = reference.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    resolve(folder, &String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_names_of_parts() {
        assert_eq!(part_name("OEBPS/text", "../a%20b.xhtml#part"), "OEBPS/a b.xhtml");
        assert_eq!(part_name("", "100%.xhtml"), "100%.xhtml");
        assert_eq!(part_name("a", "/b/%zz"), "b/%zz");
    }
}
