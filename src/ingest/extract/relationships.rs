//! How the parts of an Office document (DOCX, PPTX, XLSX) name each other: Open Packaging Conventions, ECMA-376 part 2.
//!
//! May depend on `package` and `xml`.

use std::collections::HashMap;

use super::{ExtractError, package::Package, xml::Reader};

/// The relationships of one part, by their ids.
#[derive(Debug, Default)]
pub(super) struct Relationships {
    by_id: HashMap<String, Relationship>,
    /// The ids in the order of the part.
    order: Vec<String>,
}

#[derive(Debug)]
struct Relationship {
    /// The last word of its type, such as `slideLayout`.
    kind: String,
    /// The name of the part that it points to.
    target: String,
}

impl Relationships {
    /// The relationships of `part`; the empty name stands for the whole package. A part without any has none. What
    /// points out of the package is left out.
    pub(super) fn of(package: &mut Package<'_>, part: &str, max_depth: usize) -> Result<Self, ExtractError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let format = package.format();
        let text = package.part(&format!("{folder}{slash}_rels/{name}.rels"))?;
        text.map_or_else(|| Ok(Self::default()), |text| Self::read(format, &text, folder, max_depth))
    }

    fn read(format: &'static str, text: &str, folder: &str, max_depth: usize) -> Result<Self, ExtractError> {
        let mut found = Self::default();
        let mut reader = Reader::new(format, text, max_depth);
        let Some(_root) = reader.child()? else { return Ok(found) };
        while let Some(element) = reader.child()? {
            if let (Some(id), Some(kind), Some(target)) =
                (element.attribute("Id"), element.attribute("Type"), element.attribute("Target"))
                && element.attribute("TargetMode").as_deref() != Some("External")
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let target = resolve(folder, &target);
                found.order.push(id.clone());
                found.by_id.insert(id, Relationship { kind, target });
            }
            reader.skip()?;
        }
        Ok(found)
    }

    /// The name of the part that an id points to.
    pub(super) fn target(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|found| found.target.as_str())
    }

    /// The names of the parts of a kind, in order.
    pub(super) fn of_kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s str> {
        self.with_ids_of_kind(kind).map(|(_, target)| target)
    }

    /// The same, each behind its id.
    pub(super) fn with_ids_of_kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = (&'s str, &'s str)> {
        let all = self.order.iter().filter_map(|id| Some((id.as_str(), self.by_id.get(id)?)));
        all.filter(move |(_, found)| found.kind == kind).map(|(id, found)| (id, found.target.as_str()))
    }
}

/// The media type of a document whose main part this is, as the list of content types has it.
pub(super) fn media_type(
    package: &mut Package<'_>,
    main: &str,
    max_depth: usize,
) -> Result<Option<String>, ExtractError> {
    let format = package.format();
    let Some(text) = package.part("[Content_Types].xml")? else { return Ok(None) };
    let mut reader = Reader::new(format, &text, max_depth);
    let Some(_root) = reader.child()? else { return Ok(None) };
    while let Some(element) = reader.child()? {
        if element.attribute("PartName").is_some_and(|name| name.trim_start_matches('/') == main) {
            return Ok(element.attribute("ContentType").and_then(|found| of_document(&found)));
        }
        reader.skip()?;
    }
    Ok(None)
}

/// The type of a document from that of its main part. Those with macros are registered with a number at the end, and the
/// templates of Word without the word that their parts have there.
fn of_document(of_part: &str) -> Option<String> {
    let of_document = of_part.strip_suffix(".main+xml").filter(|found| {
        found.starts_with("application/vnd.") && found.bytes().all(|b| b.is_ascii_alphanumeric() || b"./-".contains(&b))
    })?;
    let is_template = of_document.ends_with(".macroEnabledTemplate");
    let of_document = if is_template { of_document.trim_end_matches("Template") } else { of_document };
    let number = if of_document.to_ascii_lowercase().ends_with("macroenabled") { ".12" } else { "" };
    Some(format!("{of_document}{number}"))
}

/// The name of the part that a path means, seen from a folder of the package. No path leads out of it.
pub(super) fn resolve(folder: &str, path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { folder };
    for name in start.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_seen_from_their_folder_and_never_lead_out() {
        assert_eq!(resolve("ppt/slides", "../slideLayouts/slideLayout1.xml"), "ppt/slideLayouts/slideLayout1.xml");
        assert_eq!(resolve("ppt/slides", "/ppt/charts/./chart1.xml"), "ppt/charts/chart1.xml");
        assert_eq!(resolve("", "xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolve("a", "../../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn the_type_of_a_document_comes_from_its_main_part() {
        for (of_part, expected) in [
            (
                "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
                Some("application/vnd.openxmlformats-officedocument.presentationml.slideshow"),
            ),
            (
                "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
                Some("application/vnd.ms-excel.sheet.macroEnabled.12"),
            ),
            (
                "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
                Some("application/vnd.ms-word.template.macroEnabled.12"),
            ),
            ("text/html; x=.main+xml", None),
            ("application/vnd.x\r\ny.main+xml", None),
        ] {
            assert_eq!(of_document(of_part).as_deref(), expected);
        }
    }

    #[test]
    fn targets_are_found_by_id_and_by_kind() {
        let text = "<Relationships xmlns='p'>
            <Relationship Id='r1' Type='http://x/relationships/slide' Target='slides/slide2.xml'/>
            <Relationship Id='r2' Type='http://x/relationships/hyperlink' Target='http://y' TargetMode='External'/>
            <Relationship Id='r3' Type='http://z/relationships/slide' Target='/ppt/slides/slide1.xml'/></Relationships>";
        let found = Relationships::read("PPTX", text, "ppt", 9).unwrap();
        assert_eq!(found.target("r1"), Some("ppt/slides/slide2.xml"));
        assert_eq!(found.with_ids_of_kind("slide").next(), Some(("r1", found.target("r1").unwrap())));
        assert_eq!(found.target("r2"), None);
        assert_eq!(found.of_kind("slide").collect::<Vec<_>>(), ["ppt/slides/slide2.xml", "ppt/slides/slide1.xml"]);
        assert!(Relationships::read("PPTX", "<Relationships><Rel", "ppt", 9).is_err());
    }
}
