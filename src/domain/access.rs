//! Who may do what, and who may read which documents.
//!
//! [`Access`] is what stores are asked with: it becomes a condition of their queries. Depends on nothing else here.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a caller may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask, search, have conversations, and read documents.
    Ask,
    /// Upload, replace and delete documents, read them, and see their jobs.
    Ingest,
    /// Keys, adapters, the index, backups, and what was not answered.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Ingest, Self::Admin];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or_else(|| format!("there is no scope `{word}`: use `ask`, `ingest` or `admin`"))
    }
}

/// A set of names, or all that there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Allowed {
    /// Whatever there is, also what comes later.
    #[default]
    All,
    /// These, which may be none.
    Only(Arc<BTreeSet<String>>),
}

impl Allowed {
    /// These names; all where there is no list.
    pub fn from_list(names: Option<impl IntoIterator<Item = String>>) -> Self {
        names.map_or(Self::All, |names| Self::Only(Arc::new(names.into_iter().collect())))
    }

    /// None at all.
    pub fn none() -> Self {
        Self::Only(Arc::default())
    }

    /// The names; `None` for all.
    pub fn as_list(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Only(names) => Some(names.iter().cloned().collect()),
        }
    }

    /// Whether `name` is among them.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

/// What may be read: documents of these collections and, of those that carry access labels, the ones that carry one of
/// these labels. A document without access labels is for everyone who may read its collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Access {
    /// The collections.
    pub collections: Allowed,
    /// The access labels.
    pub labels: Allowed,
}

impl Access {
    /// Everything: what the program itself works with, and a caller without limits.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Nothing: what a request has that nobody has given anything.
    pub fn nothing() -> Self {
        Self { collections: Allowed::none(), labels: Allowed::none() }
    }

    /// Whether nothing is kept from the caller.
    pub fn is_everything(&self) -> bool {
        self.collections == Allowed::All && self.labels == Allowed::All
    }

    /// Whether a document with these access labels may be read, in a collection that may be.
    pub fn reads(&self, labels: &[String]) -> bool {
        labels.is_empty() || labels.iter().any(|label| self.labels.allows(label))
    }
}

/// On whose behalf something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Whose conversations begin with it; `None` for who needs no key.
    pub owner: Option<String>,
    /// What may be read for it.
    pub access: Access,
}

impl Asker {
    /// The program itself, or who needs no key.
    pub fn program() -> Self {
        Self { owner: None, access: Access::everything() }
    }
}

impl Default for Asker {
    fn default() -> Self {
        Self { owner: None, access: Access::nothing() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Allowed {
        Allowed::from_list(Some(names.iter().map(|name| (*name).to_owned())))
    }

    #[test]
    fn an_empty_list_allows_nothing_and_no_list_everything() {
        assert!(Allowed::from_list(None::<Vec<String>>).allows("any"));
        assert!(!of(&[]).allows("any") && of(&["any"]).allows("any") && !of(&["any"]).allows("Any"));
        assert_eq!((of(&[]), of(&[]).as_list()), (Allowed::none(), Some(Vec::new())));
    }

    #[test]
    fn one_label_in_common_is_enough_and_a_document_without_is_for_everyone() {
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let access = Access { labels: of(&["hr", "board"]), ..Access::everything() };
        assert!(access.reads(&labels(&[])) && access.reads(&labels(&["legal", "hr"])));
        assert!(!access.reads(&labels(&["legal"])));
        assert!(Access::nothing().reads(&[]) && !Access::nothing().collections.allows("default"));
        assert!(Access::everything().reads(&labels(&["legal"])) && !access.is_everything());
    }

    #[test]
    fn scopes_are_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!("root".parse::<Scope>().is_err());
    }
}
