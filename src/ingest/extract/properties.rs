//! What a document says about itself: its title.
//!
//! May depend on `package` and `xml`.

use super::{
    ExtractError,
    package::Package,
    structure::one_line,
    xml::{Node, Reader},
};

/// What programs and libraries write where no person has given a title.
const NO_TITLES: [&str; 4] = ["Word Document", "PowerPoint Presentation", "Presentation", "Untitled"];

/// The Dublin Core title in the part of properties. A damaged part of properties is no reason to refuse the document.
pub(super) fn title(package: &mut Package<'_>, part: &str, max_depth: usize) -> Result<Option<String>, ExtractError> {
    let format = package.format();
    Ok(package.part(part)?.and_then(|text| title_in(format, &text, max_depth)))
}

fn title_in(format: &'static str, text: &str, max_depth: usize) -> Option<String> {
    let mut reader = Reader::new(format, text, max_depth);
    while let Ok(Some(node)) = reader.next() {
        if let Node::Start(element) = node
            && element.is("title")
        {
            let title = one_line(&reader.text_of_current().ok()?);
            return (!title.is_empty() && !NO_TITLES.contains(&title.as_str())).then_some(title);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_what_a_person_gave() {
        let core =
            |title: &str| format!("<cp xmlns:dc='d'><dc:creator>A</dc:creator><dc:title>{title}</dc:title></cp>");
        assert_eq!(title_in("DOCX", &core(" The \n title "), 9).as_deref(), Some("The title"));
        for none in ["", "  ", "PowerPoint Presentation"] {
            assert_eq!(title_in("DOCX", &core(none), 9), None, "{none:?}");
        }
        assert_eq!(title_in("DOCX", "<cp><dc:title>cut", 9), None);
    }
}
