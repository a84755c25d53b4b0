//! Reading an archive from its beginning, member after member. Nothing of it is believed: every name, size and sum is
//! checked by `verify` before anything is taken from it.

use std::{io::SeekFrom, path::Path};

use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, BufReader},
};

use super::{
    ArchiveError,
    manifest::{self, BLOCK, LONGEST},
    writer::PIECE,
};

/// An archive that is being read.
pub(super) struct Reader {
    file: BufReader<File>,
    /// Where the file ends.
    length: u64,
    /// Where the next byte is read.
    at: u64,
    /// What is left of the member, and the padding behind it.
    left: u64,
    padding: u64,
}

/// A member: its content is read by [`Reader::piece`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Reader {
    /// Opens a file.
    pub(super) async fn open(path: &Path) -> Result<Self, ArchiveError> {
        let failed = || ArchiveError::io(format!("open {}", path.display()));
        Self::new(File::open(path).await.map_err(failed())?).await
    }

    /// Reads an open file from its beginning.
    pub(super) async fn new(mut file: File) -> Result<Self, ArchiveError> {
        file.rewind().await.map_err(ArchiveError::io("read the archive"))?;
        let length = file.metadata().await.map_err(ArchiveError::io("read the archive"))?.len();
        Ok(Self { file: BufReader::with_capacity(PIECE, file), length, at: 0, left: 0, padding: 0 })
    }

    /// The next member, behind what is left of the one before; `None` at the end of the file or at the blocks of zeros.
    pub(super) async fn next(&mut self) -> Result<Option<Member>, ArchiveError> {
        self.skip().await?;
        if self.at == self.length {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.exactly(&mut block).await?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        let header = tar::Header::from_byte_slice(&block);
        let name = std::str::from_utf8(&header.path_bytes()).ok().map(str::to_owned);
        let size = header.entry_size().ok();
        let (Some(name), Some(size)) = (name, size) else {
            return Err(ArchiveError::Damaged(format!("what stands at byte {} is no member", self.at - BLOCK as u64)));
        };
        // The block is written in one way only.
        let expected = manifest::block(&name, size).ok();
        if expected.is_none_or(|expected| expected.as_bytes() != &block) {
            return Err(ArchiveError::Damaged(format!("the head of `{name}` is not as it was written")));
        }
        let padding = manifest::padding(size) as u64;
        if size.checked_add(padding).is_none_or(|whole| whole > self.length - self.at) {
            return Err(ArchiveError::Damaged(format!("it ends inside `{name}`")));
        }
        self.left = size;
        self.padding = padding;
        Ok(Some(Member { name, size }))
    }

    /// Some more bytes of the member; empty at its end.
    pub(super) async fn piece(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let part = &mut buffer[..wanted];
        self.exactly(part).await?;
        self.left -= wanted as u64;
        Ok(wanted)
    }

    /// The whole member; one that is larger than anything that is read into memory is refused.
    pub(super) async fn whole(&mut self, member: &Member) -> Result<Vec<u8>, ArchiveError> {
        if member.size > LONGEST {
            return Err(ArchiveError::Damaged(format!("`{}` has {} bytes", member.name, member.size)));
        }
        self.large(member).await
    }

    /// The whole member, however large: a text or a file of a folder, which was in memory as a whole when it was written. It
    /// is no larger than the archive.
    pub(super) async fn large(&mut self, member: &Member) -> Result<Vec<u8>, ArchiveError> {
        let length = usize::try_from(self.left);
        let length = length.map_err(|_| ArchiveError::Unsupported(format!("`{}` is too large", member.name)))?;
        let mut bytes = vec![0; length];
        self.exactly(&mut bytes).await?;
        self.left = 0;
        Ok(bytes)
    }

    /// Checks the zeros behind the member, which has been read.
    pub(super) async fn check_padding(&mut self, name: &str) -> Result<(), ArchiveError> {
        let mut zeros = [0; BLOCK];
        let zeros = &mut zeros[..self.padding as usize];
        self.exactly(zeros).await?;
        self.padding = 0;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(ArchiveError::Damaged(format!("there is something behind `{name}`")));
        }
        Ok(())
    }

    /// Checks that nothing but zeros is left, after [`Reader::next`] found the first block of them.
    pub(super) async fn check_end(&mut self) -> Result<(), ArchiveError> {
        let mut last = [0; BLOCK];
        if self.length - self.at != BLOCK as u64 {
            return Err(ArchiveError::Damaged("it does not end where it should".to_owned()));
        }
        self.exactly(&mut last).await?;
        if last == [0; BLOCK] {
            Ok(())
        } else {
            Err(ArchiveError::Damaged("there is something behind its end".to_owned()))
        }
    }

    async fn skip(&mut self) -> Result<(), ArchiveError> {
        let over = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        if over > 0 {
            self.at += over;
            match usize::try_from(over) {
                Ok(over) if over <= self.file.buffer().len() => self.file.consume(over),
                _ => {
                    let there = SeekFrom::Start(self.at);
                    self.file.seek(there).await.map_err(ArchiveError::io("read the archive"))?;
                }
            }
        }
        Ok(())
    }

    async fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        match self.file.read_exact(buffer).await {
            Ok(read) => {
                self.at += read as u64;
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(ArchiveError::Damaged("it ends too early".to_owned()))
            }
            Err(error) => Err(ArchiveError::io("read the archive")(error)),
        }
    }
}

/// The lines of a member, one at a time however long it is.
pub(super) struct Lines {
    reader: Reader,
    buffer: Vec<u8>,
    /// Where in the buffer the next line begins.
    start: usize,
}

impl Lines {
    /// The lines of the member `name`, which must be there.
    pub(super) async fn of(path: &Path, name: &str) -> Result<Self, ArchiveError> {
        let mut reader = Reader::open(path).await?;
        while let Some(member) = reader.next().await? {
            if member.name == name {
                return Ok(Self { reader, buffer: Vec::new(), start: 0 });
            }
        }
        Err(ArchiveError::Damaged(format!("`{name}` is missing: it was not written to its end")))
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest[..length].to_vec();
                self.start += length + 1;
                return Ok(Some(line));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            let before = self.buffer.len();
            if before as u64 > LONGEST {
                return Err(ArchiveError::Damaged("a line of it has no end".to_owned()));
            }
            self.buffer.resize(before + PIECE, 0);
            let read = self.reader.piece(&mut self.buffer[before..]).await?;
            self.buffer.truncate(before + read);
            if read == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(ArchiveError::Damaged("its last line has no end".to_owned())),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn what_may_be_large_is_read_whole_and_what_may_not_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let size = LONGEST + BLOCK as u64;
        std::fs::write(file.path(), manifest::block("adapters/x/y", size).unwrap().as_bytes()).unwrap();
        // Zeros that take no room on the disk.
        file.as_file().set_len(BLOCK as u64 + size).unwrap();
        let mut reader = Reader::open(file.path()).await.unwrap();
        let member = reader.next().await.unwrap().unwrap();
        assert!(matches!(reader.whole(&member).await, Err(ArchiveError::Damaged(_))));
        assert_eq!(reader.large(&member).await.unwrap().len() as u64, size);
        assert!(reader.next().await.unwrap().is_none());
    }
}
