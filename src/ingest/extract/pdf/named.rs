//! The encodings of composite fonts that are named and not in the file: those of Unicode, and those of older systems in
//! East Asia. The interpreter has no tables of them, so their strings are read here, character by character.
//!
//! May depend on nothing of this crate.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS};
use pdf_extract::{Dictionary, Document, Object};

use super::glyphs::UNMAPPED;

/// How the strings of a composite font are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Utf16,
    /// Characters of one or two bytes.
    Older(&'static Encoding),
}

impl Named {
    pub(super) fn of(document: &Document, font: &Dictionary) -> Option<Self> {
        if font.get(b"Subtype").and_then(Object::as_name).ok()? != b"Type0" {
            return None;
        }
        let (_, name) = document.dereference(font.get(b"Encoding").ok()?).ok()?;
        Self::by_name(std::str::from_utf8(name.as_name().ok()?).ok()?)
    }

    fn by_name(name: &str) -> Option<Self> {
        // Across and down are written alike.
        let name = name.strip_suffix("-H").or_else(|| name.strip_suffix("-V")).unwrap_or(name);
        Some(match name {
            "GB-EUC" | "GBpc-EUC" | "GBK-EUC" | "GBKp-EUC" | "GBK2K" => Self::Older(GBK),
            "83pv-RKSJ" | "90ms-RKSJ" | "90msp-RKSJ" | "90pv-RKSJ" | "Add-RKSJ" | "Ext-RKSJ" => Self::Older(SHIFT_JIS),
            "EUC" => Self::Older(EUC_JP),
            "B5pc" | "HKscs-B5" | "ETen-B5" | "ETenms-B5" => Self::Older(BIG5),
            "KSC-EUC" | "KSCms-UHC" | "KSCms-UHC-HW" | "KSCpc-EUC" => Self::Older(EUC_KR),
            name if name.starts_with("Uni") && (name.contains("UCS2") || name.contains("UTF16")) => Self::Utf16,
            _ => return None,
        })
    }

    /// The characters of a string, each with a code of two bytes for its glyph.
    pub(super) fn characters(self, written: &[u8]) -> Vec<(u16, String)> {
        let mut characters = Vec::new();
        let mut rest = written;
        while let [first, after @ ..] = rest {
            let length = match self {
                Self::Utf16 if matches!(first, 0xd8..=0xdb) => 4,
                Self::Utf16 => 2,
                Self::Older(encoding) => 1 + usize::from(is_lead(encoding, *first)),
            };
            let (character, others) = rest.split_at(length.min(rest.len()));
            let text = match self {
                Self::Utf16 => {
                    let units: Vec<u16> =
                        character.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                    String::from_utf16(&units).ok()
                }
                Self::Older(encoding) => encoding
                    .decode_without_bom_handling_and_without_replacement(character)
                    .map(|text| text.into_owned()),
            };
            let code = match (length, after.first()) {
                (1, _) | (_, None) => u16::from(*first),
                (_, Some(second)) => u16::from_be_bytes([*first, *second]),
            };
            characters.push((code, text.filter(|text| !text.is_empty()).unwrap_or_else(|| UNMAPPED.to_owned())));
            rest = others;
        }
        characters
    }
}

/// Whether a byte is the first of two.
fn is_lead(encoding: &'static Encoding, byte: u8) -> bool {
    match byte {
        0xa0..=0xdf => encoding != SHIFT_JIS,
        0x81..=0xfe => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_by_the_name_of_their_encoding() {
        for (name, written, expected) in [
            ("UniGB-UCS2-H", &b"\x4f\x60\x00A"[..], "你A"),
            ("UniJIS-UTF16-V", b"\xd8\x40\xdc\x0b\x00B", "𠀋B"),
            ("GBK-EUC-H", b"\xc4\xe3A\xba\xc3", "你A好"),
            ("90ms-RKSJ-H", b"\x93\xfa\xb1A", "日ｱA"),
            ("ETen-B5-H", b"\xa4\xa4", "中"),
            ("KSCms-UHC-H", b"\xc7\xd1 ", "한 "),
            ("GBK-EUC-V", b"A\xc4", "A\u{fffd}"),
        ] {
            let read: Option<String> =
                Named::by_name(name).map(|named| named.characters(written).into_iter().map(|(_, text)| text).collect());
            assert_eq!(read.as_deref(), Some(expected), "{name}");
        }
        assert_eq!(Named::by_name("Identity-H"), None);
    }
}
