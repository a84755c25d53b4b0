//! XHTML for a parser of HTML, which takes `<title/>` for a beginning and everything after it for the title.
//!
//! May depend on nothing.

/// Elements that HTML knows to be empty.
const EMPTY: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Gives each element that ends where it begins an end of its own, unless HTML knows it to be empty. Comments, sections of
/// characters and declarations are left as they are.
pub(super) fn for_html(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + source.len() / 32);
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let end = end_of_tag(tag);
        let (tag, after) = tag.split_at(end);
        rest = after;
        match self_closing(tag) {
            Some(name) => {
                out.push_str(tag.trim_end_matches('>').trim_end_matches('/'));
                out.push_str("></");
                out.push_str(name);
                out.push('>');
            }
            None => out.push_str(tag),
        }
    }
    out.push_str(rest);
    out
}

/// Where what begins with `<` ends, in bytes.
fn end_of_tag(text: &str) -> usize {
    for (begin, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if text.starts_with(begin) {
            return text.find(end).map_or(text.len(), |at| at + end.len());
        }
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'>') => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The name of a tag such as `<a id="x"/>`.
fn self_closing(tag: &str) -> Option<&str> {
    let inner = tag.strip_prefix('<')?.strip_suffix("/>")?;
    let end = inner.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inner.len());
    let name = inner.get(..end)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_name && !EMPTY.contains(&name.to_ascii_lowercase().as_str())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_that_end_where_they_begin_are_ended() {
        assert_eq!(for_html("<head><title/></head><p>a<br/>b</p>"), "<head><title></title></head><p>a<br/>b</p>");
        assert_eq!(for_html("<a id=\"x>y\" />z <script src='s'/>"), "<a id=\"x>y\" ></a>z <script src='s'></script>");
    }

    #[test]
    fn what_is_no_element_is_left_as_it_is() {
        for same in
            ["<!-- <a/> -->", "<?xml version='1.0'?>", "<p>1 < 2</p>", "<![CDATA[<a/>]]>", "a <", "<a href='", ""]
        {
            assert_eq!(for_html(same), same);
        }
    }
}
