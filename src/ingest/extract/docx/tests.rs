#![allow(clippy::unwrap_used)]
use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::ingest::extract::check_structure;

mod losses;

/// A document with this body, and these other parts.
fn docx(body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let document = format!("<?xml version='1.0'?><w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    for (name, content) in parts.iter().copied().chain([("word/document.xml", document.as_str())]) {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn extracted(body: &str, parts: &[(&str, &str)]) -> ExtractedDocument {
    let document = read(&docx(body, parts), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn p(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn styled(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn headings_come_from_styles_and_what_those_are_based_on() {
    let styles = "<w:styles xmlns:w='w'>
        <w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>
        <w:style w:styleId='Own'><w:name w:val='Chapter'/><w:basedOn w:val='berschrift1'/></w:style>
        <w:style w:styleId='Lvl'><w:name w:val='x'/><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>
        <w:style w:styleId='A'><w:name w:val='a'/><w:basedOn w:val='B'/></w:style>
        <w:style w:styleId='B'><w:name w:val='b'/><w:basedOn w:val='A'/></w:style>
        <w:style w:styleId='TOC1'><w:name w:val='toc 1'/></w:style></w:styles>";
    let body = [
        styled("TOC1", "One 1"),
        styled("berschrift1", "One &amp; only"),
        styled("Own", "Two"),
        styled("Lvl", "Three"),
        styled("A", "circle"),
    ]
    .concat();
    let core = "<cp xmlns:dc='d'><dc:title>The title</dc:title></cp>";
    let document = extracted(&body, &[("word/styles.xml", styles), ("docProps/core.xml", core)]);
    assert_eq!(document.text, "# One & only\n\n# Two\n\n### Three\n\ncircle\n");
    assert_eq!(document.title.as_deref(), Some("The title"));
}

#[test]
fn a_document_says_what_it_says_after_its_changes() {
    let body = "<w:p><w:r><w:t>Pay </w:t></w:r><w:del><w:r><w:delText>ten</w:delText></w:r></w:del>\
        <w:ins><w:r><w:t>twenty</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>\
        <w:hyperlink><w:r><w:t> euros</w:t></w:r></w:hyperlink><w:r><w:fldChar/><w:instrText>PAGE</w:instrText></w:r></w:p>";
    assert_eq!(extracted(body, &[]).text, "Pay twenty euros\n");
}

#[test]
fn tables_have_merged_cells_and_no_deleted_rows() {
    let cell = |properties: &str, text: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", p(text));
    let nested = format!("<w:tc><w:tbl><w:tr>{}{}</w:tr></w:tbl></w:tc>", cell("", "in"), cell("", "ner"));
    let body = format!(
        "<w:tbl><w:tblPr/><w:tr>{}{}{}</w:tr><w:tr>{}{}{nested}</w:tr><w:tr>{}{}</w:tr><w:tr><w:trPr><w:del/></w:trPr>{}</w:tr></w:tbl>",
        cell("", "a"),
        cell("", "b"),
        cell("", "c"),
        cell("<w:vMerge w:val='restart'/>", "down"),
        cell("", "x|y"),
        cell("<w:vMerge/>", ""),
        cell("<w:gridSpan w:val='2'/>", "wide"),
        cell("", "gone"),
    );
    let document = extracted(&body, &[]);
    let expected = "| a | b | c |\n| --- | --- | --- |\n| down | x\\|y | in, ner |\n| down | wide | |\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.tables.len(), 1);
}

#[test]
fn lists_count_and_notes_follow_their_paragraph() {
    let numbering = "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='7'>
        <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/></w:lvl>
        <w:lvl w:ilvl='1'><w:numFmt w:val='bullet'/></w:lvl></w:abstractNum>
        <w:num w:numId='3'><w:abstractNumId w:val='7'/></w:num></w:numbering>";
    let item = |level: usize, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='3'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let note = "<w:p><w:r><w:t>Said</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>";
    let notes = format!("<w:footnotes xmlns:w='w'><w:footnote w:id='2'>{}</w:footnote></w:footnotes>", p("By whom."));
    let body = [item(0, "one"), item(1, "sub"), item(0, "two"), note.to_owned()].concat();
    let document = extracted(&body, &[("word/numbering.xml", numbering), ("word/footnotes.xml", &notes)]);
    assert_eq!(document.text, "1. one\n  - sub\n2. two\n\nSaid[1]\n\n[1] By whom.\n");
}

#[test]
fn text_boxes_are_read_once_and_formulas_keep_their_signs() {
    let text_box = "<w:p><w:r><w:t>Before.</w:t></w:r><w:r><mc:AlternateContent xmlns:mc='m'><mc:Choice>\
        <wps:txbx xmlns:wps='s'><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></wps:txbx></mc:Choice>\
        <mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></w:pict></mc:Fallback>\
        </mc:AlternateContent></w:r></w:p>";
    assert_eq!(extracted(text_box, &[]).text, "Before.\n\nBoxed.\n");
    let boxed_table = format!(
        "<w:p><w:r><w:pict><w:txbxContent><w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr><w:tr><w:tc>{}</w:tc>\
         <w:tc>{}</w:tc></w:tr></w:tbl></w:txbxContent></w:pict></w:r></w:p>",
        p("a"),
        p("b"),
        p("1"),
        p("2")
    );
    assert_eq!(extracted(&boxed_table, &[]).text, "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    let formula = "<w:p><m:oMath xmlns:m='m'><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup>\
        </m:sSup></m:oMath></w:p>";
    assert_eq!(extracted(formula, &[]).text, "x^2\n");
}

#[test]
fn a_document_written_by_a_library_is_read() {
    use docx_rs::{Docx, Paragraph, Run, Style, StyleType, Table, TableCell, TableRow};
    let words = |text: &str| Paragraph::new().add_run(Run::new().add_text(text));
    let row = |a: &str, b: &str| {
        TableRow::new(vec![TableCell::new().add_paragraph(words(a)), TableCell::new().add_paragraph(words(b))])
    };
    let mut bytes = Cursor::new(Vec::new());
    Docx::new()
        .add_style(Style::new("Heading1", StyleType::Paragraph).name("heading 1"))
        .add_paragraph(words("Prices").style("Heading1"))
        .add_paragraph(words("All in euros."))
        .add_table(Table::new(vec![row("thing", "price"), row("tea", "2")]))
        .build()
        .pack(&mut bytes)
        .unwrap();
    let document = read(&bytes.into_inner(), &ExtractLimits::default()).unwrap();
    assert_eq!(document.text, "# Prices\n\nAll in euros.\n\n| thing | price |\n| --- | --- |\n| tea | 2 |\n");
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let limits = ExtractLimits { max_uncompressed_bytes: 100_000, ..ExtractLimits::default() };
    let bomb = docx(&p(&"a".repeat(200_000)), &[]);
    assert!(bomb.len() < 20_000);
    assert!(matches!(read(&bomb, &limits), Err(ExtractError::TooLarge { .. })));
    let deep = docx(&format!("{}{}", "<w:sdt>".repeat(10_000), "</w:sdt>".repeat(10_000)), &[]);
    assert!(matches!(read(&deep, &ExtractLimits::default()), Err(ExtractError::TooLarge { .. })));
}

#[test]
fn damage_and_emptiness_are_told_apart() {
    assert!(matches!(read(&docx("<w:p>", &[]), &ExtractLimits::default()), Err(ExtractError::Malformed { .. })));
    assert!(matches!(read(&docx("<w:p/>", &[]), &ExtractLimits::default()), Err(ExtractError::NoText { .. })));
}

fn item(list: u32, level: usize, text: &str) -> String {
    format!(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{list}'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
    )
}

#[test]
fn labels_are_those_that_word_shows() {
    let level = |at: usize, format: &str, text: &str| {
        format!(
            "<w:lvl w:ilvl='{at}'><w:start w:val='1'/><w:numFmt w:val='{format}'/><w:lvlText w:val='{text}'/></w:lvl>"
        )
    };
    let numbering = format!(
        "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='1'>{}{}{}</w:abstractNum>\
         <w:abstractNum w:abstractNumId='2'>{}{}</w:abstractNum>\
         <w:num w:numId='1'><w:abstractNumId w:val='1'/></w:num><w:num w:numId='2'><w:abstractNumId w:val='1'/></w:num>\
         <w:num w:numId='3'><w:abstractNumId w:val='2'/></w:num><w:num w:numId='4'><w:abstractNumId w:val='2'/>\
         <w:lvlOverride w:ilvl='0'><w:startOverride w:val='5'/></w:lvlOverride></w:num></w:numbering>",
        level(0, "decimal", "%1."),
        level(1, "decimal", "%1.%2."),
        level(2, "bullet", "o"),
        level(0, "upperRoman", "Part %1"),
        level(1, "lowerLetter", "%2)"),
    );
    let items = [
        (1, 0, "a"),
        (1, 1, "b"),
        (1, 1, "c"),
        (1, 2, "d"),
        // Another list on the same definition counts on.
        (2, 0, "e"),
        (2, 1, "f"),
        (3, 1, "g"),
        (3, 0, "h"),
        (4, 0, "i"),
        (4, 0, "j"),
    ];
    let body: String = items.iter().map(|(list, level, text)| item(*list, *level, text)).collect();
    let expected = "1. a\n  1.1. b\n  1.2. c\n    - d\n2. e\n  2.1. f\n  a) g\nPart I h\nPart V i\nPart VI j\n";
    assert_eq!(extracted(&body, &[("word/numbering.xml", &numbering)]).text, expected);

    let body = format!("<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>", item(1, 0, "x"), item(1, 2, "y"));
    let text = extracted(&body, &[("word/numbering.xml", &numbering)]).text;
    assert_eq!(text, "| 1. x | - y |\n| --- | --- |\n");
}

#[test]
fn headings_have_the_numbers_that_a_reader_sees() {
    let numbering = "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='1'>\
        <w:lvl w:ilvl='0'><w:numFmt w:val='decimal'/><w:lvlText w:val='%1'/></w:lvl>\
        <w:lvl w:ilvl='1'><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.%2'/><w:pStyle w:val='H2'/></w:lvl>\
        </w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='1'/></w:num></w:numbering>";
    let styles = "<w:styles xmlns:w='w'><w:style w:styleId='H1'><w:name w:val='heading 1'/><w:pPr><w:numPr>\
        <w:numId w:val='1'/></w:numPr></w:pPr></w:style><w:style w:styleId='H2'><w:name w:val='heading 2'/>\
        <w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style></w:styles>";
    let body = [styled("H1", "Scope"), styled("H2", "Terms"), styled("H2", "Prices"), styled("H1", "End")].concat();
    let document = extracted(&body, &[("word/numbering.xml", numbering), ("word/styles.xml", styles)]);
    assert_eq!(document.text, "# 1 Scope\n\n## 1.1 Terms\n\n## 1.2 Prices\n\n# 2 End\n");
    assert_eq!(document.headings[2].title, "1.2 Prices");
}

#[test]
fn formulas_are_written_on_one_line() {
    let r = |text: &str| format!("<m:r><w:rPr/><m:t>{text}</m:t></m:r>");
    let of = |name: &str, inner: &str| format!("<m:{name}>{inner}</m:{name}>");
    let e = |inner: &str| of("e", inner);
    for (formula, expected) in [
        (of("f", &[of("num", &r("n+1")), of("den", &r("2"))].concat()), "(n+1)/2"),
        (of("d", &[e(&r("x")), e(&r("y"))].concat()), "(x|y)"),
        (
            of(
                "d",
                &format!(
                    "<m:dPr><m:begChr m:val='['/><m:sepChr m:val=','/><m:endChr m:val=')'/></m:dPr>{}{}",
                    e(&r("0")),
                    e(&r("1"))
                ),
            ),
            "[0,1)",
        ),
        (
            of(
                "nary",
                &format!(
                    "<m:naryPr><m:chr m:val='∑'/></m:naryPr>{}{}{}",
                    of("sub", &r("n=1")),
                    of("sup", &r("∞")),
                    e(&r("a"))
                ),
            ),
            "∑_(n=1)^∞ a",
        ),
        (of("nary", &format!("{}{}{}", of("sub", ""), of("sup", ""), e(&r("f")))), "∫ f"),
        (of("rad", &[of("deg", ""), e(&r("x"))].concat()), "√(x)"),
        (of("rad", &[of("deg", &r("3")), e(&r("x"))].concat()), "√[3](x)"),
        (of("func", &[of("fName", &r("sin")), e(&r("x"))].concat()), "sin x"),
        (
            of(
                "func",
                &[of("fName", &of("limLow", &[e(&r("lim")), of("lim", &r("x→0"))].concat())), e(&of("d", &e(&r("x"))))]
                    .concat(),
            ),
            "lim_(x→0)(x)",
        ),
        (
            [
                of("sSup", &[e(&r("x")), of("sup", &r("k"))].concat()),
                r("a"),
                of("f", &[of("num", &r("b")), of("den", &r("c"))].concat()),
            ]
            .concat(),
            "x^k a b/c",
        ),
        (
            of(
                "func",
                &[
                    of("fName", &r("cos")),
                    e(&[r("n"), of("sSub", &[e(&r("x")), of("sub", &r("0"))].concat())].concat()),
                ]
                .concat(),
            ),
            "cos(nx_0)",
        ),
        (of("sSubSup", &[e(&r("x")), of("sub", &r("i")), of("sup", &r("2k"))].concat()), "x_i^(2k)"),
        (of("sSup", &[e(&of("d", &e(&r("a+b")))), of("sup", &r("2"))].concat()), "(a+b)^2"),
        (
            of(
                "m",
                &[of("mr", &[e(&r("1")), e(&r("2"))].concat()), of("mr", &[e(&r("3")), e(&r("4"))].concat())].concat(),
            ),
            "[1, 2; 3, 4]",
        ),
    ] {
        let body = format!(
            "<w:p><w:r><w:t>So </w:t></w:r><m:oMath xmlns:m='m'>{formula}</m:oMath><w:r><w:t>.</w:t></w:r></w:p>"
        );
        assert_eq!(extracted(&body, &[]).text, format!("So {expected}.\n"));
    }
    let two = format!(
        "<w:p><m:oMathPara xmlns:m='m'><m:oMath>{}</m:oMath><m:oMath>{}</m:oMath></m:oMathPara></w:p>",
        r("a"),
        r("b")
    );
    assert_eq!(extracted(&two, &[]).text, "a\nb\n");
    let side_by_side = format!("<w:p xmlns:m='m'><m:oMath>{}</m:oMath><m:oMath>{}</m:oMath></w:p>", r("a=b"), r("c=d"));
    assert_eq!(extracted(&side_by_side, &[]).text, "a=b c=d\n");
}

#[test]
fn a_table_in_a_frame_of_one_cell_is_a_table() {
    let cell = |inner: &str| format!("<w:tc>{inner}</w:tc>");
    let inner = format!(
        "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
        cell(&p("a")),
        cell(&p("b")),
        cell(&p("1")),
        cell(&p("2"))
    );
    let frame = cell(&format!("{}{inner}{}", p("Prices:"), p("In euros.")));
    let deleted = format!("<w:tr><w:trPr><w:del/></w:trPr>{}</w:tr>", cell(&p("gone")));
    let document = extracted(&format!("<w:tbl><w:tr>{frame}</w:tr>{deleted}</w:tbl>"), &[]);
    assert_eq!(document.text, "Prices:\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nIn euros.\n");
    assert_eq!(document.tables.len(), 1);
}

#[test]
fn charts_are_tables_of_their_numbers() {
    let points = |values: &[&str]| -> String {
        values.iter().enumerate().map(|(at, value)| format!("<c:pt idx='{at}'><c:v>{value}</c:v></c:pt>")).collect()
    };
    let series = |name: &str, categories: &[&str], values: &[&str]| {
        format!(
            "<c:ser><c:tx><c:strRef><c:f>S!B1</c:f><c:strCache>{}</c:strCache></c:strRef></c:tx><c:cat><c:strRef>\
             <c:strCache>{}</c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache><c:formatCode>General</c:formatCode>\
             {}</c:numCache></c:numRef></c:val></c:ser>",
            points(&[name]),
            points(categories),
            points(values)
        )
    };
    let chart = format!(
        "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich>\
         </c:tx></c:title><c:plotArea><c:barChart>{}{}</c:barChart></c:plotArea></c:chart></c:chartSpace>",
        series("tea", &["May", "June"], &["3", "4.5"]),
        series("milk", &["May", "June"], &["1"]),
    );
    let relations = "<Relationships><Relationship Id='r7' Type='http://x/relationships/chart' Target='charts/chart1.xml'/>\
        <Relationship Id='r8' Type='http://x/relationships/chart' Target='/word/charts/broken.xml'/></Relationships>";
    let body = format!(
        "{}<w:p><w:r><w:drawing><c:chart xmlns:c='c' xmlns:r='r' r:id='r7'/></w:drawing></w:r></w:p>{}",
        p("Before."),
        p("After.")
    );
    let document = extracted(
        &body,
        &[
            ("word/_rels/document.xml.rels", relations),
            ("word/charts/chart1.xml", &chart),
            ("word/charts/broken.xml", "<c:chart><c:ser>"),
        ],
    );
    let expected = "Before.\n\nSales (bar chart)\n\n| | tea | milk |\n| --- | --- | --- |\n| May | 3 | 1 |\n| June | 4.5 | |\n\nAfter.\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.warnings.len(), 1, "{:?}", document.warnings);
}

#[test]
fn signs_of_picture_fonts_are_read_where_they_say_something() {
    let sign = |code: &str| format!("<w:r><w:sym w:font='Wingdings' w:char='{code}'/></w:r>");
    let body = format!("<w:p>{}<w:r><w:t> paid </w:t></w:r>{}{}</w:p>", sign("F0FE"), sign("F0E0"), sign("F04A"));
    assert_eq!(extracted(&body, &[]).text, "☑ paid →\n");
}

/// A chart of the kind that came with Office 2016.
fn newer_chart(data: &str) -> String {
    format!(
        "<cx:chartSpace xmlns:cx='http://schemas.microsoft.com/office/drawing/2014/chartex'><cx:chartData><cx:data id='0'>{data}\
         </cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>Stock</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea>\
         <cx:plotAreaRegion><cx:series layoutId='funnel'><cx:dataId val='0'/></cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart>\
         </cx:chartSpace>"
    )
}

/// A paragraph in which a newer program finds the chart, and an older one a picture.
fn anchored_chart(id: &str) -> String {
    format!(
        "<w:p><w:r><mc:AlternateContent xmlns:mc='m'><mc:Choice Requires='cx1'><w:drawing><a:graphic xmlns:a='a'><a:graphicData>\
         <cx:chart xmlns:cx='c' xmlns:r='r' r:id='{id}'/></a:graphicData></a:graphic></w:drawing></mc:Choice><mc:Fallback><w:drawing>\
         <wp:docPr xmlns:wp='p' descr='A picture of it'/></w:drawing></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
}

const DRAWINGS: &str = "<Relationships>\
    <Relationship Id='r1' Type='http://schemas.microsoft.com/office/2014/relationships/chartEx' Target='charts/chartEx1.xml'/>\
    <Relationship Id='r2' Type='http://x/relationships/diagramData' Target='diagrams/data1.xml'/></Relationships>";

#[test]
fn newer_charts_and_diagrams_stand_where_they_are_anchored() {
    let data = "<cx:strDim type='cat'><cx:lvl><cx:pt idx='0'>May</cx:pt></cx:lvl></cx:strDim><cx:numDim type='val'><cx:lvl>\
        <cx:pt idx='0'>7</cx:pt></cx:lvl></cx:numDim>";
    let point = |id: u8, kind: &str, text: &str| {
        format!("<d:pt modelId='{id}' type='{kind}'><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>")
    };
    let diagram = format!(
        "<d:dataModel xmlns:d='d' xmlns:a='a'><d:ptLst>{}{}{}</d:ptLst><d:cxnLst><d:cxn srcId='0' destId='1'/>\
         <d:cxn srcId='1' destId='2'/></d:cxnLst></d:dataModel>",
        point(0, "doc", ""),
        point(1, "node", "Plan"),
        point(2, "node", "Sail")
    );
    let frame = "<w:r><w:drawing><dgm:relIds xmlns:dgm='d' xmlns:r='r' r:dm='r2' r:lo='r3'/></w:drawing></w:r>";
    let in_a_cell = format!("<w:tbl><w:tr><w:tc>{}</w:tc><w:tc><w:p>{frame}</w:p></w:tc></w:tr></w:tbl>", p("Steps"));
    let body = [p("Before."), anchored_chart("r1"), format!("<w:p>{frame}</w:p>"), p("After."), in_a_cell].concat();
    let document = extracted(
        &body,
        &[
            ("word/_rels/document.xml.rels", DRAWINGS),
            ("word/charts/chartEx1.xml", &newer_chart(data)),
            ("word/diagrams/data1.xml", &diagram),
        ],
    );
    let expected = "Before.\n\nStock (funnel chart)\n\n| | |\n| --- | --- |\n| May | 7 |\n\n- Plan\n  - Sail\n\nAfter.\n\n\
        | Steps | - Plan - Sail |\n| --- | --- |\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.warnings, Vec::<String>::new());
}

#[test]
fn charts_and_diagrams_that_cannot_be_read_are_warned_of() {
    let diagram = "<w:p><w:r><w:drawing><dgm:relIds xmlns:dgm='d' xmlns:r='r' r:dm='r2'/></w:drawing></w:r></w:p>";
    let body = [p("Words."), anchored_chart("r1"), diagram.to_owned()].concat();
    let cut = &newer_chart("")[..300];
    let parts = [("word/_rels/document.xml.rels", DRAWINGS), ("word/charts/chartEx1.xml", cut)];
    let document = extracted(&body, &parts);
    // The older form is read in its place.
    assert_eq!(document.text, "Words.\n\n[image: A picture of it]\n");
    assert_eq!(document.warnings.len(), 2);
    assert!(
        document.warnings[0].starts_with("a chart was left out: the DOCX file is damaged"),
        "{:?}",
        document.warnings
    );
    assert_eq!(document.warnings[1], "1 charts or diagrams of the document are not in the file");

    let bare = "<cx:numDim type='val'><cx:f>Sheet1!$A$1:$A$2</cx:f></cx:numDim>";
    let body = [p("Words."), anchored_chart("r1")].concat();
    let chart = newer_chart(bare);
    let parts = [("word/_rels/document.xml.rels", DRAWINGS), ("word/charts/chartEx1.xml", chart.as_str())];
    let document = extracted(&body, &parts);
    assert_eq!(document.text, "Words.\n\nStock (funnel chart)\n");
    let expected = "the values of 1 series of the chart \"Stock\" are incomplete: the chart refers to cells of a workbook and \
        does not keep what stands in them";
    assert_eq!(document.warnings, [expected]);
}

#[test]
fn macros_and_templates_are_read_like_documents() {
    for (kind, expected) in [
        ("ms-word.document.macroEnabled", "ms-word.document.macroEnabled.12"),
        ("ms-word.template.macroEnabledTemplate", "ms-word.template.macroEnabled.12"),
        (
            "openxmlformats-officedocument.wordprocessingml.template",
            "openxmlformats-officedocument.wordprocessingml.template",
        ),
    ] {
        let types = format!(
            "<Types><Override PartName='/word/document.xml' ContentType='application/vnd.{kind}.main+xml'/></Types>"
        );
        let parts = [("[Content_Types].xml", types.as_str()), ("word/vbaProject.bin", "Sub AutoOpen()")];
        let document = extracted(&p("Words."), &parts);
        assert_eq!(document.text, "Words.\n");
        assert_eq!(document.media_type, format!("application/vnd.{expected}"));
        assert_eq!(document.warnings, Vec::<String>::new());
    }
}

#[test]
fn a_main_part_with_another_name_is_found_with_what_lies_beside_it() {
    let root = "<Relationships><Relationship Id='r1' Type='http://x/relationships/officeDocument' Target='a/main.xml'/></Relationships>";
    let styles = "<w:styles xmlns:w='w'><w:style w:styleId='H'><w:name w:val='heading 1'/></w:style></w:styles>";
    let text = format!("<w:document xmlns:w='w'><w:body>{}</w:body></w:document>", styled("H", "Title"));
    let parts = [("_rels/.rels", root), ("a/main.xml", text.as_str()), ("a/styles.xml", styles)];
    let bytes = crate::ingest::extract::package::made::archive(&parts);
    assert_eq!(read(&bytes, &ExtractLimits::default()).unwrap().text, "# Title\n");
}
