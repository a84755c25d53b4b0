#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, package::made::archive};

mod losses;

const NAMESPACES: &str = "xmlns:office='o' xmlns:text='t' xmlns:table='b' xmlns:draw='d' xmlns:style='s' xmlns:xlink='x' \
    xmlns:presentation='p' xmlns:svg='v' xmlns:dc='c' xmlns:chart='h' xmlns:fo='f'";

/// A document of this kind with these styles and this body, and other parts.
fn document(kind: Kind, styles: &str, body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let element = match kind {
        Kind::Text => "text",
        Kind::Spreadsheet => "spreadsheet",
        Kind::Presentation => "presentation",
    };
    let content = format!(
        "<office:document-content {NAMESPACES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>\
         <office:{element}>{body}</office:{element}></office:body></office:document-content>"
    );
    let mut all = vec![("mimetype", kind.media_type()), ("content.xml", content.as_str())];
    all.extend(parts);
    archive(&all)
}

fn extracted(kind: Kind, styles: &str, body: &str, parts: &[(&str, &str)]) -> ExtractedDocument {
    let found = read(&document(kind, styles, body, parts), kind, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&found), Ok(()));
    assert_eq!(found.media_type, kind.media_type());
    found
}

fn text(styles: &str, body: &str) -> String {
    extracted(Kind::Text, styles, body, &[]).text
}

#[test]
fn a_text_has_its_title_headings_and_paragraphs() {
    let styles = "<style:style style:name='P1' style:parent-style-name='Title' style:family='paragraph'/>\
        <style:style style:name='A' style:parent-style-name='B'/><style:style style:name='B' style:parent-style-name='A'/>";
    let body = "<text:tracked-changes><text:changed-region><text:p>deleted</text:p></text:changed-region></text:tracked-changes>\
        <text:p text:style-name='P1'>Knots</text:p><text:table-of-content><text:p>Bends 1</text:p></text:table-of-content>\
        <text:h text:outline-level='2'>Bends &amp; hitches</text:h>\
        <text:p text:style-name='A'>A<text:s text:c='3'/>bend<text:tab/>joins\n two <text:span>ropes.</text:span><text:line-break/>Tie it.</text:p>\
        <office:annotation><text:p>comment</text:p></office:annotation>";
    let meta = "<office:document-meta xmlns:office='o' xmlns:dc='d'><office:meta><dc:title>On knots</dc:title></office:meta></office:document-meta>";
    let found = extracted(Kind::Text, styles, body, &[("meta.xml", meta)]);
    assert_eq!(found.text, "# Knots\n\n## Bends & hitches\n\nA bend joins two ropes.\nTie it.\n");
    assert_eq!(found.title.as_deref(), Some("On knots"));
}

#[test]
fn lists_count_nest_and_go_on() {
    let styles = "<text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1'/>\
        <text:list-level-style-bullet text:level='2' text:bullet-char='•'/></text:list-style>";
    let item = |inner: &str| format!("<text:list-item>{inner}</text:list-item>");
    let p = |words: &str| format!("<text:p>{words}</text:p>");
    let inner = format!("<text:list>{}</text:list>", item(&p("sub")));
    let body = format!(
        "<text:list text:style-name='L1'>{}{}</text:list><text:p>Between.</text:p>\
         <text:list text:style-name='L1' text:continue-numbering='true'>{}</text:list><text:list text:style-name='L1'>{}</text:list>",
        item(&(p("one") + &p("more") + &inner)),
        item(&p("two")),
        item(&p("three")),
        item(&p("again")),
    );
    assert_eq!(text(styles, &body), "1. one\n   more\n  - sub\n2. two\n\nBetween.\n\n3. three\n\n1. again\n");
}

#[test]
fn notes_boxes_and_raised_numbers_are_read() {
    let styles = "<style:style style:name='T1'><style:text-properties style:text-position='super 58%'/></style:style>";
    let body = "<text:p>10<text:span text:style-name='T1'>6</text:span> ropes<text:note text:note-class='footnote'><text:note-citation>1\
        </text:note-citation><text:note-body><text:p>Counted twice.</text:p></text:note-body></text:note>.<draw:frame><draw:image/>\
        <svg:desc>A coil of rope</svg:desc></draw:frame></text:p>\
        <text:p><draw:frame><draw:text-box><text:p>Boxed.</text:p></draw:text-box></draw:frame></text:p>";
    assert_eq!(text(styles, body), "10^6 ropes[1]. [image: A coil of rope]\n\n[1] Counted twice.\n\nBoxed.\n");
}

#[test]
fn tables_have_merged_cells() {
    let cell = |attributes: &str, words: &str| {
        format!("<table:table-cell {attributes}><text:p>{words}</text:p></table:table-cell>")
    };
    let covered = "<table:covered-table-cell/>";
    let body = format!(
        "<table:table><table:table-column/><table:table-header-rows><table:table-row>{}{}{covered}</table:table-row></table:table-header-rows>\
         <table:table-row>{covered}{}{}</table:table-row><table:table-row>{}<table:table-cell table:number-columns-repeated='2'/></table:table-row></table:table>",
        cell("table:number-rows-spanned='2'", "n"),
        cell("table:number-columns-spanned='2'", "both"),
        cell("", "1|2"),
        cell("", "3"),
        cell("", "x"),
    );
    assert_eq!(text("", &body), "| n | both | both |\n| --- | --- | --- |\n| n | 1\\|2 | 3 |\n| x | | |\n");
    let boxed = "<table:table><table:table-row><table:table-cell><text:p>Note well.</text:p></table:table-cell></table:table-row></table:table>";
    assert_eq!(text("", boxed), "Note well.\n");
}

#[test]
fn slides_are_pages_with_their_titles_first_and_their_notes() {
    let styles = "<style:style style:name='dp2' style:family='drawing-page'><style:drawing-page-properties presentation:visibility='hidden'/></style:style>";
    let frame = |class: &str, inner: &str| {
        format!("<draw:frame presentation:class='{class}'><draw:text-box>{inner}</draw:text-box></draw:frame>")
    };
    let list = "<text:list><text:list-item><text:p>point</text:p></text:list-item></text:list>";
    let body = format!(
        "<draw:page draw:name='a'>{}{}{}<draw:custom-shape><text:p>shape</text:p></draw:custom-shape>\
         <presentation:notes><draw:page-thumbnail/>{}</presentation:notes></draw:page>\
         <draw:page draw:style-name='dp2'><draw:g>{}</draw:g></draw:page>",
        frame("outline", list),
        frame("footer", "<text:p>Harbour</text:p>"),
        frame("title", "<text:p>Ropes</text:p>"),
        frame("notes", "<text:p>Say hello.</text:p>"),
        frame("subtitle", "<text:p>grouped</text:p>"),
    );
    let found = extracted(Kind::Presentation, styles, &body, &[]);
    assert_eq!(found.text, "# Ropes\n\n- point\n\nshape\n\nSpeaker notes: Say hello.\n\ngrouped\n");
    assert_eq!(found.pages.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(&found.text[found.pages[1].range.clone()], "grouped\n");
    assert_eq!(found.warnings, ["slide 2 is hidden in the presentation; it was read as well"]);
}

#[test]
fn sheets_show_values_repeat_cells_and_keep_comments() {
    let styles = "<style:style style:name='ta2'><style:table-properties table:display='false'/></style:style>";
    let value = |attributes: &str, shown: &str| {
        format!("<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>")
    };
    let body = format!(
        "<table:table table:name='Prices'><table:table-row>{}{}{}</table:table-row><table:table-row>{}{}{}</table:table-row>\
         <table:table-row table:number-rows-repeated='2'>{}{}<table:table-cell/></table:table-row>\
         <table:table-row table:number-rows-repeated='1048570'><table:table-cell table:number-columns-repeated='16384'/></table:table-row></table:table>\
         <table:table table:name='Old' table:style-name='ta2'><table:table-row>{}</table:table-row></table:table><table:table table:name='Empty'/>",
        value("", "day"),
        value("", "part"),
        value("", "sum<office:annotation><dc:creator>Ann</dc:creator><text:p>checked</text:p></office:annotation>"),
        value("office:value-type='date' office:date-value='2024-01-02T00:00:00'", "01/02/24"),
        value("office:value-type='percentage' office:value='0.125'", "12.5%"),
        value("office:value-type='float' office:value='1234.5000000000002'", "1,234.50"),
        value("office:value-type='boolean' office:boolean-value='true'", "WAHR"),
        value("office:value-type='float' office:value='0'", "#DIV/0!"),
        value("", "x"),
    );
    let body = body
        .replace("<text:p>sum<office:annotation>", "<office:annotation>")
        .replace("</office:annotation></text:p>", "</office:annotation><text:p>sum</text:p>");
    let found = extracted(Kind::Spreadsheet, styles, &body, &[]);
    let expected = "## Prices\n\n| day | part | sum |\n| --- | --- | --- |\n| 2024-01-02 | 12.5% | 1234.5 |\n\
                    | TRUE | #DIV/0! | |\n| TRUE | #DIV/0! | |\n\nComment on C1 by Ann: checked\n\n## Old\n\nx\n";
    assert_eq!(found.text, expected);
    assert_eq!(found.warnings, ["the sheet \"Old\" is hidden in the workbook; it was read as well"]);
}

#[test]
fn charts_are_their_titles_and_tables() {
    let cell = |words: &str| format!("<table:table-cell><text:p>{words}</text:p></table:table-cell>");
    let chart = format!(
        "<office:document-content {NAMESPACES}><office:body><office:chart><chart:chart><chart:title><text:p>Ducks</text:p></chart:title>\
         <table:table><table:table-rows><table:table-row>{}{}</table:table-row><table:table-row>{}{}</table:table-row></table:table-rows></table:table>\
         </chart:chart></office:chart></office:body></office:document-content>",
        cell(""),
        cell("wild"),
        cell("2019"),
        cell("7"),
    );
    let body = "<text:p>See: <draw:frame><draw:object xlink:href='./Object 1'/></draw:frame></text:p>";
    let found = extracted(Kind::Text, "", body, &[("Object 1/content.xml", &chart)]);
    assert_eq!(found.text, "See:\n\nDucks (chart)\n\n| | wild |\n| --- | --- |\n| 2019 | 7 |\n");
}

#[test]
fn encrypted_documents_are_called_encrypted() {
    let manifest = "<manifest:manifest xmlns:manifest='m'><manifest:file-entry manifest:full-path='content.xml'><manifest:encryption-data/>\
        </manifest:file-entry></manifest:manifest>";
    let bytes = document(Kind::Text, "", "<text:p>x</text:p>", &[("META-INF/manifest.xml", manifest)]);
    let refused = read(&bytes, Kind::Text, &ExtractLimits::default()).unwrap_err();
    assert_eq!(refused, ExtractError::Encrypted { format: "ODT".into() });
}

#[test]
fn what_costs_too_much_is_refused() {
    let limits = ExtractLimits { max_cells: 1_000, max_uncompressed_bytes: 100_000, ..ExtractLimits::default() };
    let too_large = |kind, body: &str| {
        let refused = read(&document(kind, "", body, &[]), kind, &limits);
        assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{refused:?}");
    };
    too_large(Kind::Text, &format!("<text:p>{}</text:p>", "a".repeat(200_000)));
    too_large(Kind::Text, &format!("{}{}", "<text:section>".repeat(1_000), "</text:section>".repeat(1_000)));
    let repeated = "<table:table><table:table-row table:number-rows-repeated='1000000'><table:table-cell table:number-columns-repeated='1000'>\
        <text:p>x</text:p></table:table-cell></table:table-row></table:table>";
    too_large(Kind::Spreadsheet, repeated);
    let wide = "<table:table-cell table:number-columns-repeated='200'><text:p>x</text:p></table:table-cell>".repeat(10);
    too_large(Kind::Text, &format!("<table:table><table:table-row>{wide}</table:table-row></table:table>"));
}

#[test]
fn damage_and_emptiness_are_told_apart() {
    let limits = ExtractLimits::default();
    let refused = |body: &str| read(&document(Kind::Text, "", body, &[]), Kind::Text, &limits).unwrap_err();
    assert!(matches!(refused("<text:p>"), ExtractError::Malformed { .. }));
    assert!(matches!(refused("<text:p/>"), ExtractError::NoText { .. }));
    let none = read(&archive(&[("mimetype", "x")]), Kind::Presentation, &limits).unwrap_err();
    assert_eq!(none.to_string(), "the ODP file is damaged: the part content.xml is missing");
}
