//! The archive that a Word document is, read within a budget: what a part claims to unpack to is not believed.

use std::io::{Cursor, Read};

use zip::{ZipArchive, result::ZipError};

use super::malformed;
use crate::ingest::extract::{ExtractError, ExtractLimits, charset};

pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    budget: u64,
    limit: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
        let limit = limits.max_uncompressed_bytes;
        Ok(Self { archive, budget: limit, limit })
    }

    /// The name of the part that holds the text. Some programs number it.
    pub(super) fn main_part(&self) -> String {
        let usual = "word/document.xml";
        if self.archive.index_for_name(usual).is_some() {
            return usual.into();
        }
        let numbered = self.archive.file_names_raw().find(|name| is_main_part(name));
        numbered.map_or_else(|| usual.into(), |name| String::from_utf8_lossy(name).into_owned())
    }

    /// A part as text; `None` when the archive has no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let file = match self.archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(ExtractError::Encrypted { format: "DOCX".into() });
            }
            Err(error) => return Err(malformed(format_args!("{name}: {error}"))),
        };
        let mut bytes = Vec::new();
        let read = file
            .take(self.budget.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| malformed(format_args!("{name}: {error}")))?;
        match self.budget.checked_sub(read as u64) {
            Some(rest) => self.budget = rest,
            None => return Err(ExtractError::too_large("the unpacked document in bytes", self.limit)),
        }
        Ok(Some(charset::decode(&bytes, None).text))
    }
}

/// Whether a name in an archive is that of a Word document's text.
pub(in crate::ingest::extract) fn is_main_part(name: &[u8]) -> bool {
    name.strip_prefix(b"word/document")
        .and_then(|rest| rest.strip_suffix(b".xml"))
        .is_some_and(|number| number.iter().all(u8::is_ascii_digit))
}
