//! Turns what draws a page into a plain list of text operations.
//!
//! The interpreter of `pdf-extract` knows fonts well, and stumbles over much else: it runs forms outside
//! their place, reads pictures as programs, and panics on colours and operands that it does not expect. So
//! it is given only what places text: forms are written out where they stand, two operators that it does
//! not know are spelt out, and everything with the wrong operands is dropped, as viewers do.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use pdf_extract::{
    Dictionary, Document, Object, ObjectId, Stream,
    content::{Content, Operation},
};

use crate::ingest::extract::ExtractLimits;

/// The text operations of a page.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) operations: Vec<Operation>,
    /// The fonts under the names that `operations` give them.
    pub(super) fonts: BTreeMap<String, Font>,
    /// The font of each string that is shown, in order.
    pub(super) shown: Vec<Face>,
    pub(super) pictures: usize,
    /// How the page is turned for reading: 0 to 3 quarter turns clockwise.
    pub(super) turns: u8,
}

/// A font as a page names it.
#[derive(Debug, Clone)]
pub(super) struct Font {
    pub(super) id: Option<ObjectId>,
    pub(super) dictionary: Dictionary,
}

/// What a font's name says about its look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) bold: bool,
    pub(super) fixed: bool,
    /// Stands for the name of the font without its style: the same for plain and italic.
    pub(super) family: u64,
}

/// A page that draws more than this is no page of text.
const MAX_OPERATIONS: usize = 2_000_000;
/// How deep forms may stand in forms.
const MAX_FORMS: usize = 16;

pub(super) fn flatten(document: &Document, page: ObjectId, limits: &ExtractLimits) -> Result<Flat, String> {
    let dictionary = document.get_dictionary(page).map_err(|error| error.to_string())?;
    let resources = inherited(document, dictionary, b"Resources").and_then(|found| found.as_dict().ok());
    let mut flattener = Flattener {
        document,
        flat: Flat { turns: turns(document, dictionary), ..Flat::default() },
        names: HashMap::new(),
        open: HashSet::new(),
        face: Face::default(),
        budget: limits.max_uncompressed_bytes,
    };
    let content = flattener.page_content(page)?;
    let empty = Dictionary::new();
    flattener.run(&content, resources.unwrap_or(&empty))?;
    Ok(flattener.flat)
}

struct Flattener<'a> {
    document: &'a Document,
    flat: Flat,
    names: HashMap<FontKey, String>,
    open: HashSet<ObjectId>,
    face: Face,
    budget: u64,
}

/// Two resources of one name may be different fonts, one font may have many names.
#[derive(PartialEq, Eq, Hash)]
enum FontKey {
    Object(ObjectId),
    Inline(String),
}

impl<'a> Flattener<'a> {
    fn page_content(&mut self, page: ObjectId) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        for id in self.document.get_page_contents(page) {
            if let Ok(stream) = self.document.get_object(id).and_then(Object::as_stream) {
                content.extend(self.unpack(stream)?);
                content.push(b'\n');
            }
        }
        Ok(content)
    }

    fn unpack(&mut self, stream: &Stream) -> Result<Vec<u8>, String> {
        let bytes = match stream.filters() {
            Ok(filters) if !filters.is_empty() => {
                stream.decompressed_content().unwrap_or_else(|_| stream.content.clone())
            }
            _ => stream.content.clone(),
        };
        self.budget = self.budget.checked_sub(bytes.len() as u64).ok_or("it unpacks to more than is allowed")?;
        Ok(bytes)
    }

    fn run(&mut self, content: &[u8], resources: &'a Dictionary) -> Result<(), String> {
        let Ok(content) = Content::decode(content) else { return Ok(()) };
        let face = self.face;
        let mut saved = Vec::new();
        let mut hidden: Vec<bool> = Vec::new();
        for operation in content.operations {
            if self.flat.operations.len() > MAX_OPERATIONS {
                return Err("it draws more than a page of text does".into());
            }
            match operation.operator.as_str() {
                "q" => {
                    saved.push(self.face);
                    self.flat.operations.push(operation);
                }
                "Q" => {
                    // More than were opened here would close the state of whoever drew this form.
                    if let Some(before) = saved.pop() {
                        self.face = before;
                        self.flat.operations.push(operation);
                    }
                }
                "BMC" => hidden.push(false),
                "BDC" => hidden.push(is_page_furniture(self.document, &operation, resources)),
                "EMC" => {
                    hidden.pop();
                }
                "Do" => self.draw(&operation, resources)?,
                "gs" => self.graphics_state(&operation, resources),
                "Tf" => self.select_font(&operation, resources),
                "Tj" | "TJ" | "'" | "\"" => self.show(operation, hidden.contains(&true)),
                _ => self.place(operation),
            }
        }
        for _ in saved {
            self.push("Q", Vec::new());
        }
        self.face = face;
        Ok(())
    }

    fn push(&mut self, operator: &str, operands: Vec<Object>) {
        self.flat.operations.push(Operation::new(operator, operands));
    }

    /// Operators that move the pen, with as many numbers as they need.
    fn place(&mut self, operation: Operation) {
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

    fn show(&mut self, mut operation: Operation, hidden: bool) {
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
            Some(Object::Array(parts)) => parts
                .into_iter()
                .filter(|part| matches!(part, Object::String(..)) || part.as_float().is_ok_and(f32::is_finite))
                .collect(),
            _ => return,
        };
        if hidden || !self.has_font() {
            return;
        }
        let count = strings.iter().filter(|part| matches!(part, Object::String(..))).count();
        self.flat.shown.extend(std::iter::repeat_n(self.face, count));
        self.push("TJ", vec![Object::Array(strings)]);
    }

    /// Without a font there is nothing to show text with.
    fn has_font(&self) -> bool {
        !self.flat.fonts.is_empty()
    }

    fn select_font(&mut self, operation: &Operation, resources: &'a Dictionary) {
        let [name, size] = operation.operands.as_slice() else { return };
        let (Ok(name), Ok(size)) = (name.as_name(), size.as_float()) else { return };
        let fonts = dictionary_at(self.document, resources, b"Font");
        let font = fonts.and_then(|fonts| fonts.get(name).ok());
        self.use_font(font, size);
    }

    fn use_font(&mut self, font: Option<&Object>, size: f32) {
        let id = font.and_then(|font| font.as_reference().ok());
        let dictionary = font
            .and_then(|font| self.document.dereference(font).ok())
            .and_then(|(_, font)| font.as_dict().ok())
            .cloned()
            .unwrap_or_else(super::fonts::plain);
        let key = id.map_or_else(|| FontKey::Inline(format!("{dictionary:?}")), FontKey::Object);
        let next = format!("F{}", self.names.len());
        let name = self.names.entry(key).or_insert(next).clone();
        self.face = face_of(self.document, &dictionary);
        self.flat.fonts.entry(name.clone()).or_insert(Font { id, dictionary });
        self.push("Tf", vec![Object::Name(name.into_bytes()), Object::Real(size)]);
    }

    /// A graphics state may select a font too.
    fn graphics_state(&mut self, operation: &Operation, resources: &'a Dictionary) {
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
        // A form that draws itself would never end.
        let Some(id) = id.filter(|id| self.open.len() < MAX_FORMS && !self.open.contains(id)) else { return Ok(()) };
        self.open.insert(id);
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

/// Producers mark page numbers and running heads as artifacts of pagination.
fn is_page_furniture(document: &Document, operation: &Operation, resources: &Dictionary) -> bool {
    let [tag, properties] = operation.operands.as_slice() else { return false };
    if tag.as_name().ok() != Some(b"Artifact") {
        return false;
    }
    let properties = match properties {
        Object::Dictionary(properties) => Some(properties),
        Object::Name(name) => {
            dictionary_at(document, resources, b"Properties").and_then(|all| dictionary_at(document, all, name))
        }
        _ => None,
    };
    properties.is_some_and(|properties| {
        properties.get(b"Type").and_then(Object::as_name).is_ok_and(|kind| kind == b"Pagination")
    })
}

fn dictionary_at<'a>(document: &'a Document, within: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    let (_, object) = document.dereference(within.get(key).ok()?).ok()?;
    object.as_dict().ok()
}

/// A property of a page that it may have from the nodes above it.
fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
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
    let degrees = inherited(document, page, b"Rotate").and_then(|angle| angle.as_i64().ok()).unwrap_or(0);
    (degrees.rem_euclid(360) / 90) as u8
}

fn face_of(document: &Document, font: &Dictionary) -> Face {
    let name = font.get(b"BaseFont").and_then(Object::as_name).map(|name| String::from_utf8_lossy(name).to_lowercase());
    let name = name.unwrap_or_default();
    let descendants = font.get(b"DescendantFonts").ok().and_then(|d| document.dereference(d).ok());
    let descendant = descendants
        .and_then(|(_, list)| list.as_array().ok()?.first())
        .and_then(|first| document.dereference(first).ok())
        .and_then(|(_, first)| first.as_dict().ok());
    let descriptor = dictionary_at(document, descendant.unwrap_or(font), b"FontDescriptor");
    let flags = descriptor.and_then(|d| d.get(b"Flags").ok()?.as_i64().ok()).unwrap_or(0);
    let weight = descriptor.and_then(|d| d.get(b"FontWeight").ok()?.as_float().ok()).unwrap_or(0.0);
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let family = name.split_once('+').map_or(name.as_str(), |(_, name)| name);
    let mut hasher = DefaultHasher::new();
    family.split(['-', ',']).next().unwrap_or_default().hash(&mut hasher);
    Face {
        family: hasher.finish(),
        bold: weight >= 600.0
            || says(&[
                "bold",
                "black",
                "heavy",
                "semibold",
                "demi",
                "cmbx",
                "nimbusromno9l-medi",
                "nimbussanl-bold",
                "sfbx",
            ]),
        // The font of recognised text has no shapes, and one width for all: its words are those of the picture.
        fixed: !says(&["glyphless"])
            && (flags & 1 == 1 || says(&["courier", "mono", "consol", "cmtt", "typewriter", "nimbusmonl", "sftt"])),
    }
}
