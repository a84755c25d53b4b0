//! What lies on a page beside its content and is seen with it: fields of forms that are filled in, texts and stamps.
//!
//! Each has an appearance, a form that is drawn into its rectangle. A field that has none yet shows its value. Notes
//! that readers open one by one are no part of the page.

use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream, content::Operation, decode_text_string};

use super::{
    content::{Flattener, inherited},
    operators::Operators,
    visibility::{Hidden, dictionary_at},
};

/// The flags of what is not shown: hidden, and not to be viewed.
const UNSEEN: i64 = 0b10_0010;
/// The flag of a field that nobody is to read.
const PASSWORD: i64 = 1 << 13;
/// The height of a field of one line is so many times the size of its letters.
const LINE: f32 = 1.4;
/// The largest letters of a field that does not say how large they are.
const MAX_SIZE: f32 = 11.0;

impl<'a> Flattener<'a> {
    pub(super) fn annotations(&mut self, page: &'a Dictionary) -> Result<(), String> {
        let document = self.document;
        let found = page.get(b"Annots").ok().and_then(|found| document.dereference(found).ok()?.1.as_array().ok());
        for annotation in found.into_iter().flatten() {
            let annotation = document.dereference(annotation).ok().and_then(|(_, found)| found.as_dict().ok());
            let Some(annotation) = annotation else { continue };
            let flags = integer(document, annotation, b"F").unwrap_or(0);
            let is_popup = annotation.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Popup");
            if flags & UNSEEN != 0 || is_popup {
                continue;
            }
            if let Some(why) = self.hides(annotation) {
                self.flat.has_hidden_layer |= why == Hidden::Layer;
                continue;
            }
            let Some(place) = numbers(document, annotation, b"Rect").map(ordered) else { continue };
            match appearance(document, annotation) {
                Some((id, form)) => self.draw_into(id, form, place)?,
                None => self.write_value(annotation, place),
            }
        }
        Ok(())
    }

    /// Draws a form so that its box fills `place`.
    fn draw_into(&mut self, id: ObjectId, form: &'a Stream, place: [f32; 4]) -> Result<(), String> {
        let document = self.document;
        let own = numbers(document, &form.dict, b"BBox").map(ordered).unwrap_or(place);
        let matrix = numbers(document, &form.dict, b"Matrix").unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let corners = [(own[0], own[1]), (own[2], own[1]), (own[0], own[3]), (own[2], own[3])].map(|(x, y)| {
            let [a, b, c, d, e, f] = matrix;
            (a * x + c * y + e, b * x + d * y + f)
        });
        let least = corners.iter().fold((f32::MAX, f32::MAX), |least, at| (least.0.min(at.0), least.1.min(at.1)));
        let most = corners.iter().fold((f32::MIN, f32::MIN), |most, at| (most.0.max(at.0), most.1.max(at.1)));
        // A box without an extent cannot be stretched.
        let scale = |extent: f32, room: f32| if extent > 0.0 && room > 0.0 { room / extent } else { 1.0 };
        let (wide, high) = (scale(most.0 - least.0, place[2] - place[0]), scale(most.1 - least.1, place[3] - place[1]));
        let moved = [wide, 0.0, 0.0, high, place[0] - least.0 * wide, place[1] - least.1 * high];
        self.push("q", Vec::new());
        self.place(Operation::new("cm", moved.map(Object::Real).to_vec()));
        self.draw_form(id, form, &form.dict)?;
        self.push("Q", Vec::new());
        Ok(())
    }

    /// Writes the value of a text or a choice that was filled in by a program which drew nothing.
    fn write_value(&mut self, field: &'a Dictionary, place: [f32; 4]) {
        let document = self.document;
        let name = |key: &[u8]| inherited(document, field, key).and_then(|kind| kind.as_name().ok());
        let flags = inherited(document, field, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let value = match (name(b"FT"), name(b"Subtype")) {
            (Some(b"Tx" | b"Ch"), _) if flags & PASSWORD == 0 => inherited(document, field, b"V"),
            (None, Some(b"FreeText")) => inherited(document, field, b"Contents"),
            _ => None,
        };
        let Some(value) = value else { return };
        let values = match value {
            Object::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        let lines: Vec<String> = values
            .into_iter()
            .filter_map(|value| decode_text_string(document.dereference(value).ok()?.1).ok())
            .flat_map(|value| value.split(['\r', '\n']).map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| !line.trim().is_empty())
            .collect();
        let room = (place[3] - place[1]) / lines.len().max(1) as f32;
        let size = size_given(document, field).unwrap_or((room / LINE).clamp(1.0, MAX_SIZE));
        let line_height = if lines.len() == 1 { room } else { size * LINE };
        for (line, text) in lines.into_iter().enumerate() {
            // Letters stand in the middle of their line; a quarter of their height is below where they stand.
            let foot = place[3] - line_height * (line as f32 + 1.0) + (line_height - size) / 2.0 + size / 4.0;
            self.write(text, (place[0] + 2.0, foot), size);
        }
    }
}

/// The form that shows an annotation in its present state.
fn appearance<'a>(document: &'a Document, annotation: &'a Dictionary) -> Option<(ObjectId, &'a Stream)> {
    let normal = dictionary_at(document, annotation, b"AP")?.get(b"N").ok()?;
    let (id, found) = document.dereference(normal).ok()?;
    if let Ok(form) = found.as_stream() {
        return Some((id?, form));
    }
    let state = annotation.get(b"AS").and_then(Object::as_name).ok()?;
    let (id, found) = document.dereference(found.as_dict().ok()?.get(state).ok()?).ok()?;
    Some((id?, found.as_stream().ok()?))
}

/// The size of the letters of a field, where its appearance string says one.
fn size_given(document: &Document, field: &Dictionary) -> Option<f32> {
    let appearance = inherited(document, field, b"DA").and_then(|appearance| appearance.as_str().ok())?;
    let chosen = Operators::of(appearance).filter(|operation| operation.operator == "Tf").last()?;
    chosen.operands.get(1)?.as_float().ok().filter(|size| (1.0..200.0).contains(size))
}

fn integer(document: &Document, within: &Dictionary, key: &[u8]) -> Option<i64> {
    document.dereference(within.get(key).ok()?).ok()?.1.as_i64().ok()
}

fn numbers<const COUNT: usize>(document: &Document, within: &Dictionary, key: &[u8]) -> Option<[f32; COUNT]> {
    let list = document.dereference(within.get(key).ok()?).ok()?.1.as_array().ok()?;
    let number =
        |object: &Object| document.dereference(object).ok()?.1.as_float().ok().filter(|number| number.is_finite());
    list.iter().map(number).collect::<Option<Vec<f32>>>()?.try_into().ok()
}

/// A rectangle by its lower left and its upper right corner, whichever two it is given by.
fn ordered([x0, y0, x1, y1]: [f32; 4]) -> [f32; 4] {
    [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)]
}
