//! Source code and other text of programs: as it was written, in a fence that names the language.
//!
//! Lines that begin a definition at the left margin (functions, types, sections of a configuration) head what follows, so
//! that a long file is cut there and each passage says what it belongs to. They are found by the keyword that they begin
//! with; where a language marks its functions with none, as C does, they are not. Comments right above a definition
//! belong to it.
//!
//! May depend on `domain` only.

mod definitions;
mod languages;

pub(super) use self::languages::{language_of_extension, language_of_name};
use super::{ExtractError, ExtractLimits, charset, inside::shown, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

pub(super) fn read(
    bytes: &[u8],
    name: &str,
    language: &str,
    limits: &ExtractLimits,
) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut writer = MarkdownWriter::new(media_type(language), limits);
    decoded.warnings.into_iter().for_each(|warning| writer.warn(warning));
    let text = decoded.text.trim_matches('\n').trim_end();
    let start = writer.code_in(text, language)?;
    for definition in definitions::find(text, language) {
        let range = start + definition.range.start..start + definition.range.end;
        writer.note_heading(definition.level, &definition.title, range);
    }
    let file = shown(name);
    let title = file.rsplit('/').next().map(str::to_owned);
    Ok(ExtractedDocument { title, ..writer.finish(None) })
}

/// Only a few languages have a type that is registered.
fn media_type(language: &str) -> &'static str {
    match language {
        "css" => "text/css",
        "javascript" => "text/javascript",
        "toml" => "application/toml",
        "xml" => "application/xml",
        "yaml" => "application/yaml",
        _ => "text/x-source",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ingest::extract::{check_structure, extract};

    fn document(name: &str, source: &str) -> ExtractedDocument {
        let document = extract(source.as_bytes(), name, &ExtractLimits::default()).unwrap();
        assert_eq!(check_structure(&document), Ok(()));
        document
    }

    #[test]
    fn code_stays_as_it_is_and_is_cut_at_definitions() {
        let source = "use std::io;\n\n/// Adds.\n#[inline]\npub fn add(a: u8) -> u8 {\n    fn inner() {}\n    a + 1\n}\n\nimpl<T> From<T> for X {\n}\n";
        let document = document("src/lib.rs", source);
        assert_eq!(document.text, format!("```rust\n{}\n```\n", source.trim_end()));
        assert_eq!(document.title.as_deref(), Some("lib.rs"));
        let headings: Vec<_> =
            document.headings.iter().map(|h| (h.title.as_str(), &document.text[h.range.clone()])).collect();
        assert_eq!(
            headings,
            [
                ("fn add", "/// Adds.\n#[inline]\npub fn add(a: u8) -> u8 {"),
                ("impl<T> From<T> for X", "impl<T> From<T> for X {")
            ]
        );
    }

    #[test]
    fn a_file_of_settings_is_text_with_its_sections() {
        let document = document("a.toml", "# top\n[package]\nname = \"x\"\n\n[[bin]]\nname = \"y\"\n");
        let titles: Vec<_> = document.headings.iter().map(|heading| heading.title.as_str()).collect();
        assert_eq!((titles, document.media_type.as_str()), (vec!["[package]", "[[bin]]"], "application/toml"));
    }
}
