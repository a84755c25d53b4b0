//! Reading a sitemap: `urlset` with pages, or `sitemapindex` with sitemaps.
//!
//! Depends on `quick-xml`. Only `loc` and `lastmod` right below their entry count: extensions have elements of the same
//! names deeper down.

use quick_xml::{events::Event, reader::Reader};

/// How many pages a sitemap may list: the protocol allows 50,000, and some sites do not keep to it.
const MAX_ENTRIES: usize = 500_000;
/// The deepest that elements are nested.
const MAX_DEPTH: usize = 64;

/// What a sitemap lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sitemap {
    /// Pages.
    Pages(Vec<Entry>),
    /// The addresses of other sitemaps.
    Index(Vec<String>),
}

/// A page.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// Its address.
    pub(super) location: String,
    /// When it last changed, in the site's words.
    pub(super) last_modified: Option<String>,
}

/// Reads a sitemap.
pub(super) fn parse(text: &str) -> Result<Sitemap, String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut open: Vec<String> = Vec::new();
    let (mut root, mut entries, mut entry, mut words) = (None, Vec::new(), Entry::default(), String::new());
    loop {
        match reader.read_event().map_err(|error| format!("it is not XML: {error}"))? {
            Event::Start(start) => {
                let name: &str = start.local_name().into_inner();
                if open.is_empty() && root.is_none() {
                    match name {
                        "urlset" | "sitemapindex" => root = Some(name == "sitemapindex"),
                        other => return Err(format!("it is no sitemap: it begins with `{other}`")),
                    }
                }
                if open.len() == MAX_DEPTH {
                    return Err("its elements are nested too deep".to_owned());
                }
                open.push(name.to_owned());
                words.clear();
            }
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                match (open.len(), name.as_str()) {
                    (2, "loc") => entry.location = words.trim().to_owned(),
                    (2, "lastmod") => entry.last_modified = Some(words.trim().to_owned()).filter(|at| !at.is_empty()),
                    (1, "url" | "sitemap") => {
                        let ended = std::mem::take(&mut entry);
                        if ended.location.is_empty() {
                            return Err(format!("its entry {} has no `loc`", entries.len() + 1));
                        }
                        if entries.len() == MAX_ENTRIES {
                            return Err(format!("it lists more than {MAX_ENTRIES} pages"));
                        }
                        entries.push(ended);
                    }
                    _ => {}
                }
                words.clear();
            }
            Event::Text(text) => words.push_str(&text.into_inner()),
            Event::CData(text) => words.push_str(&text.into_inner()),
            Event::GeneralRef(reference) => words.push_str(&character(&reference)),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    // Half a sitemap would look like one that has lost pages.
    match (root, open.is_empty()) {
        (_, false) => Err("it ends in the middle of an element".to_owned()),
        (None, true) => Err("it is empty".to_owned()),
        (Some(false), true) => Ok(Sitemap::Pages(entries)),
        (Some(true), true) => Ok(Sitemap::Index(entries.into_iter().map(|entry| entry.location).collect())),
    }
}

/// The five entities of XML and numbered characters.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> String {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pages_are_read_with_what_the_site_says_of_them() {
        let text = "\u{feff}<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
            xmlns:image=\"x\"><url><loc> https://a.example/?a=1&amp;b=2 </loc><lastmod>2026-01-02</lastmod>\
            <image:image><image:loc>https://a.example/picture.png</image:loc></image:image></url>\
            <url><image:image><image:loc>x</image:loc></image:image><loc><![CDATA[https://a.example/c]]></loc>\
            <lastmod/></url></urlset>";
        let Sitemap::Pages(pages) = parse(text).unwrap() else { panic!("it lists pages") };
        let expected = [("https://a.example/?a=1&b=2", Some("2026-01-02")), ("https://a.example/c", None)];
        let found: Vec<_> = pages.iter().map(|page| (page.location.as_str(), page.last_modified.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_index_lists_sitemaps() {
        let text = "<sitemapindex><sitemap><loc>https://a.example/1.xml</loc></sitemap></sitemapindex>";
        assert_eq!(parse(text).unwrap(), Sitemap::Index(vec!["https://a.example/1.xml".to_owned()]));
        assert_eq!(parse("<urlset/>").unwrap(), Sitemap::Pages(vec![]));
    }

    #[test]
    fn what_is_no_whole_sitemap_is_refused() {
        for (text, expected) in [
            ("", "empty"),
            ("<html><body>Not found</body></html>", "`html`"),
            ("<urlset><url><loc>https://a.example/</loc></url>", "middle"),
            ("<urlset><url></url></urlset>", "no `loc`"),
            ("<urlset><url></loc></urlset>", "not XML"),
            ("never heard of it", "empty"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{error} does not say {expected}");
        }
    }
}
