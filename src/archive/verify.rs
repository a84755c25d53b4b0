//! Reading every byte of an archive, and comparing it with what was written.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    ArchiveError,
    manifest::{Content, END, End, Entry, HEADER, Header, MANIFEST},
    reader::{Lines, Member, Reader},
    writer::PIECE,
};

/// An archive every byte of which is as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub header: Header,
    /// The SHA-256 of its manifest.
    pub name: String,
    /// Its members, those that earlier archives hold included.
    pub members: u64,
}

/// Reads an archive to its end and checks all of it: the order of its members, their sums, and that there is nothing else.
pub async fn verify(path: &Path) -> Result<Verified, ArchiveError> {
    let end = find_end(path).await?;
    let mut manifest = Entries::of(path).await?;
    let mut reader = Reader::open(path).await?;
    let mut header = None;
    loop {
        let Some(member) = reader.next().await? else {
            return Err(ArchiveError::Damaged(format!("`{MANIFEST}` is missing")));
        };
        if member.name == MANIFEST {
            break;
        }
        Content::of(&member.name)?;
        let sha256 = if member.name == HEADER {
            let bytes = reader.whole(&member).await?;
            header = Some(Header::parse(&bytes)?);
            super::manifest::sha256(&bytes)
        } else {
            sum(&mut reader).await?
        };
        reader.check_padding(&member.name).await?;
        let Some(header) = &header else {
            return Err(ArchiveError::Unsupported(format!("it does not begin with `{HEADER}`: it is no archive")));
        };
        let entry = manifest.next_here(header).await?;
        compare(entry, &member, &sha256)?;
    }
    let Some(header) = header else {
        return Err(ArchiveError::Unsupported("it is no archive: it is empty".to_owned()));
    };
    if let Some(entry) = manifest.next_here(&header).await? {
        return Err(ArchiveError::Damaged(format!("`{}` is missing", entry.name)));
    }
    let name = sum(&mut reader).await?;
    if name != end.manifest_sha256 || manifest.read != end.members {
        return Err(ArchiveError::Damaged("its manifest is not as it was written".to_owned()));
    }
    reader.check_padding(MANIFEST).await?;
    let Some(last) = reader.next().await? else {
        return Err(ArchiveError::Damaged(format!("`{END}` is missing")));
    };
    reader.whole(&last).await?;
    reader.check_padding(END).await?;
    if reader.next().await?.is_some() {
        return Err(ArchiveError::Damaged("there is something behind its end".to_owned()));
    }
    reader.check_end().await?;
    Ok(Verified { path: path.to_owned(), header, name, members: end.members })
}

/// What the last member says. It is looked for first: without it the rest need not be read.
async fn find_end(path: &Path) -> Result<End, ArchiveError> {
    let mut reader = Reader::open(path).await?;
    let mut first = true;
    while let Some(member) = reader.next().await.map_err(|error| no_archive(error, first))? {
        if first && member.name != HEADER {
            return Err(ArchiveError::Unsupported(format!("it does not begin with `{HEADER}`: it is no archive")));
        }
        first = false;
        if member.name == END {
            let bytes = reader.whole(&member).await?;
            return serde_json::from_slice(&bytes).map_err(|error| ArchiveError::Damaged(format!("`{END}`: {error}")));
        }
    }
    Err(ArchiveError::Damaged(format!("`{END}` is missing: it was not written to its end")))
}

fn no_archive(error: ArchiveError, first: bool) -> ArchiveError {
    match error {
        ArchiveError::Damaged(why) if first => ArchiveError::Unsupported(format!("it is no archive: {why}")),
        other => other,
    }
}

async fn sum(reader: &mut Reader) -> Result<String, ArchiveError> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = reader.piece(&mut buffer).await?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

fn compare(entry: Option<Entry>, member: &Member, sha256: &str) -> Result<(), ArchiveError> {
    match entry {
        Some(entry) if entry.name == member.name && entry.size == member.size && entry.sha256 == sha256 => Ok(()),
        Some(entry) if entry.name == member.name => {
            Err(ArchiveError::Damaged(format!("`{}` is not as it was written", member.name)))
        }
        Some(entry) => Err(ArchiveError::Damaged(format!("`{}` stands where `{}` should", member.name, entry.name))),
        None => Err(ArchiveError::Damaged(format!("`{}` is not in its manifest", member.name))),
    }
}

/// The entries of a manifest, one at a time.
pub(super) struct Entries {
    lines: Lines,
    /// How many were read.
    read: u64,
}

impl Entries {
    /// Those of an archive.
    pub(super) async fn of(path: &Path) -> Result<Self, ArchiveError> {
        Ok(Self { lines: Lines::of(path, MANIFEST).await?, read: 0 })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let Some(line) = self.lines.next().await? else { return Ok(None) };
        self.read += 1;
        let entry = serde_json::from_slice(&line);
        entry.map(Some).map_err(|error| ArchiveError::Damaged(format!("`{MANIFEST}`: {error}")))
    }

    /// The next one that the archive itself holds.
    async fn next_here(&mut self, header: &Header) -> Result<Option<Entry>, ArchiveError> {
        while let Some(entry) = self.next().await? {
            if entry.archive.is_none() {
                return Ok(Some(entry));
            }
            if header.since.is_none() {
                return Err(ArchiveError::Damaged(format!("`{}` is held by no archive that it names", entry.name)));
            }
            Content::of(&entry.name)?;
        }
        Ok(None)
    }
}
