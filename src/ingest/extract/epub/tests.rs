#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, package::made::archive};

const CONTAINER: &str =
    "<container xmlns='c'><rootfiles><rootfile full-path='OEBPS/book.opf' media-type='x'/></rootfiles></container>";

/// A book of these chapters: the name, what the manifest says about it besides, and its body.
fn epub(metadata: &str, chapters: &[(&str, &str, &str)], parts: &[(&str, &str)]) -> Vec<u8> {
    let (mut manifest, mut spine) = (String::new(), String::new());
    let mut all: Vec<(String, String)> =
        vec![("mimetype".into(), MEDIA_TYPE.into()), ("META-INF/container.xml".into(), CONTAINER.into())];
    for (at, (name, about, body)) in chapters.iter().enumerate() {
        let about = if about.contains("media-type") {
            (*about).to_owned()
        } else {
            format!("media-type='application/xhtml+xml' {about}")
        };
        // The manifest is in no order.
        manifest.insert_str(0, &format!("<item id='i{at}' href='text/{name}' {about}/>"));
        spine.push_str(&format!("<itemref idref='i{at}'/>"));
        let page = format!(
            "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body>{body}</body></html>"
        );
        all.push((format!("OEBPS/text/{}", name.replace("%20", " ")), page));
    }
    let package = format!(
        "<package xmlns='p' xmlns:dc='d'><metadata>{metadata}</metadata><manifest>{manifest}</manifest><spine>{spine}</spine></package>"
    );
    all.push(("OEBPS/book.opf".into(), package));
    all.extend(parts.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())));
    archive(&all)
}

fn extracted(bytes: &[u8]) -> ExtractedDocument {
    let document = read(bytes, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

#[test]
fn chapters_follow_the_spine_without_the_contents() {
    let metadata = "<dc:title>On knots</dc:title><dc:creator>Ann Lee</dc:creator><dc:creator>Bo Li</dc:creator>";
    let bytes = epub(
        metadata,
        &[
            ("b%20first.xhtml", "", "<section><h1>Knots</h1><p><a id='x'/>Loops hold.</p></section>"),
            ("nav.xhtml", "properties='nav'", "<nav><ol><li>Knots</li></ol></nav>"),
            ("a.xhtml", "", "<h2>Bends</h2><p>One<br/>two</p><aside><p>[1] A note.</p></aside>"),
        ],
        &[],
    );
    let document = extracted(&bytes);
    assert_eq!(document.text, "By Ann Lee, Bo Li\n\n# Knots\n\nLoops hold.\n\n## Bends\n\nOne\ntwo\n\n[1] A note.\n");
    assert_eq!(document.title.as_deref(), Some("On knots"));
    assert_eq!(document.media_type, "application/epub+zip");
}

#[test]
fn an_author_whom_the_first_pages_name_is_not_named_again() {
    let title_page = "<h1>Knots</h1><p>By <b>Ann</b> Lee</p>";
    let bytes = epub("<dc:creator>Ann Lee</dc:creator>", &[("a.xhtml", "", title_page)], &[]);
    assert_eq!(extracted(&bytes).text, "# Knots\n\nBy Ann Lee\n");
}

#[test]
fn what_is_no_page_or_not_there_is_warned_of() {
    let chapters = [("a.xhtml", "", "<p>words</p>"), ("b.svg", "media-type='image/svg+xml'", "")];
    let bytes = epub("", &chapters, &[]);
    assert_eq!(extracted(&bytes).warnings, ["OEBPS/text/b.svg is no page of text (image/svg+xml); it was left out"]);
    let package = "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/><item id='b' href='b.xhtml' \
        media-type='application/xhtml+xml'/></manifest><spine><itemref idref='b'/><itemref idref='a'/><itemref idref='a'/><itemref idref='c'/></spine></package>";
    let bytes = archive(&[
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/book.opf", package),
        ("OEBPS/a.xhtml", "<p>once</p><aside hidden='hidden'><p>A note.</p></aside>"),
    ]);
    let document = extracted(&bytes);
    assert_eq!(document.text, "once\n\nA note.\n");
    assert_eq!(
        document.warnings,
        ["c belongs to the book, but is not in its list of files", "OEBPS/b.xhtml is listed, but is not in the file"]
    );
}

#[test]
fn protected_books_are_refused_and_hidden_fonts_are_no_protection() {
    let encryption = |algorithm: &str, part: &str| {
        format!(
            "<encryption xmlns:enc='e'><enc:EncryptedData><enc:EncryptionMethod Algorithm='{algorithm}'/><enc:CipherData>\
             <enc:CipherReference URI='{part}'/></enc:CipherData></enc:EncryptedData></encryption>"
        )
    };
    let book = |encryption: &str| epub("", &[("a.xhtml", "", "<p>x</p>")], &[("META-INF/encryption.xml", encryption)]);
    let protected = book(&encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/text/a.xhtml"));
    let refused = read(&protected, &ExtractLimits::default()).unwrap_err();
    assert_eq!(refused, ExtractError::CopyProtected { format: "EPUB".into() });
    assert!(refused.to_string().contains("DRM"));
    let fonts = book(&encryption("http://www.idpf.org/2008/embedding", "OEBPS/fonts/a.otf"));
    assert_eq!(extracted(&fonts).text, "x\n");
}

#[test]
fn damage_is_named_and_bombs_are_refused() {
    let limits = ExtractLimits { max_uncompressed_bytes: 100_000, ..ExtractLimits::default() };
    let bomb = epub("", &[("a.xhtml", "", &"a".repeat(200_000))], &[]);
    assert!(matches!(read(&bomb, &limits), Err(ExtractError::TooLarge { .. })));
    let nameless = archive(&[("META-INF/container.xml", "<container><rootfiles/></container>")]);
    assert!(read(&nameless, &limits).unwrap_err().to_string().contains("names no package document"));
    let missing = archive(&[("META-INF/container.xml", CONTAINER)]);
    assert!(read(&missing, &limits).unwrap_err().to_string().contains("the part OEBPS/book.opf is missing"));
    assert!(matches!(read(&epub("", &[], &[]), &limits), Err(ExtractError::NoText { .. })));
}

#[test]
fn chapters_are_read_in_the_charset_that_they_declare() {
    let bytes = |text: &[u8]| text.to_vec();
    let package = "<package><metadata/><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>\
        <item id='b' href='b.xhtml' media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>";
    let declared = b"<?xml version='1.0' encoding='windows-1251'?><html><body><p>\xc0\xff</p></body></html>";
    let in_page = b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<HTML><head><meta http-equiv='Content-Type' content='text/html; charset=koi8-r'/>\
        </head><body><p>\xe1\xd1</p></body></HTML>";
    let book = archive(&[
        ("META-INF/container.xml", bytes(CONTAINER.as_bytes())),
        ("OEBPS/book.opf", bytes(package.as_bytes())),
        ("OEBPS/a.xhtml", bytes(declared)),
        ("OEBPS/b.xhtml", bytes(in_page)),
    ]);
    let document = extracted(&book);
    assert_eq!((document.text.as_str(), document.warnings.len()), ("\u{410}\u{44f}\n\n\u{410}\u{44f}\n", 0));
}
