//! What documents of real programs hold that was once lost, doubled or put in another's place.

use super::*;

fn cell(inner: &str) -> String {
    format!("<w:tc>{inner}</w:tc>")
}

fn table(rows: &[&[&str]]) -> String {
    let row = |cells: &&[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(&p(text))).collect::<String>());
    format!("<w:tbl>{}</w:tbl>", rows.iter().map(row).collect::<String>())
}

fn boxed(inner: &str) -> String {
    format!("<w:r><w:pict><w:txbxContent>{inner}</w:txbxContent></w:pict></w:r>")
}

#[test]
fn a_table_whose_rows_are_all_deleted_says_nothing_again() {
    let note = "<w:p><w:r><w:t>gone</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>";
    let deleted = format!("<w:tbl><w:tr><w:trPr><w:del/></w:trPr>{}</w:tr></w:tbl>", cell(note));
    let notes = format!("<w:footnotes xmlns:w='w'><w:footnote w:id='2'>{}</w:footnote></w:footnotes>", p("Gone too."));
    let body = [table(&[&["a", "b"], &["1", "2"]]), deleted, p("After.")].concat();
    let document = extracted(&body, &[("word/footnotes.xml", &notes)]);
    assert_eq!(document.text, "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nAfter.\n");
}

#[test]
fn each_frame_of_one_cell_keeps_its_own_words() {
    let body = format!(
        "<w:p><w:r><w:t>Before.</w:t></w:r>{}{}{}</w:p>",
        boxed(&table(&[&["First."]])),
        boxed(&table(&[&["Second."]])),
        boxed(&table(&[&["a", "b"], &["1", "2"]])),
    );
    assert_eq!(extracted(&body, &[]).text, "Before.\n\nFirst.\n\nSecond.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    let in_cell = format!(
        "<w:tbl><w:tr>{}</w:tr></w:tbl>",
        cell(&format!("<w:p>{}</w:p>{}", boxed(&table(&[&["in"]])), p("out")))
    );
    assert_eq!(extracted(&in_cell, &[]).text, "in\n\nout\n");
}

#[test]
fn a_long_text_is_not_repeated_in_every_row_that_it_is_merged_over() {
    let row = |merge: &str, text: &str| {
        format!("<w:tr><w:tc><w:tcPr><w:vMerge {merge}/></w:tcPr>{}</w:tc>{}</w:tr>", p(text), cell(&p("x")))
    };
    let long = "long ".repeat(300);
    let body = format!("<w:tbl>{}{}{}</w:tbl>", row("w:val='restart'", &long), row("", ""), row("", ""));
    assert_eq!(extracted(&body, &[]).text.matches("long").count(), 300);
    let body = format!("<w:tbl>{}{}{}</w:tbl>", row("w:val='restart'", "short"), row("", ""), row("", ""));
    assert_eq!(extracted(&body, &[]).text.matches("short").count(), 3);
}

#[test]
fn lists_take_their_levels_from_styles_of_lists_and_from_what_styles_are_based_on() {
    let numbering = "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='1'><w:numStyleLink w:val='Legal'/></w:abstractNum>\
        <w:abstractNum w:abstractNumId='2'><w:styleLink w:val='Legal'/>\
        <w:lvl w:ilvl='0'><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>\
        <w:lvl w:ilvl='1'><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%2)'/></w:lvl></w:abstractNum>\
        <w:num w:numId='1'><w:abstractNumId w:val='1'/></w:num></w:numbering>";
    let styles = "<w:styles xmlns:w='w'><w:style w:styleId='L1'><w:name w:val='l1'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr>\
        </w:pPr></w:style><w:style w:styleId='L2'><w:name w:val='l2'/><w:basedOn w:val='L1'/><w:pPr><w:numPr><w:ilvl w:val='1'/>\
        </w:numPr></w:pPr></w:style></w:styles>";
    let level_alone =
        "<w:p><w:pPr><w:pStyle w:val='L1'/><w:numPr><w:ilvl w:val='1'/></w:numPr></w:pPr><w:r><w:t>d</w:t></w:r></w:p>";
    let body =
        [styled("L1", "a"), styled("L2", "b"), styled("L2", "c"), level_alone.to_owned(), item(1, 0, "e")].concat();
    let document = extracted(&body, &[("word/numbering.xml", numbering), ("word/styles.xml", styles)]);
    assert_eq!(document.text, "1. a\n  a) b\n  b) c\n  c) d\n2. e\n");
}

#[test]
fn parts_are_where_the_relationships_of_the_text_say() {
    let relationships = "<Relationships><Relationship Id='r1' Type='http://x/relationships/styles' Target='styles2.xml'/>\
        <Relationship Id='r2' Type='http://x/relationships/footnotes' Target='/word/Footnotes2.xml'/></Relationships>";
    let styles = "<w:styles xmlns:w='w'><w:style w:styleId='H'><w:name w:val='heading 1'/></w:style></w:styles>";
    let notes = format!("<w:footnotes xmlns:w='w'><w:footnote w:id='2'>{}</w:footnote></w:footnotes>", p("By whom."));
    let note = "<w:p><w:r><w:t>Said</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>";
    let text = format!("<w:document xmlns:w='w'><w:body>{}{note}</w:body></w:document>", styled("H", "Title"));
    let bytes = crate::ingest::extract::package::made::archive(&[
        ("word/document2.xml", text.as_str()),
        ("word/_rels/document2.xml.rels", relationships),
        ("word/styles2.xml", styles),
        ("word/footnotes2.xml", &notes),
    ]);
    let document = read(&bytes, &ExtractLimits::default()).unwrap();
    assert_eq!(document.text, "# Title\n\nSaid[1]\n\n[1] By whom.\n");
}

#[test]
fn signs_form_fields_and_descriptions_are_read_and_what_is_embedded_is_warned_of() {
    let sign = |font: &str, code: &str| format!("<w:r><w:sym w:font='{font}' w:char='{code}'/></w:r>");
    let field = |data: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:name w:val='f'/>{data}</w:ffData></w:fldChar></w:r>"
        )
    };
    let words = |text: &str| format!("<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>");
    let body = [
        format!("<w:p>{}{}</w:p>", sign("Symbol", "F062"), words("-blocker")),
        format!("<w:p>{}{}</w:p>", words("Hand"), sign("Wingdings", "F049")),
        format!(
            "<w:p>{}{}{}{}{}</w:p>",
            field("<w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox>"),
            words(" yes "),
            field("<w:checkBox><w:default w:val='0'/></w:checkBox>"),
            words(" no, by "),
            field("<w:ddList><w:result w:val='1'/><w:listEntry w:val='post'/><w:listEntry w:val='e-mail'/></w:ddList>"),
        ),
        "<w:p><w:r><w:drawing><wp:docPr descr='\u{8d64}\u{3044}\u{30d6}\u{30a4}' xmlns:wp='p'/></w:drawing></w:r></w:p>".to_owned(),
        "<w:p><w:r><w:object><o:OLEObject ProgID='Excel.Sheet.12' xmlns:o='o'/></w:object></w:r></w:p>".repeat(2),
    ]
    .concat();
    let document = extracted(&body, &[]);
    let expected =
        "\u{3b2}-blocker\n\nHand\n\n\u{2612} yes \u{2610} no, by e-mail\n\n[image: \u{8d64}\u{3044}\u{30d6}\u{30a4}]\n";
    assert_eq!(document.text, expected);
    assert_eq!(
        document.warnings,
        [
            "what the document embeds of another program (Excel.Sheet.12, 2 in all) was left out",
            "1 signs of fonts of pictures have no character and were left out"
        ]
    );
}

#[test]
fn paragraphs_whose_border_is_deleted_are_one() {
    let paragraph = |properties: &str, text: &str| {
        format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>")
    };
    let deleted = "<w:rPr><w:del w:id='1'/></w:rPr>";
    let gone = format!("<w:p><w:pPr>{deleted}</w:pPr><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>");
    let bookmark = "<w:bookmarkStart/><w:bookmarkEnd/>";
    let body = [
        paragraph(deleted, "Pay twen"),
        bookmark.to_owned(),
        gone,
        paragraph("", "ty euros."),
        paragraph(deleted, "Before the table."),
        table(&[&["a", "b"], &["1", "2"]]),
        paragraph("<w:rPr><w:b/></w:rPr>", "Next."),
        paragraph(deleted, "Last."),
    ]
    .concat();
    let expected = "Pay twenty euros.\n\nBefore the table.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nNext.\n\nLast.\n";
    assert_eq!(extracted(&body, &[]).text, expected);
}
