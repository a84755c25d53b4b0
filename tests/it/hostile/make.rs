//! Files that were made to harm: bombs, loops, lies about what they are, and what no parser expects.
//!
//! What can be read of them is short: a long text is an honest load, which takes its time to be embedded.

use std::io::{Cursor, Write as _};

use pdf_extract::{Dictionary, Document, Object, Stream, dictionary};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Asks for a file of the machine to be put into it.
pub const OUTSIDE: &str = "outside.docx";

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// Its job fails, with a reason.
    Refused,
    /// Its job ends, either way: what can be read of it may be read.
    Ends,
}

use Expected::{Ends, Refused};

const MIB: usize = 1 << 20;

/// A DOCX with this body, and other parts.
fn docx(document: &[u8], parts: &[(&str, &[u8])]) -> Vec<u8> {
    let types = br#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let relations = br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;
    let mut all: Vec<(&str, &[u8])> = vec![("[Content_Types].xml", types), ("_rels/.rels", relations)];
    all.push(("word/document.xml", document));
    all.extend(parts);
    zip(&all)
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The body of a DOCX around this.
fn body(inner: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{inner}</w:body></w:document>"
    )
    .into_bytes()
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A PDF whose one page has this content and these further entries.
fn pdf(content: Vec<u8>, change: impl FnOnce(&mut Document, &mut Dictionary)) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let content = document.add_object(Stream::new(Dictionary::new(), content));
    let mut page = dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    };
    change(&mut document, &mut page);
    let page = document.add_object(page);
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn pdf_of_text(text: &str) -> Vec<u8> {
    pdf(format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET").into_bytes(), |_, _| {})
}

/// A form that draws itself.
fn recursive_pdf() -> Vec<u8> {
    pdf(b"/X Do".to_vec(), |document, page| {
        let form = document.new_object_id();
        let resources = dictionary! { "XObject" => dictionary! { "X" => form } };
        let about = dictionary! { "Type" => "XObject", "Subtype" => "Form", "Resources" => resources.clone() };
        document.objects.insert(form, Object::Stream(Stream::new(about, b"/X Do /X Do".to_vec())));
        page.set("Resources", resources);
    })
}

/// A page tree that is its own child.
fn circular_pdf() -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![pages.into(), pages.into()], "Count" => 2 };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

/// A stream that unpacks to far more than it has.
fn swelling_pdf(bytes: usize) -> Vec<u8> {
    pdf(b"BT ET".to_vec(), |document, page| {
        let mut stream = Stream::new(Dictionary::new(), vec![b' '; bytes]);
        stream.compress().unwrap();
        let content = document.add_object(stream);
        page.set("Contents", content);
    })
}

/// A file whose cross references point into nowhere and back.
fn broken_references() -> Vec<u8> {
    let text = pdf_of_text("text");
    let at = text.windows(9).rposition(|window| window == b"startxref").unwrap();
    [&text[..at], b"startxref\n99999999999999999999\n%%EOF"].concat()
}

/// An archive in an archive, again and again.
fn quine() -> Vec<u8> {
    (0..50).fold(zip(&[("a.txt", b"words")]), |inner, _| zip(&[("a.zip", &inner), ("a.txt", b"words")]))
}

/// An e-mail whose parts lie in each other.
fn boundaries(depth: usize) -> Vec<u8> {
    let mut mail = String::from("Subject: x\r\n");
    for number in 0..depth {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n"));
    }
    mail.push_str("\r\nwords\r\n");
    mail.into_bytes()
}

fn slide_text(text: &str) -> String {
    format!("<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>")
}

/// A DOCX with a chart of the newer kind in this part.
fn chart(part: &[u8]) -> Vec<u8> {
    let relations = br#"<R><R Id="x" Type="/chartEx" Target="x.xml"/></R>"#;
    let drawn = format!("{}<w:p><w:r><cx:chart r:id=\"x\"/></w:r></w:p>", paragraph("text"));
    docx(&body(&drawn), &[("word/_rels/document.xml.rels", relations), ("word/x.xml", part)])
}

/// A chart of very many series, each of which shows the same long data.
fn series_of_one_data() -> Vec<u8> {
    let part = format!(
        "<cx:chartSpace><cx:chartData><cx:data id='0'><cx:numDim type='val'><cx:lvl><cx:pt idx='65535'>1</cx:pt></cx:lvl></cx:numDim></cx:data>\
         </cx:chartData><cx:chart><cx:plotArea><cx:plotAreaRegion>{}</cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>",
        "<cx:series layoutId='funnel'><cx:dataId val='0'/></cx:series>".repeat(50_000)
    );
    chart(part.as_bytes())
}

/// A mailbox of many small e-mails.
fn mailbox(emails: usize) -> Vec<u8> {
    "From a Tue Mar  5 10:30:00 2024\nSubject: x\n\nwords\n\n".repeat(emails).into_bytes()
}

/// A PPTX of one slide, whose layout, master and notes are the slide again.
fn pptx(shapes: &str) -> Vec<u8> {
    let slide = format!("<p:sld><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>");
    let circle = br#"<R><R Id="l" Type="/slideLayout" Target="s.xml"/><R Id="m" Type="/slideMaster" Target="s.xml"/><R Id="n" Type="/notesSlide" Target="s.xml"/></R>"#;
    zip(&[
        ("ppt/presentation.xml", br#"<p:presentation><p:sldIdLst><p:sldId r:id="s"/></p:sldIdLst></p:presentation>"#),
        ("ppt/_rels/presentation.xml.rels", br#"<R><R Id="s" Type="/slide" Target="s.xml"/></R>"#),
        ("ppt/s.xml", slide.as_bytes()),
        ("ppt/_rels/s.xml.rels", circle),
    ])
}

/// An XLSX of one sheet with these rows.
fn xlsx(rows: &str) -> Vec<u8> {
    xlsx_with(rows, "<sst/>")
}

/// An XLSX of one sheet with these rows and shared strings.
fn xlsx_with(rows: &str, strings: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    zip(&[
        ("xl/workbook.xml", br#"<workbook><sheets><sheet name="S" r:id="s"/></sheets></workbook>"#),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<R><R Id="s" Type="/worksheet" Target="s.xml"/><R Id="t" Type="/sharedStrings" Target="t.xml"/></R>"#,
        ),
        ("xl/s.xml", sheet.as_bytes()),
        ("xl/t.xml", strings.as_bytes()),
    ])
}

/// One text of a mebibyte that a hundred thousand cells share.
fn long_in_many() -> Vec<u8> {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(MIB));
    xlsx_with(&"<row><c t='s'><v>0</v></c></row>".repeat(100_000), &strings)
}

/// An ODS of one sheet with these rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<d><office:body><office:spreadsheet><table:table table:name=\"S\">{rows}</table:table></office:spreadsheet></office:body></d>"
    );
    zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_bytes())])
}

/// An EPUB of one chapter.
fn epub(body: &str) -> Vec<u8> {
    let page = format!("<html><body>{body}</body></html>");
    zip(&[
        ("META-INF/container.xml", br#"<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>"#),
        (
            "b.opf",
            br#"<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>"#,
        ),
        ("a.xhtml", page.as_bytes()),
    ])
}

/// The files, each with its name.
pub fn files() -> Vec<(String, Vec<u8>, Expected)> {
    let named = |name: &str, bytes: Vec<u8>, expected| (name.to_owned(), bytes, expected);
    let nested = |open: &str, close: &str, depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    let laughs = {
        let mut entities = String::from("<!ENTITY l0 \"lol\">");
        for n in 1..12 {
            entities.push_str(&format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)));
        }
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE d [{entities}]><w:document xmlns:w=\"x\"><w:body>&l11;</w:body></w:document>"
        )
    };
    let outside = "<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\
                   <w:document xmlns:w=\"x\"><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>";
    let many: Vec<(String, Vec<u8>)> = (0..20_000).map(|n| (format!("word/{n}.xml"), b"<x/>".to_vec())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let good = docx(&body(&paragraph("text")), &[]);
    let cut = good[..good.len() / 2].to_vec();
    let mut lying = good.clone();
    // The size that a directory entry claims.
    if let Some(at) = lying.windows(4).rposition(|window| window == b"PK\x01\x02") {
        lying[at + 24..at + 28].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    vec![
        named("swell.docx", docx(&vec![b' '; 600 * MIB], &[]), Refused),
        named("swell-in-text.docx", docx(&body(&paragraph(&"a".repeat(200 * MIB))), &[]), Refused),
        named("laughs.docx", docx(laughs.as_bytes(), &[]), Refused),
        named(OUTSIDE, docx(outside.as_bytes(), &[]), Ends),
        named("deep.docx", docx(&body(&nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 50_000)), &[]), Refused),
        named("open.docx", docx(&body(&"<w:p><w:r>".repeat(200_000)), &[]), Refused),
        named("attributes.docx", docx(&body(&format!("<w:p {}/>", "a=\"1\" ".repeat(500_000))), &[]), Ends),
        named("many-parts.docx", docx(&body(&paragraph("text")), &many), Ends),
        named("cut.docx", cut, Refused),
        named("lying.docx", lying, Ends),
        named("no-document.docx", zip(&[("word/other.xml", b"<x/>")]), Refused),
        named("not-xml.docx", docx(b"\x00\xff\xfe not xml", &[]), Refused),
        named("up.docx", docx(&body(&paragraph("text")), &[("../../../etc/passwd", b"root")]), Ends),
        named("runs.docx", docx(&body(&format!("<w:p>{}</w:p>", "<w:r><w:t>a</w:t></w:r>".repeat(40_000))), &[]), Ends),
        named(
            "cells.docx",
            docx(&body(&format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", "<w:tc/>".repeat(30_000))), &[]),
            Ends,
        ),
        named("swell-chart.docx", chart(&vec![b' '; 600 * MIB]), Refused),
        named("series-chart.docx", series_of_one_data(), Ends),
        named("cut-chart.docx", chart(b"<cx:chartSpace><cx:chartData><cx:data id='0'>"), Ends),
        named("swell.pptx", pptx(&" ".repeat(200 * MIB)), Refused),
        named("deep.pptx", pptx(&nested("<p:grpSp>", "</p:grpSp>", 50_000)), Refused),
        named("circle.pptx", pptx(&slide_text("text")), Ends),
        named("no-slide.pptx", zip(&[("ppt/presentation.xml", b"<p:presentation/>")]), Refused),
        named("swell.xlsx", xlsx(&" ".repeat(200 * MIB)), Refused),
        named(
            "far.xlsx",
            xlsx("<row r='1'><c r='A1'><v>1</v></c></row><row><c r='XFD1048576'><v>2</v></c></row>"),
            Ends,
        ),
        named("outside.xlsx", xlsx("<row><c r='ZZZZZ99999999'><v>2</v></c></row>"), Refused),
        named("long-in-many.xlsx", long_in_many(), Refused),
        named("cells.xlsx", xlsx(&"<row><c><v>1</v></c></row>".repeat(5_000_000)), Refused),
        named(
            "merged.xlsx",
            xlsx(
                "<row><c><v>1</v></c></row></sheetData><mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells><sheetData>",
            ),
            Ends,
        ),
        named(
            "repeated.ods",
            ods(
                r#"<table:table-row table:number-rows-repeated="999999999"><table:table-cell table:number-columns-repeated="999999999"><text:p>X</text:p></table:table-cell></table:table-row>"#,
            ),
            Refused,
        ),
        named(
            "repeated-within.ods",
            ods(
                r#"<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16000"><text:p>X</text:p></table:table-cell></table:table-row>"#,
            ),
            Refused,
        ),
        named("swell.epub", epub(&" ".repeat(200 * MIB)), Refused),
        named("deep.epub", epub(&nested("<div>", "</div>", 5_000)), Ends),
        named("noise.xls", noise(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], 300_000), Refused),
        named("noise.xlsx", noise(b"PK\x03\x04", 300_000), Refused),
        named("swell.pdf", swelling_pdf(600 * MIB), Refused),
        named("recursive.pdf", recursive_pdf(), Refused),
        named("circular.pdf", circular_pdf(), Refused),
        named("references.pdf", broken_references(), Ends),
        named("deep.pdf", pdf(nested("[", "]", 200_000).into_bytes(), |_, _| {}), Refused),
        named("dictionaries.pdf", pdf(nested("<<", ">>", 100_000).into_bytes(), |_, _| {}), Refused),
        named("operators.pdf", pdf(b"q ".repeat(2_000_000), |_, _| {}), Refused),
        named("numbers.pdf", pdf(format!("BT {} Td ET", "9".repeat(5_000_000)).into_bytes(), |_, _| {}), Refused),
        named("header-only.pdf", b"%PDF-1.7\n".to_vec(), Refused),
        named("noise.pdf", noise(b"%PDF-1.4\n", 300_000), Refused),
        named("noise.docx", noise(b"PK\x03\x04", 300_000), Refused),
        named("noise.html", noise(b"<html>", 60_000), Ends),
        named("noise.md", noise(b"# x\n", 60_000), Ends),
        named("noise.csv", noise(b"a,b\n", 60_000), Ends),
        named("deep.html", nested("<div>", "</div>", 50_000).into_bytes(), Ends),
        named("tables.html", nested("<table><tr><td>", "</td></tr></table>", 30_000).into_bytes(), Ends),
        named("lists.html", nested("<ul><li>", "</li></ul>", 20_000).into_bytes(), Ends),
        named("attributes.html", format!("<p {}>text</p>", "a=1 ".repeat(1_000_000)).into_bytes(), Ends),
        named("open.html", "<b><i><p>".repeat(100_000).into_bytes(), Ends),
        named("entities.html", format!("<p>{}</p>", "&amp;&#x41;".repeat(30_000)).into_bytes(), Ends),
        named("script.html", format!("<script>{}</script><p>text</p>", "<".repeat(3_000_000)).into_bytes(), Ends),
        named("quotes.md", format!("{} text", "> ".repeat(100_000)).into_bytes(), Ends),
        named(
            "lists.md",
            (0..1_000).map(|n| format!("{}- x\n", "  ".repeat(n))).collect::<String>().into_bytes(),
            Ends,
        ),
        named("brackets.md", format!("{}{}", "[".repeat(20_000), "](".repeat(20_000)).into_bytes(), Ends),
        named("emphasis.md", "*_**__".repeat(10_000).into_bytes(), Ends),
        named("backticks.md", (1..400).map(|n| format!("{} ", "`".repeat(n))).collect::<String>().into_bytes(), Ends),
        named("table.md", format!("{}\n{}\n", "|a".repeat(20_000), "|-".repeat(20_000)).into_bytes(), Ends),
        named("deep.json", nested("[", "]", 500_000).into_bytes(), Refused),
        named("objects.json", format!("{}1{}", "{\"a\":".repeat(300_000), "}".repeat(300_000)).into_bytes(), Refused),
        named("number.json", format!("[{}]", "9".repeat(100_000)).into_bytes(), Ends),
        named("string.json", format!("\"{}\"", "\\u0041".repeat(100_000)).into_bytes(), Ends),
        named("columns.csv", ",".repeat(100_000).into_bytes(), Ends),
        named("quote.csv", format!("a,b\n\"{}", "x".repeat(100_000)).into_bytes(), Ends),
        named("swell.zip", zip(&[("a.txt", &vec![b' '; 600 * MIB])]), Refused),
        named("many.zip", zip(&many), Refused),
        named("quine.zip", quine(), Ends),
        named("deep.rtf", format!("{{\\rtf1 {}", "{".repeat(200_000)).into_bytes(), Refused),
        named("cells.rtf", format!("{{\\rtf1 {}", "\\intbl a\\cell ".repeat(30_000)).into_bytes(), Ends),
        named("bin.rtf", b"{\\rtf1 \\bin2147483647 x".to_vec(), Refused),
        named("noise.rtf", noise(b"{\\rtf1 ", 60_000), Ends),
        named("noise.eml", noise(b"Subject: x\r\n\r\n", 60_000), Ends),
        named("many.mbox", mailbox(20_000), Refused),
        named("noise.mbox", noise(b"From a Tue Mar  5 10:30:00 2024\nSubject: x\n\n", 60_000), Ends),
        named("lines.mbox", [mailbox(1), b"From a Tue Mar  5 10:30:00 2024\n".repeat(20_000)].concat(), Ends),
        named("noise.msg", noise(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], 300_000), Refused),
        named("parts.eml", boundaries(5_000), Ends),
        named(
            "headers.eml",
            format!("Subject: x\r\n{}\r\nwords", "To: a@example.org,\r\n b\r\n".repeat(20_000)).into_bytes(),
            Ends,
        ),
        named(
            "deep.rst",
            (0..1_000).map(|n| format!("{}* x\n\n", "  ".repeat(n))).collect::<String>().into_bytes(),
            Refused,
        ),
        named(
            "grid.rst",
            format!("{0}\n|{1}\n{0}\n", "+-".repeat(20_000) + "+", "a|".repeat(20_000)).into_bytes(),
            Ends,
        ),
        named("marks.rst", "*`|:[_".repeat(10_000).into_bytes(), Ends),
        named("deep.adoc", (4..2_000).map(|n| "=".repeat(n) + "\n").collect::<String>().into_bytes(), Refused),
        named("marks.adoc", "*_`#^~+<<[((".repeat(5_000).into_bytes(), Ends),
        named(
            "attributes.adoc",
            (0..40).map(|n| format!(":a{}: {{a{n}}}{{a{n}}}\n", n + 1)).collect::<String>().into_bytes(),
            Ends,
        ),
        named("brackets.rs", "pub(".repeat(100_000).into_bytes(), Ends),
        named("line.txt", vec![b'a'; 80 * MIB], Refused),
        named("marks.txt", format!("a{}", "\u{301}".repeat(50_000)).into_bytes(), Ends),
        named("zeros.txt", vec![0; MIB], Refused),
        named("sixteen.txt", [b"\xff\xfe".as_slice(), &b"\x00\xd8".repeat(20_000)].concat(), Ends),
    ]
}

/// Bytes that mean nothing, always the same, behind a beginning that promises something.
fn noise(start: &[u8], length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = start.to_vec();
    bytes.extend((0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }));
    bytes
}
