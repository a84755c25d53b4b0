//! What a file is: its bytes say so, its name claims so, and where the two disagree it is refused.
//!
//! A name without an extension claims nothing. Markdown and plain text are told apart by the name alone, so
//! `.md` and `.txt` never contradict each other; a whole web page under either name does, because its tags
//! would be quoted as if they were words. A Markdown file may still begin with a few HTML elements.
//!
//! May depend on nothing.

use std::io::{Cursor, Read as _};

use super::{ExtractError, charset, code, docx, mail, odf, pictures::PictureKind};

/// As much of a file is looked at to see what begins in it.
const HEAD: usize = 1024;
const PDF_MARK: &[u8] = b"%PDF-";
/// The file that names an OpenDocument's type is read this far.
const LONGEST_MEDIA_TYPE: u64 = 100;
/// The part that names the types of an Office document's parts is read this far.
const LONGEST_CONTENT_TYPES: u64 = 1 << 20;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    PlainText,
    Markdown,
    Html,
    Pdf,
    /// A Word document or template of XML, with macros or without.
    Docx,
    /// A PowerPoint presentation, show or template of XML, with macros or without.
    Pptx,
    /// An Excel workbook of XML, with macros or without.
    Xlsx,
    /// An Excel workbook of binary parts.
    Xlsb,
    /// An Excel workbook of the old kind.
    Xls,
    OpenDocument(odf::Kind),
    Epub,
    /// Comma- or tab-separated values. The separator is what the name suggests; the file decides.
    Delimited(u8),
    Json,
    JsonLines,
    ReStructuredText,
    AsciiDoc,
    RichText,
    /// Source code and the like, with the name of the language as fences have it.
    Code(&'static str),
    /// An e-mail as it was sent (RFC 5322).
    Mail,
    /// Many e-mails one after the other (RFC 4155).
    Mailbox,
    /// An e-mail as Outlook stores it.
    OutlookMail,
    Zip,
    /// A picture that a text recognition program may read.
    Picture(PictureKind),
}

impl Format {
    fn as_claim(self) -> &'static str {
        match self {
            Self::PlainText => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Docx => "a Word document (DOCX)",
            Self::Pptx => "a PowerPoint presentation (PPTX)",
            Self::Xlsx => "an Excel workbook (XLSX)",
            Self::Xlsb => "a binary Excel workbook (XLSB)",
            Self::Xls => "an Excel workbook of the old kind (XLS)",
            Self::OpenDocument(odf::Kind::Text) => "an OpenDocument text (ODT)",
            Self::OpenDocument(odf::Kind::Spreadsheet) => "an OpenDocument workbook (ODS)",
            Self::OpenDocument(odf::Kind::Presentation) => "an OpenDocument presentation (ODP)",
            Self::Epub => "an e-book (EPUB)",
            Self::Delimited(b'\t') => "tab-separated values",
            Self::Delimited(_) => "comma-separated values",
            Self::Json => "JSON",
            Self::JsonLines => "JSON lines",
            Self::ReStructuredText => "reStructuredText",
            Self::AsciiDoc => "AsciiDoc",
            Self::RichText => "rich text (RTF)",
            Self::Code(_) => "source code",
            Self::Mail => "an e-mail",
            Self::Mailbox => "a mailbox (MBOX)",
            Self::OutlookMail => "an e-mail (MSG)",
            Self::Zip => "an archive (ZIP)",
            Self::Picture(kind) => kind.name(),
        }
    }
}

/// What the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Text,
    WebPage,
    Pdf,
    Docx,
    RichText,
    OutlookMail,
    Zip,
    Picture(PictureKind),
    /// A document of another office format, or an e-book.
    Office(Format),
    /// An encrypted Office file: a container that only a password opens.
    LockedOffice,
    Other(String),
}

impl Found {
    fn describe(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::WebPage => "an HTML page".into(),
            Self::Pdf => "a PDF".into(),
            Self::Docx => "a Word document (DOCX)".into(),
            Self::RichText => "rich text (RTF)".into(),
            Self::OutlookMail => "an e-mail (MSG)".into(),
            Self::Zip => "an archive (ZIP)".into(),
            Self::Picture(kind) => kind.name().into(),
            Self::Office(format) => format.as_claim().into(),
            Self::LockedOffice => "an encrypted Office document".into(),
            Self::Other(what) => what.clone(),
        }
    }
}

/// What the extension of a name stands for.
enum Claim {
    Nothing,
    Read(Format),
    NotRead(&'static str),
    Unknown(String),
}

/// Decides how the file is read, or why not.
pub(super) fn detect(bytes: &[u8], name: &str) -> Result<Format, ExtractError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ExtractError::Empty);
    }
    let found = look_at(bytes);
    let unsupported = |found: String| Err(ExtractError::UnsupportedFormat { found });
    match claim_of(name) {
        // A PDF of nothing but text, with something before its beginning: only the name tells it from a text about PDFs.
        Claim::Read(Format::Pdf) if found == Found::Text && has_pdf_mark(bytes) => Ok(Format::Pdf),
        Claim::Read(format) => agree(format, found),
        Claim::NotRead(what) => unsupported(what.into()),
        Claim::Unknown(extension) => match found {
            Found::Other(what) => unsupported(what),
            found => unsupported(format!("'.{extension}' ({} by its bytes)", found.describe())),
        },
        Claim::Nothing => match found {
            Found::Pdf => Ok(Format::Pdf),
            Found::Docx => Ok(Format::Docx),
            Found::Office(format) => Ok(format),
            Found::WebPage => Ok(Format::Html),
            // Many mail programs give a mailbox no ending.
            Found::Text if mail::begins_a_mailbox(bytes) => Ok(Format::Mailbox),
            Found::Text => Ok(Format::PlainText),
            Found::RichText => Ok(Format::RichText),
            Found::OutlookMail => Ok(Format::OutlookMail),
            Found::Zip => Ok(Format::Zip),
            Found::Picture(kind) => Ok(Format::Picture(kind)),
            Found::LockedOffice => Err(ExtractError::Encrypted { format: "Office".into() }),
            Found::Other(what) => unsupported(what),
        },
    }
}

fn agree(format: Format, found: Found) -> Result<Format, ExtractError> {
    let fits = match format {
        Format::Pdf => found == Found::Pdf,
        Format::Docx if found == Found::LockedOffice => {
            return Err(ExtractError::Encrypted { format: "DOCX".into() });
        }
        Format::Pptx if found == Found::LockedOffice => return Err(ExtractError::Encrypted { format: "PPTX".into() }),
        Format::Xlsx | Format::Xlsb if found == Found::LockedOffice => {
            return Err(ExtractError::Encrypted { format: "Excel".into() });
        }
        Format::Docx => found == Found::Docx,
        Format::Pptx | Format::Xlsx | Format::Xlsb | Format::Xls | Format::OpenDocument(_) | Format::Epub => {
            found == Found::Office(format)
        }
        Format::Html => matches!(found, Found::WebPage | Found::Text),
        // A template is the code of a page.
        Format::Code(_) => matches!(found, Found::WebPage | Found::Text),
        Format::RichText => found == Found::RichText,
        Format::OutlookMail => found == Found::OutlookMail,
        Format::Zip => found == Found::Zip,
        Format::Picture(kind) => found == Found::Picture(kind),
        _ => found == Found::Text,
    };
    if fits {
        return Ok(format);
    }
    Err(ExtractError::ContradictsName { claimed: format.as_claim().into(), found: found.describe() })
}

fn claim_of(name: &str) -> Claim {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if let Some(language) = code::language_of_name(file) {
        return Claim::Read(Format::Code(language));
    }
    let Some((stem, extension)) = file.rsplit_once('.') else { return Claim::Nothing };
    let is_extension = !stem.is_empty()
        && (1..=10).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !is_extension {
        return Claim::Nothing;
    }
    let extension = extension.to_ascii_lowercase();
    match extension.as_str() {
        "txt" | "text" | "log" => Claim::Read(Format::PlainText),
        "md" | "markdown" | "mdown" | "mkd" | "mdx" => Claim::Read(Format::Markdown),
        "html" | "htm" | "xhtml" => Claim::Read(Format::Html),
        "pdf" => Claim::Read(Format::Pdf),
        "docx" | "docm" | "dotx" | "dotm" => Claim::Read(Format::Docx),
        "csv" => Claim::Read(Format::Delimited(b',')),
        "tsv" | "tab" => Claim::Read(Format::Delimited(b'\t')),
        "json" => Claim::Read(Format::Json),
        "jsonl" | "ndjson" => Claim::Read(Format::JsonLines),
        "rst" | "rest" => Claim::Read(Format::ReStructuredText),
        "adoc" | "asciidoc" => Claim::Read(Format::AsciiDoc),
        "rtf" => Claim::Read(Format::RichText),
        "eml" => Claim::Read(Format::Mail),
        "mbox" => Claim::Read(Format::Mailbox),
        "msg" => Claim::Read(Format::OutlookMail),
        "zip" => Claim::Read(Format::Zip),
        "doc" | "dot" => Claim::NotRead("a Word document of the old kind (DOC)"),
        "pptx" | "pptm" | "ppsx" | "ppsm" | "potx" | "potm" => Claim::Read(Format::Pptx),
        "ppt" | "pps" | "pot" => Claim::NotRead("a PowerPoint presentation of the old kind (PPT)"),
        "xlsx" | "xlsm" | "xltx" | "xltm" => Claim::Read(Format::Xlsx),
        "xlsb" => Claim::Read(Format::Xlsb),
        "xls" | "xlt" => Claim::Read(Format::Xls),
        "odt" | "ott" => Claim::Read(Format::OpenDocument(odf::Kind::Text)),
        "ods" | "ots" => Claim::Read(Format::OpenDocument(odf::Kind::Spreadsheet)),
        "odp" | "otp" => Claim::Read(Format::OpenDocument(odf::Kind::Presentation)),
        "odg" | "odf" | "fodt" | "fods" | "fodp" => Claim::NotRead("an OpenDocument file of another kind"),
        "epub" => Claim::Read(Format::Epub),
        "mobi" | "azw3" => Claim::NotRead("an e-book of a shop"),
        "pst" | "ost" => Claim::NotRead("a mailbox of Outlook"),
        "gif" | "webp" | "bmp" | "svg" | "heic" | "ico" => Claim::NotRead("an image"),
        "mp3" | "wav" | "ogg" | "flac" | "m4a" => Claim::NotRead("a sound recording"),
        "mp4" | "mkv" | "mov" | "avi" | "webm" => Claim::NotRead("a video"),
        "gz" | "tgz" | "tar" | "bz2" | "xz" | "7z" | "rar" | "zst" => Claim::NotRead("an archive"),
        "exe" | "dll" | "so" | "bin" => Claim::NotRead("a program"),
        _ => match (PictureKind::of_extension(&extension), code::language_of_extension(&extension)) {
            (Some(kind), _) => Claim::Read(Format::Picture(kind)),
            (None, Some(language)) => Claim::Read(Format::Code(language)),
            (None, None) => Claim::Unknown(extension),
        },
    }
}

fn look_at(bytes: &[u8]) -> Found {
    let head = &bytes[..bytes.len().min(HEAD)];
    // What begins an archive comes first: the first file in it may be a PDF that is stored as it is.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return look_into_zip(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return look_into_compound(bytes);
    }
    if bytes.starts_with(b"{\\rtf") {
        return Found::RichText;
    }
    if let Some(kind) = PictureKind::of_bytes(bytes) {
        return Found::Picture(kind);
    }
    let is_text = charset::is_text(bytes);
    // Programs leave junk before a PDF. A text that has the mark further in is about PDFs.
    let begins = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if begins.starts_with(PDF_MARK) || !is_text && has_pdf_mark(bytes) && !starts_like_a_page(head) {
        return Found::Pdf;
    }
    if bytes.starts_with(b"%!PS") {
        return Found::Other("PostScript".into());
    }
    if is_text {
        return if starts_like_a_page(head) { Found::WebPage } else { Found::Text };
    }
    // Magic numbers of two letters are no proof (a text may begin with "BM"), so they are asked last.
    match infer::get(bytes) {
        Some(kind) => Found::Other(format!("{} ({})", class_of(kind.matcher_type()), kind.mime_type())),
        None => Found::Other("binary data".into()),
    }
}

/// Whether a PDF may begin here: readers look for its mark in the first kilobyte.
fn has_pdf_mark(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(HEAD)].windows(PDF_MARK.len()).any(|window| window == PDF_MARK)
}

fn class_of(kind: infer::MatcherType) -> &'static str {
    match kind {
        infer::MatcherType::App => "a program",
        infer::MatcherType::Archive => "an archive",
        infer::MatcherType::Audio => "a sound recording",
        infer::MatcherType::Book => "an e-book",
        infer::MatcherType::Doc => "an office document",
        infer::MatcherType::Font => "a font",
        infer::MatcherType::Image => "an image",
        infer::MatcherType::Video => "a video",
        _ => "binary data",
    }
}

/// A whole page, not a Markdown text that uses an element or two: a doctype or the root element comes first,
/// after nothing but a byte order mark, blanks, comments and an XML declaration.
fn starts_like_a_page(head: &[u8]) -> bool {
    let text = charset::decode(head, None).text.to_ascii_lowercase();
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|at| at + 2)
        } else {
            None
        };
        match end {
            Some(end) => rest = rest[end..].trim_start(),
            None => break,
        }
    }
    rest.starts_with("<!doctype html") || rest.starts_with("<html") && !rest.starts_with("<html-")
}

fn look_into_zip(bytes: &[u8]) -> Found {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return Found::Other("a damaged archive (ZIP)".into());
    };
    let has = |wanted: &str| archive.index_for_name(wanted).is_some();
    // Some programs write the separators of another system.
    let is_in = |folder: &str, name: &[u8]| {
        let rest = name.get(folder.len()..).filter(|_| name.get(..folder.len()) == Some(folder.as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(b"/") || rest.starts_with(b"\\"))
    };
    let folder = |folder: &str| archive.file_names_raw().any(|name| is_in(folder, name));
    // Anybody may call a folder `ppt`: a package has a main part or the list of its types besides.
    let part = |wanted: &str| {
        let is_it = |name: &[u8]| String::from_utf8_lossy(name).replace('\\', "/").eq_ignore_ascii_case(wanted);
        archive.file_names_raw().any(is_it)
    };
    let has_types = part("[Content_Types].xml");
    if archive.file_names_raw().any(docx::is_main_part) {
        return Found::Docx;
    }
    if folder("ppt") && (has_types || part("ppt/presentation.xml")) {
        Found::Office(Format::Pptx)
    } else if has("xl/workbook.bin") {
        Found::Office(Format::Xlsb)
    } else if folder("xl") && (has_types || part("xl/workbook.xml")) {
        Found::Office(Format::Xlsx)
    } else if has("META-INF/container.xml") && !has("content.xml") {
        Found::Office(Format::Epub)
    } else if has("content.xml") && (has("mimetype") || has("META-INF/manifest.xml")) {
        let mut media_type = Vec::new();
        let first = archive.by_name("mimetype").ok();
        let read = first.and_then(|file| file.take(LONGEST_MEDIA_TYPE).read_to_end(&mut media_type).ok());
        match read.and_then(|_| odf::Kind::of_media_type(std::str::from_utf8(&media_type).ok()?)) {
            Some(kind) => Found::Office(Format::OpenDocument(kind)),
            None => Found::Other("an OpenDocument file of another kind".into()),
        }
    } else {
        look_at_content_types(&mut archive)
    }
}

/// An Office document whose parts have other names than usual says what its main part is in the list of their types.
fn look_at_content_types(archive: &mut zip::ZipArchive<Cursor<&[u8]>>) -> Found {
    let mut list = Vec::new();
    let part = archive.by_name("[Content_Types].xml").ok();
    if part.and_then(|part| part.take(LONGEST_CONTENT_TYPES).read_to_end(&mut list).ok()).is_none() {
        return Found::Zip;
    }
    let list = String::from_utf8_lossy(&list);
    let mut of_main_parts = list.split(['"', '\'']).filter_map(|value| value.strip_suffix(".main+xml"));
    let kind = |of_part: &str| match of_part.strip_prefix("application/vnd.")?.rsplit_once('.')?.0 {
        "openxmlformats-officedocument.wordprocessingml" | "ms-word.document" | "ms-word.template" => Some(Found::Docx),
        "openxmlformats-officedocument.presentationml"
        | "ms-powerpoint.presentation"
        | "ms-powerpoint.slideshow"
        | "ms-powerpoint.template" => Some(Found::Office(Format::Pptx)),
        "openxmlformats-officedocument.spreadsheetml" | "ms-excel.sheet" | "ms-excel.template" => {
            Some(Found::Office(Format::Xlsx))
        }
        _ => None,
    };
    of_main_parts.find_map(kind).unwrap_or(Found::Zip)
}

/// Old Office files are compound files; the names inside are UTF-16 and tell which.
fn look_into_compound(bytes: &[u8]) -> Found {
    let contains = |name: &str| {
        let wanted: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    };
    // An e-mail may hold any of the others, and names them where they lie in it.
    if contains("__nameid_version1.0") || contains("__properties_version1.0") {
        return Found::OutlookMail;
    }
    // An entry of the directory is 128 bytes long and begins with its name, in capital letters or not.
    let has_entry = |name: &str| {
        let wanted: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        bytes
            .chunks_exact(128)
            .any(|entry| entry.get(..wanted.len()).is_some_and(|at| at.eq_ignore_ascii_case(&wanted)))
    };
    if contains("EncryptedPackage") {
        return Found::LockedOffice;
    }
    // Documents, presentations and e-mails can have a workbook inside.
    let is_other = ["WordDocument", "PowerPoint Document", "__nameid_version1.0"].into_iter().any(contains);
    if !is_other && (has_entry("Workbook") || has_entry("Book")) {
        return Found::Office(Format::Xls);
    }
    Found::Other(
        if contains("WordDocument") {
            "a Word document of the old kind (DOC)"
        } else if contains("PowerPoint Document") {
            "a PowerPoint presentation of the old kind (PPT)"
        } else {
            "an old Office file"
        }
        .into(),
    )
}

#[cfg(test)]
mod tests;
