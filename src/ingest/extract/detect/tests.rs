#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::package::made::archive;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
const MAILBOX: &[u8] = b"From ann@example.org Tue Mar  5 10:30:00 2024\nSubject: x\n\nwords\n";
const PAGE: &[u8] = b"\xef\xbb\xbf<!-- saved -->\n<!DOCTYPE html><html><body>x</body></html>";

#[test]
fn names_and_bytes_that_agree_are_read() {
    let cases: [(&str, &[u8], Format); 32] = [
        ("a.txt", b"BMW is a car, and this is no bitmap", Format::PlainText),
        ("README", b"words", Format::PlainText),
        ("notes.2024", b"words", Format::PlainText),
        (".profile", b"words", Format::PlainText),
        ("dir.d/a.MD", b"<h1 align=center>Logo</h1>\n\nwords", Format::Markdown),
        ("a.htm", PAGE, Format::Html),
        ("page", PAGE, Format::Html),
        ("a.pdf", b"junk\n%PDF-1.4\n", Format::Pdf),
        ("scan", b"%PDF-1.7\n", Format::Pdf),
        ("a.tsv", b"a\tb", Format::Delimited(b'\t')),
        ("a.json", b"{}", Format::Json),
        ("a.ndjson", b"{}", Format::JsonLines),
        ("a.rst", b"words", Format::ReStructuredText),
        ("a.adoc", b"words", Format::AsciiDoc),
        ("a.rtf", b"{\\rtf1 words}", Format::RichText),
        ("letter", b"{\\rtf1 words}", Format::RichText),
        ("mail.eml", b"From: a@example.org", Format::Mail),
        ("mail.mbox", MAILBOX, Format::Mailbox),
        ("Inbox", MAILBOX, Format::Mailbox),
        ("mail.eml", MAILBOX, Format::Mail),
        ("mail.txt", MAILBOX, Format::PlainText),
        ("mail.log", MAILBOX, Format::PlainText),
        ("letter", b"From the kitchen at 10:30 in 2024\nNote: words", Format::PlainText),
        ("letter", b"From ann@example.org Tue Mar  5 10:30:00 2024\n\nwords", Format::PlainText),
        ("letter", b"From: ann@example.org\nSubject: x\n\nwords", Format::PlainText),
        ("a.rs", b"fn main() {}", Format::Code("rust")),
        ("a.yaml", b"a: 1", Format::Code("yaml")),
        ("a.php", PAGE, Format::Code("php")),
        ("src/Dockerfile", b"FROM scratch", Format::Code("dockerfile")),
        ("image.PNG", PNG, Format::Picture(PictureKind::Png)),
        ("image", PNG, Format::Picture(PictureKind::Png)),
        ("a.xml", b"<?xml version=\"1.0\"?><a/>", Format::Code("xml")),
    ];
    for (name, bytes, format) in cases {
        assert_eq!(detect(bytes, name).unwrap(), format, "{name}");
    }
}

#[test]
fn bytes_that_contradict_their_name_are_refused() {
    let cases: [(&str, &[u8], &str); 11] = [
        ("a.txt", b"%PDF-1.4\n", "a PDF"),
        ("a.md", PNG, "an image (image/png)"),
        ("a.txt", PAGE, "an HTML page"),
        ("a.json", PAGE, "an HTML page"),
        ("a.pdf", b"only words", "text"),
        ("a.docx", b"only words", "text"),
        ("a.docx", b"PK\x03\x04 and no more", "a damaged archive (ZIP)"),
        ("a.html", b"%PDF-1.4\n", "a PDF"),
        ("a.rtf", b"only words", "text"),
        ("a.jpg", PNG, "an image (image/png)"),
        ("a.zip", b"PK\x03\x04 and no more", "a damaged archive (ZIP)"),
    ];
    for (name, bytes, expected) in cases {
        match detect(bytes, name).unwrap_err() {
            ExtractError::ContradictsName { found, .. } => assert_eq!(found, expected, "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_mark_of_another_format_further_in_is_no_proof() {
    let about = b"# The format\n\nA file begins with `%PDF-1.7` and ends with `%%EOF`.\n";
    for (name, format) in
        [("a.md", Format::Markdown), ("a.txt", Format::PlainText), ("about", Format::PlainText), ("a.pdf", Format::Pdf)]
    {
        assert_eq!(detect(about, name).unwrap(), format, "{name}");
    }
    assert_eq!(detect(b"\0\x01junk\n%PDF-1.4\n\0\x02", "scan").unwrap(), Format::Pdf);
    // Archives that store their files as they are, and folders that are called like those of a package.
    let mut stored = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let as_it_is = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    stored.start_file("a.pdf", as_it_is).unwrap();
    std::io::Write::write_all(&mut stored, b"%PDF-1.4\n").unwrap();
    let stored = stored.finish().unwrap().into_inner();
    let folders = archive(&[("ppt/talk.txt", "words"), ("xl/numbers.csv", "a,b"), ("content.xml", "<a/>")]);
    for bytes in [stored, folders] {
        assert_eq!(detect(&bytes, "a.zip").unwrap(), Format::Zip);
        assert_eq!(detect(&bytes, "files").unwrap(), Format::Zip);
    }
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (name, bytes, expected) in [
        ("a.ppt", &b"PK\x03\x04"[..], "a PowerPoint presentation of the old kind (PPT)"),
        ("a.unheard", b"words", "'.unheard' (text by its bytes)"),
        ("image", b"RIFF\x10\0\0\0WEBPVP8 ", "an image (image/webp)"),
        ("mail.pst", b"!BDN", "a mailbox of Outlook"),
    ] {
        match detect(bytes, name).unwrap_err() {
            ExtractError::UnsupportedFormat { found } => assert_eq!(found, expected),
            other => panic!("{name}: {other}"),
        }
    }
    assert_eq!(detect(b" \n", "a.txt").unwrap_err(), ExtractError::Empty);
}

#[test]
fn office_formats_are_told_apart_by_their_parts() {
    let ods = "application/vnd.oasis.opendocument.spreadsheet-template";
    /// Parts with what they hold, names that fit, and what it is.
    type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str], Format);
    let cases: [Case<'_>; 7] = [
        (
            &[("ppt/presentation.xml", "")],
            &["a.pptx", "a.PPSX", "a.ppsm", "a.pptm", "a.potx", "a.potm", "slides"],
            Format::Pptx,
        ),
        (&[("xl/workbook.xml", "")], &["a.xlsx", "a.xlsm", "a.XLTX", "a.xltm", "b"], Format::Xlsx),
        (&[("xl/workbook.bin", ""), ("xl/styles.bin", "")], &["a.xlsb"], Format::Xlsb),
        (&[("META-INF/container.xml", "")], &["a.epub"], Format::Epub),
        (
            &[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "")],
            &["a.odt", "a.ott", "text"],
            Format::OpenDocument(odf::Kind::Text),
        ),
        (&[("mimetype", ods), ("content.xml", "")], &["a.ods", "a.ots"], Format::OpenDocument(odf::Kind::Spreadsheet)),
        (
            &[("mimetype", "application/vnd.oasis.opendocument.presentation-template"), ("content.xml", "")],
            &["a.otp", "slides"],
            Format::OpenDocument(odf::Kind::Presentation),
        ),
    ];
    for (parts, names, format) in cases {
        let bytes = archive(parts);
        for name in names {
            assert_eq!(detect(&bytes, name).unwrap(), format, "{name}");
        }
        for name in ["a.docx", "a.dotm", "a.xls", "a.zip.txt"] {
            assert!(detect(&bytes, name).is_err(), "{name}");
        }
    }
    let contradiction = detect(&archive(&[("xl/workbook.xml", "")]), "a.pptx").unwrap_err();
    assert!(contradiction.to_string().contains("an Excel workbook (XLSX)"), "{contradiction}");
}

#[test]
fn word_documents_and_templates_are_read_with_macros_and_without() {
    let usual = archive(&[("word/document.xml", ""), ("word/vbaProject.bin", "")]);
    for name in ["a.docx", "a.DOCM", "a.dotx", "a.dotm", "letter"] {
        assert_eq!(detect(&usual, name).unwrap(), Format::Docx, "{name}");
    }
    assert!(detect(&usual, "a.doc").is_err());
    assert!(detect(&usual, "a.pptm").is_err());
}

#[test]
fn parts_with_other_names_are_known_by_the_list_of_their_types() {
    let package = |of_main_part: &str| {
        let types = format!(
            "<Types><Default Extension=\"docx\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document\"/>\
             <Override PartName='/a/main.xml' ContentType='{of_main_part}'/></Types>"
        );
        archive(&[("[Content_Types].xml", types.as_str()), ("a/main.xml", "")])
    };
    for (of_main_part, expected) in [
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml", Format::Docx),
        ("application/vnd.ms-word.document.macroEnabled.main+xml", Format::Docx),
        ("application/vnd.ms-word.template.macroEnabledTemplate.main+xml", Format::Docx),
        ("application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml", Format::Pptx),
        ("application/vnd.openxmlformats-officedocument.presentationml.template.main+xml", Format::Pptx),
        ("application/vnd.ms-excel.template.macroEnabled.main+xml", Format::Xlsx),
        ("application/vnd.ms-visio.drawing.main+xml", Format::Zip),
        ("text/xml", Format::Zip),
    ] {
        assert_eq!(detect(&package(of_main_part), "file").unwrap(), expected, "{of_main_part}");
    }
}

#[test]
fn an_encrypted_office_file_is_called_encrypted() {
    let mut bytes = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    for (name, format) in
        [("a.docx", "DOCX"), ("a.docm", "DOCX"), ("a.pptx", "PPTX"), ("a.xlsm", "Excel"), ("a.xlsb", "Excel")]
    {
        assert_eq!(detect(&bytes, name).unwrap_err(), ExtractError::Encrypted { format: format.into() });
    }
}

#[test]
fn a_workbook_of_the_old_kind_is_one() {
    let mut bytes = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    bytes.resize(512, 0);
    bytes.extend("WORKBOOK".encode_utf16().flat_map(u16::to_le_bytes));
    bytes.resize(640, 0);
    assert_eq!(detect(&bytes, "a.xls").unwrap(), Format::Xls);
    let mail =
        [&bytes[..], &"__nameid_version1.0".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    assert!(detect(&mail, "a.xls").unwrap_err().to_string().contains("an e-mail (MSG)"));
    assert!(detect(&bytes, "a.xlsx").unwrap_err().to_string().contains("of the old kind (XLS)"));
}
