//! The archive that an office document or an e-book is, read within a budget: what a part claims to unpack to is not
//! believed. Parts are read by name into memory; nothing is ever written to where a name points.
//!
//! May depend on `charset`, the limits and the errors.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use encoding_rs::Encoding;
use zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::{ExtractError, ExtractLimits, charset};

/// A page of an e-book begins within so many bytes, behind declarations and comments.
const PAGE_BEGINS: usize = 1024;

pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Where parts stand whose names some programs write in other letters, or with the separators of another system.
    unusual: HashMap<String, usize>,
    format: &'static str,
    budget: u64,
    limit: u64,
    /// What could not be decoded of the parts that were read.
    warnings: Vec<String>,
}

impl<'a> Package<'a> {
    /// Opens the archive; `format` names it in errors.
    pub(super) fn open(bytes: &'a [u8], format: &'static str, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ExtractError::malformed(format, error))?;
        let limit = limits.max_uncompressed_bytes;
        let names = archive.file_names_raw().enumerate();
        let unusual = names.filter_map(|(at, name)| Some((usual(std::str::from_utf8(name).ok()?), at))).collect();
        Ok(Self { archive, unusual, format, budget: limit, limit, warnings: Vec::new() })
    }

    /// The name that the format has in errors.
    pub(super) fn format(&self) -> &'static str {
        self.format
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.archive.index_for_name(name).or_else(|| self.unusual.get(&usual(name)).copied())
    }

    /// The names of all parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.archive.file_names_raw()
    }

    /// A part as text; `None` when the archive has no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let format = self.format;
        let Some(place) = self.place(name) else { return Ok(None) };
        let file = self.archive.by_index(place).map_err(|error| refused(format, name, &error))?;
        let mut bytes = Vec::new();
        let read = file
            .take(self.budget.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| ExtractError::malformed(format, format_args!("{name}: {error}")))?;
        self.spend(read as u64)?;
        let decoded = charset::decode(&bytes, declared(&bytes));
        for warning in decoded.warnings.into_iter().map(|warning| format!("{name}: {warning}")) {
            // A part may be read more than once.
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(Some(decoded.text))
    }

    /// Takes what is to be warned of in the parts that have been read.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// A part that the format cannot do without.
    pub(super) fn required(&mut self, name: &str) -> Result<String, ExtractError> {
        let format = self.format;
        self.part(name)?.ok_or_else(|| ExtractError::malformed(format, format_args!("the part {name} is missing")))
    }

    /// Unpacks every part once and keeps none, for a parser that unpacks by itself and knows no bounds.
    pub(super) fn measure(&mut self) -> Result<(), ExtractError> {
        let format = self.format;
        for index in 0..self.archive.len() {
            let file = self.archive.by_index(index).map_err(|error| refused(format, "a part", &error))?;
            let read = count(file, self.budget.saturating_add(1))
                .map_err(|error| ExtractError::malformed(format, format_args!("a part: {error}")))?;
            self.spend(read)?;
        }
        Ok(())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ExtractError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => self.budget = rest,
            None => return Err(ExtractError::too_large("the unpacked document in bytes", self.limit)),
        }
        Ok(())
    }
}

/// The encoding that the XML declaration of a part names, or else, in a page of an e-book, its `<meta>`. Without this, one
/// broken byte would have the whole part read in an encoding that is only guessed.
fn declared(part: &[u8]) -> Option<&'static Encoding> {
    let start = part.strip_prefix(b"\xef\xbb\xbf").unwrap_or(part).strip_prefix(b"<?xml");
    let declaration = start.and_then(|start| start.split(|byte| *byte == b'>').next());
    let head = part.get(..PAGE_BEGINS).unwrap_or(part).to_ascii_lowercase();
    let is_page = || head.windows(5).any(|tag| tag == b"<html");
    declaration
        .and_then(charset::declared_in_markup)
        .or_else(|| is_page().then(|| charset::declared_in_markup(part)).flatten())
}

/// Names of parts are the same in capital letters (ECMA-376 part 2, 6.2.2).
fn usual(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

fn count<R: Read>(file: ZipFile<'_, R>, most: u64) -> std::io::Result<u64> {
    std::io::copy(&mut file.take(most), &mut std::io::sink())
}

fn refused(format: &'static str, name: &str, error: &ZipError) -> ExtractError {
    match error {
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            ExtractError::Encrypted { format: format.into() }
        }
        error => ExtractError::malformed(format, format_args!("{name}: {error}")),
    }
}

/// Archives for the tests of the formats.
#[cfg(test)]
pub(super) mod made {
    #![allow(clippy::unwrap_used)]
    use std::io::{Cursor, Write as _};

    use zip::{ZipWriter, write::SimpleFileOptions};

    /// An archive of these parts.
    pub(in crate::ingest::extract) fn archive<N: AsRef<str>, C: AsRef<[u8]>>(parts: &[(N, C)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            archive.start_file(name.as_ref(), SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_ref()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_are_read_within_one_budget() {
        let bytes = made::archive(&[("a", "x".repeat(600)), ("b", "y".repeat(600))]);
        let limits = ExtractLimits { max_uncompressed_bytes: 1_000, ..ExtractLimits::default() };
        let mut package = Package::open(&bytes, "DOCX", &limits).unwrap();
        assert_eq!(package.part("a").unwrap().map(|part| part.len()), Some(600));
        assert_eq!(package.part("c").unwrap(), None);
        assert!(matches!(package.part("b"), Err(ExtractError::TooLarge { limit: 1_000, .. })));
        let mut package = Package::open(&bytes, "XLSB", &limits).unwrap();
        assert!(matches!(package.measure(), Err(ExtractError::TooLarge { .. })));
        assert!(Package::open(&bytes, "XLSB", &ExtractLimits::default()).unwrap().measure().is_ok());
    }

    #[test]
    fn names_in_other_letters_are_found() {
        let bytes = made::archive(&[("XL\\Workbook.xml", "x")]);
        let mut package = Package::open(&bytes, "XLSX", &ExtractLimits::default()).unwrap();
        assert!(package.has("xl/workbook.xml") && !package.has("workbook.xml"));
        assert_eq!(package.part("xl/workbook.xml").unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn a_broken_byte_costs_one_character_and_is_warned_of() {
        let broken = b"<?xml version='1.0' encoding='UTF-8'?><a>caf\xc3\xa9 \xff na\xc3\xafve</a>".to_vec();
        let cyrillic = b"<?xml version='1.0' encoding=\"windows-1251\"?><a>\xc0\xff</a>".to_vec();
        let bytes = made::archive(&[("a", broken), ("b", cyrillic)]);
        let mut package = Package::open(&bytes, "DOCX", &ExtractLimits::default()).unwrap();
        assert!(package.part("a").unwrap().unwrap().ends_with("<a>caf\u{e9} \u{fffd} na\u{ef}ve</a>"));
        assert!(package.part("b").unwrap().unwrap().ends_with("<a>\u{410}\u{44f}</a>"));
        let [warning]: [String; 1] = package.take_warnings().try_into().unwrap();
        assert!(warning.starts_with("a: 1 byte sequences are not valid UTF-8"), "{warning}");
        assert!(package.take_warnings().is_empty());
    }

    #[test]
    fn a_part_that_must_be_there_is_named() {
        let bytes = made::archive(&[("a", "x")]);
        let mut package = Package::open(&bytes, "PPTX", &ExtractLimits::default()).unwrap();
        let error = package.required("ppt/presentation.xml").unwrap_err();
        assert_eq!(error.to_string(), "the PPTX file is damaged: the part ppt/presentation.xml is missing");
    }
}
