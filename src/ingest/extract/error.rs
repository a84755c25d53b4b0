//! Why a file could not be read, in words for the person who uploaded it.
//!
//! May depend on nothing.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a file could not be read. Travels from the child process to its parent.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExtractError {
    /// The format is known or unknown, and not one that is read.
    #[error(
        "{found} is not a format that can be read; convert it to PDF, DOCX, PPTX, XLSX, ODT, EPUB, HTML, Markdown, plain text, CSV, TSV, JSON or JSONL"
    )]
    UnsupportedFormat {
        /// What the file is.
        found: String,
    },
    /// The bytes are not what the name says.
    #[error("the name says {claimed}, but the bytes are {found}; upload it under a name that fits")]
    ContradictsName {
        /// What the name's extension stands for.
        claimed: String,
        /// What the bytes are.
        found: String,
    },
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The file is locked with a password.
    #[error("the {format} file is encrypted; remove its password and upload it again")]
    Encrypted {
        /// The format.
        format: String,
    },
    /// The file can be read by programs that its seller trusts only.
    #[error("the {format} file is protected against copying (DRM); upload a copy without the protection")]
    CopyProtected {
        /// The format.
        format: String,
    },
    /// The file breaks the rules of its own format.
    #[error("the {format} file is damaged: {reason}")]
    Malformed {
        /// The format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file would cost more than the configured bounds allow.
    #[error("the file is too large: {what} is over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// The file is sound and holds no text.
    #[error("the file holds no text: {reason}")]
    NoText {
        /// What it holds instead.
        reason: String,
    },
    /// The file is sound and holds pictures, probably of text, that nobody has read.
    #[error(
        "{what} has only pictures and no words; set `ocr_command` to a text recognition program (OCR), or run one over \
         the file and upload what it makes"
    )]
    OnlyPictures {
        /// What the file is.
        what: String,
        /// The ending that its format has.
        extension: String,
    },
    /// The text recognition program of the configuration did not do its work.
    #[error("text recognition failed: {reason}")]
    Ocr {
        /// What happened.
        reason: String,
    },
    /// The parser died on the file.
    #[error("the parser failed on this file ({reason}); open it in another program, save it anew and upload that")]
    Crashed {
        /// What is known of the failure.
        reason: String,
    },
    /// The parser did not come to an end.
    #[error("the parser was stopped after {seconds} s on this file; split it or save it anew and upload that")]
    TimedOut {
        /// The time that it had.
        seconds: u64,
    },
    /// The file could not be read from the disk, or no child process could be started.
    #[error("the file could not be given to the parser: {reason}")]
    Unavailable {
        /// What the operating system said.
        reason: String,
    },
}

impl ExtractError {
    /// Whether trying again may end differently. A file that is refused or kills its parser does so each time.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn malformed(format: &str, reason: impl std::fmt::Display) -> Self {
        Self::Malformed { format: format.into(), reason: reason.to_string() }
    }

    pub(crate) fn too_large(what: &str, limit: u64) -> Self {
        Self::TooLarge { what: what.into(), limit }
    }

    pub(crate) fn no_text(reason: &str) -> Self {
        Self::NoText { reason: reason.into() }
    }
}
