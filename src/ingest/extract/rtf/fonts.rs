//! Fonts, as far as they decide what a byte means.

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::ingest::extract::charset::of_code_page;

/// The encodings of fonts and of the document.
#[derive(Debug)]
pub(super) struct Fonts {
    /// `None` for fonts of symbols, whose bytes are no letters.
    by_number: HashMap<i32, Option<&'static Encoding>>,
    pub(super) default: &'static Encoding,
    /// The font that `\plain` goes back to.
    pub(super) default_font: i32,
}

impl Default for Fonts {
    fn default() -> Self {
        Self { by_number: HashMap::new(), default: WINDOWS_1252, default_font: 0 }
    }
}

impl Fonts {
    pub(super) fn set_charset(&mut self, font: i32, charset: i32) {
        let encoding = match charset {
            // The document's own.
            0 | 1 => return,
            2 => None,
            other => code_page_of(other).and_then(of_code_page),
        };
        if charset == 2 || encoding.is_some() {
            self.by_number.insert(font, encoding);
        }
    }

    pub(super) fn set_code_page(&mut self, font: i32, page: i32) {
        if let Some(encoding) = u32::try_from(page).ok().and_then(of_code_page) {
            self.by_number.insert(font, Some(encoding));
        }
    }

    /// The encoding of a font; `None` for one of symbols.
    pub(super) fn encoding(&self, font: i32) -> Option<&'static Encoding> {
        self.by_number.get(&font).copied().unwrap_or(Some(self.default))
    }
}

/// The code page that a character set of Windows stands for.
fn code_page_of(charset: i32) -> Option<u32> {
    Some(match charset {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}
