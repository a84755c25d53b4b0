//! What the members of an archive are called, and what is said of each.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header as TarHeader};

use super::{ArchiveError, FORMAT};
use crate::{
    blob_store::{FolderKind, TextName},
    domain::{DocumentId, GenerationNumber, IndexStamp},
    metadata_store::RecordKind,
};

/// A block of a tar file.
pub(super) const BLOCK: usize = 512;
/// The first member.
pub(super) const HEADER: &str = "footnote-archive.json";
/// Versions that were replaced meanwhile.
pub(super) const LEFT_OUT: &str = "left-out.jsonl";
/// Everything that was ever deleted.
pub(super) const DELETIONS: &str = "deletions.jsonl";
/// The members with their sums.
pub(super) const MANIFEST: &str = "manifest.jsonl";
/// The last member.
pub(super) const END: &str = "end.json";
/// The longest line, and the longest member of records or vectors, that is read into memory, in bytes.
pub(super) const LONGEST: u64 = 64 * 1024 * 1024;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the archive.
    pub format: u32,
    /// When it was begun.
    pub made_at: DateTime<Utc>,
    /// The version of the program that wrote it.
    pub program: String,
    /// The active generation; absent when there was none yet.
    pub generation: Option<GenerationNumber>,
    /// What that generation was built with.
    pub stamp: Option<IndexStamp>,
    /// Whether the vectors are in it. Without them a restore builds the index anew.
    pub vectors: bool,
    /// The name of the archive that holds what was left out of this one.
    pub since: Option<String>,
}

impl Header {
    /// Reads it, and checks that this program can read the rest.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error: serde_json::Error| ArchiveError::Damaged(format!("{HEADER}: {error}"));
        let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format != FORMAT {
            return Err(ArchiveError::Unsupported(format!(
                "the archive has format {format}, this program reads {FORMAT}: use the program that wrote it, or a newer \
                 one"
            )));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }
}

/// A member, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its SHA-256.
    pub(super) sha256: String,
    /// The archive that holds it, when it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) archive: Option<String>,
}

/// The last member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many lines the manifest has.
    pub(super) members: u64,
    /// Its SHA-256.
    pub(super) manifest_sha256: String,
}

/// What a member holds, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// What the archive is.
    Header,
    /// Records of a kind.
    Records(RecordKind),
    /// An original, by its sum.
    Original(String),
    /// A text.
    Text(TextName),
    /// Vectors of a version.
    Vectors(TextName),
    /// A file of a folder.
    File(FolderKind, String, String),
    /// What was replaced meanwhile.
    LeftOut,
    /// What was deleted.
    Deletions,
}

impl Content {
    /// What the name of a member says.
    pub(super) fn of(name: &str) -> Result<Self, ArchiveError> {
        Self::parse(name).ok_or_else(|| ArchiveError::Damaged(format!("it holds `{name}`, which nobody wrote")))
    }

    fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            [one] if *one == HEADER => Some(Self::Header),
            [one] if *one == LEFT_OUT => Some(Self::LeftOut),
            [one] if *one == DELETIONS => Some(Self::Deletions),
            ["records", file] => {
                let table = file.strip_suffix(".jsonl")?.rsplit_once('.')?.0;
                RecordKind::ALL.iter().find(|kind| kind.as_str() == table).copied().map(Self::Records)
            }
            ["originals", sum] => is_sum(sum).then(|| Self::Original((*sum).to_owned())),
            ["texts", document, file] => text_name(document, file.strip_suffix(".json")?).map(Self::Text),
            ["vectors", document, file] => text_name(document, file.rsplit_once('.')?.0).map(Self::Vectors),
            ["adapters", sum, file] => Self::file(FolderKind::Adapter, sum, file),
            ["evaluations", sum, file] => Self::file(FolderKind::Evaluation, sum, file),
            _ => None,
        }
    }

    fn file(kind: FolderKind, sum: &str, file: &str) -> Option<Self> {
        (is_sum(sum) && !file.is_empty()).then(|| Self::File(kind, sum.to_owned(), file.to_owned()))
    }
}

fn text_name(document: &str, name: &str) -> Option<TextName> {
    let document: DocumentId = document.parse().ok()?;
    let (version, generation) = name.split_once('.')?;
    Some(TextName { document, version: version.parse().ok()?, generation: generation.parse().ok()? })
}

fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The member with the records of a kind.
pub(super) fn records_name(kind: RecordKind, piece: u32) -> String {
    format!("records/{}.{piece:06}.jsonl", kind.as_str())
}

/// The member with an original.
pub(super) fn original_name(sha256: &str) -> String {
    format!("originals/{sha256}")
}

/// The member with a text.
pub(super) fn text_member(name: TextName) -> String {
    format!("texts/{}/{}.{}.json", name.document, name.version, name.generation)
}

/// A member with vectors of a version.
pub(super) fn vectors_member(name: TextName, piece: u32) -> String {
    format!("vectors/{}/{}.{}.{piece:06}", name.document, name.version, name.generation)
}

/// The member with a file of a folder.
pub(super) fn folder_member(kind: FolderKind, sum: &str, file: &str) -> String {
    let folder = match kind {
        FolderKind::Adapter => "adapters",
        FolderKind::Evaluation => "evaluations",
    };
    format!("{folder}/{sum}/{file}")
}

/// Where a member stands among all: by what it holds, then by its name. Members of one version are in order by their
/// document, and there is one version of a document.
pub(super) fn place(name: &str) -> (u8, &str) {
    const ORDER: [&str; 7] = [HEADER, "records/", "originals/", "texts/", "vectors/", "adapters/", "evaluations/"];
    let place = ORDER.iter().position(|folder| name.starts_with(folder));
    (place.map_or(u8::MAX, |place| place as u8), name)
}

/// The block in front of a member: the same bytes for the same member.
pub(super) fn block(name: &str, size: u64) -> Result<TarHeader, ArchiveError> {
    let mut header = TarHeader::new_ustar();
    header
        .set_path(Path::new(name))
        .map_err(|error| ArchiveError::Unsupported(format!("`{name}` is too long a name for an archive: {error}")))?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// How many zeros follow a member.
pub(super) fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_read_back_as_what_they_hold() {
        let (sum, text) = ("ab".repeat(32), TextName { document: DocumentId::new(), version: 12, generation: 3 });
        for (name, content) in [
            (HEADER.to_owned(), Content::Header),
            (records_name(RecordKind::TurnDocument, 7), Content::Records(RecordKind::TurnDocument)),
            (original_name(&sum), Content::Original(sum.clone())),
            (text_member(text), Content::Text(text)),
            (vectors_member(text, 1), Content::Vectors(text)),
            (
                folder_member(FolderKind::Adapter, &sum, "adapter_model.safetensors"),
                Content::File(FolderKind::Adapter, sum.clone(), "adapter_model.safetensors".to_owned()),
            ),
        ] {
            assert_eq!(Content::of(&name).unwrap(), content);
            let block = block(&name, 5).unwrap();
            assert_eq!(block.path_bytes().as_ref(), name.as_bytes());
        }
        for wrong in ["../etc/passwd", "originals/x", "texts/doc_1/1.1.json", "records/nothing.000000.jsonl", ""] {
            assert!(Content::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_archive_of_another_format_names_both() {
        let error = Header::parse(br#"{"format": 99, "other": 1}"#).unwrap_err().to_string();
        assert!(error.contains("99") && error.contains("reads 2"), "{error}");
    }
}
