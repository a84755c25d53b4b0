//! An archive together with the earlier ones that hold what was left out of it.

use std::path::{Path, PathBuf};

use super::{
    ArchiveError, Verified,
    manifest::{Entry, place},
    reader::{Member, Reader},
    verify::{Entries, verify},
};

/// An archive that is complete together with the ones that it builds on, all of them verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The archive.
    pub newest: Verified,
    /// Those that it builds on.
    pub bases: Vec<Verified>,
}

impl Chain {
    /// Verifies all of them, and that together they hold every member of the newest one.
    pub async fn verify(newest: &Path, bases: &[PathBuf]) -> Result<Self, ArchiveError> {
        let newest = verify(newest).await.map_err(|error| about(newest, error))?;
        let mut verified = Vec::new();
        for path in bases {
            verified.push(verify(path).await.map_err(|error| about(path, error))?);
        }
        let chain = Self { newest, bases: verified };
        chain.check().await?;
        Ok(chain)
    }

    async fn check(&self) -> Result<(), ArchiveError> {
        let mut held = Vec::new();
        for base in &self.bases {
            held.push((base, Earlier::of(base).await?));
        }
        let mut entries = Entries::of(&self.newest.path).await?;
        while let Some(entry) = entries.next().await? {
            let Some(archive) = &entry.archive else { continue };
            let Some((base, held)) = held.iter_mut().find(|(base, _)| base.name == *archive) else {
                return Err(ArchiveError::Chain(format!(
                    "the archive builds on the one whose manifest has the sha256 {archive}: give it with --base"
                )));
            };
            let found = held.find(&entry.name).await?.filter(|found| found.archive.is_none());
            if found.is_none_or(|found| found.size != entry.size || found.sha256 != entry.sha256) {
                return Err(ArchiveError::Chain(format!(
                    "{} does not hold `{}` as the newer archive says",
                    base.path.display(),
                    entry.name
                )));
            }
        }
        Ok(())
    }

    /// Every member, wherever it lies.
    pub(super) async fn walk(&self) -> Result<Walk, ArchiveError> {
        let mut bases = Vec::new();
        for base in &self.bases {
            bases.push((base.name.clone(), Reader::open(&base.path).await?));
        }
        Ok(Walk { entries: Entries::of(&self.newest.path).await?, own: Reader::open(&self.newest.path).await?, bases })
    }
}

fn about(path: &Path, error: ArchiveError) -> ArchiveError {
    match error {
        ArchiveError::Damaged(why) => ArchiveError::Damaged(format!("{}: {why}", path.display())),
        ArchiveError::Unsupported(why) => ArchiveError::Unsupported(format!("{}: {why}", path.display())),
        other => other,
    }
}

/// The members of a chain in the order of the newest manifest. The members of the earlier archives stand in the same
/// order, so each of them is read once from its beginning to its end.
pub(super) struct Walk {
    entries: Entries,
    own: Reader,
    bases: Vec<(String, Reader)>,
}

impl Walk {
    /// The next member, and the reader that stands at its first byte.
    pub(super) async fn next(&mut self) -> Result<Option<(Entry, Member, &mut Reader)>, ArchiveError> {
        let Some(entry) = self.entries.next().await? else { return Ok(None) };
        let reader = match &entry.archive {
            None => &mut self.own,
            Some(archive) => match self.bases.iter_mut().find(|(name, _)| name == archive) {
                Some((_, reader)) => reader,
                None => return Err(ArchiveError::Chain(format!("the archive {archive} is missing"))),
            },
        };
        loop {
            match reader.next().await? {
                Some(member) if member.name == entry.name => return Ok(Some((entry, member, reader))),
                // Of an earlier archive that is not needed any more.
                Some(_) if entry.archive.is_some() => {}
                _ => return Err(ArchiveError::Damaged(format!("`{}` is missing", entry.name))),
            }
        }
    }
}

/// What an earlier archive holds, asked for in the order of the names.
pub(super) struct Earlier {
    entries: Entries,
    next: Option<Entry>,
    name: String,
}

impl Earlier {
    /// Of a verified archive.
    pub(super) async fn of(archive: &Verified) -> Result<Self, ArchiveError> {
        let mut entries = Entries::of(&archive.path).await?;
        let next = entries.next().await?;
        Ok(Self { entries, next, name: archive.name.clone() })
    }

    /// The entry of this name, if there is one. Names must be asked for in order.
    pub(super) async fn find(&mut self, name: &str) -> Result<Option<Entry>, ArchiveError> {
        while let Some(next) = &self.next {
            match place(&next.name).cmp(&place(name)) {
                std::cmp::Ordering::Less => self.next = self.entries.next().await?,
                std::cmp::Ordering::Equal => return Ok(Some(next.clone())),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// The entry of this name as a later archive writes it, with the archive that holds the member.
    pub(super) async fn held(&mut self, name: &str) -> Result<Option<Entry>, ArchiveError> {
        let found = self.find(name).await?;
        Ok(found.map(|entry| Entry { archive: Some(entry.archive.unwrap_or_else(|| self.name.clone())), ..entry }))
    }
}
