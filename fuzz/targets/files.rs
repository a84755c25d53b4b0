//! The extractors: any bytes under any name become a document that keeps its promises, or a reason.
//!
//! A panic in a crate that parses is none of the things that must not be: the service parses in a process of its own, where
//! it ends one job. One in our code is.

use std::{
    cell::Cell,
    io::{Cursor, Write as _},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Once},
};

use footnote::{
    domain::ExtractedDocument,
    ingest::{
        chunk::{Chunker, ChunkerConfig},
        extract::{ExtractError, ExtractLimits, check_structure, extract},
    },
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::chunks;

thread_local! {
    /// Whether the last panic of this thread arose in a crate of the registry.
    static FOREIGN: Cell<bool> = const { Cell::new(false) };
}

/// Lets the panics of other crates pass by whatever is told about panics.
fn tell_panics_apart() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let foreign = info.location().is_some_and(|at| at.file().replace('\\', "/").contains("/registry/src/"));
            FOREIGN.set(foreign);
            if !foreign {
                told(info);
            }
        }));
    });
}

/// The bounds of the service but for the sizes, which would fill the memory of a machine that tries many files at once.
fn limits() -> ExtractLimits {
    ExtractLimits { max_text_bytes: 8 << 20, max_uncompressed_bytes: 32 << 20, ..ExtractLimits::default() }
}

/// A file under a name that claims its format.
pub fn file(name: &str, bytes: &[u8]) -> Option<ExtractedDocument> {
    tell_panics_apart();
    let read = match catch_unwind(AssertUnwindSafe(|| extract(bytes, name, &limits()))) {
        Ok(read) => read,
        Err(_) if FOREIGN.get() => return None,
        Err(panic) => resume_unwind(panic),
    };
    match read {
        Ok(document) => {
            check_structure(&document).expect("the ranges of the document are in its text and in order");
            assert!(!document.text.contains('\0') && !document.text.trim().is_empty());
            let chunker = Chunker::new(ChunkerConfig::for_embedder(256), Arc::new(chunks::by_word));
            chunks::check(&document, &chunker.chunk(&document, name), 256);
            Some(document)
        }
        Err(error @ (ExtractError::Unavailable { .. } | ExtractError::TimedOut { .. })) => {
            panic!("only a child process may end so: {error}")
        }
        Err(error) => {
            assert!(!error.to_string().trim().is_empty());
            None
        }
    }
}

/// The drawing of a page.
pub const DRAWING: &[u8] = b"BT /F1 12 Tf 72 720 Td (Holidays) Tj 0 -14 TD [(Thir) -20 (ty) -300 (days)] TJ T* ET\n\
    q 1 0 0 1 0 0 cm BT /F1 9 Tf 72 600 Td <416C6C> Tj (\\(x\\)) ' ET Q\n";

/// A PDF as it is, or else the drawing of a page, which is put into one: hardly any change of a whole file gets that far.
pub fn pdf(bytes: &[u8]) {
    if bytes.starts_with(b"%PDF") {
        file("f.pdf", bytes);
    } else {
        file("f.pdf", &page(bytes));
    }
}

/// A PDF of one page that is drawn by `content`.
fn page(content: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    let objects: [&[u8]; 4] = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ];
    for (number, object) in objects.into_iter().enumerate() {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", number + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    places.push(out.len());
    out.extend_from_slice(format!("5 0 obj\n<</Length {}>>\nstream\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    let table = out.len();
    out.extend_from_slice(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    out.extend_from_slice(format!("trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    out
}

/// Stands between the parts of a document that is no archive yet.
pub const PART_END: &[u8] = b"\n<!--part-->\n";

/// The parts of a Word document that are read, in the order in which an input lists them.
pub const PARTS: [&str; 5] =
    ["word/document.xml", "word/styles.xml", "word/numbering.xml", "word/footnotes.xml", "docProps/core.xml"];

/// A Word document as it is, or else its parts with [`PART_END`] between them, which are put into an archive: a change of
/// an archive is found out by its sums.
pub fn docx(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        file("f.docx", bytes);
        return;
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Override \
                 PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.\
                 wordprocessingml.document.main+xml\"/></Types>";
    let mut rest = bytes;
    let mut parts = vec![("[Content_Types].xml", types.as_bytes())];
    for name in PARTS {
        let end = rest.windows(PART_END.len()).position(|window| window == PART_END);
        parts.push((name, &rest[..end.unwrap_or(rest.len())]));
        let Some(end) = end else { break };
        rest = &rest[end + PART_END.len()..];
    }
    for (name, content) in parts {
        archive.start_file(name, stored).expect("in memory");
        archive.write_all(content).expect("in memory");
    }
    file("f.docx", archive.finish().expect("in memory").get_ref());
}

/// An archive as it is, or else the files of one: each with its name in its first line, and [`PART_END`] between them.
pub fn zip(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        file("f.zip", bytes);
        return;
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut rest = Some(bytes);
    while let Some(part) = rest {
        let end = part.windows(PART_END.len()).position(|window| window == PART_END);
        rest = end.map(|end| &part[end + PART_END.len()..]);
        let part = &part[..end.unwrap_or(part.len())];
        let (name, content) = part.split_at(part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len()));
        // A name that is there already, or is too long, is refused by the writer.
        if archive.start_file(String::from_utf8_lossy(name), stored).is_ok() {
            archive.write_all(content.get(1..).unwrap_or_default()).expect("in memory");
        }
    }
    file("f.zip", archive.finish().expect("in memory").get_ref());
}

/// The files of an archive, as an input lists them.
pub const FILES: &[u8] =
    b"a/notes.txt\nwords\n<!--part-->\nb.md\n# Title\n\n| a |\n|---|\n| 1 |\n\n<!--part-->\nc.eml\n\
    From: a@example.org\nSubject: x\n\nwords\n<!--part-->\nd.rtf\n{\\rtf1 words\\par}";

/// The streams of an Outlook message that are read, in the order in which an input lists them.
const STREAMS: [&str; 8] = [
    "/__properties_version1.0",
    "/__substg1.0_0037001F",
    "/__substg1.0_1000001E",
    "/__substg1.0_10130102",
    "/__substg1.0_10090102",
    "/__attach_version1.0_#00000000/__properties_version1.0",
    "/__attach_version1.0_#00000000/__substg1.0_3707001E",
    "/__attach_version1.0_#00000000/__substg1.0_37010102",
];

/// An Outlook message as it is, or else its streams with [`PART_END`] between them, which are put into a compound file.
pub fn msg(bytes: &[u8]) {
    if bytes.starts_with(&[0xd0, 0xcf]) {
        file("f.msg", bytes);
        return;
    }
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("in memory");
    compound.create_storage("/__nameid_version1.0").expect("in memory");
    compound.create_storage("/__attach_version1.0_#00000000").expect("in memory");
    let mut rest = bytes;
    for name in STREAMS {
        let end = rest.windows(PART_END.len()).position(|window| window == PART_END);
        let mut stream = compound.create_stream(name).expect("in memory");
        stream.write_all(&rest[..end.unwrap_or(rest.len())]).expect("in memory");
        drop(stream);
        let Some(end) = end else { break };
        rest = &rest[end + PART_END.len()..];
    }
    compound.flush().expect("in memory");
    file("f.msg", compound.into_inner().get_ref());
}

/// The streams of a message, as an input lists them: short values, subject, plain text, HTML, rich text, an attachment.
pub fn streams() -> Vec<u8> {
    let mut values = vec![0; 32];
    values.extend_from_slice(&0x3ffd_0003_u32.to_le_bytes());
    values.extend_from_slice(&[0, 0, 0, 0, 0xe4, 4, 0, 0, 0, 0, 0, 0]);
    let subject: Vec<u8> = "Prices".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rich = b"\x20\0\0\0\x10\0\0\0MELA\0\0\0\0{\\rtf1 words\\par}";
    let table = b"<p>Prices</p><table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>";
    let parts: [&[u8]; 8] = [&values, &subject, b"Prices", table, rich, &[0; 8], b"n.txt", b"notes"];
    parts.join(PART_END)
}
