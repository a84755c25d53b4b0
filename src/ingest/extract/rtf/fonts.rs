//! Fonts, as far as they decide what a byte means.

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::dos;
use crate::ingest::extract::{charset, symbols};

/// No font that is known here has a longer name.
const LONGEST_NAME: usize = 32;

/// What bytes mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    Encoded(&'static Encoding),
    /// The characters from 0x80 on of a code page of DOS.
    Dos(&'static str),
    /// Signs of a font and no letters.
    Signs,
}

impl Letters {
    /// What Windows and DOS know by a number, where it is read here.
    pub(super) fn of_code_page(page: i32) -> Option<Self> {
        Some(match page {
            437 => Self::Dos(dos::PAGE_437),
            850 => Self::Dos(dos::PAGE_850),
            page => Self::Encoded(charset::of_code_page(u32::try_from(page).ok()?)?),
        })
    }
}

/// The encodings of fonts and of the document.
#[derive(Debug)]
pub(super) struct Fonts {
    by_number: HashMap<i32, Letters>,
    names: HashMap<i32, String>,
    pub(super) default: Letters,
    /// The font that `\plain` goes back to.
    pub(super) default_font: i32,
}

impl Default for Fonts {
    fn default() -> Self {
        Self {
            by_number: HashMap::new(),
            names: HashMap::new(),
            default: Letters::Encoded(WINDOWS_1252),
            default_font: 0,
        }
    }
}

impl Fonts {
    pub(super) fn set_charset(&mut self, font: i32, charset: i32) {
        let letters = match charset {
            // The document's own.
            0 | 1 => None,
            2 => Some(Letters::Signs),
            other => code_page_of(other).and_then(Letters::of_code_page),
        };
        self.by_number.extend(letters.map(|letters| (font, letters)));
    }

    pub(super) fn set_code_page(&mut self, font: i32, page: i32) {
        self.by_number.extend(Letters::of_code_page(page).map(|letters| (font, letters)));
    }

    /// Takes a piece of the name of a font.
    pub(super) fn add_to_name(&mut self, font: i32, piece: &str) {
        let name = self.names.entry(font).or_default();
        if name.len() <= LONGEST_NAME {
            name.push_str(piece);
        }
    }

    fn name(&self, font: i32) -> &str {
        self.names.get(&font).map_or("", |name| name.trim_end_matches(';').trim())
    }

    /// What the bytes of a font mean. Some programs do not say that Symbol has no letters.
    pub(super) fn letters(&self, font: i32) -> Letters {
        let by_name = || if self.name(font).eq_ignore_ascii_case("symbol") { Letters::Signs } else { self.default };
        self.by_number.get(&font).copied().unwrap_or_else(by_name)
    }

    /// The character at a place of a font of signs, where it is known.
    pub(super) fn sign(&self, font: i32, code: u32) -> Option<char> {
        symbols::sign(self.name(font), code)
    }
}

/// The code page that a character set of Windows stands for.
fn code_page_of(charset: i32) -> Option<i32> {
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
        254 | 255 => 437,
        _ => return None,
    })
}
