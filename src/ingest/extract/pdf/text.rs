//! The part of reading a page that shows text: which font is chosen, where the pen stands, and the strings.
//!
//! May depend on nothing of this crate.

use pdf_extract::{Dictionary, Object, ObjectId, StringFormat, content::Operation};

use super::{
    content::{Flattener, Font, Shown},
    face::{Face, face_of},
    named::Named,
    visibility::dictionary_at,
};

/// The font that is chosen: its look, and how its strings are written where the interpreter does not know.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    face: Face,
    named: Option<Named>,
}

/// Two resources of one name may be different fonts, one font may have many names.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum FontKey {
    Object(ObjectId),
    Inline(String),
}

impl<'a> Flattener<'a> {
    /// Operators that move the pen, with as many numbers as they need.
    pub(super) fn place(&mut self, operation: Operation) {
        let numbers = match operation.operator.as_str() {
            "BT" | "ET" | "T*" => 0,
            "Tc" | "Tw" | "Tz" | "TL" | "Ts" => 1,
            "Td" | "TD" => 2,
            "cm" | "Tm" => 6,
            _ => return,
        };
        let all_numbers = operation.operands.iter().all(|operand| operand.as_float().is_ok_and(f32::is_finite));
        if operation.operands.len() == numbers && all_numbers {
            self.flat.operations.push(operation);
        }
    }

    pub(super) fn show(&mut self, mut operation: Operation) {
        let operands = &mut operation.operands;
        match operation.operator.as_str() {
            "'" => self.push("T*", Vec::new()),
            "\"" if operands.len() == 3 => {
                let spacing: Vec<Object> = operands.drain(..2).collect();
                for (operator, operand) in ["Tw", "Tc"].into_iter().zip(spacing) {
                    self.place(Operation::new(operator, vec![operand]));
                }
                self.push("T*", Vec::new());
            }
            "\"" => return,
            _ => {}
        }
        let strings: Vec<Object> = match operation.operands.into_iter().next() {
            Some(text @ Object::String(..)) => vec![text],
            Some(Object::Array(parts)) => parts,
            _ => return,
        };
        let is_shown = |part: &Object| match part {
            Object::String(text, _) => !text.is_empty(),
            other => other.as_float().is_ok_and(f32::is_finite),
        };
        let strings: Vec<Object> = strings.into_iter().filter(is_shown).collect();
        let Some(Chosen { face, named }) = self.font.filter(|_| self.hidden.is_none()) else { return };
        let mut parts = Vec::with_capacity(strings.len());
        for part in strings {
            match (part, named) {
                (Object::String(text, _), Some(named)) => {
                    for (code, character) in named.characters(&text) {
                        self.flat.shown.push(Shown { face, instead: Some(character) });
                        parts.push(Object::String(code.to_be_bytes().to_vec(), StringFormat::Hexadecimal));
                    }
                }
                (part, _) => {
                    let shown = matches!(part, Object::String(..)).then_some(Shown { face, instead: None });
                    self.flat.shown.extend(shown);
                    parts.push(part);
                }
            }
        }
        self.push("TJ", vec![Object::Array(parts)]);
    }

    pub(super) fn select_font(&mut self, operation: &Operation, resources: &'a Dictionary) {
        let [name, size] = operation.operands.as_slice() else { return };
        let (Ok(name), Ok(size)) = (name.as_name(), size.as_float()) else { return };
        let fonts = dictionary_at(self.document, resources, b"Font");
        let font = fonts.and_then(|fonts| fonts.get(name).ok());
        self.use_font(font, size);
    }

    fn use_font(&mut self, font: Option<&Object>, size: f32) {
        // Written out again, an infinite size would be a word of its own.
        if !size.is_finite() {
            return;
        }
        let id = font.and_then(|font| font.as_reference().ok());
        let dictionary = font
            .and_then(|font| self.document.dereference(font).ok())
            .and_then(|(_, font)| font.as_dict().ok())
            .cloned()
            .unwrap_or_else(super::fonts::plain);
        let key = id.map_or_else(|| FontKey::Inline(format!("{dictionary:?}")), FontKey::Object);
        let next = format!("F{}", self.names.len());
        let name = self.names.entry(key).or_insert(next).clone();
        self.font =
            Some(Chosen { face: face_of(self.document, &dictionary), named: Named::of(self.document, &dictionary) });
        self.flat.fonts.entry(name.clone()).or_insert(Font { id, dictionary });
        self.push("Tf", vec![Object::Name(name.into_bytes()), Object::Real(size)]);
    }

    /// A graphics state may select a font too.
    pub(super) fn graphics_state(&mut self, operation: &Operation, resources: &'a Dictionary) {
        let Some(Ok(name)) = operation.operands.first().map(Object::as_name) else { return };
        let states = dictionary_at(self.document, resources, b"ExtGState");
        let Some(state) = states.and_then(|states| dictionary_at(self.document, states, name)) else { return };
        if let Ok(Object::Array(font)) = state.get(b"Font")
            && let [font, size] = font.as_slice()
            && let Ok(size) = size.as_float()
        {
            self.use_font(Some(font), size);
        }
    }

    /// Shows a text that no glyphs of the file say, from a point on.
    pub(super) fn write(&mut self, text: String, (x, y): (f32, f32), size: f32) {
        let before = self.font;
        let place = [1.0, 0.0, 0.0, 1.0, x, y].map(Object::Real).to_vec();
        self.push("q", Vec::new());
        self.push("BT", Vec::new());
        self.use_font(None, size);
        self.place(Operation::new("Tm", place));
        // As many glyphs as the text has, so that it is as wide as it would be.
        let glyphs = vec![b'n'; text.chars().count()];
        self.flat.shown.push(Shown { face: Face::default(), instead: Some(text) });
        self.push("TJ", vec![Object::Array(vec![Object::String(glyphs, StringFormat::Hexadecimal)])]);
        self.push("ET", Vec::new());
        self.push("Q", Vec::new());
        self.font = before;
    }
}
