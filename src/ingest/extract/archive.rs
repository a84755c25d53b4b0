//! ZIP archives: one document of all files in them that can be read, in the order of their paths, each under a heading.
//!
//! What the system of whoever packed it left there for itself (`__MACOSX`, `.DS_Store`, `Thumbs.db`) and folders are passed
//! over. Any other file that is not read is named in a warning with the reason.
//!
//! May depend on `domain` only.

use std::io::Cursor;

use zip::{ZipArchive, result::ZipError};

use super::{
    ExtractError,
    inside::{Above, Inner, LeftOut, Within, shown},
    writer::MarkdownWriter,
};
use crate::domain::ExtractedDocument;

const FORMAT: &str = "ZIP";

/// A file in the archive.
struct Entry {
    index: usize,
    /// The path as it is shown.
    path: String,
    encrypted: bool,
    link: bool,
}

pub(super) fn read(bytes: &[u8], within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    let malformed = |error: ZipError| ExtractError::malformed(FORMAT, error);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    let entries = entries(&mut archive, within)?;
    if !entries.is_empty() && entries.iter().all(|entry| entry.encrypted) {
        return Err(ExtractError::Encrypted { format: FORMAT.into() });
    }
    let mut writer = MarkdownWriter::new("application/zip", within.limits());
    let mut left_out = LeftOut::default();
    let mut any = false;
    for entry in &entries {
        if entry.encrypted {
            left_out.add(&entry.path, &ExtractError::Encrypted { format: FORMAT.into() });
            continue;
        }
        if entry.link {
            left_out.add_reason(&entry.path, "it is a link to another file".into());
            continue;
        }
        let unpacked = match archive.by_index(entry.index) {
            Ok(file) => within.unpack(file)?,
            Err(error) => Err(error.to_string()),
        };
        let content = match unpacked {
            Ok(content) => content,
            Err(reason) => {
                left_out.add_reason(&entry.path, format!("it cannot be unpacked: {reason}"));
                continue;
            }
        };
        let path = entry.path.as_str();
        let inner = Inner { bytes: &content, name: path, above: Above::Heading(1, path), label: path };
        any |= within.write(&mut writer, &mut left_out, &inner)?;
    }
    let warnings = left_out.warnings();
    if !any {
        let why = if warnings.is_empty() { "there are no files in the archive".into() } else { warnings.join("; ") };
        return Err(ExtractError::no_text(&why));
    }
    warnings.into_iter().for_each(|warning| writer.warn(warning));
    if archive.has_duplicate_names() {
        writer.warn("the archive holds several files under one name, of which only the last was read");
    }
    // Its first file is not what the archive is called.
    Ok(ExtractedDocument { title: None, ..writer.finish(None) })
}

/// The files, in the order of their paths.
fn entries(archive: &mut ZipArchive<Cursor<&[u8]>>, within: &Within<'_>) -> Result<Vec<Entry>, ExtractError> {
    within.count(archive.len())?;
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| ExtractError::malformed(FORMAT, error))?;
        // Many programs write UTF-8 and do not say so.
        let path = match std::str::from_utf8(file.name_raw()) {
            Ok(name) => shown(name),
            Err(_) => shown(&file.name().unwrap_or_default()),
        };
        if !file.is_dir() && !is_left_by_a_system(&path) {
            entries.push(Entry { index, path, encrypted: file.encrypted(), link: file.is_symlink() });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path).then(a.index.cmp(&b.index)));
    Ok(entries)
}

fn is_left_by_a_system(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| part == "__MACOSX") || matches!(file, ".DS_Store" | "Thumbs.db")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::ingest::extract::{ExtractLimits, check_structure, extract};

    pub(in crate::ingest::extract) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8]) -> Result<ExtractedDocument, ExtractError> {
        let document = extract(bytes, "a.zip", &ExtractLimits::default());
        assert!(document.iter().all(|document| check_structure(document) == Ok(())));
        document
    }

    #[test]
    fn files_stand_in_the_order_of_their_paths_under_headings() {
        let inner = zip(&[("deep.txt", b"deep words")]);
        let document = read(&zip(&[
            ("b/second.md", b"# Title\n\nwords"),
            ("a.txt", b"first words"),
            ("__MACOSX/._a.txt", b"x"),
            ("b/.DS_Store", b"x"),
            ("../inner.zip", &inner),
            ("picture.gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
            ("empty.txt", b""),
        ]))
        .unwrap();
        assert_eq!(
            document.text,
            "# a.txt\n\nfirst words\n\n# b/second.md\n\n## Title\n\nwords\n\n# inner.zip\n\n## deep.txt\n\ndeep words\n"
        );
        assert_eq!((document.title, document.media_type.as_str()), (None, "application/zip"));
        assert_eq!(
            document.warnings,
            [
                "empty.txt was left out: the file is empty",
                "picture.gif was left out: an image is not a format that can be read",
            ]
        );
    }

    #[test]
    fn an_archive_without_a_readable_file_says_why() {
        let error = read(&zip(&[("a.bin", b"\0\x01\x02")])).unwrap_err().to_string();
        assert!(error.contains("a.bin was left out: a program"), "{error}");
        assert!(matches!(read(&zip(&[])), Err(ExtractError::NoText { .. })));
        assert!(matches!(read(b"PK\x03\x04 and no more"), Err(ExtractError::ContradictsName { .. })));
    }

    #[test]
    fn archives_in_archives_end_somewhere() {
        let mut bytes = zip(&[("a.txt", b"words")]);
        for _ in 0..10 {
            bytes = zip(&[("in.zip", &bytes), ("a.txt", b"words")]);
        }
        let document = read(&bytes).unwrap();
        assert!(document.warnings.iter().any(|warning| warning.contains("the depth of files in files")));
    }

    #[test]
    fn a_bomb_in_an_archive_refuses_the_whole() {
        let limits = ExtractLimits { max_uncompressed_bytes: 100_000, ..ExtractLimits::default() };
        let bomb = zip(&[("zeros.txt", &vec![b' '; 200_000])]);
        for bytes in [&bomb, &zip(&[("a.txt", b"words"), ("b.zip", &bomb)])] {
            let refused = extract(bytes, "a.zip", &limits);
            assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{refused:?}");
        }
        let many: Vec<(String, &[u8])> = (0..20).map(|n| (format!("{n}.txt"), &b"x"[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        let limits = ExtractLimits { max_files: 10, ..limits };
        assert!(matches!(extract(&zip(&many), "a.zip", &limits), Err(ExtractError::TooLarge { .. })));
    }

    #[test]
    fn files_under_one_name_are_reported() {
        let mut bytes = zip(&[("a.txt", b"words"), ("b.txt", b"other")]);
        let names: Vec<usize> = (0..bytes.len() - 5).filter(|at| bytes[*at..].starts_with(b"b.txt")).collect();
        names.into_iter().for_each(|at| bytes[at] = b'a');
        let document = read(&bytes).unwrap();
        assert_eq!(document.text, "# a.txt\n\nother\n");
        assert_eq!(
            document.warnings,
            ["the archive holds several files under one name, of which only the last was read"]
        );
    }

    #[test]
    fn encrypted_files_are_reported() {
        let mut bytes = zip(&[("a.txt", b"words"), ("b.txt", b"other")]);
        // The flag of the second file, in its own header and in the directory.
        let mut set = |mark: &[u8], at: usize| {
            let found: Vec<usize> = (0..bytes.len() - 4).filter(|start| bytes[*start..].starts_with(mark)).collect();
            bytes[found[1] + at] |= 1;
        };
        set(b"PK\x03\x04", 6);
        set(b"PK\x01\x02", 8);
        let document = read(&bytes).unwrap();
        assert_eq!(document.text, "# a.txt\n\nwords\n");
        assert!(
            document.warnings[0].contains("b.txt was left out: the ZIP file is encrypted"),
            "{:?}",
            document.warnings
        );
    }
}
