//! Plain text: decoded, line ends unified to `\n`, otherwise as it was written.
//!
//! May depend on `domain` only.

use super::{ExtractError, charset};
use crate::domain::{ExtractedDocument, TextSyntax};

pub(super) fn read(bytes: &[u8]) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    Ok(ExtractedDocument {
        text: decoded.text,
        syntax: TextSyntax::Plain,
        media_type: "text/plain".into(),
        warnings: decoded.warnings,
        ..ExtractedDocument::default()
    })
}
