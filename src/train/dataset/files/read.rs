//! Reading a file of examples line by line: memory does not grow with the file.
//!
//! May depend on `example` and `validate`.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::Part;
use crate::train::dataset::{error::DatasetError, example::Example, validate};

/// The longest line that is read, in bytes. An example is a question with its passages, not a book.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// What some editors put before the first line of a file in UTF-8. It says nothing, and JSON knows no such thing.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line of a file, before anybody knows whether it is an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Its number, from 1.
    pub number: u32,
    /// The text without the line break, or what is wrong with it.
    pub text: Result<String, String>,
}

/// The lines of a file.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u32,
    ended: bool,
}

/// Opens a file to read its lines.
pub fn lines(path: &Path) -> Result<Lines, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io("opening", path))?;
    Ok(Lines { path: path.to_owned(), reader: BufReader::with_capacity(1 << 16, file), number: 0, ended: false })
}

impl Lines {
    fn read(&mut self) -> std::io::Result<Option<RawLine>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        let text = if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            text_of(bytes)
        } else if read > MAX_LINE_BYTES {
            self.skip_line()?;
            Err(format!("the line is longer than {MAX_LINE_BYTES} bytes; an example is a question with its passages"))
        } else {
            text_of(bytes)
        };
        Ok(Some(RawLine { number: self.number, text }))
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let block = self.reader.fill_buf()?;
            if block.is_empty() {
                return Ok(());
            }
            let found = block.iter().position(|byte| *byte == b'\n');
            let used = found.map_or(block.len(), |at| at + 1);
            self.reader.consume(used);
            if found.is_some() {
                return Ok(());
            }
        }
    }
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "the line is not UTF-8; save the file as UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Err("the line is empty; remove it".to_owned());
    }
    Ok(text)
}

impl Iterator for Lines {
    type Item = Result<RawLine, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let line = self.read().map_err(DatasetError::io("reading", &self.path)).transpose();
        self.ended = !matches!(line, Some(Ok(_)));
        line
    }
}

/// The example of a line, or why it is none.
pub fn parse(text: &str) -> Result<Example, String> {
    serde_json::from_str(text).map_err(|error| {
        // serde counts lines of the text, which is always line 1 here.
        let said = error.to_string();
        let column = error.column();
        let said = said.strip_suffix(&format!(" at line 1 column {column}")).unwrap_or(&said);
        format!("no example (column {column}): {said}")
    })
}

/// An example and where it stands.
#[derive(Debug, Clone)]
pub struct Located<'a> {
    /// The file.
    pub part: &'a Part,
    /// The line, from 1.
    pub line: u32,
    /// The line as it stands in the file, for copying it unchanged.
    pub raw: String,
    /// The example.
    pub example: Example,
}

/// The examples of a file, strictly: a line that is no sound example of the file's kind is an error and the end.
pub fn examples(part: &Part) -> impl Iterator<Item = Result<Located<'_>, DatasetError>> {
    let (mut lines, mut failed) = match lines(&part.path) {
        Ok(lines) => (Some(lines), None),
        Err(error) => (None, Some(error)),
    };
    let read = std::iter::from_fn(move || {
        failed.take().map(Err).or_else(|| lines.as_mut()?.next().map(|line| line.and_then(|line| locate(part, line))))
    });
    let mut broken = false;
    read.take_while(move |item| !std::mem::replace(&mut broken, item.is_err()))
}

fn locate(part: &Part, line: RawLine) -> Result<Located<'_>, DatasetError> {
    let RawLine { number, text } = line;
    let wrong = |reason: String| DatasetError::Line { file: part.path.clone(), line: number, reason };
    let raw = text.map_err(wrong)?;
    let example = parse(&raw).map_err(wrong)?;
    if example.kind != part.kind {
        let (is, wants) = (example.kind.as_str(), example.kind.file_name());
        return Err(wrong(format!("an example of the kind {is} belongs into {wants}")));
    }
    match validate::defects(&example).into_iter().next() {
        Some(defect) => Err(wrong(defect.message)),
        None => Ok(Located { part, line: number, raw, example }),
    }
}
