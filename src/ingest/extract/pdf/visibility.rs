//! What a page draws and does not show: layers that are switched off, and what its producer has marked as furniture.
//!
//! May depend on nothing of this crate.

use std::collections::HashSet;

use pdf_extract::{Dictionary, Document, Object, ObjectId, content::Operation};

/// Why a part of a page is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// It was marked as a running head or a page number.
    Furniture,
    /// It stands on a layer that viewers do not show.
    Layer,
}

/// The layers (optional content groups) of a document that are switched off when it is opened.
#[derive(Debug, Default)]
pub(super) struct Layers {
    off: HashSet<ObjectId>,
}

impl Layers {
    pub(super) fn of(document: &Document) -> Self {
        let all = document.catalog().ok().and_then(|catalog| dictionary_at(document, catalog, b"OCProperties"));
        let Some((all, shown)) = all.and_then(|all| Some((all, dictionary_at(document, all, b"D")?))) else {
            return Self::default();
        };
        let starts_off = shown.get(b"BaseState").and_then(Object::as_name).is_ok_and(|state| state == b"OFF");
        let mut off: HashSet<ObjectId> =
            if starts_off { groups(document, all, b"OCGs").collect() } else { HashSet::new() };
        for group in groups(document, shown, b"ON") {
            off.remove(&group);
        }
        off.extend(groups(document, shown, b"OFF"));
        Self { off }
    }

    /// Whether what belongs to `layer` is hidden: a group, or a rule about several.
    pub(super) fn hide(&self, document: &Document, layer: &Object) -> bool {
        if self.off.is_empty() {
            return false;
        }
        let Ok((id, layer)) = document.dereference(layer) else { return false };
        if id.is_some_and(|id| self.off.contains(&id)) {
            return true;
        }
        // An expression in place of a list is not worked out: what it is about is read.
        let Some(rule) = layer.as_dict().ok().filter(|rule| !rule.has(b"VE")) else { return false };
        let on: Vec<bool> = groups(document, rule, b"OCGs").map(|group| !self.off.contains(&group)).collect();
        if on.is_empty() {
            return false;
        }
        let is_shown = match rule.get(b"P").and_then(Object::as_name).unwrap_or(b"AnyOn") {
            b"AllOn" => on.iter().all(|on| *on),
            b"AnyOff" => on.iter().any(|on| !on),
            b"AllOff" => on.iter().all(|on| !on),
            _ => on.iter().any(|on| *on),
        };
        !is_shown
    }

    /// Whether the marked content that `operation` begins is hidden.
    pub(super) fn hide_marked(
        &self,
        document: &Document,
        operation: &Operation,
        resources: &Dictionary,
    ) -> Option<Hidden> {
        let [tag, given] = operation.operands.as_slice() else { return None };
        match tag.as_name().ok()? {
            b"Artifact" => {
                let kind = properties(document, given, resources)?.get(b"Type").and_then(Object::as_name).ok()?;
                (kind == b"Pagination").then_some(Hidden::Furniture)
            }
            b"OC" => {
                let layer = dictionary_at(document, resources, b"Properties")?.get(given.as_name().ok()?).ok()?;
                self.hide(document, layer).then_some(Hidden::Layer)
            }
            _ => None,
        }
    }
}

/// The properties of marked content, which stand with it or among the resources.
pub(super) fn properties<'a>(
    document: &'a Document,
    given: &'a Object,
    resources: &'a Dictionary,
) -> Option<&'a Dictionary> {
    match given {
        Object::Dictionary(properties) => Some(properties),
        Object::Name(name) => dictionary_at(document, dictionary_at(document, resources, b"Properties")?, name),
        _ => None,
    }
}

pub(super) fn dictionary_at<'a>(document: &'a Document, within: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    let (_, object) = document.dereference(within.get(key).ok()?).ok()?;
    object.as_dict().ok()
}

/// The groups under a key: one, or a list of them.
fn groups<'a>(document: &'a Document, within: &'a Dictionary, key: &[u8]) -> impl Iterator<Item = ObjectId> + use<'a> {
    let found = within.get(key).ok();
    let one = found.and_then(|found| found.as_reference().ok());
    let list = found.and_then(|found| document.dereference(found).ok()?.1.as_array().ok());
    let in_list = list.into_iter().flatten().filter_map(|group| group.as_reference().ok());
    in_list.chain(one.filter(|_| list.is_none()))
}
