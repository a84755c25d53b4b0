//! Which items of a source are followed, and what their documents are called.
//!
//! May depend on `config`. Patterns are those of the shell: `*` stands for anything in one name, `**` for any folders.

use glob::{MatchOptions, Pattern};

use crate::config::Connector;

/// `*` does not cross a `/`.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// What a connector picks out of its source.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Selection {
    /// That of a connector.
    pub fn of(connector: &Connector) -> Self {
        Self { include: connector.include.clone(), exclude: connector.exclude.clone() }
    }

    /// Whether an item is followed: one of the patterns includes it, if there are such, and none excludes it.
    pub fn takes(&self, key: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches_with(key, MATCHING));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_included_and_not_excluded_is_followed() {
        let patterns = |patterns: &[&str]| patterns.iter().map(|text| Pattern::new(text).unwrap()).collect();
        let selection = Selection { include: patterns(&["**/*.md", "*.txt"]), exclude: patterns(&["drafts/**"]) };
        for taken in ["a.md", "x/y/a.md", "a.txt"] {
            assert!(selection.takes(taken), "{taken}");
        }
        for left in ["x/a.txt", "a.pdf", "drafts/a.md", "drafts/x/a.md"] {
            assert!(!selection.takes(left), "{left}");
        }
        assert!(Selection::default().takes("anything"));
    }
}
