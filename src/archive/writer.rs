//! Writing an archive, member after member, with the manifest kept in a file beside it.

use std::{path::Path, time::Duration};

use sha2::{Digest, Sha256};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, BufWriter},
};

use super::{
    ArchiveError,
    manifest::{self, BLOCK, END, End, Entry, MANIFEST},
};

/// How long one write may take: a client that takes nothing more is not waited for.
const STALL: Duration = Duration::from_secs(120);
/// How much is copied at a time, in bytes.
pub(super) const PIECE: usize = 256 * 1024;

/// An archive that is being written.
pub(super) struct Writer<W> {
    out: W,
    bytes: u64,
    /// The manifest so far.
    lines: BufWriter<File>,
    lines_size: u64,
    lines_sum: Sha256,
    members: u64,
    member: Option<Member>,
}

/// The member that is being written.
struct Member {
    name: String,
    size: u64,
    left: u64,
    sum: Sha256,
}

/// What was written.
pub(super) struct Written {
    /// The SHA-256 of the manifest.
    pub(super) name: String,
    /// The members, those that an earlier archive holds included.
    pub(super) members: u64,
    /// The size of the archive.
    pub(super) bytes: u64,
}

impl<W: AsyncWrite + Unpin + Send> Writer<W> {
    /// Begins an archive; `scratch` is where the manifest lies until the end.
    pub(super) fn new(out: W, scratch: &Path) -> Result<Self, ArchiveError> {
        let lines = scratch_file(scratch)?;
        Ok(Self {
            out,
            bytes: 0,
            lines: BufWriter::new(lines),
            lines_size: 0,
            lines_sum: Sha256::new(),
            members: 0,
            member: None,
        })
    }

    /// Begins a member of a size that is known.
    pub(super) async fn begin(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        self.put(manifest::block(name, size)?.as_bytes()).await?;
        self.member = Some(Member { name: name.to_owned(), size, left: size, sum: Sha256::new() });
        Ok(())
    }

    /// Writes on with the member.
    pub(super) async fn piece(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let Some(member) = &mut self.member else { return Ok(()) };
        let Some(left) = member.left.checked_sub(bytes.len() as u64) else {
            return Err(ArchiveError::Missing(format!("`{}` is longer than {} bytes", member.name, member.size)));
        };
        member.left = left;
        member.sum.update(bytes);
        self.put(bytes).await
    }

    /// Ends the member, and returns its SHA-256.
    pub(super) async fn end(&mut self) -> Result<String, ArchiveError> {
        let Some(member) = self.member.take() else { return Ok(String::new()) };
        if member.left > 0 {
            return Err(ArchiveError::Missing(format!("`{}` is shorter than {} bytes", member.name, member.size)));
        }
        self.put(&[0; BLOCK][..manifest::padding(member.size)]).await?;
        let sha256 = hex::encode(member.sum.finalize());
        self.line(&Entry { name: member.name, size: member.size, sha256: sha256.clone(), archive: None }).await?;
        Ok(sha256)
    }

    /// A member that is in memory.
    pub(super) async fn whole(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.begin(name, bytes.len() as u64).await?;
        self.piece(bytes).await?;
        self.end().await.map(drop)
    }

    /// A member that another archive holds.
    pub(super) async fn elsewhere(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        self.line(entry).await
    }

    async fn line(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let mut line = to_json(entry)?;
        line.push(b'\n');
        self.lines_sum.update(&line);
        self.lines_size += line.len() as u64;
        self.members += 1;
        self.lines.write_all(&line).await.map_err(ArchiveError::io("keep the manifest"))
    }

    /// Writes the manifest and the end.
    pub(super) async fn finish(mut self) -> Result<(W, Written), ArchiveError> {
        let failed = || ArchiveError::io("keep the manifest");
        self.lines.flush().await.map_err(failed())?;
        let end = End { members: self.members, manifest_sha256: hex::encode(self.lines_sum.clone().finalize()) };
        self.put(manifest::block(MANIFEST, self.lines_size)?.as_bytes()).await?;
        self.lines.rewind().await.map_err(failed())?;
        let mut buffer = vec![0; PIECE];
        loop {
            let read = self.lines.get_mut().read(&mut buffer).await.map_err(failed())?;
            if read == 0 {
                break;
            }
            self.put(&buffer[..read]).await?;
        }
        self.put(&[0; BLOCK][..manifest::padding(self.lines_size)]).await?;
        let last = to_json(&end)?;
        self.put(manifest::block(END, last.len() as u64)?.as_bytes()).await?;
        self.put(&last).await?;
        self.put(&[0; BLOCK][..manifest::padding(last.len() as u64)]).await?;
        self.put(&[0; 2 * BLOCK]).await?;
        bounded(self.out.flush()).await?;
        Ok((self.out, Written { name: end.manifest_sha256, members: end.members, bytes: self.bytes }))
    }

    /// Everything that was begun, without manifest and end: for a part of an archive that is read again.
    pub(super) async fn unfinished(mut self) -> Result<W, ArchiveError> {
        bounded(self.out.flush()).await?;
        Ok(self.out)
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.bytes += bytes.len() as u64;
        bounded(self.out.write_all(bytes)).await
    }
}

async fn bounded(write: impl Future<Output = std::io::Result<()>>) -> Result<(), ArchiveError> {
    match tokio::time::timeout(STALL, write).await {
        Ok(written) => written.map_err(ArchiveError::io("write the archive")),
        Err(_) => Err(ArchiveError::Stalled(STALL.as_secs())),
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, ArchiveError> {
    serde_json::to_vec(value).map_err(|error| ArchiveError::Unsupported(format!("it cannot be written: {error}")))
}

/// A file without a name, which goes with the process.
pub(super) fn scratch_file(scratch: &Path) -> Result<File, ArchiveError> {
    let file = tempfile::tempfile_in(scratch);
    file.map(File::from_std).map_err(ArchiveError::io(format!("use the scratch directory {}", scratch.display())))
}
