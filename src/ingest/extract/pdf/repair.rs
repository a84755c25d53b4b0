//! Makes the table of a PDF's objects again where it is lost or wrong: the objects are found by reading the
//! file from its start, and a new table is put at its end.

use std::collections::BTreeMap;

/// The file with a new table of its objects; `None` when it has no objects or does not say which is its root.
pub(super) fn rebuilt(bytes: &[u8]) -> Option<Vec<u8>> {
    let objects = objects(bytes);
    let root = reference_after(bytes, b"/Root").or_else(|| catalog(bytes, &objects))?;
    let mut file = bytes.to_vec();
    file.extend(b"\n");
    let start = file.len();
    file.extend(b"xref\n0 1\n0000000000 65535 f \n");
    for (number, (generation, offset)) in &objects {
        file.extend(format!("{number} 1\n{offset:010} {generation:05} n \n").bytes());
    }
    let size = objects.keys().last()?.checked_add(1)?;
    file.extend(format!("trailer\n<< /Size {size} /Root {root}").bytes());
    for key in ["/Info", "/Encrypt"] {
        if let Some(reference) = reference_after(bytes, key.as_bytes()) {
            file.extend(format!(" {key} {reference}").bytes());
        }
    }
    if let Some(id) = array_after(bytes, b"/ID") {
        file.extend(b" /ID ");
        file.extend(id);
    }
    file.extend(format!(" >>\nstartxref\n{start}\n%%EOF\n").bytes());
    Some(file)
}

/// Every `12 0 obj`, with its generation and its place; the last of several is the newest.
fn objects(bytes: &[u8]) -> BTreeMap<u32, (u16, usize)> {
    let mut found = BTreeMap::new();
    for at in positions(bytes, b"obj") {
        let Some((generation, before)) = number_before(bytes, at) else { continue };
        let Some((number, start)) = number_before(bytes, before) else { continue };
        if let (Ok(number), Ok(generation)) = (u32::try_from(number), u16::try_from(generation))
            && number > 0
        {
            found.insert(number, (generation, start));
        }
    }
    found
}

/// The number that ends right before `end`, blanks aside, and where it starts.
fn number_before(bytes: &[u8], end: usize) -> Option<(u64, usize)> {
    let digits_end = bytes[..end].iter().rposition(|byte| !byte.is_ascii_whitespace())? + 1;
    if digits_end == end {
        return None;
    }
    let start = bytes[..digits_end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let number = std::str::from_utf8(&bytes[start..digits_end]).ok()?.parse().ok()?;
    Some((number, start))
}

/// The last `key 12 0 R` of the file, as `12 0 R`.
fn reference_after(bytes: &[u8], key: &[u8]) -> Option<String> {
    positions(bytes, key).filter_map(|at| reference_at(&bytes[at + key.len()..])).last()
}

fn reference_at(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    let mut words = head.split_ascii_whitespace();
    let (number, generation, mark) = (words.next()?, words.next()?, words.next()?);
    let (number, generation) = (number.parse::<u32>().ok()?, generation.parse::<u16>().ok()?);
    mark.starts_with('R').then(|| format!("{number} {generation} R"))
}

fn array_after<'a>(bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = positions(bytes, key).map(|at| &bytes[at + key.len()..]).last()?;
    let start = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let end = rest.iter().take(512).position(|byte| *byte == b']')?;
    (rest[start] == b'[').then(|| &rest[start..=end])
}

/// An object that calls itself the catalog.
fn catalog(bytes: &[u8], objects: &BTreeMap<u32, (u16, usize)>) -> Option<String> {
    let is_catalog = |start: usize| {
        let body = &bytes[start..bytes.len().min(start + 2048)];
        let end = positions(body, b"endobj").next().unwrap_or(body.len());
        positions(&body[..end], b"/Catalog").next().is_some()
    };
    let (number, (generation, _)) = objects.iter().rev().find(|(_, (_, start))| is_catalog(*start))?;
    Some(format!("{number} {generation} R"))
}

fn positions<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = *wanted.first()?;
        loop {
            let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
            from = at + 1;
            if bytes[at..].starts_with(wanted) {
                return Some(at);
            }
        }
    })
}
