//! A pull reader over one part of an office document: elements by their local names, entities resolved, depth bounded.
//!
//! May depend on the errors.

use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader as XmlReader,
};

use super::ExtractError;

pub(super) struct Reader<'a> {
    reader: XmlReader<&'a [u8]>,
    /// What the document is called in errors.
    format: &'static str,
    depth: usize,
    max_depth: usize,
}

#[derive(Debug)]
pub(super) enum Node<'a> {
    Start(Element<'a>),
    /// The end of the element that was started last and not ended yet.
    End,
    Text(String),
}

#[derive(Debug)]
pub(super) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    /// The value of an attribute, by local name.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found =
            self.0.attributes().with_checks(false).flatten().find(|a| a.key.local_name().into_inner() == name)?;
        Some(match found.normalized_value(XmlVersion::Explicit1_0) {
            Ok(value) => value.into_owned(),
            Err(_) => found.value.into_owned(),
        })
    }

    /// The value of an attribute that has a prefix, such as `r:id` beside `id`.
    pub(super) fn prefixed(&self, name: &str) -> Option<String> {
        let found = self
            .0
            .attributes()
            .with_checks(false)
            .flatten()
            .find(|a| a.key.local_name().into_inner() == name && a.key.into_inner().len() > name.len())?;
        Some(found.value.into_owned())
    }

    /// An attribute that is a number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.trim().parse().ok()
    }

    /// Whether an attribute is there and true.
    pub(super) fn has_flag(&self, name: &str) -> bool {
        matches!(self.attribute(name).as_deref(), Some("1" | "true" | "on"))
    }

    /// `w:val`, the attribute that most properties have.
    pub(super) fn value(&self) -> Option<String> {
        self.attribute("val")
    }

    /// A property that is on unless it says otherwise.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.value().as_deref(), Some("0" | "false" | "off"))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(format: &'static str, text: &'a str, max_depth: usize) -> Self {
        let mut reader = XmlReader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self { reader, format, depth: 0, max_depth }
    }

    /// The next node; `None` at the end of the part.
    pub(super) fn next(&mut self) -> Result<Option<Node<'a>>, ExtractError> {
        loop {
            let event = self.reader.read_event().map_err(|error| ExtractError::malformed(self.format, error))?;
            return Ok(Some(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > self.max_depth {
                        return Err(ExtractError::too_large("the nesting of its elements", self.max_depth as u64));
                    }
                    Node::Start(Element(start))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End
                }
                Event::Text(text) => Node::Text(text.into_inner().into_owned()),
                Event::CData(text) => Node::Text(text.into_inner().into_owned()),
                Event::GeneralRef(reference) => Node::Text(resolve(&reference)),
                Event::Eof if self.depth > 0 => {
                    return Err(ExtractError::malformed(self.format, "it ends in the middle of an element"));
                }
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            }));
        }
    }

    /// The next child of the current element; `None` at its end.
    pub(super) fn child(&mut self) -> Result<Option<Element<'a>>, ExtractError> {
        loop {
            match self.next()? {
                Some(Node::Start(element)) => return Ok(Some(element)),
                Some(Node::Text(_)) => {}
                Some(Node::End) | None => return Ok(None),
            }
        }
    }

    /// Skips the rest of the current element.
    pub(super) fn skip(&mut self) -> Result<(), ExtractError> {
        let mut open = 1;
        while open > 0 {
            match self.next()? {
                Some(Node::Start(_)) => open += 1,
                Some(Node::End) => open -= 1,
                Some(Node::Text(_)) => {}
                None => break,
            }
        }
        Ok(())
    }

    /// Goes on to the first element of this name, at any depth below; `false` at the end of the part.
    pub(super) fn find(&mut self, name: &str) -> Result<bool, ExtractError> {
        while let Some(node) = self.next()? {
            if let Node::Start(element) = node
                && element.is(name)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All text in the rest of the current element.
    pub(super) fn text_of_current(&mut self) -> Result<String, ExtractError> {
        let mut text = String::new();
        let mut open = 1;
        while open > 0 {
            match self.next()? {
                Some(Node::Start(_)) => open += 1,
                Some(Node::End) => open -= 1,
                Some(Node::Text(part)) => text.push_str(&part),
                None => break,
            }
        }
        Ok(text)
    }
}

/// The five entities of XML and numbered characters. What a document type defines is not expanded.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = reference;
    match name {
        "amp" => "&".into(),
        "lt" => "<".into(),
        "gt" => ">".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        _ => format!("&{name};"),
    }
}
