//! The glyphs of a page, each with its place, turned so that its line runs from left to right.

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};

use super::{
    content::{Flat, Shown},
    face::Face,
};

/// One glyph: where it stands in points, `y` growing upwards from the foot of the page.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) text: String,
    pub(super) face: Face,
    /// Quarter turns of the line that it stands in.
    pub(super) turn: u8,
}

/// Stands for a glyph whose text is not known.
pub(super) const UNMAPPED: &str = "\u{fffd}";

#[derive(Debug)]
pub(super) struct PageGlyphs {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) pictures: usize,
    /// Glyphs for which the file gives no text.
    pub(super) unmapped: usize,
    /// Something stands on a layer that is switched off.
    pub(super) has_hidden_layer: bool,
    /// A stream that draws the page broke off, or strings in it have no end.
    pub(super) is_damaged: bool,
}

pub(super) struct Collector {
    page: PageGlyphs,
    shown: std::vec::IntoIter<Shown>,
    face: Face,
    instead: Option<Instead>,
    turns: u8,
}

/// The text of a string whose glyphs do not say what is read.
enum Instead {
    /// The next glyph has it.
    Untold(String),
    /// The glyph before had it, and is as wide as all of them.
    Told,
}

impl Collector {
    pub(super) fn new(flat: Flat) -> Self {
        let page = PageGlyphs {
            glyphs: Vec::new(),
            pictures: flat.pictures,
            unmapped: 0,
            has_hidden_layer: flat.has_hidden_layer,
            is_damaged: flat.is_damaged,
        };
        Self { page, shown: flat.shown.into_iter(), face: Face::default(), instead: None, turns: flat.turns }
    }

    pub(super) fn finish(self) -> PageGlyphs {
        self.page
    }
}

impl OutputDev for Collector {
    fn begin_page(&mut self, _: u32, _: &MediaBox, _: Option<(f64, f64, f64, f64)>) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        trm: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        // A glyph without a text still stands somewhere: at the start of a line it is a bullet.
        let is_unmapped = self.instead.is_none() && (text.is_empty() || text == UNMAPPED);
        self.page.unmapped += usize::from(is_unmapped);
        let along = (trm.m11 * font_size, trm.m12 * font_size);
        let up = (trm.m21 * font_size, trm.m22 * font_size);
        let size = up.0.hypot(up.1);
        let advance = along.0.hypot(along.1) * width;
        if !(size.is_finite() && advance.is_finite() && trm.m31.is_finite() && trm.m32.is_finite()) || size < 0.1 {
            return Ok(());
        }
        // Quarter turns, counter-clockwise, of the direction in which the line runs; then the page's own.
        let turn = (along.1.atan2(along.0) / std::f64::consts::FRAC_PI_2).round().rem_euclid(4.0) as u8;
        let turn = (turn + 4 - self.turns % 4) % 4;
        let (x, y) = turned((trm.m31, trm.m32), (4 - self.turns % 4 + 4 - turn) % 4);
        let text = match &mut self.instead {
            Some(Instead::Untold(instead)) => {
                let instead = std::mem::take(instead);
                self.instead = Some(Instead::Told);
                self.page.unmapped += usize::from(instead == UNMAPPED);
                plain_letters(&instead)
            }
            Some(Instead::Told) => {
                let before = self.page.glyphs.last_mut().filter(|before| before.turn == turn);
                if let Some(before) = before.filter(|before| (before.y - y).abs() < 0.5 * size) {
                    before.x1 = before.x1.max(x + advance);
                }
                return Ok(());
            }
            None if is_unmapped => UNMAPPED.to_owned(),
            None => plain_letters(text),
        };
        if text.is_empty() {
            return Ok(());
        }
        self.page.glyphs.push(Glyph { x0: x, x1: x + advance, y, size, text, face: self.face, turn });
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        let shown = self.shown.next().unwrap_or_default();
        self.face = shown.face;
        self.instead = match (self.instead.take(), shown.instead) {
            // The string before had no glyph that could have told it.
            (Some(untold @ Instead::Untold(_)), Some(text)) if text.is_empty() => Some(untold),
            (_, Some(text)) if text.is_empty() => Some(Instead::Told),
            (_, text) => text.map(Instead::Untold),
        };
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// A point after so many quarter turns counter-clockwise around the origin.
fn turned((x, y): (f64, f64), turns: u8) -> (f64, f64) {
    match turns % 4 {
        1 => (-y, x),
        2 => (-x, -y),
        3 => (y, -x),
        _ => (x, y),
    }
}

/// Ligatures are a matter of type, not of spelling; control characters are no text.
fn plain_letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => plain.push_str("ff"),
            '\u{fb01}' => plain.push_str("fi"),
            '\u{fb02}' => plain.push_str("fl"),
            '\u{fb03}' => plain.push_str("ffi"),
            '\u{fb04}' => plain.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => plain.push_str("st"),
            '\u{ad}' => plain.push('-'),
            '\u{200b}' | '\u{feff}' => {}
            c if c.is_control() || c == '\u{a0}' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
