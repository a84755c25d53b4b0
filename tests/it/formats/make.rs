//! Files of formats that are not written by hand: PDF and DOCX from pages of the handbook, archives, e-mails of Outlook.

use std::io::{Cursor, Write as _};

use docx_rs::{Docx, Paragraph, Run, Style, StyleType, Table, TableCell, TableRow};
use pdf_extract::{
    Dictionary, Document, Object, Stream,
    content::{Content, Operation},
    dictionary,
};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A heading of a page and the paragraphs below it.
#[derive(Debug, Default)]
pub struct Section {
    pub level: u8,
    pub heading: String,
    pub paragraphs: Vec<String>,
}

/// The headings and paragraphs of a Markdown text; lists, tables and code are left out.
pub fn sections(markdown: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let (mut text, mut nested) = (String::new(), 0);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::List(_) | Tag::Table(_) | Tag::BlockQuote(_) | Tag::CodeBlock(_)) => nested += 1,
            Event::End(TagEnd::List(_) | TagEnd::Table | TagEnd::BlockQuote(_) | TagEnd::CodeBlock) => nested -= 1,
            _ if nested > 0 => {}
            Event::Start(Tag::Heading { .. } | Tag::Paragraph) => text.clear(),
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::End(TagEnd::Heading(level)) => {
                let level = if level == HeadingLevel::H1 { 1 } else { 2 };
                sections.push(Section { level, heading: text.clone(), paragraphs: Vec::new() });
            }
            Event::End(TagEnd::Paragraph) => sections.last_mut().unwrap().paragraphs.push(text.clone()),
            _ => {}
        }
    }
    assert!(sections.len() > 5 && sections.iter().any(|section| !section.paragraphs.is_empty()));
    sections
}

/// A PDF with a page for each section, set in Helvetica.
pub fn pdf(sections: &[Section]) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let pages = document.new_object_id();
    let mut kids: Vec<Object> = Vec::new();
    for section in sections {
        let content = document.add_object(Stream::new(Dictionary::new(), page(section)));
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => pages, "Contents" => content,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
        });
        kids.push(page.into());
    }
    let count = kids.len() as i64;
    document.objects.insert(pages, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    document.compress();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

/// The drawing of one page.
fn page(section: &Section) -> Vec<u8> {
    let mut operations = Vec::new();
    let mut y = 780;
    let mut line = |text: &str, size: i64, leading: i64| {
        assert!(text.is_ascii(), "the font's encoding is not ours to know: {text}");
        operations.extend([
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F1".into(), size.into()]),
            Operation::new("Td", vec![60.into(), y.into()]),
            Operation::new("Tj", vec![Object::string_literal(text)]),
            Operation::new("ET", vec![]),
        ]);
        y -= leading;
        assert!(y > 40, "the section is too long for a page");
    };
    line(&section.heading, if section.level == 1 { 20 } else { 15 }, 30);
    for paragraph in &section.paragraphs {
        let lines = wrap(paragraph, 90);
        for (number, text) in lines.iter().enumerate() {
            line(text, 10, if number + 1 == lines.len() { 24 } else { 13 });
        }
    }
    Content { operations }.encode().unwrap()
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A DOCX with the sections under headings, and a table at its end.
pub fn docx(sections: &[Section], table: &[[&str; 2]]) -> Vec<u8> {
    let paragraph = |text: &str| Paragraph::new().add_run(Run::new().add_text(text));
    let mut docx = Docx::new()
        .add_style(Style::new("Heading1", StyleType::Paragraph).name("heading 1"))
        .add_style(Style::new("Heading2", StyleType::Paragraph).name("heading 2"));
    for section in sections {
        docx = docx.add_paragraph(paragraph(&section.heading).style(&format!("Heading{}", section.level)));
        docx = section.paragraphs.iter().fold(docx, |docx, text| docx.add_paragraph(paragraph(text)));
    }
    let rows = table
        .iter()
        .map(|cells| TableRow::new(cells.iter().map(|cell| TableCell::new().add_paragraph(paragraph(cell))).collect()));
    let mut bytes = Cursor::new(Vec::new());
    docx.add_table(Table::new(rows.collect())).build().pack(&mut bytes).unwrap();
    bytes.into_inner()
}

/// An archive of these files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An e-mail as Outlook stores it, with a subject and a plain text.
pub fn msg(subject: &str, text: &str) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_storage("/__nameid_version1.0").unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let streams = [
        ("/__properties_version1.0", vec![0; 32]),
        ("/__substg1.0_0037001F", wide(subject)),
        ("/__substg1.0_1000001F", wide(text)),
    ];
    for (name, bytes) in streams {
        file.create_stream(name).unwrap().write_all(&bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// A PDF of as many pages as there are texts; where there is none, the page has a picture.
pub fn scan(pages: &[Option<&str>]) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let about = dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => 1, "Height" => 1, "ColorSpace" => "DeviceGray",
        "BitsPerComponent" => 8,
    };
    let picture = document.add_object(Stream::new(about, vec![0]));
    let tree = document.new_object_id();
    let mut kids: Vec<Object> = Vec::new();
    for text in pages {
        let drawing = match text {
            Some(text) => format!("BT /F1 12 Tf 60 780 Td ({text}) Tj ET"),
            None => "q 400 0 0 600 60 100 cm /P Do Q".to_owned(),
        };
        let content = document.add_object(Stream::new(Dictionary::new(), drawing.into_bytes()));
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => tree, "Contents" => content,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            "Resources" => dictionary! {
                "Font" => dictionary! { "F1" => font }, "XObject" => dictionary! { "P" => picture },
            },
        });
        kids.push(page.into());
    }
    let count = kids.len() as i64;
    document.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}
