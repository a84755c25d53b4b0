//! The pages of a PDF in their order.
//!
//! A page that does not say that it is one, and one whose object is lost, are pages all the same: each counts, or the
//! numbers of those behind it would be wrong. May depend on nothing of this crate.

use std::collections::HashSet;

use pdf_extract::{Document, Object, ObjectId};

/// How deep the tree may be.
const MAX_DEPTH: usize = 256;

/// The first `most` pages.
pub(super) fn pages(document: &Document, most: usize) -> Vec<ObjectId> {
    let root = document.catalog().ok().and_then(|catalog| catalog.get(b"Pages").ok()?.as_reference().ok());
    let Some(root) = root else { return Vec::new() };
    let mut pages = Vec::new();
    // A node that is its own descendant would never end.
    let mut seen = HashSet::from([root]);
    let mut open = vec![kids(document, root).unwrap_or_default().iter()];
    while let Some(kids_left) = open.last_mut() {
        let Some(kid) = kids_left.next() else {
            open.pop();
            continue;
        };
        let Ok(id) = kid.as_reference() else { continue };
        match kids(document, id) {
            Some(kids) if open.len() < MAX_DEPTH => {
                if seen.insert(id) {
                    open.push(kids.iter());
                }
            }
            Some(_) => {}
            None => {
                pages.push(id);
                if pages.len() == most {
                    return pages;
                }
            }
        }
    }
    pages
}

/// What is below a node of the tree; `None` for a page.
fn kids(document: &Document, node: ObjectId) -> Option<&[Object]> {
    let node = document.get_dictionary(node).ok()?;
    let kids = node.get(b"Kids").ok().and_then(|kids| document.dereference(kids).ok()?.1.as_array().ok());
    let is_node = node.get(b"Type").and_then(Object::as_name).is_ok_and(|kind| kind == b"Pages");
    kids.map(Vec::as_slice).or(if is_node { Some(&[]) } else { None })
}
