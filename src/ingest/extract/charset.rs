//! Bytes of a text file in any common encoding become characters, and tells text from binary data.
//!
//! May depend on nothing.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// A decoded text: no byte order mark, line ends are `\n`.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) warnings: Vec<String>,
}

/// How many bytes are looked at to tell text from binary data.
const SAMPLE: usize = 64 << 10;

/// In UTF-8 with so many characters for each broken sequence, the rest is what it seems to be: elsewhere such
/// characters come about by chance only.
const CHARACTERS_FOR_EACH_BROKEN: usize = 4;

/// Decodes `bytes`. A byte order mark decides, then valid UTF-8, then what the file declares about itself,
/// then the look of the bytes.
pub(super) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> Decoded {
    let mut warnings = Vec::new();
    let text = if let Some((order, skip)) = utf32(bytes) {
        let (text, broken) = decode_utf32(&bytes[skip..], order);
        warn_of_broken(&mut warnings, broken, "UTF-32");
        text
    } else if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        decode_with(&bytes[skip..], encoding, &mut warnings)
    } else if is_iso_2022_jp(bytes) {
        decode_with(bytes, ISO_2022_JP, &mut warnings)
    } else if let Ok(text) = std::str::from_utf8(bytes)
        && utf16_without_mark(bytes).is_none()
    {
        text.to_owned()
    } else if let Some(encoding) = utf16_without_mark(bytes).or(declared) {
        decode_with(bytes, encoding, &mut warnings)
    } else if is_nearly_utf8(bytes) {
        decode_with(bytes, UTF_8, &mut warnings)
    } else {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        decode_with(bytes, detector.guess(None, Utf8Detection::Allow), &mut warnings)
    };
    Decoded { text: unify_line_ends(text), warnings }
}

/// Whether the bytes can be a text at all, in any encoding.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    if utf32(sample).is_some() || Encoding::for_bom(sample).is_some() || utf16_without_mark(sample).is_some() {
        return true;
    }
    let nulls = sample.iter().filter(|byte| **byte == 0).count();
    let controls = sample.iter().filter(|byte| is_odd_control(**byte)).count();
    // A stray null or bell in an otherwise readable log is text; one in fifty is not.
    nulls * 1000 <= sample.len() && controls * 50 <= sample.len()
}

fn is_odd_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)) || byte == 0x7f
}

fn decode_with(bytes: &[u8], encoding: &'static Encoding, warnings: &mut Vec<String>) -> String {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        warn_of_broken(warnings, text.matches('\u{fffd}').count().max(1), encoding.name());
    }
    text.into_owned()
}

fn warn_of_broken(warnings: &mut Vec<String>, broken: usize, encoding: &str) {
    if broken > 0 {
        warnings.push(format!("{broken} byte sequences are not valid {encoding} and were replaced by \u{fffd}"));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// UTF-32 by its mark, or by three quarters of zeros in the places that no other encoding has them.
fn utf32(bytes: &[u8]) -> Option<(ByteOrder, usize)> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) {
        return Some((ByteOrder::Little, 4));
    }
    if bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some((ByteOrder::Big, 4));
    }
    let sample = &bytes[..bytes.len().min(SAMPLE) & !3];
    if sample.len() < 16 || !bytes.len().is_multiple_of(4) {
        return None;
    }
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| sample.chunks_exact(4).all(|unit| char_of(unit, *order).is_some_and(|c| c != '\0')))
        .map(|order| (order, 0))
}

fn char_of(unit: &[u8], order: ByteOrder) -> Option<char> {
    let unit: [u8; 4] = unit.try_into().ok()?;
    char::from_u32(match order {
        ByteOrder::Little => u32::from_le_bytes(unit),
        ByteOrder::Big => u32::from_be_bytes(unit),
    })
}

fn decode_utf32(bytes: &[u8], order: ByteOrder) -> (String, usize) {
    let mut broken = 0;
    let text = bytes
        .chunks(4)
        .map(|unit| {
            char_of(unit, order).unwrap_or_else(|| {
                broken += 1;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, broken)
}

/// UTF-16 without a mark: many zeros, nearly all of them on one side of the pairs, and no broken surrogates.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    if sample.len() < 8 {
        return None;
    }
    let zeros = |side: usize| sample.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    let encoding = if odd * 5 > pairs && even * 20 < odd {
        UTF_16LE
    } else if even * 5 > pairs && odd * 20 < even {
        UTF_16BE
    } else {
        return None;
    };
    // The sample may end inside a surrogate pair, so its last two units are left out.
    let (text, broken) = encoding.decode_without_bom_handling(&sample[..sample.len().saturating_sub(4)]);
    let odd_controls = text.chars().filter(|c| (*c as u32) < 0x20 && is_odd_control(*c as u8)).count();
    (!broken && odd_controls * 50 <= text.len()).then_some(encoding)
}

/// Japanese in seven bits, which is valid UTF-8 as well: it shifts to its characters and back by escapes.
fn is_iso_2022_jp(bytes: &[u8]) -> bool {
    let shifts = |at: &[u8]| matches!(at, [0x1b, b'$', b'@' | b'B']);
    bytes.windows(3).any(shifts) && !ISO_2022_JP.decode_without_bom_handling(bytes).1
}

/// UTF-8 that was cut or patched in a few places.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut characters, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        characters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    characters >= CHARACTERS_FOR_EACH_BROKEN * broken
}

fn unify_line_ends(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The encoding that Windows knows by a number, where it is one that is read here.
pub(super) fn of_code_page(number: u32) -> Option<&'static Encoding> {
    let label = match number {
        874 | 1250..=1258 => format!("windows-{number}"),
        932 => "shift_jis".into(),
        936 | 20936 => "gbk".into(),
        949 | 51949 => "euc-kr".into(),
        950 => "big5".into(),
        866 => "ibm866".into(),
        10000 => "macintosh".into(),
        20127 => "us-ascii".into(),
        20866 => "koi8-r".into(),
        20932 | 51932 => "euc-jp".into(),
        21866 => "koi8-u".into(),
        28591..=28605 => format!("iso-8859-{}", number - 28590),
        50220..=50222 => "iso-2022-jp".into(),
        54936 => "gb18030".into(),
        65001 => "utf-8".into(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// The encoding that a web page declares in its first kilobytes, by `<meta>` or an XML declaration.
pub(super) fn declared_in_markup(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let marker = ["charset=", "encoding="].into_iter().find_map(|key| Some(head.find(key)? + key.len()))?;
    let label = head[marker..].trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    // A page that could be read up to its declaration is not in UTF-16, whatever it says.
    Some(if encoding == UTF_16BE || encoding == UTF_16LE { UTF_8 } else { encoding })
}

#[cfg(test)]
mod tests;
