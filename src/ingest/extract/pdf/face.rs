//! What the name of a font and its description say about its look.
//!
//! May depend on nothing of this crate.

use std::hash::{DefaultHasher, Hash, Hasher};

use pdf_extract::{Dictionary, Document, Object};

use super::visibility::dictionary_at;

/// What a font's name says about its look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) bold: bool,
    pub(super) fixed: bool,
    /// Stands for the name of the font without its style: the same for plain and italic.
    pub(super) family: u64,
}

pub(super) fn face_of(document: &Document, font: &Dictionary) -> Face {
    let name = font.get(b"BaseFont").and_then(Object::as_name).map(|name| String::from_utf8_lossy(name).to_lowercase());
    let name = name.unwrap_or_default();
    let descendants = font.get(b"DescendantFonts").ok().and_then(|d| document.dereference(d).ok());
    let descendant = descendants
        .and_then(|(_, list)| list.as_array().ok()?.first())
        .and_then(|first| document.dereference(first).ok())
        .and_then(|(_, first)| first.as_dict().ok());
    let descriptor = dictionary_at(document, descendant.unwrap_or(font), b"FontDescriptor");
    let flags = descriptor.and_then(|d| d.get(b"Flags").ok()?.as_i64().ok()).unwrap_or(0);
    let weight = descriptor.and_then(|d| d.get(b"FontWeight").ok()?.as_float().ok()).unwrap_or(0.0);
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let family = name.split_once('+').map_or(name.as_str(), |(_, name)| name);
    let mut hasher = DefaultHasher::new();
    family.split(['-', ',']).next().unwrap_or_default().hash(&mut hasher);
    Face {
        family: hasher.finish(),
        bold: weight >= 600.0
            || says(&[
                "bold",
                "black",
                "heavy",
                "semibold",
                "demi",
                "cmbx",
                "nimbusromno9l-medi",
                "nimbussanl-bold",
                "sfbx",
            ]),
        // The font of recognised text has no shapes, and one width for all: its words are those of the picture.
        fixed: !says(&["glyphless"])
            && (flags & 1 == 1 || says(&["courier", "mono", "consol", "cmtt", "typewriter", "nimbusmonl", "sftt"])),
    }
}
