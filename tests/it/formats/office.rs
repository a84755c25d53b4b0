//! Presentations, workbooks, OpenDocument texts and e-books, made from pages of the handbook.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::make::Section;

fn archive(parts: &[(String, String)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn part(name: &str, content: impl Into<String>) -> (String, String) {
    (name.to_owned(), content.into())
}

fn relationships(entries: &[(String, &str, String)]) -> String {
    let entry = |(id, kind, target): &(String, &str, String)| {
        format!(
            "<Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" \
             Target=\"{target}\"/>"
        )
    };
    format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{}</Relationships>",
        entries.iter().map(entry).collect::<String>()
    )
}

/// A PPTX with a slide for each section; the files of the slides are numbered from the last to the first.
pub fn pptx(sections: &[Section]) -> Vec<u8> {
    let namespaces = "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
        xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
    let paragraph = |text: &String| format!("<a:p><a:r><a:t>{}</a:t></a:r></a:p>", escaped(text));
    let shape = |placeholder: &str, text: String| {
        format!(
            "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"\"/><p:cNvSpPr/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr/>\
             <p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>"
        )
    };
    let mut parts = Vec::new();
    let (mut ids, mut entries) = (String::new(), Vec::new());
    for (at, section) in sections.iter().enumerate() {
        let file = format!("slides/slide{}.xml", sections.len() - at);
        ids.push_str(&format!("<p:sldId id=\"{}\" r:id=\"rId{at}\"/>", 256 + at));
        entries.push((format!("rId{at}"), "slide", file.clone()));
        let shapes = shape("", section.paragraphs.iter().map(paragraph).collect::<String>() + "<a:p/>")
            + &shape("<p:ph type=\"title\"/>", paragraph(&section.heading));
        let slide = format!("<p:sld {namespaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>");
        parts.push((format!("ppt/{file}"), slide));
    }
    let presentation = format!("<p:presentation {namespaces}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>");
    parts.push(part("ppt/presentation.xml", presentation));
    parts.push(part("ppt/_rels/presentation.xml.rels", relationships(&entries)));
    let root = [("rId1".to_owned(), "officeDocument", "ppt/presentation.xml".to_owned())];
    parts.push(part("_rels/.rels", relationships(&root)));
    archive(&parts)
}

/// An XLSX with one sheet of texts.
pub fn xlsx(sheet: &str, rows: &[Vec<String>]) -> Vec<u8> {
    let cell = |text: &String| format!("<c t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(text));
    let row = |cells: &Vec<String>| format!("<row>{}</row>", cells.iter().map(cell).collect::<String>());
    let data = rows.iter().map(row).collect::<String>();
    let main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
    archive(&[
        part("_rels/.rels", relationships(&[("rId1".to_owned(), "officeDocument", "xl/workbook.xml".to_owned())])),
        part(
            "xl/workbook.xml",
            format!(
                "<workbook {main}><sheets><sheet name=\"{sheet}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        part(
            "xl/_rels/workbook.xml.rels",
            relationships(&[("rId1".to_owned(), "worksheet", "worksheets/sheet1.xml".to_owned())]),
        ),
        part("xl/worksheets/sheet1.xml", format!("<worksheet {main}><sheetData>{data}</sheetData></worksheet>")),
    ])
}

/// An ODT with the sections under headings.
pub fn odt(sections: &[Section]) -> Vec<u8> {
    let mut body = String::new();
    for section in sections {
        let heading = escaped(&section.heading);
        body.push_str(&format!("<text:h text:outline-level=\"{}\">{heading}</text:h>", section.level));
        section.paragraphs.iter().for_each(|text| body.push_str(&format!("<text:p>{}</text:p>", escaped(text))));
    }
    let content = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:text>{body}</office:text>\
         </office:body></office:document-content>"
    );
    archive(&[part("mimetype", "application/vnd.oasis.opendocument.text"), part("content.xml", content)])
}

/// An EPUB with a chapter for each section.
pub fn epub(title: &str, sections: &[Section]) -> Vec<u8> {
    let container = "<container xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\"><rootfiles>\
        <rootfile full-path=\"OEBPS/book.opf\" media-type=\"application/oebps-package+xml\"/></rootfiles></container>";
    let mut parts = vec![part("mimetype", "application/epub+zip"), part("META-INF/container.xml", container)];
    let (mut manifest, mut spine) = (String::new(), String::new());
    for (at, section) in sections.iter().enumerate() {
        manifest.push_str(&format!("<item id=\"c{at}\" href=\"c{at}.xhtml\" media-type=\"application/xhtml+xml\"/>"));
        spine.push_str(&format!("<itemref idref=\"c{at}\"/>"));
        let level = section.level;
        let paragraphs: String = section.paragraphs.iter().map(|text| format!("<p>{}</p>", escaped(text))).collect();
        let page = format!(
            "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title/></head><body>\
             <h{level}>{}</h{level}>{paragraphs}</body></html>",
            escaped(&section.heading)
        );
        parts.push((format!("OEBPS/c{at}.xhtml"), page));
    }
    let package = format!(
        "<package xmlns=\"http://www.idpf.org/2007/opf\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><metadata>\
         <dc:title>{}</dc:title></metadata><manifest>{manifest}</manifest><spine>{spine}</spine></package>",
        escaped(title)
    );
    parts.push(part("OEBPS/book.opf", package));
    archive(&parts)
}
