//! E-books (EPUB 2 and 3): the chapters in the order of the spine, as the HTML reader reads pages.
//!
//! The table of contents is navigation and left out. What is encrypted other than fonts is protected against copying, and
//! the book is refused.
//!
//! May depend on `domain` only.

mod package_document;
mod xhtml;

use std::collections::HashSet;

use self::package_document::{PackageDocument, main_document};
use super::{
    ExtractError, ExtractLimits, html, package::Package, structure::one_line, writer::MarkdownWriter, xml::Reader,
};
use crate::domain::ExtractedDocument;

/// What the format is called in errors.
const FORMAT: &str = "EPUB";
const MEDIA_TYPE: &str = "application/epub+zip";
/// So many of the first chapters are asked whether they name the author.
const FRONT_MATTER: usize = 3;
/// How fonts are made unreadable, which is no protection of the text.
const FONT_ALGORITHMS: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut package = Package::open(bytes, FORMAT, limits)?;
    let protected = encrypted_parts(&mut package, limits)?;
    let main = main_document(&mut package, limits)?;
    let text = package.required(&main)?;
    let book = PackageDocument::read(&text, &main, limits.max_depth)?;
    if book.chapters.iter().any(|chapter| protected.contains(&chapter.part)) {
        return Err(ExtractError::CopyProtected { format: FORMAT.into() });
    }
    let mut writer = MarkdownWriter::new(MEDIA_TYPE, limits);
    write_author(&book, &mut package, limits, &mut writer)?;
    for id in &book.unlisted {
        writer.warn(format!("{} belongs to the book, but is not in its list of files", one_line(id)));
    }
    let mut read = HashSet::new();
    for chapter in &book.chapters {
        if chapter.is_navigation || !read.insert(chapter.part.as_str()) {
            continue;
        }
        if !chapter.is_page {
            writer.warn(format!("{} is no page of text ({}); it was left out", chapter.part, chapter.media_type));
            continue;
        }
        match package.part(&chapter.part)? {
            Some(text) => html::write_chapter(&xhtml::for_html(&text), &mut writer, limits)?,
            None => writer.warn(format!("{} is listed, but is not in the file", chapter.part)),
        }
    }
    if writer.is_blank() {
        return Err(ExtractError::no_text("the book has no words in it, only pictures or nothing at all"));
    }
    package.take_warnings().into_iter().for_each(|warning| writer.warn(warning));
    Ok(writer.finish(book.title))
}

/// Writes who wrote the book where its first pages do not say so.
fn write_author(
    book: &PackageDocument,
    package: &mut Package<'_>,
    limits: &ExtractLimits,
    writer: &mut MarkdownWriter,
) -> Result<(), ExtractError> {
    if book.authors.is_empty() {
        return Ok(());
    }
    let mut first = MarkdownWriter::new(MEDIA_TYPE, limits);
    for chapter in book.chapters.iter().filter(|chapter| chapter.is_page && !chapter.is_navigation).take(FRONT_MATTER) {
        if let Some(text) = package.part(&chapter.part)? {
            html::write_chapter(&xhtml::for_html(&text), &mut first, limits)?;
        }
    }
    let front = one_line(&first.finish(None).text);
    if book.authors.iter().all(|author| front.contains(author.as_str())) {
        return Ok(());
    }
    writer.block(&format!("By {}", book.authors.join(", ")))
}

/// The names of the parts that are encrypted, fonts aside.
fn encrypted_parts(package: &mut Package<'_>, limits: &ExtractLimits) -> Result<HashSet<String>, ExtractError> {
    let mut parts = HashSet::new();
    let Some(text) = package.part("META-INF/encryption.xml")? else { return Ok(parts) };
    let mut reader = Reader::new(FORMAT, &text, limits.max_depth);
    let Some(_root) = reader.child()? else { return Ok(parts) };
    while let Some(element) = reader.child()? {
        if !element.is("EncryptedData") {
            reader.skip()?;
            continue;
        }
        let (mut algorithm, mut part) = (String::new(), None);
        while let Some(child) = reader.child()? {
            match child.name() {
                "EncryptionMethod" => {
                    algorithm = child.attribute("Algorithm").unwrap_or_default();
                    reader.skip()?;
                }
                "CipherData" => {
                    while let Some(reference) = reader.child()? {
                        part = part.or_else(|| reference.attribute("URI"));
                        reader.skip()?;
                    }
                }
                _ => reader.skip()?,
            }
        }
        if !FONT_ALGORITHMS.contains(&algorithm.as_str()) {
            parts.extend(part.map(|part| package_document::part_name("", &part)));
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
