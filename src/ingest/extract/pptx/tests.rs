#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, package::made::archive};

const NAMESPACES: &str = "xmlns:a='a' xmlns:p='p' xmlns:r='r' xmlns:c='c' xmlns:dgm='d' xmlns:mc='m'";

fn relationships(entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(id, kind, target)| {
            format!("<Relationship Id='{id}' Type='http://x/relationships/{kind}' Target='{target}'/>")
        })
        .collect();
    format!("<Relationships xmlns='p'>{entries}</Relationships>")
}

/// A presentation of these slides, shown in this order, with these other parts.
fn pptx(slides: &[(&str, &str)], parts: &[(&str, &str)]) -> Vec<u8> {
    let ids: String = slides
        .iter()
        .enumerate()
        .map(|(at, (name, _))| format!("<p:sldId id='{}' r:id='{name}'/>", 256 + at))
        .collect();
    let targets: Vec<String> = slides.iter().map(|(name, _)| format!("slides/{name}.xml")).collect();
    let entries: Vec<_> =
        slides.iter().zip(&targets).map(|((name, _), target)| (*name, "slide", target.as_str())).collect();
    let mut all: Vec<(String, String)> = vec![
        ("_rels/.rels".into(), relationships(&[("r1", "officeDocument", "ppt/presentation.xml")])),
        (
            "ppt/presentation.xml".into(),
            format!("<p:presentation {NAMESPACES}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"),
        ),
        ("ppt/_rels/presentation.xml.rels".into(), relationships(&entries)),
    ];
    for (name, shapes) in slides {
        let (attributes, shapes) = shapes.split_once('!').unwrap_or(("", shapes));
        all.push((format!("ppt/slides/{name}.xml"), slide(attributes, shapes)));
    }
    all.extend(parts.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())));
    archive(&all)
}

fn slide(attributes: &str, shapes: &str) -> String {
    format!("<p:sld {NAMESPACES} {attributes}><p:cSld><p:spTree><p:nvGrpSpPr/>{shapes}</p:spTree></p:cSld></p:sld>")
}

fn shape(placeholder: &str, paragraphs: &str) -> String {
    let place = if placeholder.is_empty() { String::new() } else { format!("<p:ph {placeholder}/>") };
    format!(
        "<p:sp><p:nvSpPr><p:cNvPr id='1' name='s'/><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>\
         <a:lstStyle/>{paragraphs}</p:txBody></p:sp>"
    )
}

fn p(text: &str) -> String {
    format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>")
}

fn item(properties: &str, text: &str) -> String {
    format!("<a:p><a:pPr {properties}</a:pPr><a:r><a:t>{text}</a:t></a:r></a:p>")
}

fn extracted(bytes: &[u8]) -> ExtractedDocument {
    let document = read(bytes, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

#[test]
fn slides_are_pages_in_the_order_in_which_they_are_shown() {
    let (first, second) = (shape("type='ctrTitle'", &p("Ropes")), shape("type='title'", &p("Knots &amp; bends")));
    let body = shape("", &p("Loops hold."));
    let footers = shape("type='sldNum' idx='12'", &p("2")) + &shape("type='ftr' idx='11'", &p("Harbour"));
    let core = "<cp xmlns:dc='d'><dc:title>A course</dc:title></cp>";
    let types = "<Types><Override PartName='/ppt/presentation.xml' \
        ContentType='application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml'/></Types>";
    let bytes = pptx(
        &[("slide2", &first), ("slide1", &format!("show='0'!{body}{footers}{second}"))],
        &[("docProps/core.xml", core), ("[Content_Types].xml", types)],
    );
    let document = extracted(&bytes);
    assert_eq!(document.text, "# Ropes\n\n# Knots & bends\n\nLoops hold.\n");
    assert_eq!(document.title.as_deref(), Some("A course"));
    assert_eq!(document.media_type, "application/vnd.openxmlformats-officedocument.presentationml.slideshow");
    let pages: Vec<_> = document.pages.iter().map(|page| (page.number, &document.text[page.range.clone()])).collect();
    assert_eq!(pages, [(1, "# Ropes\n\n"), (2, "# Knots & bends\n\nLoops hold.\n")]);
    assert_eq!(document.warnings, ["slide 2 is hidden in the presentation; it was read as well"]);
}

#[test]
fn bullets_come_from_paragraphs_layouts_and_masters() {
    let body = [
        item("lvl='0'>", "from the master"),
        item("lvl='1'>", "from the layout"),
        item("><a:buNone/>", "no item"),
        item("><a:buAutoNum type='arabicPeriod' startAt='3'/>", "three"),
        item("><a:buAutoNum type='arabicPeriod' startAt='3'/>", "four"),
        item("lvl='1'><a:buChar char='-'/>", "inner"),
        item("><a:buAutoNum type='arabicPeriod' startAt='3'/>", "five"),
    ]
    .concat();
    let layout = "<p:sldLayout xmlns:p='p' xmlns:a='a'><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph idx='1'/></p:nvPr></p:nvSpPr>\
        <p:txBody><a:lstStyle><a:lvl2pPr><a:buAutoNum type='x'/></a:lvl2pPr></a:lstStyle></p:txBody></p:sp></p:spTree></p:cSld></p:sldLayout>";
    let master = "<p:sldMaster xmlns:p='p' xmlns:a='a'><p:cSld><p:spTree/></p:cSld><p:txStyles><p:bodyStyle><a:lvl1pPr>\
        <a:buChar char='o'/></a:lvl1pPr></p:bodyStyle></p:txStyles></p:sldMaster>";
    let bytes = pptx(
        &[("slide1", &(shape("idx='1'", &body) + &shape("", &p("free text"))))],
        &[
            ("ppt/slides/_rels/slide1.xml.rels", &relationships(&[("r1", "slideLayout", "../slideLayouts/l.xml")])),
            ("ppt/slideLayouts/l.xml", layout),
            ("ppt/slideLayouts/_rels/l.xml.rels", &relationships(&[("r1", "slideMaster", "../slideMasters/m.xml")])),
            ("ppt/slideMasters/m.xml", master),
        ],
    );
    let expected =
        "- from the master\n  1. from the layout\n\nno item\n\n3. three\n4. four\n  - inner\n5. five\n\nfree text\n";
    assert_eq!(extracted(&bytes).text, expected);
}

#[test]
fn tables_groups_and_charts_are_read() {
    let cell = |attributes: &str, text: &str| format!("<a:tc {attributes}><a:txBody>{}</a:txBody></a:tc>", p(text));
    let table = format!(
        "<p:graphicFrame><p:nvGraphicFramePr/><a:graphic><a:graphicData><a:tbl><a:tblGrid/><a:tr>{}{}{}</a:tr><a:tr>{}{}{}</a:tr>\
         </a:tbl></a:graphicData></a:graphic></p:graphicFrame>",
        cell("rowSpan='2'", "n"),
        cell("gridSpan='2'", "both"),
        cell("hMerge='1'", ""),
        cell("vMerge='1'", ""),
        cell("", "1|2"),
        cell("", "3"),
    );
    let group = format!("<p:grpSp><p:grpSpPr/>{}</p:grpSp>", shape("", &p("in a group")));
    let chart =
        "<p:graphicFrame><a:graphic><a:graphicData><c:chart r:id='r7'/></a:graphicData></a:graphic></p:graphicFrame>";
    let picture = "<p:pic><p:nvPicPr><p:cNvPr id='4' name='x' descr='A red buoy'/></p:nvPicPr></p:pic>";
    let part = "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:pieChart><c:ser><c:cat><c:strLit><c:pt idx='0'><c:v>tea</c:v></c:pt>\
        </c:strLit></c:cat><c:val><c:numLit><c:pt idx='0'><c:v>2</c:v></c:pt></c:numLit></c:val></c:ser></c:pieChart></c:plotArea>\
        </c:chart></c:chartSpace>";
    let bytes = pptx(
        &[("slide1", &format!("{table}{group}{chart}{picture}"))],
        &[
            ("ppt/slides/_rels/slide1.xml.rels", &relationships(&[("r7", "chart", "../charts/chart1.xml")])),
            ("ppt/charts/chart1.xml", part),
        ],
    );
    let document = extracted(&bytes);
    let expected = "| n | both | both |\n| --- | --- | --- |\n| n | 1\\|2 | 3 |\n\nin a group\n\nChart (pie)\n\n\
                    | | |\n| --- | --- |\n| tea | 2 |\n\n[image: A red buoy]\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.tables.len(), 2);
}

#[test]
fn diagrams_notes_and_comments_are_read() {
    let frame = "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm='r1' r:lo='r2'/></a:graphicData></a:graphic></p:graphicFrame>";
    let point = |id: &str, kind: &str, text: &str| {
        format!("<dgm:pt modelId='{id}' type='{kind}'><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>")
    };
    let points = [
        point("0", "doc", ""),
        point("1", "node", "Plan"),
        point("2", "node", "Sail"),
        point("3", "node", "Check the tide"),
        point("4", "parTrans", "line"),
        point("9", "node", "Alone"),
    ]
    .concat();
    let link = |from: u8, to: u8, place: u8| format!("<dgm:cxn srcId='{from}' destId='{to}' srcOrd='{place}'/>");
    // The last one goes back to where it came from.
    let links = [link(0, 2, 1), link(0, 1, 0), link(1, 3, 0), link(3, 1, 0)].concat();
    let data = format!(
        "<dgm:dataModel xmlns:dgm='d' xmlns:a='a'><dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{links}</dgm:cxnLst></dgm:dataModel>"
    );
    let notes =
        slide("", &(shape("type='sldImg'", "") + &shape("type='body' idx='1'", &(p("Say hello.") + &p("Then wait.")))));
    let comments = "<p:cmLst xmlns:p='p'><p:cm authorId='0'><p:pos/><p:text>Too long</p:text></p:cm></p:cmLst>";
    let slide_relationships = relationships(&[
        ("r1", "diagramData", "../diagrams/data1.xml"),
        ("r3", "notesSlide", "../notesSlides/n.xml"),
        ("r4", "comments", "../comments/c.xml"),
    ]);
    let bytes = pptx(
        &[("slide1", frame)],
        &[
            ("ppt/slides/_rels/slide1.xml.rels", &slide_relationships),
            ("ppt/diagrams/data1.xml", &data),
            ("ppt/notesSlides/n.xml", &notes),
            ("ppt/comments/c.xml", comments),
        ],
    );
    let expected =
        "- Plan\n  - Check the tide\n- Sail\n- Alone\n\nSpeaker notes: Say hello.\nThen wait.\n\nComment: Too long\n";
    assert_eq!(extracted(&bytes).text, expected);
}

#[test]
fn what_is_missing_is_warned_of_and_what_is_embedded_too() {
    let embedded = "<p:graphicFrame><a:graphic><a:graphicData><mc:AlternateContent><mc:Choice><p:oleObj progId='Excel.Sheet.12'/>\
        </mc:Choice><mc:Fallback><p:oleObj progId='x'/></mc:Fallback></mc:AlternateContent></a:graphicData></a:graphic></p:graphicFrame>";
    let chart =
        "<p:graphicFrame><a:graphic><a:graphicData><c:chart r:id='r9'/></a:graphicData></a:graphic></p:graphicFrame>";
    let mut bytes = pptx(&[("slide1", &format!("{}{embedded}{chart}", shape("", &p("words"))))], &[]);
    let document = extracted(&bytes);
    assert_eq!(document.text, "words\n");
    let expected = [
        "what slide 1 embeds of another program (Excel.Sheet.12) was left out",
        "a chart on slide 1 is not in the file",
    ];
    assert_eq!(document.warnings, expected);
    let presentation = format!(
        "<p:presentation {NAMESPACES}><p:sldIdLst><p:sldId id='1' r:id='none'/><p:sldId id='2' r:id='r1'/></p:sldIdLst></p:presentation>"
    );
    bytes = archive(&[
        ("ppt/presentation.xml", presentation.as_str()),
        ("ppt/_rels/presentation.xml.rels", &relationships(&[("r1", "slide", "/ppt/a.xml")])),
        ("ppt/a.xml", &slide("", &shape("", &p("the second")))),
    ]);
    let document = extracted(&bytes);
    assert_eq!(document.pages.len(), 2);
    assert_eq!(document.warnings, ["slide 1 is listed, but is not in the file"]);
}

#[test]
fn newer_charts_are_read_and_those_that_cannot_be_are_warned_of() {
    let frame = |id: &str| {
        format!(
            "<mc:AlternateContent><mc:Choice Requires='cx1'><p:graphicFrame><a:graphic><a:graphicData \
             uri='http://schemas.microsoft.com/office/drawing/2014/chartex'><cx:chart xmlns:cx='c' r:id='{id}'/></a:graphicData></a:graphic>\
             </p:graphicFrame></mc:Choice><mc:Fallback><p:pic><p:nvPicPr><p:cNvPr id='4' name='x' descr='A picture of it'/></p:nvPicPr>\
             </p:pic></mc:Fallback></mc:AlternateContent>"
        )
    };
    let chart = |values: &str| {
        format!(
            "<cx:chartSpace xmlns:cx='c'><cx:chartData><cx:data id='0'><cx:numDim type='val'><cx:f>S!A1:A2</cx:f>{values}</cx:numDim>\
             </cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>Stock</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea>\
             <cx:plotAreaRegion><cx:series layoutId='waterfall'><cx:dataId val='0'/></cx:series></cx:plotAreaRegion></cx:plotArea>\
             </cx:chart></cx:chartSpace>"
        )
    };
    let whole =
        chart("<cx:lvl ptCount='2' formatCode='0%'><cx:pt idx='0'>0.5</cx:pt><cx:pt idx='1'>0.25</cx:pt></cx:lvl>");
    let diagram = "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm='r4'/></a:graphicData></a:graphic></p:graphicFrame>";
    let slide_relationships = relationships(&[
        ("r1", "chartEx", "../charts/chartEx1.xml"),
        ("r2", "chartEx", "../charts/chartEx2.xml"),
        ("r3", "chartEx", "../charts/chartEx3.xml"),
        ("r4", "diagramData", "../diagrams/data1.xml"),
    ]);
    let shapes = [frame("r1"), frame("r2"), frame("r3"), diagram.to_owned()].concat();
    let bytes = pptx(
        &[("slide1", &shapes)],
        &[
            ("ppt/slides/_rels/slide1.xml.rels", &slide_relationships),
            ("ppt/charts/chartEx1.xml", &whole),
            ("ppt/charts/chartEx2.xml", &chart("")),
            ("ppt/charts/chartEx3.xml", &whole[..whole.len() / 2]),
            ("ppt/diagrams/data1.xml", "<dgm:dataModel><dgm:ptLst>"),
        ],
    );
    let document = extracted(&bytes);
    let expected =
        "Stock (waterfall chart)\n\n| | |\n| --- | --- |\n| 1 | 50% |\n| 2 | 25% |\n\nStock (waterfall chart)\n";
    assert_eq!(document.text, expected);
    let [values, cut, broken] = document.warnings.as_slice() else { panic!("{:?}", document.warnings) };
    assert!(values.starts_with("the values of 1 series of the chart \"Stock\" on slide 1 are incomplete"), "{values}");
    assert!(cut.starts_with("a chart on slide 1 was left out: the PPTX file is damaged"), "{cut}");
    assert!(broken.starts_with("a diagram on slide 1 was left out: the PPTX file is damaged"), "{broken}");
}

#[test]
fn raised_numbers_and_line_ends_are_kept() {
    let text = "<a:p><a:r><a:rPr/><a:t>10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>6</a:t></a:r><a:br/><a:r><a:t>next_x000B_line</a:t>\
        </a:r><a:fld type='slidenum'><a:t>7</a:t></a:fld></a:p>";
    assert_eq!(extracted(&pptx(&[("slide1", &shape("", text))], &[])).text, "10^6\nnext\nline\n");
}

#[test]
fn what_costs_too_much_is_refused() {
    let limits = ExtractLimits { max_uncompressed_bytes: 100_000, max_pages: 2, ..ExtractLimits::default() };
    let bomb = pptx(&[("slide1", &shape("", &p(&"a".repeat(200_000))))], &[]);
    assert!(bomb.len() < 20_000);
    assert!(matches!(read(&bomb, &limits), Err(ExtractError::TooLarge { .. })));
    let deep = format!("{}{}", "<p:grpSp>".repeat(5_000), "</p:grpSp>".repeat(5_000));
    assert!(matches!(read(&pptx(&[("slide1", &deep)], &[]), &limits), Err(ExtractError::TooLarge { .. })));
    let words = shape("", &p("x"));
    let many = pptx(&[("a", &words), ("b", &words), ("c", &words)], &[]);
    assert!(matches!(read(&many, &limits), Err(ExtractError::TooLarge { limit: 2, .. })));
}

#[test]
fn damage_and_emptiness_are_told_apart() {
    let limits = ExtractLimits::default();
    assert!(matches!(read(&pptx(&[], &[]), &limits), Err(ExtractError::NoText { .. })));
    assert!(matches!(read(&pptx(&[("slide1", "<p:sp>")], &[]), &limits), Err(ExtractError::Malformed { .. })));
    let none = archive(&[("ppt/slides/slide1.xml", slide("", ""))]);
    let error = read(&none, &limits).unwrap_err().to_string();
    assert_eq!(error, "the PPTX file is damaged: the part ppt/presentation.xml is missing");
}

#[test]
fn relationships_that_go_in_circles_end() {
    let circle = relationships(&[
        ("r1", "slideLayout", "slide1.xml"),
        ("r2", "slideMaster", "slide1.xml"),
        ("r3", "notesSlide", "slide1.xml"),
    ]);
    let bytes = pptx(
        &[("slide1", &shape("type='body' idx='1'", &p("round")))],
        &[("ppt/slides/_rels/slide1.xml.rels", &circle)],
    );
    assert_eq!(extracted(&bytes).text, "round\n\nSpeaker notes: round\n");
}

#[test]
fn shapes_are_read_from_top_to_bottom_and_from_left_to_right() {
    let at = |down: u32, right: u32, text: &str| {
        shape("", &p(text))
            .replace("<p:spPr/>", &format!("<p:spPr><a:xfrm><a:off x='{right}' y='{down}'/></a:xfrm></p:spPr>"))
    };
    let group = format!(
        "<p:grpSp><p:grpSpPr><a:xfrm><a:off x='0' y='2000000'/><a:chOff x='9' y='9'/></a:xfrm></p:grpSpPr>{}{}</p:grpSp>",
        at(9_000_000, 5, "group a"),
        at(0, 0, "group b")
    );
    let title = shape("type='title'", &p("Title"));
    let shapes =
        [group, at(3_000_000, 0, "last"), at(1_000_020, 0, "left"), at(1_000_000, 900, "right"), title].concat();
    let expected = "# Title\n\nleft\n\nright\n\ngroup a\n\ngroup b\n\nlast\n";
    assert_eq!(extracted(&pptx(&[("slide1", &shapes)], &[])).text, expected);
}
