//! The files of a branch of a Git repository, by the `git` program that is installed.
//!
//! A pass fetches the newest commit into a bare mirror in the data directory and lists its files; a file is told from its
//! next state by the name of its blob, so nothing is read that has not changed. The program does what a library would have
//! to be taught (protocols, credentials, proxies), and is asked through fixed arguments only. May depend on `config`.

mod command;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _};

use self::command::Git;
use super::{Found, Listed, Read, Selection, Source, SourceError, SourceItem};
use crate::config::Secret;

/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(600);
/// How long anything in the mirror may take.
const LOCAL: Duration = Duration::from_secs(60);
/// Where the newest commit is kept in the mirror.
const HEAD: &str = "refs/footnote/head";
/// The longest entry of a listing, in bytes.
const MAX_ENTRY: u64 = 64 * 1024;
/// How a file begins that stands for one in Git LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What is followed of a repository.
pub(super) struct Branch {
    /// The repository.
    pub(super) url: String,
    /// The branch; the one that the repository names when absent.
    pub(super) branch: Option<String>,
    /// The folder; all of it when empty.
    pub(super) folder: String,
    /// A token for HTTPS.
    pub(super) token: Option<Secret>,
}

/// A branch.
pub(super) struct GitSource {
    of: Branch,
    git: Git,
    selection: Selection,
}

impl GitSource {
    /// A branch, with the directory of its mirror, which leaves `reserve` bytes of its disk free.
    pub(super) fn new(of: Branch, mirror: PathBuf, reserve: u64, selection: Selection) -> Self {
        let git = Git::new(mirror, &of.url, of.token.as_ref(), reserve);
        Self { of, git, selection }
    }

    /// Fetches the newest commit. A lock that a killed process left in the mirror is nobody's: only one pass runs.
    async fn fetch(&self) -> Result<(), SourceError> {
        match self.fetch_once().await {
            Err(error) if error.to_string().contains(".lock") => {
                tracing::info!(url = self.of.url, %error, "the mirror is made anew");
                self.git.drop_mirror().await?;
                self.fetch_once().await
            }
            result => result,
        }
    }

    async fn fetch_once(&self) -> Result<(), SourceError> {
        self.git.make_mirror(LOCAL).await?;
        let from = self.of.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
        // With `+` a branch that was written anew is taken as it is. `--` ends the options before anything of ours.
        let what = format!("+{from}:{HEAD}");
        let arguments =
            ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--depth=1", "--", &self.of.url, &what];
        let fetched = self.git.fetch(&arguments, FETCH).await;
        fetched.map_err(|error| match error.to_string() {
            said if said.contains("returned error: 30") => SourceError::Unavailable(format!(
                "{said}: with a token no redirect is followed; give the address that it leads to as `url`"
            )),
            _ => error,
        })
    }

    /// The commit, or the folder in it, for Git to list.
    fn tree(&self) -> String {
        match self.of.folder.as_str() {
            "" => HEAD.to_owned(),
            folder => format!("{HEAD}:{folder}"),
        }
    }

    fn listed(&self, entry: &[u8]) -> Result<Listed, SourceError> {
        let odd = || SourceError::Unavailable("git listed something that is no file".to_owned());
        let tab = entry.iter().position(|byte| *byte == b'\t').ok_or_else(odd)?;
        let (about, path) = entry.split_at(tab);
        let path = path.get(1..).unwrap_or_default();
        let about = std::str::from_utf8(about).map_err(|_| odd())?;
        let mut about = about.split_ascii_whitespace();
        let (Some(mode), Some("blob" | "commit"), Some(blob), Some(size)) =
            (about.next(), about.next(), about.next(), about.next())
        else {
            return Err(odd());
        };
        let key = String::from_utf8_lossy(path).into_owned();
        // Regular files only: no links, no repositories in the repository.
        if !matches!(mode, "100644" | "100755") || !self.selection.takes(&key) {
            return Ok(Listed::PassedOver);
        }
        let is_utf8 = std::str::from_utf8(path).is_ok();
        let problem = (!is_utf8).then(|| "its name is not UTF-8: give it another name".to_owned());
        let (fingerprint, size) = (Some(blob.to_owned()), size.parse().ok());
        Ok(Listed::Item(SourceItem { key, fingerprint, unsettled: false, size, problem }))
    }
}

#[async_trait]
impl Source for GitSource {
    async fn list(&self, found: Found) -> Result<(), SourceError> {
        self.fetch().await?;
        let tree = self.tree();
        let mut running = self.git.start(&["ls-tree", "-r", "-z", "-l", "--full-tree", &tree])?;
        let mut entry = Vec::new();
        loop {
            entry.clear();
            let mut bounded = (&mut running.output).take(MAX_ENTRY);
            let read = tokio::time::timeout(LOCAL, bounded.read_until(0, &mut entry)).await;
            let read = read.map_err(|_| command::no_answer(LOCAL))?;
            if read.map_err(|error| SourceError::Unavailable(format!("git: {error}")))? == 0 {
                break;
            }
            if entry.pop() != Some(0) {
                return Err(SourceError::Unavailable("git's listing broke off".to_owned()));
            }
            found.take(self.listed(&entry)?).await?;
        }
        // What it listed is everything only when it says so.
        running.ended(LOCAL).await
    }

    async fn read(&self, item: &SourceItem, _: Option<&str>) -> Result<Read, SourceError> {
        let blob = item.fingerprint.as_deref().unwrap_or_default();
        if blob.is_empty() || !blob.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SourceError::Refused(format!("`{blob}` is not the name of a blob")));
        }
        let mut running = self.git.start(&["cat-file", "blob", blob])?;
        let mut beginning = Vec::new();
        let mut first = (&mut running.output).take(LFS_POINTER.len() as u64);
        let first = tokio::time::timeout(LOCAL, first.read_to_end(&mut beginning)).await;
        let first = first.map_err(|_| command::no_answer(LOCAL))?;
        first.map_err(|error| SourceError::Unavailable(format!("git: {error}")))?;
        if beginning == LFS_POINTER {
            return Err(SourceError::Refused("it is stored with Git LFS, which is not fetched".to_owned()));
        }
        // Fewer bytes than the listing said are a program that died on the way.
        let reader = std::io::Cursor::new(beginning).chain(running);
        Ok(Read::Bytes { reader: Box::new(reader), size: item.size, validator: None })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn source(folder: &str) -> GitSource {
        let of = Branch { url: "file:///x".into(), branch: None, folder: folder.into(), token: None };
        GitSource::new(of, "/nonexistent".into(), 0, Selection::default())
    }

    #[test]
    fn regular_files_are_listed_and_links_and_repositories_are_not() {
        let source = source("");
        let oid = "ce013625030ba8dba906f756967f9e9ca394464a";
        let Listed::Item(item) = source.listed(format!("100644 blob {oid}      6\ta b/ü.md").as_bytes()).unwrap()
        else {
            panic!("a file is an item")
        };
        assert_eq!((item.key.as_str(), item.fingerprint.as_deref(), item.size), ("a b/ü.md", Some(oid), Some(6)));
        for other in [format!("120000 blob {oid} 6\tlink"), format!("160000 commit {oid} -\tsub")] {
            assert_eq!(source.listed(other.as_bytes()).unwrap(), Listed::PassedOver);
        }
        let mut bytes = format!("100755 blob {oid} 6\t").into_bytes();
        bytes.push(0xff);
        let Listed::Item(item) = source.listed(&bytes).unwrap() else { panic!("a file is an item") };
        assert!(item.problem.unwrap().contains("UTF-8"));
        assert!(source.listed(b"nonsense").is_err());
    }

    #[test]
    fn a_folder_is_listed_from_itself_on() {
        assert_eq!(source("").tree(), HEAD);
        assert_eq!(source("docs/a").tree(), "refs/footnote/head:docs/a");
    }
}
