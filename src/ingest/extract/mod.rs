//! Extraction: the bytes of a file become a text with headings, pages and tables, or a reason why not.
//!
//! [`extract`] is the whole of it, a pure function. The parsers under it are other people's code that reads
//! other people's files: some panic, some loop, some swell. So the service never calls it in its own
//! process: [`Extractor`] runs it in child processes with a time limit and a memory limit.
//!
//! May depend on `domain` only.

mod archive;
mod asciidoc;
mod charset;
mod chart;
mod child;
mod code;
mod confine;
mod delimited;
mod detect;
mod diagram;
mod docx;
mod drawing_text;
mod epub;
mod error;
mod flow;
mod html;
mod inside;
mod json;
mod limits;
mod mail;
mod markdown;
mod number_format;
mod ocr;
mod odf;
mod package;
mod pdf;
mod pictures;
mod plain_text;
mod pptx;
mod properties;
mod relationships;
mod restructured_text;
mod rtf;
mod sandbox;
mod sheet;
mod structure;
mod symbols;
mod writer;
mod xls;
mod xlsx;
mod xml;

pub use child::run_child;
pub use error::ExtractError;
pub use limits::ExtractLimits;
pub use ocr::{Ocr, OcrError};
pub use sandbox::{Extractor, ExtractorConfig};
pub use structure::check_structure;

use detect::Format;
use inside::{Spent, Within};

use crate::domain::ExtractedDocument;

/// What a Footnote process starts its own program with to parse files. Not one of the commands: no person types it,
/// and completions should not offer it.
pub const CHILD_COMMAND: &str = "extract-child";

/// Reads a file: `bytes` are all of it, `name` is the name it was uploaded under.
///
/// The format is what the bytes are; a name that claims something else is a reason to refuse. May panic
/// where a third-party parser does: whoever calls it on files of strangers goes through [`Extractor`].
pub fn extract(bytes: &[u8], name: &str, limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    read(bytes, name, &Within::top(limits, &Spent::default()))
}

/// The same for a file that may lie in another one.
fn read(bytes: &[u8], name: &str, within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    let limits = within.limits();
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
        Format::ReStructuredText => restructured_text::read(bytes, limits),
        Format::AsciiDoc => asciidoc::read(bytes, limits),
        Format::RichText => rtf::read(bytes, limits),
        Format::Code(language) => code::read(bytes, name, language, limits),
        Format::Mail => mail::read(bytes, within),
        Format::Mailbox => mail::read_mailbox(bytes, within),
        Format::OutlookMail => mail::read_outlook(bytes, within),
        Format::Zip => archive::read(bytes, within),
        Format::Picture(kind) => Err(pictures::in_place_of_text(kind)),
    }?;
    structure::finish(extracted, limits)
}

#[cfg(test)]
mod tests;
