//! What is put before a chunk when it is embedded and shown to a model: the document's title, the headings above,
//! and the header of a table that the chunk continues.
//!
//! May depend on nothing of this crate.

/// Between the title and the headings.
const BETWEEN: &str = " > ";

/// A context, and whether something had to be left out of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Context {
    pub(super) text: String,
    pub(super) shortened: bool,
}

/// Joins title and headings in at most `max` tokens.
///
/// What does not fit is left out whole, never cut: first the outermost headings, so that the title and the nearest
/// heading stay; then the title; then the nearest heading too.
pub(super) fn context(title: &str, path: &[&str], max: usize, count: impl Fn(&str) -> usize) -> Context {
    let title = squeeze(title);
    let mut headings: Vec<String> =
        path.iter().map(|heading| squeeze(heading)).filter(|heading| !heading.is_empty()).collect();
    if headings.first() == Some(&title) {
        headings.remove(0);
    }
    let mut parts: Vec<String> = if title.is_empty() { headings } else { [vec![title], headings].concat() };
    let mut shortened = false;
    loop {
        let text = parts.join(BETWEEN);
        if parts.is_empty() || count(&text) <= max {
            return Context { text, shortened };
        }
        parts.remove(if parts.len() > 2 { 1 } else { 0 });
        shortened = true;
    }
}

/// The title of a document that has none: its file's name without folders, extension and underscores.
pub(super) fn title_of(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(name);
    let stem = match file.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && (1..=8).contains(&extension.len())
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => file,
    };
    stem.replace('_', " ")
}

/// One line without runs of white space.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().filter(|word| *word != ">").count()
    }

    #[test]
    fn title_and_headings_are_joined_once_each() {
        let all = context("Guide", &["Guide", "Install", "On Linux"], 20, words);
        assert_eq!(all, Context { text: "Guide > Install > On Linux".into(), shortened: false });
        assert_eq!(context("", &[], 20, words).text, "");
    }

    #[test]
    fn the_outermost_headings_go_first_and_whole() {
        let path = ["a very long heading", "middle one", "near"];
        assert_eq!(
            context("Guide", &path, 4, words),
            Context { text: "Guide > middle one > near".into(), shortened: true }
        );
        assert_eq!(context("Guide", &path, 2, words).text, "Guide > near");
        assert_eq!(context("Guide", &path, 1, words).text, "near");
        assert_eq!(context("Guide", &["much too long"], 2, words), Context { text: String::new(), shortened: true });
    }

    #[test]
    fn a_name_gives_a_title() {
        assert_eq!(title_of("notes/2024/Steam_engine.md"), "Steam engine");
        assert_eq!(title_of("Steam engine"), "Steam engine");
        assert_eq!(title_of("St. Louis"), "St. Louis");
        assert_eq!(title_of(".env"), ".env");
        assert_eq!(title_of("archive.tar.gz"), "archive.tar");
        assert_eq!(title_of("docs/"), "docs");
    }
}
