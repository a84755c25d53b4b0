//! Makes fonts fit for the interpreter: each is tried out once, and where it makes the interpreter panic,
//! the part that does so is left off.

use std::collections::HashMap;

use pdf_extract::{Dictionary, Document, Object, ObjectId, StringFormat, content::Operation};

use super::{
    content::{Flat, Font, Shown},
    encoding,
    named::Named,
    open::Stage,
};

/// The fonts that have been tried, by their objects.
#[derive(Debug, Default)]
pub(super) struct Fonts {
    tried: HashMap<ObjectId, ObjectId>,
}

/// The font of text whose own font is missing.
pub(super) fn plain() -> Dictionary {
    let mut font = Dictionary::new();
    font.set("Type", Object::Name(b"Font".to_vec()));
    font.set("Subtype", Object::Name(b"Type1".to_vec()));
    font.set("BaseFont", Object::Name(b"Helvetica".to_vec()));
    font.set("Encoding", win_ansi());
    font
}

fn win_ansi() -> Object {
    Object::Name(b"WinAnsiEncoding".to_vec())
}

impl Fonts {
    /// The object of a font that reads like `font` and makes nothing panic.
    pub(super) fn usable(&mut self, font: &Font, document: &mut Document, stage: Stage) -> ObjectId {
        if let Some(tried) = font.id.and_then(|id| self.tried.get(&id)) {
            return *tried;
        }
        let id = document.new_object_id();
        let composite = is_composite(&font.dictionary);
        for candidate in candidates(document, &font.dictionary) {
            document.objects.insert(id, Object::Dictionary(candidate));
            if works(id, composite, document, stage) {
                break;
            }
        }
        if let Some(own) = font.id {
            self.tried.insert(own, id);
        }
        id
    }
}

fn works(font: ObjectId, composite: bool, document: &mut Document, stage: Stage) -> bool {
    // Every code of a simple font; of a composite one the codes of one row.
    let codes: Vec<u8> = if composite { (0..=255).flat_map(|low| [0, low]).collect() } else { (0..=255).collect() };
    let operations = vec![
        Operation::new("Tf", vec![Object::Name(b"F0".to_vec()), Object::Real(1.0)]),
        Operation::new("Tj", vec![Object::String(codes, StringFormat::Hexadecimal)]),
    ];
    let flat = Flat { operations, shown: vec![Shown::default()], ..Flat::default() };
    let mut fonts = Dictionary::new();
    fonts.set("F0", Object::Reference(font));
    stage.interpret(document, fonts, flat).is_ok()
}

fn is_composite(font: &Dictionary) -> bool {
    font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type0")
}

/// The font as it is, then with less and less of what may be wrong with it; the last is always sound.
fn candidates(document: &Document, font: &Dictionary) -> Vec<Dictionary> {
    let mut font = font.clone();
    if font.get(b"Subtype").and_then(Object::as_name).is_err() {
        font.set("Subtype", Object::Name(b"Type1".to_vec()));
    }
    if font.get(b"BaseFont").ok().and_then(|name| document.dereference(name).ok()?.1.as_name().ok()).is_none() {
        font.set("BaseFont", Object::Name(b"Unknown".to_vec()));
    }
    if is_composite(&font) { composite_candidates(document, font) } else { simple_candidates(document, font) }
}

fn simple_candidates(document: &Document, mut font: Dictionary) -> Vec<Dictionary> {
    if font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type3") {
        widen_type3(document, &mut font);
    }
    encoding::spell_out(document, &mut font);
    let with_encoding = |mut font: Dictionary| {
        if font.get(b"Encoding").is_err() {
            font.set("Encoding", win_ansi());
        }
        font
    };
    let without = |mut font: Dictionary, keys: &[&[u8]]| {
        for key in keys {
            font.remove(key);
        }
        font
    };
    let forced = |mut font: Dictionary| {
        font.set("Encoding", win_ansi());
        font
    };
    let mut all = vec![
        font.clone(),
        with_encoding(font.clone()),
        without(font.clone(), &[b"FontDescriptor"]),
        with_encoding(without(font.clone(), &[b"FontDescriptor"])),
        forced(without(font.clone(), &[b"FontDescriptor"])),
        with_encoding(without(font.clone(), &[b"ToUnicode", b"FontDescriptor"])),
        forced(without(font, &[b"ToUnicode", b"FontDescriptor", b"Widths", b"FirstChar", b"LastChar"])),
    ];
    all.push(plain());
    all
}

/// The widths of a Type 3 font are in its own units, and the interpreter wants one for every code.
fn widen_type3(document: &Document, font: &mut Dictionary) {
    let number = |object: &Object| document.dereference(object).ok()?.1.as_float().ok();
    let array = |key: &[u8]| font.get(key).ok().and_then(|o| document.dereference(o).ok()?.1.as_array().ok()).cloned();
    let scale = array(b"FontMatrix").and_then(|matrix| number(matrix.first()?)).unwrap_or(0.001) * 1000.0;
    let first = font.get(b"FirstChar").ok().and_then(|first| document.dereference(first).ok()?.1.as_i64().ok());
    let widths = array(b"Widths").unwrap_or_default();
    let first = first.unwrap_or(0);
    let wide = (0..256i64).map(|code| {
        let width = usize::try_from(code - first).ok().and_then(|index| number(widths.get(index)?));
        Object::Real(width.unwrap_or(0.0) * scale.abs())
    });
    let wide: Vec<Object> = wide.collect();
    font.set("Widths", wide);
    font.set("FirstChar", 0);
    font.set("LastChar", 255);
}

fn composite_candidates(document: &Document, mut font: Dictionary) -> Vec<Dictionary> {
    let inner = font
        .get(b"DescendantFonts")
        .ok()
        .and_then(|list| document.dereference(list).ok()?.1.as_array().ok()?.first())
        .and_then(|first| document.dereference(first).ok()?.1.as_dict().ok())
        .cloned()
        .unwrap_or_default();
    let mut inner = sound_descendant(document, inner);
    if Named::of(document, &font).is_some() {
        // The widths are those of other codes. Latin letters are half as wide as the rest.
        inner.set("W", vec![Object::Integer(0), Object::Array(vec![Object::Integer(500); 256])]);
    }
    font.set("DescendantFonts", vec![Object::Dictionary(inner)]);
    // Other encodings than these are tables that the interpreter does not have: their codes keep their places, and
    // [`Named`] reads those that have a name.
    let encoding = font.get(b"Encoding").ok().and_then(|encoding| document.dereference(encoding).ok());
    let named = encoding.and_then(|(_, encoding)| encoding.as_name().ok()).map(<[u8]>::to_vec);
    let embedded = encoding.is_some_and(|(_, encoding)| encoding.as_stream().is_ok());
    let known = matches!(named.as_deref(), Some(b"Identity-H" | b"Identity-V"));
    if !known && !embedded {
        font.set("Encoding", Object::Name(b"Identity-H".to_vec()));
    }
    let mut silent = font.clone();
    silent.remove(b"ToUnicode");
    let mut last = silent.clone();
    last.set("Encoding", Object::Name(b"Identity-H".to_vec()));
    vec![font, silent, last, plain()]
}

/// The interpreter misreads widths given for a range of codes and default widths with a fraction.
fn sound_descendant(document: &Document, mut inner: Dictionary) -> Dictionary {
    let resolve = |object: &Object| document.dereference(object).ok().map(|(_, object)| object.clone());
    let default = inner.get(b"DW").ok().and_then(resolve).and_then(|width| width.as_float().ok());
    inner.set("DW", default.unwrap_or(1000.0) as i64);
    let given = inner.get(b"W").ok().and_then(resolve).and_then(|w| w.as_array().ok().cloned()).unwrap_or_default();
    let mut widths: Vec<Object> = Vec::new();
    let mut parts = given.iter().filter_map(resolve);
    while let Some(first) = parts.next() {
        let Ok(first) = first.as_i64() else { break };
        match parts.next() {
            Some(Object::Array(list)) => {
                let list = list.iter().filter_map(resolve).filter(|width| width.as_float().is_ok()).collect();
                widths.extend([Object::Integer(first), Object::Array(list)]);
            }
            Some(last) => {
                let (Ok(last), Some(width)) = (last.as_i64(), parts.next()) else { break };
                let count = (last - first + 1).clamp(0, 65_536) as usize;
                if width.as_float().is_ok() {
                    widths.extend([Object::Integer(first), Object::Array(vec![width; count])]);
                }
            }
            None => break,
        }
    }
    inner.set("W", widths);
    let descriptor = inner.get(b"FontDescriptor").ok().and_then(resolve);
    if !matches!(descriptor, Some(Object::Dictionary(_))) {
        inner.set("FontDescriptor", Dictionary::new());
    }
    inner
}
