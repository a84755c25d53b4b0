//! The file of connectors: which sources documents are kept in step with, and how.
//!
//! A file of its own, because a list of tables has no form as a flag or a variable. Everything is checked when the program
//! starts: a source that could not be followed is refused, with what to do. May depend on `domain` and on the checks of the
//! metadata store.

mod written;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use glob::Pattern;
use url::Url;

use super::{ConfigError, Secret};
use crate::domain::{ConnectorKind, Metadata};

/// The connectors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connectors {
    /// In the order of the file; each has a name of its own.
    pub connectors: Vec<Connector>,
}

/// A source, and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// What it is called.
    pub name: String,
    /// What is followed.
    pub source: SourceConfig,
    /// The collection of its documents.
    pub collection: String,
    /// What the names of its documents begin with, before what the source calls them.
    pub prefix: String,
    /// Only what one of these matches; everything when there is none.
    pub include: Vec<Pattern>,
    /// Nothing that one of these matches.
    pub exclude: Vec<Pattern>,
    /// How long after a pass the next one begins.
    pub interval: Duration,
    /// What its documents get.
    pub metadata: Metadata,
    /// Who may read them.
    pub access: Vec<String>,
    /// The greatest share of its documents that one pass deletes without being told to, above 0 and up to 1.
    pub most_deleted: f64,
}

/// Where the documents come from.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceConfig {
    /// A folder with everything below it.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Whether hidden files and folders are followed too.
        hidden: bool,
    },
    /// The objects of a bucket below a prefix.
    Bucket {
        /// `s3://bucket/prefix`, or `file:///directory`.
        url: String,
        /// The address of the service, when it is not Amazon's.
        endpoint: Option<String>,
        /// The region.
        region: Option<String>,
        /// The access key and its secret; those of the environment when absent.
        keys: Option<(Secret, Secret)>,
    },
    /// The pages that a sitemap lists.
    Sitemap {
        /// The sitemap, or an index of sitemaps.
        url: Url,
        /// The hosts beside that of the sitemap whose pages are followed, as addresses write them.
        hosts: BTreeSet<String>,
        /// How long the site is left alone between two requests.
        delay: Duration,
        /// Whether addresses of private networks and of this machine may be asked.
        private_network: bool,
        /// Whether pages are asked whose `lastmod` has not changed.
        ask_every_page: bool,
    },
    /// The files of a branch.
    Git {
        /// The repository.
        url: String,
        /// The branch; the one that the repository names when absent.
        branch: Option<String>,
        /// The folder in the repository; all of it when empty.
        folder: String,
        /// A token to fetch with over HTTPS.
        token: Option<Secret>,
    },
}

impl SourceConfig {
    /// What is followed.
    pub fn kind(&self) -> ConnectorKind {
        match self {
            Self::Folder { .. } => ConnectorKind::Folder,
            Self::Bucket { .. } => ConnectorKind::Bucket,
            Self::Sitemap { .. } => ConnectorKind::Sitemap,
            Self::Git { .. } => ConnectorKind::Git,
        }
    }

    /// Where it is, for people. No address holds a password.
    pub fn address(&self) -> String {
        match self {
            Self::Folder { path, .. } => path.display().to_string(),
            Self::Bucket { url, .. } => url.clone(),
            Self::Sitemap { url, .. } => url.to_string(),
            Self::Git { url, .. } => url.clone(),
        }
    }
}

impl Connectors {
    /// Reads and checks a file of connectors.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, |name| std::env::var(name).ok())
            .map_err(|message| ConfigError::Malformed { path: path.to_owned(), message })
    }

    /// The connector of a name.
    pub fn get(&self, name: &str) -> Option<&Connector> {
        self.connectors.iter().find(|connector| connector.name == name)
    }

    fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let written = written::parse(text)?;
        let mut connectors: Vec<Connector> = Vec::new();
        for one in written {
            let name = one.name.clone();
            let connector = one.check(&variable).map_err(|why| format!("connector `{name}`: {why}"))?;
            if connectors.iter().any(|other| other.name == name) {
                return Err(format!("two connectors are called `{name}`: give each a name of its own"));
            }
            connectors.push(connector);
        }
        Ok(Self { connectors })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Result<Connectors, String> {
        Connectors::parse(text, |name| (name == "A_TOKEN").then(|| "hidden-words".to_owned()))
    }

    fn one(rest: &str) -> String {
        format!("[[connectors]]\nname = \"one\"\n{rest}\n")
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let read = parse(&one("kind = \"folder\"\npath = \"/srv/docs\"")).unwrap();
        let connector = read.get("one").unwrap();
        assert_eq!(connector.source, SourceConfig::Folder { path: "/srv/docs".into(), hidden: false });
        assert_eq!((connector.collection.as_str(), connector.prefix.as_str()), ("default", ""));
        assert_eq!((connector.interval, connector.most_deleted), (Duration::from_secs(600), 0.5));
        assert_eq!(parse("").unwrap(), Connectors::default());
    }

    #[test]
    fn every_kind_is_read_with_what_it_has() {
        let text = one("kind = \"git\"\nurl = \"https://example.org/a.git\"\nbranch = \"main\"\nfolder = \"/docs/\"\n\
             token_env = \"A_TOKEN\"\ninclude = [\"**/*.md\"]\ncollection = \"code\"\nprefix = \"a/\"\n\
             interval_seconds = 60\nmetadata = { team = \"red\" }\naccess = [\"staff\", \"a\", \"staff\"]")
            + "[[connectors]]\nname = \"site\"\nkind = \"sitemap\"\nurl = \"https://example.org/sitemap.xml\"\n\
             hosts = [\"WWW.example.org\", \"bücher.example\"]\ndelay_seconds = 0.5\n\
             [[connectors]]\nname = \"bucket\"\nkind = \"bucket\"\nurl = \"file:///srv/objects\"\n";
        let read = parse(&text).unwrap();
        let git = read.get("one").unwrap();
        assert_eq!(git.access, ["a", "staff"]);
        assert_eq!(git.metadata["team"], "red");
        let SourceConfig::Git { folder, token, .. } = &git.source else { panic!("{git:?}") };
        assert_eq!((folder.as_str(), token.as_ref().unwrap().expose()), ("docs", "hidden-words"));
        assert!(!format!("{read:?}").contains("hidden-words"));
        let SourceConfig::Sitemap { hosts, .. } = &read.get("site").unwrap().source else { panic!("{read:?}") };
        assert_eq!(
            hosts.iter().collect::<Vec<_>>(),
            ["www.example.org", "xn--bcher-kva.example"],
            "as addresses have them"
        );
        let kinds: Vec<_> = read.connectors.iter().map(|connector| connector.source.kind()).collect();
        assert_eq!(kinds, [ConnectorKind::Git, ConnectorKind::Sitemap, ConnectorKind::Bucket]);
    }

    #[test]
    fn what_could_not_be_followed_is_refused_and_no_secret_is_told() {
        let git = |rest: &str| one(&format!("kind = \"git\"\nurl = \"https://example.org/a\"\n{rest}"));
        let folder = |rest: &str| one(&format!("kind = \"folder\"\npath = \"/srv\"\n{rest}"));
        let site = |rest: &str| one(&format!("kind = \"sitemap\"\nurl = \"https://example.org/\"\n{rest}"));
        let cases = [
            (one("kind = \"folder\""), "`path`"),
            (one("kind = \"folder\"\npath = \"docs\""), "absolute"),
            (one("kind = \"disk\"\npath = \"/srv\""), "disk"),
            (folder("branch = \"main\""), "`branch`"),
            (folder("interval_seconds = 0"), "interval_seconds"),
            (folder("most_deleted = 0.0"), "most_deleted"),
            (folder("include = [\"***\"]"), "***"),
            (folder("colection = \"x\""), "colection"),
            (folder("collection = \"\""), "collection"),
            (folder("access = [\"\"]"), "label"),
            (folder("metadata = { a = { b = 1 } }"), "`a`"),
            (one("kind = \"git\"\nurl = \"--upload-pack=x\""), "https://"),
            (one("kind = \"git\"\nurl = \"ext::sh -c x\""), "https://"),
            (one("kind = \"git\"\nurl = \"https://me:hidden-words@example.org/a\""), "password"),
            (one("kind = \"git\"\nurl = \"https://hidden-words@example.org/a\""), "token_env"),
            (git("branch = \"-x\""), "branch"),
            (git("branch = \"a..b\""), "branch"),
            (git("folder = \"../x\""), "folder"),
            (git("token_env = \"OTHER\""), "OTHER"),
            (one("kind = \"git\"\nurl = \"ssh://git@example.org/a\"\ntoken_env = \"A_TOKEN\""), "https://"),
            (one("kind = \"sitemap\"\nurl = \"ftp://example.org\""), "http://"),
            (one("kind = \"sitemap\"\nurl = \"https://example.org/\"\ndelay_seconds = -1.0"), "delay_seconds"),
            (site("delay_seconds = 900.0"), "delay_seconds"),
            (site("hosts = [\"https://www.example.org\"]"), "without scheme"),
            (site("hosts = [\"www.example.org:8080\"]"), "without scheme"),
            (one("kind = \"sitemap\"\nurl = \"https://me@example.org/\""), "user name"),
            (one("kind = \"bucket\"\nurl = \"https://example.org\""), "s3://"),
            (one("kind = \"bucket\"\nurl = \"s3://a\"\naccess_key_env = \"A_TOKEN\""), "secret_key_env"),
            (folder("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"/b\""), "two connectors"),
            ("[[connectors]]\nname = \"a b\"\nkind = \"folder\"\npath = \"/b\"".to_owned(), "letters"),
        ];
        for (text, expected) in cases {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error} does not say {expected}");
            assert!(!error.contains("hidden-words"), "{error}");
        }
    }
}
