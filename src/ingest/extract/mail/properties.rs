//! The properties of an Outlook message, its recipients and its attachments, as [MS-OXMSG] lays them out in a compound file:
//! texts and bytes have a stream each, short values stand together in one stream.

use std::{
    collections::HashMap,
    io::Cursor,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use encoding_rs::{Encoding, WINDOWS_1252};

use crate::ingest::extract::{ExtractError, charset, inside::Within};

/// Types of properties ([MS-OXCDATA] 2.11.1).
const UNICODE: u16 = 0x001f;
const STRING_8: u16 = 0x001e;
const BINARY: u16 = 0x0102;
const INTEGER_32: u16 = 0x0003;
const TIME: u16 = 0x0040;

/// The stream of short values.
const VALUES: &str = "__properties_version1.0";

pub(super) struct File<'a> {
    file: cfb::CompoundFile<Cursor<&'a [u8]>>,
}

/// The properties in one storage of the file.
pub(super) struct Properties<'f, 'a, 'w> {
    file: &'f mut File<'a>,
    within: &'f Within<'w>,
    storage: PathBuf,
    values: HashMap<u32, [u8; 8]>,
    encoding: &'static Encoding,
}

impl<'a> File<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ExtractError> {
        let file =
            cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| ExtractError::malformed("MSG", error))?;
        Ok(Self { file })
    }

    /// The storages in `storage` whose names begin with `prefix`, in order.
    pub(super) fn storages(&self, storage: &Path, prefix: &str) -> Vec<PathBuf> {
        let Ok(entries) = self.file.read_storage(storage) else { return Vec::new() };
        let is_wanted = |entry: &cfb::Entry| entry.is_storage() && entry.name().starts_with(prefix);
        let mut found: Vec<PathBuf> = entries.filter(is_wanted).map(|entry| entry.path().to_owned()).collect();
        found.sort();
        found
    }

    pub(super) fn is_storage(&self, path: &Path) -> bool {
        self.file.is_storage(path)
    }

    /// Whether a storage has properties.
    pub(super) fn has_values(&self, storage: &Path) -> bool {
        self.file.is_stream(storage.join(VALUES))
    }

    /// The bytes of a stream; nothing where there is no such stream, or it cannot be read.
    fn stream(&mut self, path: &Path, within: &Within<'_>) -> Result<Option<Vec<u8>>, ExtractError> {
        match self.file.open_stream(path) {
            Ok(stream) => Ok(within.unpack(stream)?.ok()),
            Err(_) => Ok(None),
        }
    }
}

impl<'f, 'a, 'w> Properties<'f, 'a, 'w> {
    /// The properties in a storage whose stream of short values has a header of so many bytes. Texts of one byte for each
    /// character are in `encoding` unless the properties name another.
    pub(super) fn read(
        file: &'f mut File<'a>,
        within: &'f Within<'w>,
        storage: &Path,
        header: usize,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, ExtractError> {
        let bytes = file.stream(&storage.join(VALUES), within)?.unwrap_or_default();
        let mut values = HashMap::new();
        for entry in bytes.get(header..).unwrap_or_default().chunks_exact(16) {
            if let ([a, b, c, d, _, _, _, _], Ok(value)) = (entry.split_at(8).0, <[u8; 8]>::try_from(&entry[8..])) {
                values.insert(u32::from_le_bytes([*a, *b, *c, *d]), value);
            }
        }
        let mut found = Self { file, within, storage: storage.to_owned(), values, encoding: WINDOWS_1252 };
        // PidTagMessageCodepage, else PidTagInternetCodepage.
        let named = [0x3ffd, 0x3fde].into_iter().filter_map(|id| found.number(id)).find_map(charset::of_code_page);
        found.encoding = named.or(encoding).unwrap_or(WINDOWS_1252);
        Ok(found)
    }

    pub(super) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub(super) fn number(&self, id: u16) -> Option<u32> {
        let [a, b, c, d, ..] = self.values.get(&tag(id, INTEGER_32))?;
        Some(u32::from_le_bytes([*a, *b, *c, *d]))
    }

    /// A point in time: units of 100 ns since 1601.
    pub(super) fn time(&self, id: u16) -> Option<DateTime<Utc>> {
        let ticks = i64::from_le_bytes(*self.values.get(&tag(id, TIME))?);
        let seconds = ticks / 10_000_000 - 11_644_473_600;
        DateTime::from_timestamp(seconds, 0).filter(|_| ticks > 0)
    }

    /// A text that is not blank.
    pub(super) fn text(&mut self, id: u16) -> Result<Option<String>, ExtractError> {
        let text = match self.bytes_of(id, UNICODE)? {
            Some(bytes) => Some(encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned()),
            None => {
                let bytes = self.bytes_of(id, STRING_8)?;
                bytes.map(|bytes| self.encoding.decode_without_bom_handling(&bytes).0.into_owned())
            }
        };
        Ok(text.map(|text| text.trim_matches('\0').to_owned()).filter(|text| !text.trim().is_empty()))
    }

    pub(super) fn binary(&mut self, id: u16) -> Result<Option<Vec<u8>>, ExtractError> {
        self.bytes_of(id, BINARY)
    }

    /// The storage of a property that is a whole object.
    pub(super) fn object(&self, id: u16) -> Option<PathBuf> {
        let path = self.storage.join(format!("__substg1.0_{id:04X}000D"));
        self.file.is_storage(&path).then_some(path)
    }

    fn bytes_of(&mut self, id: u16, kind: u16) -> Result<Option<Vec<u8>>, ExtractError> {
        let path = self.storage.join(format!("__substg1.0_{id:04X}{kind:04X}"));
        self.file.stream(&path, self.within)
    }
}

fn tag(id: u16, kind: u16) -> u32 {
    u32::from(id) << 16 | u32::from(kind)
}
