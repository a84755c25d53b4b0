//! Turns what draws a page into a plain list of text operations.
//!
//! The interpreter of `pdf-extract` knows fonts well, and stumbles over much else: it runs forms outside
//! their place, reads pictures as programs, and panics on colours and operands that it does not expect. So
//! it is given only what places text: forms are written out where they stand, two operators that it does
//! not know are spelt out, and everything with the wrong operands is dropped, as viewers do.

use std::collections::{BTreeMap, HashMap, HashSet};

use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream, content::Operation, decode_text_string};

use super::{
    face::Face,
    operators::Operators,
    text::{Chosen, FontKey},
    unpack::unpack,
    visibility::{Hidden, Layers, dictionary_at, properties},
};
use crate::ingest::extract::ExtractLimits;

/// The text operations of a page.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) operations: Vec<Operation>,
    /// The fonts under the names that `operations` give them.
    pub(super) fonts: BTreeMap<String, Font>,
    /// Each string that is shown, in order.
    pub(super) shown: Vec<Shown>,
    pub(super) pictures: usize,
    /// Something stands on a layer that is switched off.
    pub(super) has_hidden_layer: bool,
    /// A stream that draws the page is missing or broke off, or strings in it have no end.
    pub(super) is_damaged: bool,
    /// How the page is turned for reading: 0 to 3 quarter turns clockwise.
    pub(super) turns: u8,
}

/// A string that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) face: Face,
    /// The text in place of what its glyphs say; empty where another string has told it.
    pub(super) instead: Option<String>,
}

/// A font as a page names it.
#[derive(Debug, Clone)]
pub(super) struct Font {
    pub(super) id: Option<ObjectId>,
    pub(super) dictionary: Dictionary,
}

/// A page that draws more than this is no page of text.
const MAX_OPERATIONS: usize = 2_000_000;
/// How deep forms may stand in forms.
const MAX_FORMS: usize = 16;
/// A longer text in place of glyphs is not that of a ligature, a word or a formula: it would stand where the first is.
const MAX_INSTEAD: usize = 64;

pub(super) fn flatten(
    document: &Document,
    layers: &Layers,
    page: ObjectId,
    limits: &ExtractLimits,
) -> Result<Flat, String> {
    let dictionary = document.get_dictionary(page).map_err(|error| error.to_string())?;
    let resources = inherited(document, dictionary, b"Resources").and_then(|found| found.as_dict().ok());
    let mut flattener = Flattener {
        document,
        layers,
        flat: Flat { turns: turns(document, dictionary), ..Flat::default() },
        names: HashMap::new(),
        open: HashSet::new(),
        font: None,
        hidden: None,
        budget: limits.max_uncompressed_bytes,
    };
    let content = flattener.page_content(page)?;
    let empty = Dictionary::new();
    // What the page leaves behind is not for what lies on it.
    flattener.push("q", Vec::new());
    flattener.run(&content, resources.unwrap_or(&empty))?;
    flattener.push("Q", Vec::new());
    flattener.annotations(dictionary)?;
    Ok(flattener.flat)
}

pub(super) struct Flattener<'a> {
    pub(super) document: &'a Document,
    pub(super) layers: &'a Layers,
    pub(super) flat: Flat,
    pub(super) names: HashMap<FontKey, String>,
    open: HashSet<ObjectId>,
    /// The font that is chosen: without one there is nothing to show text with.
    pub(super) font: Option<Chosen>,
    /// Why what is drawn now is not read, if it is not.
    pub(super) hidden: Option<Hidden>,
    budget: u64,
}

/// Marked content that has begun.
struct Marked {
    hidden_before: Option<Hidden>,
    /// The text in place of its glyphs, and how many strings had been shown before it.
    instead: Option<(String, usize)>,
}

impl<'a> Flattener<'a> {
    fn page_content(&mut self, page: ObjectId) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        for id in self.document.get_page_contents(page) {
            match self.document.get_object(id).and_then(Object::as_stream) {
                Ok(stream) => {
                    content.extend(self.unpack(stream)?);
                    content.push(b'\n');
                }
                Err(_) => self.flat.is_damaged = true,
            }
        }
        Ok(content)
    }

    fn unpack(&mut self, stream: &Stream) -> Result<Vec<u8>, String> {
        let unpacked = unpack(self.document, stream, self.budget)?;
        self.budget -= unpacked.bytes.len() as u64;
        self.flat.is_damaged |= unpacked.is_damaged;
        Ok(unpacked.bytes)
    }

    fn run(&mut self, content: &[u8], resources: &'a Dictionary) -> Result<(), String> {
        let (font, hidden) = (self.font, self.hidden);
        let mut saved = Vec::new();
        let mut marked: Vec<Marked> = Vec::new();
        let mut operators = Operators::of(content);
        for operation in operators.by_ref() {
            if self.flat.operations.len() > MAX_OPERATIONS {
                return Err("it draws more than a page of text does".into());
            }
            match operation.operator.as_str() {
                "q" => {
                    saved.push(self.font);
                    self.flat.operations.push(operation);
                }
                "Q" => {
                    // More than were opened here would close the state of whoever drew this form.
                    if let Some(before) = saved.pop() {
                        self.font = before;
                        self.flat.operations.push(operation);
                    }
                }
                "BMC" => marked.push(Marked { hidden_before: self.hidden, instead: None }),
                "BDC" => {
                    marked.push(Marked { hidden_before: self.hidden, instead: self.instead(&operation, resources) });
                    self.hide(self.layers.hide_marked(self.document, &operation, resources));
                }
                "EMC" => {
                    if let Some(ended) = marked.pop() {
                        self.hidden = ended.hidden_before;
                        self.replace(ended.instead);
                    }
                }
                "BI" => self.flat.pictures += 1,
                "Do" => self.draw(&operation, resources)?,
                "gs" => self.graphics_state(&operation, resources),
                "Tf" => self.select_font(&operation, resources),
                "Tj" | "TJ" | "'" | "\"" => self.show(operation),
                _ => self.place(operation),
            }
        }
        for _ in saved {
            self.push("Q", Vec::new());
        }
        (self.font, self.hidden) = (font, hidden);
        self.flat.is_damaged |= operators.is_damaged();
        Ok(())
    }

    /// What follows is not read, for this reason or for the one that there was before.
    fn hide(&mut self, why: Option<Hidden>) {
        self.flat.has_hidden_layer |= why == Some(Hidden::Layer);
        self.hidden = self.hidden.or(why);
    }

    /// The text that marked content has in place of its glyphs, with the number of strings before it.
    fn instead(&self, operation: &Operation, resources: &Dictionary) -> Option<(String, usize)> {
        let given = properties(self.document, operation.operands.get(1)?, resources)?.get(b"ActualText").ok()?;
        let (_, text) = self.document.dereference(given).ok()?;
        let text = decode_text_string(text).ok()?;
        (text.chars().count() <= MAX_INSTEAD).then_some((text, self.flat.shown.len()))
    }

    /// Gives the strings that were shown since a marked content began its text: the first of them all of it.
    fn replace(&mut self, instead: Option<(String, usize)>) {
        let Some((text, from)) = instead else { return };
        for (position, shown) in self.flat.shown.iter_mut().skip(from).enumerate() {
            shown.instead = Some(if position == 0 { text.clone() } else { String::new() });
        }
    }

    pub(super) fn push(&mut self, operator: &str, operands: Vec<Object>) {
        self.flat.operations.push(Operation::new(operator, operands));
    }

    fn draw(&mut self, operation: &Operation, resources: &'a Dictionary) -> Result<(), String> {
        let Some(Ok(name)) = operation.operands.first().map(Object::as_name) else { return Ok(()) };
        let Some(objects) = dictionary_at(self.document, resources, b"XObject") else { return Ok(()) };
        let Ok(found) = objects.get(name) else { return Ok(()) };
        let Ok((id, object)) = self.document.dereference(found) else { return Ok(()) };
        let Ok(form) = object.as_stream() else { return Ok(()) };
        if form.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Image") {
            self.flat.pictures += 1;
            return Ok(());
        }
        let Some(id) = id else { return Ok(()) };
        let hidden = self.hidden;
        self.hide(self.hides(&form.dict));
        self.draw_form(id, form, resources)?;
        self.hidden = hidden;
        Ok(())
    }

    /// Whether a form, a picture or an annotation is on a layer that is switched off.
    pub(super) fn hides(&self, drawn: &Dictionary) -> Option<Hidden> {
        let layer = drawn.get(b"OC").ok()?;
        self.layers.hide(self.document, layer).then_some(Hidden::Layer)
    }

    pub(super) fn draw_form(
        &mut self,
        id: ObjectId,
        form: &'a Stream,
        resources: &'a Dictionary,
    ) -> Result<(), String> {
        // A form that draws itself would never end.
        if self.open.len() >= MAX_FORMS || !self.open.insert(id) {
            return Ok(());
        }
        let content = self.unpack(form)?;
        self.push("q", Vec::new());
        if let Ok(Object::Array(matrix)) = form.dict.get(b"Matrix") {
            self.place(Operation::new("cm", matrix.clone()));
        }
        let own = dictionary_at(self.document, &form.dict, b"Resources");
        self.run(&content, own.unwrap_or(resources))?;
        self.push("Q", Vec::new());
        self.open.remove(&id);
        Ok(())
    }
}

/// A property of a page or a field that it may have from the nodes above it.
pub(super) fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = page;
    for _ in 0..64 {
        if let Some((_, found)) = node.get(key).ok().and_then(|found| document.dereference(found).ok()) {
            return Some(found);
        }
        node = dictionary_at(document, node, b"Parent")?;
    }
    None
}

fn turns(document: &Document, page: &Dictionary) -> u8 {
    let degrees = inherited(document, page, b"Rotate").and_then(|angle| angle.as_float().ok()).unwrap_or(0.0);
    ((degrees as i64).rem_euclid(360) / 90) as u8
}
