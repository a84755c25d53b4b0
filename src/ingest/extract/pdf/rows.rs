//! Glyphs become words, and words on one baseline become rows.

use unicode_normalization::UnicodeNormalization;

use super::glyphs::{Glyph, PageGlyphs, UNMAPPED};

/// A gap that separates words, in parts of the font size; the larger where the text has blanks of its own.
const WORD_GAP: f64 = 0.17;
const WORD_GAP_BESIDE_BLANKS: f64 = 0.30;
/// How far baselines of one row may lie apart, in parts of the font size.
const BASELINE: f64 = 0.25;
/// A smaller glyph may stand this far above (an exponent) or below (an index) the baseline.
const RAISED: f64 = 0.60;
const LOWERED: f64 = 0.30;

#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) size: f64,
    pub(super) text: String,
    pub(super) bold: bool,
    pub(super) fixed: bool,
    pub(super) family: u64,
}

impl Word {
    pub(super) fn middle(&self) -> f64 {
        (self.x0 + self.x1) / 2.0
    }
}

/// Words on one baseline, from left to right, or from right to left in scripts that run so.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) y: f64,
    pub(super) words: Vec<Word>,
}

impl Row {
    pub(super) fn x0(&self) -> f64 {
        self.words.iter().map(|word| word.x0).fold(f64::INFINITY, f64::min)
    }

    pub(super) fn x1(&self) -> f64 {
        self.words.iter().map(|word| word.x1).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The font size of most of its letters.
    pub(super) fn size(&self) -> f64 {
        let mut sizes: Vec<(f64, usize)> = self.words.iter().map(|word| (word.size, word.text.len())).collect();
        sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = sizes.iter().map(|(_, letters)| letters).sum::<usize>() / 2;
        let mut seen = 0;
        for (size, letters) in &sizes {
            seen += letters;
            if seen > half {
                return *size;
            }
        }
        sizes.last().map_or(0.0, |(size, _)| *size)
    }

    pub(super) fn is_bold(&self) -> bool {
        self.words.iter().all(|word| word.bold || !word.text.chars().any(char::is_alphanumeric))
            && self.words.iter().any(|word| word.bold)
    }

    /// Whether the two are set in different fonts throughout, as a heading and the text below it may be.
    pub(super) fn shares_no_font_with(&self, other: &Self) -> bool {
        self.words.iter().all(|word| other.words.iter().all(|other| other.family != word.family))
    }

    pub(super) fn is_fixed(&self) -> bool {
        !self.words.is_empty() && self.words.iter().all(|word| word.fixed)
    }

    pub(super) fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The rows of a page, from top to bottom, in groups that are read in one direction: first the one that
/// most of the page is in.
pub(super) fn rows_of(page: PageGlyphs) -> Vec<Vec<Row>> {
    let mut groups: [Vec<Glyph>; 4] = Default::default();
    for glyph in page.glyphs {
        groups[usize::from(glyph.turn % 4)].push(glyph);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups.into_iter().filter(|group| !group.is_empty()).map(rows_in_one_direction).collect()
}

fn rows_in_one_direction(mut glyphs: Vec<Glyph>) -> Vec<Row> {
    glyphs.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut taken = vec![false; glyphs.len()];
    let mut rows = Vec::new();
    for (y, size) in baselines(&glyphs) {
        let start = glyphs.partition_point(|glyph| glyph.y > y + RAISED * size);
        let mut row = Vec::new();
        for index in start..glyphs.len() {
            let glyph = &glyphs[index];
            if glyph.y < y - LOWERED.max(BASELINE) * size {
                break;
            }
            let apart = glyph.y - y;
            let is_small = glyph.size < size * 0.85 && apart > -LOWERED * size;
            if !taken[index] && (apart.abs() <= BASELINE * size || is_small) {
                taken[index] = true;
                row.push(glyph.clone());
            }
        }
        let words = words_of(row);
        if !words.is_empty() {
            rows.push(Row { y, words });
        }
    }
    rows.sort_by(|a, b| b.y.total_cmp(&a.y));
    rows
}

/// The places where glyphs stand, with the size of those there: the heaviest first, so that a line of text
/// takes its exponents and not the other way round.
fn baselines(glyphs: &[Glyph]) -> Vec<(f64, f64)> {
    let mut found: Vec<(f64, f64, f64)> = Vec::new();
    for glyph in glyphs {
        let weight = (glyph.x1 - glyph.x0).max(0.0) * glyph.size + f64::EPSILON;
        match found.last_mut() {
            Some((y, size, sum)) if (*y - glyph.y).abs() < 0.05 * glyph.size => {
                *size = size.max(glyph.size);
                *sum += weight;
            }
            _ => found.push((glyph.y, glyph.size, weight)),
        }
    }
    found.sort_by(|a, b| b.2.total_cmp(&a.2));
    found.into_iter().map(|(y, size, _)| (y, size)).collect()
}

fn words_of(mut glyphs: Vec<Glyph>) -> Vec<Word> {
    glyphs.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let has_blanks = glyphs.iter().any(|glyph| glyph.text.trim().is_empty());
    let gap = if has_blanks { WORD_GAP_BESIDE_BLANKS } else { WORD_GAP };
    let mut words: Vec<Word> = Vec::new();
    let mut open = false;
    let mut last: Option<Glyph> = None;
    for glyph in glyphs {
        if glyph.text.trim().is_empty() {
            open = false;
            continue;
        }
        // Bold by printing twice.
        if let (Some(before), Some(word)) = (&last, words.last_mut())
            && before.text == glyph.text
            && (glyph.x0 - before.x0).abs() < 0.15 * glyph.size
        {
            word.bold = true;
            continue;
        }
        match words.last_mut() {
            Some(word)
                if open
                    && !glyph.text.starts_with(char::is_whitespace)
                    && glyph.x0 - word.x1 <= gap * glyph.size.max(word.size) =>
            {
                if is_exponent(&glyph, last.as_ref()) {
                    word.text.push('^');
                }
                push_as_seen(&mut word.text, &glyph.text);
                word.x1 = word.x1.max(glyph.x1);
                word.size = word.size.max(glyph.size);
                word.bold &= glyph.face.bold;
                word.fixed &= glyph.face.fixed;
            }
            _ => words.push(Word {
                x0: glyph.x0,
                x1: glyph.x1,
                size: glyph.size,
                text: {
                    let mut text = String::new();
                    push_as_seen(&mut text, &glyph.text);
                    text
                },
                bold: glyph.face.bold,
                fixed: glyph.face.fixed,
                family: glyph.face.family,
            }),
        }
        // A text in place of glyphs may end with the blank behind a word.
        open = !glyph.text.ends_with(char::is_whitespace);
        last = Some(glyph);
    }
    for word in &mut words {
        let composed: String = word.text.trim().nfc().collect();
        let composed = without_forms(&composed);
        word.text = if runs_right_to_left(&composed) { reversed(&composed) } else { composed };
    }
    let starts_with_bullet = words.len() > 1 && is_symbol(&words[0].text) && !words[1].text.contains(UNMAPPED);
    if starts_with_bullet {
        words[0].text = "•".into();
    }
    for word in &mut words {
        if word.text.contains(UNMAPPED) {
            word.text = word.text.replace(UNMAPPED, "");
        }
    }
    words.retain(|word| !word.text.is_empty());
    let right_to_left = words.iter().filter(|word| runs_right_to_left(&word.text)).count();
    if right_to_left * 2 > words.len() {
        words.reverse();
    }
    words
}

/// Adds a glyph to a word that is put together from left to right, whichever way it is spelt.
fn push_as_seen(word: &mut String, glyph: &str) {
    if glyph.chars().nth(1).is_some() && runs_right_to_left(glyph) {
        word.extend(glyph.chars().rev());
    } else {
        word.push_str(glyph);
    }
}

/// `10⁶` set with a raised 6 is not 106. A raised mark after a word is a footnote.
fn is_exponent(glyph: &Glyph, before: Option<&Glyph>) -> bool {
    before.is_some_and(|before| {
        glyph.size < before.size * 0.85
            && glyph.y > before.y + 0.2 * before.size
            && before.text.chars().all(|c| c.is_ascii_digit() || c == ')')
            && glyph.text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '−' | '+'))
    })
}

/// One glyph of a font of symbols.
fn is_symbol(text: &str) -> bool {
    let mut chars = text.chars();
    matches!((chars.next(), chars.next()), (Some('\u{e000}'..='\u{f8ff}' | char::REPLACEMENT_CHARACTER), None))
}

pub(super) fn runs_right_to_left(text: &str) -> bool {
    let is_rtl = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    text.chars().filter(|c| is_rtl(*c)).count() * 2 > text.chars().filter(|c| c.is_alphabetic()).count().max(1)
}

/// Arabic letters have a code for each of their forms; words are spelt with the letters.
fn without_forms(text: &str) -> String {
    let is_form = |c: char| matches!(c, '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if !text.contains(is_form) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_form(c) {
            push_as_seen(&mut plain, &c.nfkc().collect::<String>());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Glyphs stand as they are seen; a word is spelt the other way round. Numbers inside keep their order.
fn reversed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().rev() {
        if c.is_ascii_digit() {
            digits.insert(0, c);
            continue;
        }
        out.push_str(&std::mem::take(&mut digits));
        out.push(c);
    }
    out + &digits
}
