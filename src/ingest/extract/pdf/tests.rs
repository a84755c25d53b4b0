#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::check_structure;

mod losses;

/// A PDF with one page per content stream; fonts F1 (plain), F2 (bold), F3 (fixed width).
pub(in crate::ingest::extract) fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        font("Helvetica"),
        font("Helvetica-Bold"),
        font("Courier"),
    ];
    let mut kids = String::new();
    for content in pages {
        let page = objects.len() + 1;
        kids.push_str(&format!("{page} 0 R "));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R >> >> >>",
            page + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len());
    assemble(&objects)
}

fn font(name: &str) -> String {
    let widths = vec!["600"; 256].join(" ");
    format!(
        "<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding /FirstChar 0 /LastChar 255 /Widths [{widths}] >>"
    )
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    file.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

/// Shows one line of text.
fn at(font: &str, size: u32, x: i32, y: i32, text: &str) -> String {
    format!("BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET\n")
}

fn extracted(pages: &[&str]) -> ExtractedDocument {
    let document = read(&pdf(pages), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

#[test]
fn headings_paragraphs_and_pages_are_found() {
    let first = [
        at("F1", 20, 72, 700, "Ropes"),
        at("F1", 10, 72, 660, "A rope is a group of yarns that are twisted or braided to-"),
        at("F1", 10, 72, 648, "gether into a larger and stronger form."),
        at("F2", 10, 72, 620, "Care of ropes"),
        at("F1", 10, 72, 608, "Keep it dry."),
    ]
    .concat();
    let second = at("F1", 10, 72, 700, "On the second page.");
    let document = extracted(&[&first, &second]);
    let expected = "# Ropes\n\nA rope is a group of yarns that are twisted or braided together into a larger and stronger \
        form.\n\n## Care of ropes\n\nKeep it dry.\n\nOn the second page.\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.title.as_deref(), Some("Ropes"));
    assert_eq!(document.pages.len(), 2);
    let offset = document.text.find("On the second").unwrap();
    assert_eq!(document.page_of(offset), Some(2));
    assert_eq!(document.page_of(offset - 3), Some(1));
}

#[test]
fn columns_are_read_one_after_the_other() {
    let mut page = String::new();
    for line in 0..6 {
        page += &at("F1", 10, 72, 700 - 12 * line, &format!("left column line number {line} of it"));
        page += &at("F1", 10, 330, 698 - 12 * line, &format!("right column line number {line} of it"));
    }
    let text = extracted(&[&page]).text;
    assert!(
        text.find("left column line number 5").unwrap() < text.find("right column line number 0").unwrap(),
        "{text}"
    );
}

#[test]
fn aligned_cells_are_a_table() {
    let mut page = at("F1", 10, 72, 720, "These are the prices of the things that are sold here today.");
    for (row, cells) in [["thing", "size", "price"], ["tea", "small", "2"], ["coffee", "large", "4"], ["milk", "", "1"]]
        .iter()
        .enumerate()
    {
        for (column, cell) in cells.iter().enumerate() {
            page += &at("F1", 10, 72 + 120 * column as i32, 690 - 14 * row as i32, cell);
        }
    }
    let document = extracted(&[&page]);
    let table = &document.tables[0];
    let expected =
        "| thing | size | price |\n| --- | --- | --- |\n| tea | small | 2 |\n| coffee | large | 4 |\n| milk | | 1 |";
    assert_eq!(&document.text[table.range.clone()], expected);
}

#[test]
fn a_cell_between_two_lines_of_its_row_stands_in_the_first() {
    let row =
        |y: i32, cells: &[(i32, &str)]| -> String { cells.iter().map(|(x, text)| at("F1", 10, *x, y, text)).collect() };
    let page = [
        row(700, &[(72, "layers"), (150, "kind"), (240, "value")]),
        row(680, &[(150, "one"), (240, "0.91")]),
        row(674, &[(72, "6")]),
        row(668, &[(150, "two"), (240, "0.92")]),
        row(650, &[(150, "one"), (240, "0.93")]),
        row(644, &[(72, "4")]),
        row(638, &[(150, "two"), (240, "0.94")]),
    ]
    .concat();
    let expected = "| layers | kind | value |\n| --- | --- | --- |\n| 6 | one | 0.91 |\n| | two | 0.92 |\n\
        | 4 | one | 0.93 |\n| | two | 0.94 |\n";
    assert_eq!(extracted(&[&page]).text, expected);
}

#[test]
fn what_the_interpreter_does_not_know_is_spelt_out() {
    let page = "BT /F1 10 Tf 14 TL 72 700 Td (One) Tj (Two) ' 0 0 (Three) \" ET 1 2 cm /Nothing gs /None Do";
    assert_eq!(extracted(&[page]).text, "One Two Three\n");
}

#[test]
fn fixed_width_lines_are_code() {
    let page = [at("F3", 10, 72, 700, "if x:"), at("F3", 10, 96, 688, "go\\(\\)")].concat();
    assert_eq!(extracted(&[&page]).text, "```\nif x:\n    go()\n```\n");
}

#[test]
fn running_heads_and_page_numbers_are_left_out_and_reported() {
    let pages: Vec<String> = (1..=4)
        .map(|n| {
            at("F1", 10, 72, 760, "The Rope Gazette")
                + &at("F1", 10, 72, 600, &format!("Story {n} begins here and ends here."))
                + &at("F1", 10, 300, 30, &n.to_string())
        })
        .collect();
    let document = extracted(&pages.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!document.text.contains("Gazette"));
    assert_eq!(document.text.matches("Story").count(), 4);
    assert!(document.warnings[0].contains("8 lines"), "{:?}", document.warnings);
}

#[test]
fn turned_pages_read_like_upright_ones() {
    let upright = "BT /F1 10 Tf 0 1 -1 0 300 100 Tm (Sideways words) Tj 0 1 -1 0 312 100 Tm (go on here) Tj ET";
    assert_eq!(extracted(&[upright]).text, "Sideways words go on here\n");
}

#[test]
fn a_file_without_words_says_what_it_has() {
    let error = read(&pdf(&["0 0 10 10 re f"]), &ExtractLimits::default()).unwrap_err();
    assert!(matches!(error, ExtractError::NoText { .. }), "{error}");
    let error = read(b"%PDF-1.4\nnothing", &ExtractLimits::default()).unwrap_err();
    assert!(matches!(error, ExtractError::Malformed { .. }), "{error}");
}

#[test]
fn bounds_refuse() {
    let limits = ExtractLimits { max_pages: 1, ..ExtractLimits::default() };
    let page = at("F1", 10, 72, 700, "words");
    assert!(matches!(read(&pdf(&[&page, &page]), &limits), Err(ExtractError::TooLarge { .. })));
}

#[test]
fn a_lost_table_of_objects_is_made_again() {
    let mut file = pdf(&[&at("F1", 10, 72, 700, "Still readable.")]);
    let xref = file.windows(5).position(|window| window == b"xref\n").unwrap();
    file.truncate(xref);
    let document = read(&file, &ExtractLimits::default()).unwrap();
    assert_eq!(document.text, "Still readable.\n");
    assert!(document.warnings[0].contains("damaged"), "{:?}", document.warnings);
}
