//! What was written to a shard since the engine last flushed it.
//!
//! One file of frames: the length and the checksum of an operation, 4 bytes each, and the operation as JSON.
//! A frame is on disk before its operation is answered, which costs one fsync where a flush of the engine
//! costs dozens. May depend on the engine's operations only.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Take, Write},
    path::Path,
};

use qdrant_edge::UpdateOperation;
use xxhash_rust::xxh32::xxh32;

use crate::faults;

/// The file's name in a shard's directory.
pub(super) const JOURNAL: &str = "journal";
const HEADER: usize = 8;

/// The open journal of a shard.
pub(super) struct Journal {
    file: File,
    length: u64,
}

impl Journal {
    /// Opens the journal in `shard`, which is created when it is missing.
    ///
    /// The first frame that is incomplete or damaged ends it: that is the one which was being written when
    /// the process or the machine died, and nobody was told that it had been.
    pub(super) fn open(shard: &Path) -> io::Result<Self> {
        let path = shard.join(JOURNAL);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        let whole = file.metadata()?.len();
        let mut journal = Self { file, length: whole };
        let mut length = 0;
        for frame in journal.frames()? {
            length += (HEADER + frame?.len()) as u64;
        }
        if length < whole {
            tracing::warn!(path = %path.display(), bytes = whole - length, "dropping a write that was interrupted");
            journal.file.set_len(length)?;
            journal.length = length;
        }
        Ok(journal)
    }

    /// The number of bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The operations, oldest first, read one by one.
    pub(super) fn operations(&mut self) -> io::Result<impl Iterator<Item = io::Result<UpdateOperation>>> {
        Ok(self.frames()?.map(|frame| Ok(serde_json::from_slice(&frame?)?)))
    }

    /// Adds an operation that `encode` made, and returns when it is on disk.
    pub(super) fn append(&mut self, operation: &[u8]) -> io::Result<()> {
        let size = u32::try_from(operation.len()).map_err(|_| io::Error::other("a write of more than 4 GiB"))?;
        let mut frame = Vec::with_capacity(HEADER + operation.len());
        frame.extend(size.to_le_bytes());
        frame.extend(xxh32(operation, size).to_le_bytes());
        frame.extend(operation);
        // A frame that failed half way is overwritten by the next one.
        faults::blocking_point("edge.journal.write")?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&frame)?;
        faults::blocking_point("edge.journal.sync")?;
        self.file.sync_data()?;
        faults::blocking_point("edge.journal.synced")?;
        self.length += frame.len() as u64;
        Ok(())
    }

    /// Forgets everything: the engine has flushed it.
    ///
    /// Not synced. Should a loss of power bring the old frames back, they are repeated in their order upon
    /// the state that they led to, which changes nothing.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        Ok(())
    }

    fn frames(&mut self) -> io::Result<Frames<'_>> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(Frames { rest: BufReader::new((&self.file).take(self.length)), left: self.length })
    }
}

/// The frames up to the first that is incomplete or damaged.
struct Frames<'a> {
    rest: BufReader<Take<&'a File>>,
    left: u64,
}

impl Frames<'_> {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(left) = self.left.checked_sub(HEADER as u64) else { return Ok(None) };
        let (mut size, mut sum) = ([0; 4], [0; 4]);
        self.rest.read_exact(&mut size)?;
        self.rest.read_exact(&mut sum)?;
        let size = u32::from_le_bytes(size);
        let Some(left) = left.checked_sub(u64::from(size)) else { return Ok(None) };
        let mut operation = vec![0; size as usize];
        self.rest.read_exact(&mut operation)?;
        self.left = left;
        // The size seeds the checksum, and no operation is empty: a stretch of zeros, which a loss of power
        // can leave, is no frame.
        let whole = size > 0 && xxh32(&operation, size) == u32::from_le_bytes(sum);
        Ok(whole.then_some(operation))
    }
}

impl Iterator for Frames<'_> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// An operation as the journal keeps it.
pub(super) fn encode(operation: &UpdateOperation) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(operation)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{ChunkId, DocumentId},
        vector_store::{Point, SparseVector, qdrant_edge::translate, request},
    };

    fn upsert(dense: Vec<f32>, indices: Vec<u32>, collection: &str) -> UpdateOperation {
        let values = indices.iter().map(|index| 1.0 / (*index as f32 + 3.0)).collect();
        let document_id = DocumentId::new();
        let point = Point {
            chunk_id: ChunkId::derive(document_id, 1, 1, 0),
            document_id,
            version: 1,
            collection: collection.to_owned(),
            metadata: serde_json::json!({ "n": 0.1, "tags": ["a", "é"] }).as_object().unwrap().clone(),
            access: vec!["hr".to_owned()],
            dense,
            sparse: SparseVector { indices, values },
        };
        translate::upsert(vec![point]).unwrap()
    }

    fn some_operations() -> Vec<UpdateOperation> {
        vec![
            upsert(vec![0.1, -0.2, 1e-20], vec![1, 7], "default"),
            translate::delete(&request::document_conditions(DocumentId::new(), Some(3))).unwrap(),
            upsert(vec![1.0], vec![], ""),
        ]
    }

    fn written(directory: &Path, operations: &[UpdateOperation]) -> Journal {
        let mut journal = Journal::open(directory).unwrap();
        for operation in operations {
            journal.append(&encode(operation).unwrap()).unwrap();
        }
        journal
    }

    fn read(journal: &mut Journal) -> Vec<UpdateOperation> {
        journal.operations().unwrap().collect::<io::Result<_>>().unwrap()
    }

    fn read_again(directory: &Path) -> Vec<UpdateOperation> {
        read(&mut Journal::open(directory).unwrap())
    }

    #[test]
    fn operations_come_back_in_order_until_they_are_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let operations = some_operations();
        let mut journal = written(directory.path(), &operations);
        assert_eq!(read(&mut journal), operations);
        drop(journal);
        let mut journal = Journal::open(directory.path()).unwrap();
        assert_eq!(read(&mut journal), operations);
        journal.clear().unwrap();
        journal.append(&encode(&operations[1]).unwrap()).unwrap();
        assert_eq!(read_again(directory.path()), operations[1..2]);
    }

    #[test]
    fn a_journal_cut_at_any_byte_keeps_the_whole_frames_before_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let operations = some_operations();
        drop(written(directory.path(), &operations));
        let path = directory.path().join(JOURNAL);
        let bytes = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = operations
            .iter()
            .scan(0, |end, operation| {
                *end += HEADER + encode(operation).unwrap().len();
                Some(*end)
            })
            .collect();
        for cut in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let mut journal = Journal::open(directory.path()).unwrap();
            assert_eq!(read(&mut journal), operations[..whole], "cut at {cut}");
            // Not after every cut: each append waits for the disk.
            if cut % 101 == 0 {
                journal.append(&encode(&operations[0]).unwrap()).unwrap();
                assert_eq!(read_again(directory.path()).len(), whole + 1);
            }
        }
    }

    #[test]
    fn damage_and_zeros_end_the_journal() {
        let directory = tempfile::tempdir().unwrap();
        let operations = some_operations();
        drop(written(directory.path(), &operations));
        let path = directory.path().join(JOURNAL);
        let bytes = std::fs::read(&path).unwrap();
        let first = HEADER + encode(&operations[0]).unwrap().len();
        for at in [first, first + 4, first + HEADER, first + HEADER + 20] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(read_again(directory.path()), operations[..1], "byte {at}");
        }
        std::fs::write(&path, [&bytes[..], &[0; 4096]].concat()).unwrap();
        assert_eq!(read_again(directory.path()), operations);
    }

    proptest! {
        #[test]
        fn a_vector_comes_back_bit_for_bit(
            dense in proptest::collection::vec(-1.0f32..1.0, 1..40),
            tiny in proptest::num::f32::NORMAL,
        ) {
            let operation = upsert([dense, vec![tiny]].concat(), vec![2, 3], "c");
            let back: UpdateOperation = serde_json::from_slice(&encode(&operation).unwrap()).unwrap();
            prop_assert_eq!(back, operation);
        }
    }
}
