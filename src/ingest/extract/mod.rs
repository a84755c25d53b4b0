//! Extraction: the bytes of a file become a text with headings, pages and tables, or a reason why not.
//!
//! [`extract`] is the whole of it, a pure function. The parsers under it are other people's code that reads
//! other people's files: some panic, some loop, some swell. So the service never calls it in its own
//! process: [`Extractor`] runs it in child processes with a time limit and a memory limit.
//!
//! May depend on `domain` only.

mod charset;
mod chart;
mod child;
mod confine;
mod delimited;
mod detect;
mod docx;
mod epub;
mod error;
mod html;
mod json;
mod limits;
mod markdown;
mod number_format;
mod odf;
mod package;
mod pdf;
mod plain_text;
mod pptx;
mod properties;
mod relationships;
mod sandbox;
mod sheet;
mod structure;
mod writer;
mod xls;
mod xlsx;
mod xml;

pub use child::run_child;
pub use error::ExtractError;
pub use limits::ExtractLimits;
pub use sandbox::{Extractor, ExtractorConfig};
pub use structure::check_structure;

use detect::Format;

use crate::domain::ExtractedDocument;

/// What a Footnote process starts its own program with to parse files. Not one of the commands: no person types it,
/// and completions should not offer it.
pub const CHILD_COMMAND: &str = "extract-child";

/// Reads a file: `bytes` are all of it, `name` is the name it was uploaded under.
///
/// The format is what the bytes are; a name that claims something else is a reason to refuse. May panic
/// where a third-party parser does: whoever calls it on files of strangers goes through [`Extractor`].
pub fn extract(bytes: &[u8], name: &str, limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let extracted = match detect::detect(bytes, name)? {
        Format::PlainText => plain_text::read(bytes),
        Format::Markdown => markdown::read(bytes),
        Format::Html => html::read(bytes, limits),
        Format::Pdf => pdf::read(bytes, limits),
        Format::Docx => docx::read(bytes, limits),
        Format::Pptx => pptx::read(bytes, limits),
        Format::Xlsx => xlsx::read(bytes, limits),
        Format::Xlsb => xls::read_xlsb(bytes, limits),
        Format::Xls => xls::read(bytes, limits),
        Format::OpenDocument(kind) => odf::read(bytes, kind, limits),
        Format::Epub => epub::read(bytes, limits),
        Format::Delimited(separator) => delimited::read(bytes, separator, limits),
        Format::Json => json::read(bytes, limits),
        Format::JsonLines => json::read_lines(bytes, limits),
    }?;
    structure::finish(extracted, limits)
}

#[cfg(test)]
mod tests;
