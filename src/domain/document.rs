//! Documents, their versions, and what extraction makes of a file.
//!
//! May depend on the other modules of `domain` only.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DocumentId;

/// The collection that is used when a request names none.
pub const DEFAULT_COLLECTION: &str = "default";

/// What a user says about a document: a flat JSON object of strings, numbers, booleans or arrays of
/// strings, which filters can name.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// A collection, as far as its reader may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many documents it holds.
    pub documents: u64,
    /// How many of them answer questions now.
    pub answerable: u64,
}

/// A document as it is listed: the name, and the version that answers questions now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// The document's identifier; it stays the same over all versions.
    pub id: DocumentId,
    /// The collection that holds the document.
    pub collection: String,
    /// The name, unique in the collection: a file name or a relative path.
    pub name: String,
    /// What the user said about the document.
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// Who may read it: callers that have one of these access labels. Everyone who may read the collection when empty.
    pub access: Vec<String>,
    /// When the name was first uploaded.
    pub created_at: DateTime<Utc>,
    /// When the document last changed.
    pub updated_at: DateTime<Utc>,
    /// The version that answers questions; absent until the first one has been ingested.
    pub active: Option<DocumentVersion>,
    /// The newest version, which may still wait for its job or have failed.
    pub latest: DocumentVersion,
}

/// The state of one version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// Uploaded, and waiting to be ingested or being ingested.
    Pending,
    /// Searched and cited.
    Active,
    /// Replaced by a newer version.
    Superseded,
    /// Refused or given up: the job says why.
    Failed,
}

impl VersionState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
        }
    }
}

/// One version of a document: the bytes that were uploaded, and what became of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentVersion {
    /// 1 for the first upload of a name, one more for each upload of other bytes or other metadata.
    pub version: u32,
    /// The state.
    pub state: VersionState,
    /// SHA-256 of the original bytes, in hexadecimal.
    pub sha256: String,
    /// The size of the original in bytes.
    pub size_bytes: u64,
    /// The media type that the bytes were found to have; absent before extraction.
    pub media_type: Option<String>,
    /// The document's own title; absent where it has none.
    pub title: Option<String>,
    /// The number of pages, for formats that have pages.
    pub pages: Option<u32>,
    /// The number of chunks; absent before the version has become active.
    pub chunks: Option<u32>,
    /// When the bytes arrived.
    pub created_at: DateTime<Utc>,
}

/// What extraction makes of a file: the text that is stored, shown and cited, and its structure.
///
/// All ranges are byte ranges of `text` on character boundaries, in order and inside the text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExtractedDocument {
    /// The text. Formats with structure (HTML, PDF, office documents, e-books, CSV, JSON and others) are written as Markdown: headings as
    /// `#` lines, tables as pipe tables, code in fences. Markdown and plain text stay as they were written.
    pub text: String,
    /// How `text` is to be read.
    pub syntax: TextSyntax,
    /// The media type that was found, such as `text/html`.
    pub media_type: String,
    /// The document's own title, from its metadata or its first top-level heading.
    pub title: Option<String>,
    /// The headings, in order.
    pub headings: Vec<Heading>,
    /// The pages, in order, for formats that have pages. They tile the text.
    pub pages: Vec<Page>,
    /// The tables, in order; no two overlap.
    pub tables: Vec<Table>,
    /// The numbers of the pages that hold pictures and no words, in order: those that text recognition may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picture_pages: Vec<u32>,
    /// What could not be taken over (an image without text, an unreadable page), in words for a person.
    pub warnings: Vec<String>,
}

/// How an extracted text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextSyntax {
    /// No markup: a `#` is a `#`.
    #[default]
    Plain,
    /// Markdown (CommonMark with tables).
    Markdown,
}

/// A heading of an extracted document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// 1 for the highest level, 6 for the lowest.
    pub level: u8,
    /// The words of the heading, without markup.
    pub title: String,
    /// Where the whole heading line stands in the text. In source code it is the line of a definition, with the comments
    /// right above it.
    pub range: Range<usize>,
}

/// A page of an extracted document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The number, 1 for the first.
    pub number: u32,
    /// Where the page's text stands.
    pub range: Range<usize>,
}

/// A table of an extracted document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The whole table, header included.
    pub range: Range<usize>,
    /// The header row (and the delimiter row below it), repeated as context in each chunk of the table.
    pub header: Range<usize>,
}

impl ExtractedDocument {
    /// The headings that `offset` (in bytes) stands under, outermost first.
    pub fn heading_path(&self, offset: usize) -> Vec<&str> {
        let mut path: Vec<&Heading> = Vec::new();
        for heading in self.headings.iter().take_while(|heading| heading.range.start <= offset) {
            while path.last().is_some_and(|above| above.level >= heading.level) {
                path.pop();
            }
            path.push(heading);
        }
        path.into_iter().map(|heading| heading.title.as_str()).collect()
    }

    /// The page that `offset` (in bytes) stands on, for formats that have pages.
    pub fn page_of(&self, offset: usize) -> Option<u32> {
        let after = self.pages.partition_point(|page| page.range.start <= offset);
        self.pages.get(after.checked_sub(1)?).map(|page| page.number)
    }
}
