//! Signs that a text names by their font and their place in it, as characters.
//!
//! May depend on `xml`.

use super::xml::Element;

/// The places from 0x40 on of the font Symbol, as Adobe and Microsoft have them; a blank where there is none to show.
const GREEK: &str = "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼";
/// The places from 0xa1 on.
const SIGNS: &str = "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑           ⟩∫";

/// The character of a `w:sym`; `None` where it is only known to those who have the font.
pub(super) fn symbol(element: &Element<'_>) -> Option<char> {
    let font = element.attribute("font").unwrap_or_default();
    character(&font, u32::from_str_radix(element.attribute("char")?.trim(), 16).ok()?)
}

/// The character at a place of a font of signs; `None` where the font is none that is known here, or has no such sign.
pub(super) fn sign(font: &str, code: u32) -> Option<char> {
    // Fonts of pictures are often addressed in the private area.
    let is_in_font = code <= 0xff || (0xf000..=0xf0ff).contains(&code);
    match font.to_ascii_lowercase().as_str() {
        "symbol" if is_in_font => of_symbol(code & 0xff),
        "wingdings" if is_in_font => of_wingdings(code & 0xff),
        _ => None,
    }
}

fn character(font: &str, code: u32) -> Option<char> {
    match font.to_ascii_lowercase().as_str() {
        "symbol" | "wingdings" if code <= 0xff || (0xf000..=0xf0ff).contains(&code) => sign(font, code),
        // Fonts of letters have their characters where Unicode has them.
        font if font.starts_with("wingdings") || font.starts_with("webdings") || font.starts_with("zapfdingbats") => {
            None
        }
        _ => char::from_u32(code).filter(|c| !c.is_control() && !(0xe000..=0xf8ff).contains(&code)),
    }
}

fn of_symbol(code: u32) -> Option<char> {
    let found = match code {
        0x22 => '∀',
        0x24 => '∃',
        0x27 => '∋',
        0x2a => '∗',
        0x2d => '−',
        0x20..=0x3f => char::from_u32(code)?,
        0x40..=0x7e => GREEK.chars().nth(code as usize - 0x40)?,
        0xa1..=0xf2 => SIGNS.chars().nth(code as usize - 0xa1)?,
        _ => return None,
    };
    (code == 0x20 || found != ' ').then_some(found)
}

/// Ticks, crosses, boxes, bullets and arrows.
fn of_wingdings(code: u32) -> Option<char> {
    Some(match code {
        0x6c | 0x9f => '•',
        0x6e | 0xa7 => '▪',
        0x6f | 0xa8 => '☐',
        0x78 | 0xfd => '☒',
        0xd8 => '➢',
        0xdf | 0xe7 => '←',
        0xe0 | 0xe8 => '→',
        0xe1 | 0xe9 => '↑',
        0xe2 | 0xea => '↓',
        0xfb => '✗',
        0xfc => '✓',
        0xfe => '☑',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_the_characters_that_are_seen() {
        for (font, code, expected) in [
            ("Symbol", 0xf061, Some('α')),
            ("Symbol", 0x62, Some('β')),
            ("symbol", 0xf06d, Some('μ')),
            ("Symbol", 0xf057, Some('Ω')),
            ("Symbol", 0xf07a, Some('ζ')),
            ("Symbol", 0xf07e, Some('∼')),
            ("Symbol", 0xf0a3, Some('≤')),
            ("Symbol", 0xf0b0, Some('°')),
            ("Symbol", 0xf0b1, Some('±')),
            ("Symbol", 0xf0b3, Some('≥')),
            ("Symbol", 0xf0b4, Some('×')),
            ("Symbol", 0xf0b9, Some('≠')),
            ("Symbol", 0xf0ce, Some('∈')),
            ("Symbol", 0xf0d6, Some('√')),
            ("Symbol", 0xf0e5, Some('∑')),
            ("Symbol", 0xf0f2, Some('∫')),
            ("Symbol", 0xf0be, None),
            ("Symbol", 0x31, Some('1')),
            ("Wingdings", 0xf0fc, Some('✓')),
            ("Wingdings", 0xf04a, None),
            ("Wingdings 2", 0x50, None),
            ("Arial", 0x20ac, Some('€')),
            ("Arial", 0xf0fc, None),
        ] {
            assert_eq!(character(font, code), expected, "{font} {code:x}");
        }
    }
}
