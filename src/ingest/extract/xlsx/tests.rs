#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, package::made::archive};

fn relationships(entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(id, kind, target)| {
            format!("<Relationship Id='{id}' Type='http://x/relationships/{kind}' Target='{target}'/>")
        })
        .collect();
    format!("<Relationships xmlns='p'>{entries}</Relationships>")
}

/// A workbook of sheets, each with its name, its state and what is in its part, and other parts.
fn xlsx(sheets: &[(&str, &str, &str)], parts: &[(&str, &str)]) -> Vec<u8> {
    let mut entries = vec![
        ("s".to_owned(), "sharedStrings", "sharedStrings.xml".to_owned()),
        ("t".to_owned(), "styles", "styles.xml".to_owned()),
    ];
    let mut list = String::new();
    let mut all: Vec<(String, String)> = Vec::new();
    for (at, (name, state, content)) in sheets.iter().enumerate() {
        let state = if state.is_empty() { String::new() } else { format!("state='{state}'") };
        list.push_str(&format!("<sheet name='{name}' sheetId='{}' {state} r:id='r{at}'/>", at + 1));
        entries.push((format!("r{at}"), "worksheet", format!("worksheets/sheet{at}.xml")));
        all.push((format!("xl/worksheets/sheet{at}.xml"), format!("<worksheet xmlns:r='r'>{content}</worksheet>")));
    }
    let entries: Vec<_> = entries.iter().map(|(id, kind, target)| (id.as_str(), *kind, target.as_str())).collect();
    all.push(("_rels/.rels".into(), relationships(&[("r1", "officeDocument", "xl/workbook.xml")])));
    all.push(("xl/workbook.xml".into(), format!("<workbook xmlns:r='r'><sheets>{list}</sheets></workbook>")));
    all.push(("xl/_rels/workbook.xml.rels".into(), relationships(&entries)));
    all.extend(parts.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())));
    archive(&all)
}

/// Rows of cells, each the attributes and the content of a `c`.
fn data(rows: &[&[(&str, &str)]]) -> String {
    let row = |cells: &&[(&str, &str)]| {
        let cells: String =
            cells.iter().map(|(attributes, content)| format!("<c {attributes}>{content}</c>")).collect();
        format!("<row>{cells}</row>")
    };
    format!("<sheetData>{}</sheetData>", rows.iter().map(row).collect::<String>())
}

fn extracted(bytes: &[u8]) -> ExtractedDocument {
    let document = read(bytes, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

const TEXT: &str = "t='inlineStr'";

fn words(text: &str) -> String {
    format!("<is><t>{text}</t></is>")
}

#[test]
fn cells_show_what_the_program_shows() {
    let strings = "<sst><si><t>day</t></si><si><r><t>am</t></r><r><t>ount</t></r><rPh><t>x</t></rPh></si><si><t>two_x000D_\nlines | bar</t></si></sst>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/><numFmt numFmtId='165' formatCode='0.0%'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>";
    let sheet = data(&[
        &[("t='s'", "<v>0</v>"), ("t='s'", "<v>1</v>"), (TEXT, &words("note")), (TEXT, &words("sum"))],
        &[
            ("s='1'", "<v>45292</v>"),
            ("s='2'", "<v>0.125</v>"),
            ("t='s'", "<v>2</v>"),
            ("", "<f>A1</f><v>0.30000000000000004</v>"),
        ],
        &[
            ("t='d'", "<v>2024-02-03T00:00:00</v>"),
            ("t='b'", "<v>1</v>"),
            ("t='e'", "<v>#DIV/0!</v>"),
            ("t='str'", "<v>x</v>"),
        ],
    ]);
    let bytes = xlsx(&[("Prices", "", &sheet)], &[("xl/sharedStrings.xml", strings), ("xl/styles.xml", styles)]);
    let document = extracted(&bytes);
    let expected = "## Prices\n\n| day | amount | note | sum |\n| --- | --- | --- | --- |\n\
                    | 2024-01-01 | 12.5% | two lines \\| bar | 0.3 |\n| 2024-02-03 | TRUE | #DIV/0! | x |\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.tables.len(), 1);
    assert_eq!(document.media_type, MEDIA_TYPE);
    assert_eq!(document.headings[0].title, "Prices");
}

#[test]
fn cells_keep_the_words_of_their_format() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='0.0\\ &quot;kg&quot;'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>";
    let sheet = data(&[&[("s='1'", "<v>12.34</v>")]]);
    let document = extracted(&xlsx(&[("Loads", "", &sheet)], &[("xl/styles.xml", styles)]));
    assert_eq!(document.text, "## Loads\n\n12.3 kg\n");
}

#[test]
fn sheets_follow_their_tabs_and_hidden_ones_are_read_with_a_warning() {
    let one = |text: &str| data(&[&[(TEXT, &words(text))]]);
    let bytes = xlsx(&[("A &amp; B", "", &one("a")), ("Empty", "", "<sheetData/>"), ("Old", "hidden", &one("c"))], &[]);
    let document = extracted(&bytes);
    assert_eq!(document.text, "## A & B\n\na\n\n## Old\n\nc\n");
    assert_eq!(document.warnings, ["the sheet \"Old\" is hidden in the workbook; it was read as well"]);
}

#[test]
fn merged_cells_and_places_are_followed() {
    let sheet = "<sheetData><row r='2'><c r='B2' t='inlineStr'><is><t>both</t></is></c><c r='D2' t='inlineStr'><is><t>n</t></is></c></row>\
        <row r='3'><c r='B3'><v>1</v></c><c r='C3'><v>2</v></c><c r='D3'><v>3</v></c></row>\
        <row r='9'><c r='A9'><v>7</v></c></row></sheetData><mergeCells><mergeCell ref='B2:C2'/></mergeCells>";
    let document = extracted(&xlsx(&[("S", "", sheet)], &[]));
    assert_eq!(document.text, "## S\n\n| both | both | n |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n\n7\n");
}

#[test]
fn charts_text_boxes_and_comments_stand_below_the_cells() {
    let sheet = data(&[&[("", "<v>1</v>")]]) + "<drawing r:id='d1'/>";
    let drawing = "<xdr:wsDr xmlns:xdr='x' xmlns:a='a' xmlns:c='c' xmlns:r='r'><xdr:twoCellAnchor><xdr:graphicFrame><a:graphic><a:graphicData>\
        <c:chart r:id='c1'/></a:graphicData></a:graphic></xdr:graphicFrame></xdr:twoCellAnchor><xdr:twoCellAnchor><xdr:sp><xdr:txBody><a:p><a:r>\
        <a:t>Boxed</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:twoCellAnchor></xdr:wsDr>";
    let chart = "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Ducks</a:t></a:r></a:p></c:rich></c:tx></c:title>\
        <c:plotArea><c:lineChart/></c:plotArea></c:chart></c:chartSpace>";
    let comments = "<comments><authors><author>Ann Lee</author></authors><commentList><comment ref='A1' authorId='0'><text><r><t>Ann Lee:</t></r>\
        <r><t>\nchecked</t></r></text></comment><comment ref='B7' authorId='0'><text><t>[Threaded comment]</t></text></comment></commentList></comments>";
    let threads = "<ThreadedComments><threadedComment ref='B7' personId='{1}'><text>why so low?</text></threadedComment></ThreadedComments>";
    let beside = relationships(&[
        ("d1", "drawing", "../drawings/drawing1.xml"),
        ("c2", "comments", "../comments1.xml"),
        ("c3", "threadedComment", "../threadedComments/t.xml"),
    ]);
    let bytes = xlsx(
        &[("S", "", &sheet)],
        &[
            ("xl/worksheets/_rels/sheet0.xml.rels", &beside),
            ("xl/drawings/drawing1.xml", drawing),
            ("xl/drawings/_rels/drawing1.xml.rels", &relationships(&[("c1", "chart", "../charts/chart1.xml")])),
            ("xl/charts/chart1.xml", chart),
            ("xl/comments1.xml", comments),
            ("xl/threadedComments/t.xml", threads),
        ],
    );
    let expected =
        "## S\n\n1\n\nDucks (line chart)\n\nBoxed\n\nComment on A1 by Ann Lee: checked\n\nComment on B7: why so low?\n";
    assert_eq!(extracted(&bytes).text, expected);
}

#[test]
fn newer_charts_and_diagrams_are_read_and_what_is_missing_is_warned_of() {
    let sheet = data(&[&[("", "<v>1</v>")]]) + "<drawing r:id='d1'/>";
    let anchor = |content: &str| {
        format!(
            "<xdr:twoCellAnchor><mc:AlternateContent xmlns:mc='m'><mc:Choice Requires='cx1'><xdr:graphicFrame><a:graphic><a:graphicData>\
             {content}</a:graphicData></a:graphic></xdr:graphicFrame></mc:Choice><mc:Fallback><xdr:sp><xdr:txBody><a:p><a:r>\
             <a:t>This chart is not available in your version.</a:t></a:r></a:p></xdr:txBody></xdr:sp></mc:Fallback></mc:AlternateContent>\
             </xdr:twoCellAnchor>"
        )
    };
    let chart = |id: &str| anchor(&format!("<cx:chart xmlns:cx='c' r:id='{id}'/>"));
    let diagram = |id: &str| anchor(&format!("<dgm:relIds xmlns:dgm='d' r:dm='{id}'/>"));
    let drawing = format!(
        "<xdr:wsDr xmlns:xdr='x' xmlns:a='a' xmlns:r='r'>{}{}{}{}{}</xdr:wsDr>",
        chart("c1"),
        chart("c2"),
        chart("c3"),
        diagram("d1"),
        diagram("d2")
    );
    // As Excel writes it: the values stand in the cells alone.
    let part = "<cx:chartSpace xmlns:cx='c'><cx:chartData><cx:data id='0'><cx:strDim type='cat'><cx:f>_xlchart.v1.0</cx:f></cx:strDim>\
        <cx:numDim type='size'><cx:f>_xlchart.v1.1</cx:f></cx:numDim></cx:data></cx:chartData><cx:chart><cx:title/><cx:plotArea>\
        <cx:plotAreaRegion><cx:series layoutId='treemap'><cx:dataId val='0'/></cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart>\
        </cx:chartSpace>";
    let points = "<dgm:dataModel xmlns:dgm='d' xmlns:a='a'><dgm:ptLst><dgm:pt modelId='1'><dgm:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t>\
        </dgm:pt></dgm:ptLst></dgm:dataModel>";
    let drawn = relationships(&[
        ("c1", "chartEx", "../charts/chartEx1.xml"),
        ("c2", "chartEx", "../charts/chartEx2.xml"),
        ("c3", "chartEx", "../charts/gone.xml"),
        ("d1", "diagramData", "../diagrams/data1.xml"),
    ]);
    let bytes = xlsx(
        &[("S", "", &sheet)],
        &[
            ("xl/worksheets/_rels/sheet0.xml.rels", &relationships(&[("d1", "drawing", "../drawings/drawing1.xml")])),
            ("xl/drawings/drawing1.xml", &drawing),
            ("xl/drawings/_rels/drawing1.xml.rels", &drawn),
            ("xl/charts/chartEx1.xml", part),
            ("xl/charts/chartEx2.xml", &part[..part.len() / 2]),
            ("xl/diagrams/data1.xml", points),
        ],
    );
    let document = extracted(&bytes);
    assert_eq!(document.text, "## S\n\n1\n\nChart (treemap)\n\n- Plan\n");
    let [cut, gone, diagram, values] = document.warnings.as_slice() else { panic!("{:?}", document.warnings) };
    assert!(cut.starts_with("a chart on the sheet \"S\" was left out: the XLSX file is damaged"), "{cut}");
    assert_eq!(gone, "a chart on the sheet \"S\" is not in the file");
    assert_eq!(diagram, "a diagram on the sheet \"S\" is not in the file");
    assert!(values.starts_with("the values of 1 series of a chart on the sheet \"S\" are incomplete"), "{values}");

    let bytes = xlsx(&[("S", "", &sheet)], &[]);
    assert_eq!(extracted(&bytes).warnings, ["what is drawn on the sheet \"S\" is not in the file"]);
}

#[test]
fn what_costs_too_much_is_refused() {
    let limits = ExtractLimits {
        max_cells: 50,
        max_text_bytes: 10_000,
        max_uncompressed_bytes: 300_000,
        ..ExtractLimits::default()
    };
    let too_large = |bytes: &[u8]| assert!(matches!(read(bytes, &limits), Err(ExtractError::TooLarge { .. })));
    too_large(&xlsx(&[("S", "", &" ".repeat(400_000))], &[]));
    too_large(&xlsx(&[("S", "", &format!("<sheetData>{}</sheetData>", "<row><c><v>1</v></c></row>".repeat(60)))], &[]));
    too_large(&xlsx(&[("S", "", &format!("{}{}", "<a>".repeat(1_000), "</a>".repeat(1_000)))], &[]));
    // One long text in many cells.
    let strings = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(1_000));
    let sheet = format!("<sheetData>{}</sheetData>", "<row><c t='s'><v>0</v></c></row>".repeat(40));
    too_large(&xlsx(&[("S", "", &sheet)], &[("xl/sharedStrings.xml", &strings)]));
}

#[test]
fn damage_is_named() {
    let malformed =
        |sheet: &str| read(&xlsx(&[("S", "", sheet)], &[]), &ExtractLimits::default()).unwrap_err().to_string();
    assert!(malformed("<sheetData><row>").starts_with("the XLSX file is damaged"));
    let sheet = "<sheetData><row><c t='s'><v>4</v></c><c t='s'><v/></c><c><v>1</v></c></row></sheetData>";
    let document = extracted(&xlsx(&[("S", "", sheet)], &[]));
    assert_eq!(document.text, "## S\n\n1\n");
    assert_eq!(document.warnings, ["1 cells of the sheet \"S\" name a text that is not in the file"]);
    assert!(malformed("<sheetData><row><c r='ZZZZ1'><v>4</v></c></row></sheetData>").contains("outside of the sheet"));
    let none = read(&xlsx(&[("S", "", "<sheetData/>")], &[]), &ExtractLimits::default()).unwrap_err();
    assert!(matches!(none, ExtractError::NoText { .. }));
    let document = extracted(&xlsx(&[("S", "", &data(&[&[("", "<v>1</v>")]]))], &[]));
    assert!(document.warnings.is_empty());
}

#[test]
fn formulas_without_results_and_what_is_embedded_are_warned_of() {
    let sheet = data(&[&[
        (TEXT, &words("sum")),
        ("", "<f>SUM(B1:B9)</f><v></v>"),
        ("", "<f t='shared' si='0'/>"),
        ("t='str'", "<f>\"\"</f><v></v>"),
        ("", "<f>1+1</f><v>2</v>"),
    ]]) + "<oleObjects xmlns:mc='m'><mc:AlternateContent><mc:Choice><oleObject progId='Word.Document.12'/></mc:Choice><mc:Fallback>\
          <oleObject progId='Word.Document.12'/></mc:Fallback></mc:AlternateContent></oleObjects>";
    let document = extracted(&xlsx(&[("S", "", &sheet)], &[]));
    assert_eq!(document.text, "## S\n\nsum\n\n2\n");
    let expected = [
        "2 formulas of the sheet \"S\" have no result in the file; open it in a spreadsheet program and save it",
        "what the sheet \"S\" embeds of another program (Word.Document.12, 1 in all) was left out",
    ];
    assert_eq!(document.warnings, expected);
}

#[test]
fn raised_numbers_of_cells_and_boxes_are_exponents() {
    let strings = "<sst><si><r><t>10</t></r><r><rPr><vertAlign val='superscript'/></rPr><t>6</t></r><r><rPr/><t> m</t></r>\
        <r><rPr><sz val='11'/><vertAlign val='superscript'/></rPr><t>2</t></r></si><si><r><t>Total</t></r><r><rPr>\
        <vertAlign val='superscript'/></rPr><t>1</t></r></si></sst>";
    let sheet = data(&[&[("t='s'", "<v>0</v>")], &[("t='s'", "<v>1</v>")]]) + "<drawing r:id='d1'/>";
    let drawing = "<xdr:wsDr xmlns:xdr='x' xmlns:a='a'><xdr:twoCellAnchor><xdr:sp><xdr:txBody><a:bodyPr/><a:p><a:r><a:t>5 m</a:t></a:r><a:r>\
        <a:rPr baseline='30000'/><a:t>2</a:t></a:r><a:br/><a:r><a:t>next</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:twoCellAnchor></xdr:wsDr>";
    let beside = relationships(&[("d1", "drawing", "../drawings/drawing1.xml")]);
    let bytes = xlsx(
        &[("S", "", &sheet)],
        &[
            ("xl/sharedStrings.xml", strings),
            ("xl/worksheets/_rels/sheet0.xml.rels", &beside),
            ("xl/drawings/drawing1.xml", drawing),
        ],
    );
    assert_eq!(extracted(&bytes).text, "## S\n\n| 10^6 m^2 |\n| --- |\n| Total1 |\n\n5 m^2\nnext\n");
}
