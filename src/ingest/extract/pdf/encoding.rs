//! Spells out the encodings of simple fonts that the interpreter does not know: the standard one, and names of glyphs
//! that say their characters instead of standing in a list.
//!
//! May depend on nothing of this crate.

use pdf_extract::{Dictionary, Document, Object, Stream};

use super::visibility::dictionary_at;

/// The flag of a font whose glyphs are not those of the standard encoding.
const SYMBOLIC: i64 = 0b100;
/// Where the standard encoding differs from the one that the interpreter begins with: a code, and glyphs from there on.
const STANDARD: &[(i64, &str)] = &[
    (39, "quoteright"),
    (96, "quoteleft"),
    (161, "exclamdown cent sterling fraction yen florin section currency quotesingle quotedblleft guillemotleft"),
    (172, "guilsinglleft guilsinglright fi fl"),
    (177, "endash dagger daggerdbl periodcentered"),
    (182, "paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright ellipsis perthousand"),
    (191, "questiondown"),
    (193, "grave acute circumflex tilde macron breve dotaccent dieresis"),
    (202, "ring cedilla"),
    (205, "hungarumlaut ogonek caron emdash"),
    (225, "AE"),
    (227, "ordfeminine"),
    (232, "Lslash Oslash OE ordmasculine"),
    (241, "ae"),
    (245, "dotlessi"),
    (248, "lslash oslash oe germandbls"),
];

/// Gives `font` an encoding that the interpreter reads as it is meant.
pub(super) fn spell_out(document: &Document, font: &mut Dictionary) {
    let given = font.get(b"Encoding").ok().and_then(|given| document.dereference(given).ok()).map(|(_, given)| given);
    let own = given.and_then(|given| given.as_dict().ok());
    let name = match (given, own) {
        (Some(Object::Name(name)), _) => Some(name.as_slice()),
        (_, Some(own)) => own.get(b"BaseEncoding").and_then(Object::as_name).ok(),
        _ => None,
    };
    let is_standard = match name {
        Some(name) => name == b"StandardEncoding",
        // Without an encoding an embedded font has one of its own, and the standard fonts have their widths.
        None => is_latin(document, font) && (own.is_some() || (font.has(b"Widths") && !is_embedded(document, font))),
    };
    if own.is_none() && !is_standard {
        return;
    }
    let mut encoding = own.cloned().unwrap_or_default();
    let differences = own.and_then(|own| document.dereference(own.get(b"Differences").ok()?).ok()?.1.as_array().ok());
    let mut spelt: Vec<Object> = Vec::new();
    if is_standard {
        encoding.remove(b"BaseEncoding");
        for (code, names) in STANDARD {
            spelt.push(Object::Integer(*code));
            spelt.extend(names.split(' ').map(|name| Object::Name(name.as_bytes().to_vec())));
        }
    }
    let (mut texts, mut code) = (Vec::new(), 0i64);
    for part in differences.into_iter().flatten() {
        match document.dereference(part).map(|(_, part)| part) {
            Ok(Object::Integer(next)) => {
                code = *next;
                spelt.push(Object::Integer(code));
            }
            Ok(Object::Name(name)) => {
                let stem = stem_of(name);
                if let (Ok(code), Some(text)) = (u8::try_from(code), text_of(stem)) {
                    texts.push((code, text));
                }
                spelt.push(Object::Name(stem.to_vec()));
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    encoding.set("Differences", spelt);
    font.set("Encoding", Object::Dictionary(encoding));
    if !texts.is_empty() && !font.has(b"ToUnicode") {
        font.set("ToUnicode", Object::Stream(Stream::new(Dictionary::new(), to_unicode(&texts).into_bytes())));
    }
}

/// Whether the glyphs of a font are letters, as far as it says.
fn is_latin(document: &Document, font: &Dictionary) -> bool {
    let name = |key: &[u8]| font.get(key).and_then(Object::as_name).unwrap_or_default();
    let descriptor = dictionary_at(document, font, b"FontDescriptor");
    let flags = descriptor.and_then(|descriptor| descriptor.get(b"Flags").ok()?.as_i64().ok()).unwrap_or(0);
    matches!(name(b"Subtype"), b"Type1" | b"MMType1" | b"TrueType")
        && !matches!(name(b"BaseFont"), b"Symbol" | b"ZapfDingbats")
        && flags & SYMBOLIC == 0
}

fn is_embedded(document: &Document, font: &Dictionary) -> bool {
    dictionary_at(document, font, b"FontDescriptor")
        .is_some_and(|descriptor| [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(|key| descriptor.has(key)))
}

/// The name of a glyph without what tells its form: `A` of `A.sc`.
fn stem_of(name: &[u8]) -> &[u8] {
    match name.iter().position(|byte| *byte == b'.') {
        Some(end) if end > 0 => &name[..end],
        _ => name,
    }
}

/// The text of a glyph by its name, as in `uni00DF`, `u1F600` and `T_h`; `None` for the names of lists.
fn text_of(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let part = |part: &str| {
        let mut letters = part.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            return letter.is_ascii_alphabetic().then(|| letter.to_string());
        }
        let is_code = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        if let Some(digits) =
            part.strip_prefix("uni").filter(|digits| is_code(digits) && digits.len().is_multiple_of(4))
        {
            let codes = digits.as_bytes().chunks_exact(4).map(|code| std::str::from_utf8(code).ok());
            let letters = codes.map(|code| char::from_u32(u32::from_str_radix(code?, 16).ok()?));
            return letters.collect::<Option<String>>().filter(|text| !text.is_empty());
        }
        let digits = part.strip_prefix('u').filter(|digits| is_code(digits) && (4..=6).contains(&digits.len()))?;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(String::from)
    };
    let text = name.split('_').map(part).collect::<Option<String>>()?;
    (text != name).then_some(text)
}

/// A table from codes to texts, as fonts have them.
fn to_unicode(texts: &[(u8, String)]) -> String {
    let mut table = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapType 2 def\n\
         1 begincodespacerange\n<00> <FF>\nendcodespacerange\n",
    );
    table.push_str(&format!("{} beginbfchar\n", texts.len()));
    for (code, text) in texts {
        let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
        table.push_str(&format!("<{code:02X}> <{units}>\n"));
    }
    table.push_str("endbfchar\nendcmap\nend\nend\n");
    table
}
