//! What documents of real programs hold that was once lost, or took the place of something else.

use super::*;

#[test]
fn the_format_of_a_date_is_not_the_text() {
    let styles = "<number:date-style xmlns:number='n' style:name='N37'><number:day/><number:text>.</number:text><number:month/>\
        </number:date-style>";
    assert_eq!(
        text(styles, "<text:p>On <text:date style:data-style-name='N37'>3.4.</text:date></text:p>"),
        "On 3.4.\n"
    );
    let found = extracted(
        Kind::Presentation,
        styles,
        "<draw:page><draw:frame><draw:text-box><text:p>x</text:p></draw:text-box></draw:frame></draw:page>",
        &[],
    );
    assert_eq!(found.text, "x\n");
}

#[test]
fn items_have_the_labels_that_the_program_shows() {
    let level = |at: usize, attributes: &str| format!("<text:list-level-style-number text:level='{at}' {attributes}/>");
    let styles = format!(
        "<text:list-style style:name='L1'>{}{}{}</text:list-style>",
        level(1, "style:num-format='I' style:num-suffix='.'"),
        level(2, "style:num-format='a' style:num-suffix=')' text:start-value='2'"),
        level(3, "style:num-format='1' style:num-prefix='(' style:num-suffix=')' text:display-levels='2'"),
    );
    let item = |inner: &str| format!("<text:list-item>{inner}</text:list-item>");
    let p = |words: &str| format!("<text:p>{words}</text:p>");
    let list = |items: &str| format!("<text:list>{items}</text:list>");
    let third = list(&(item(&p("third")) + &item(&p("again"))));
    let second = list(&(item(&p("second")) + &item(&(p("other") + &third))));
    let body =
        format!("<text:list text:style-name='L1'>{}{}</text:list>", item(&p("first")), item(&(p("next") + &second)),);
    let expected = "I. first\nII. next\n  b) second\n  c) other\n    (c.1) third\n    (c.2) again\n";
    assert_eq!(text(&styles, &body), expected);
}

#[test]
fn styles_of_page_headers_are_not_those_of_the_content() {
    let styles = "<text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1'/></text:list-style>";
    let common = format!(
        "<office:document-styles {NAMESPACES}><office:styles/><office:automatic-styles><text:list-style style:name='L1'>\
         <text:list-level-style-bullet text:level='1' text:bullet-char='-'/></text:list-style></office:automatic-styles></office:document-styles>"
    );
    let body = "<text:list text:style-name='L1'><text:list-item><text:p>one</text:p></text:list-item></text:list>";
    assert_eq!(extracted(Kind::Text, styles, body, &[("styles.xml", &common)]).text, "1. one\n");
}

#[test]
fn formulas_stand_where_they_are_and_what_is_embedded_is_warned_of() {
    let typed = "<math xmlns='m'><semantics><mrow><mi>x</mi><mn>2</mn></mrow><annotation encoding='StarMath 5.0'>{x^2} over 2\n</annotation>\
        </semantics></math>";
    let signs = "<math:math xmlns:math='m'><math:mi>y</math:mi><math:mo>=</math:mo><math:mn>1</math:mn></math:math>";
    let other = format!(
        "<office:document-content {NAMESPACES}><office:body><office:spreadsheet/></office:body></office:document-content>"
    );
    let object = |name: &str| format!("<draw:frame><draw:object xlink:href='./{name}'/><draw:image/></draw:frame>");
    let body = format!(
        "<text:p>Let {}, so {}.</text:p><text:p>{}<draw:frame><draw:object-ole xlink:href='./Object 4'/></draw:frame></text:p>",
        object("Object 1"),
        object("Object 2"),
        object("Object 3"),
    );
    let parts =
        [("Object 1/content.xml", typed), ("Object 2/content.xml", signs), ("Object 3/content.xml", other.as_str())];
    let found = extracted(Kind::Text, "", &body, &parts);
    assert_eq!(found.text, "Let {x^2} over 2, so y=1.\n");
    let expected = ["Object 3", "Object 4"]
        .map(|name| format!("what the document embeds of another program ({name}) was left out"));
    assert_eq!(found.warnings, expected);

    let body = format!("<draw:page>{}</draw:page>", object("Object 2"));
    assert_eq!(extracted(Kind::Presentation, "", &body, &parts).text, "y=1\n");
}

#[test]
fn many_formulas_are_no_reason_to_refuse_a_text() {
    let formulas: Vec<(String, String)> =
        (0..1_200).map(|at| (format!("Object {at}/content.xml"), format!("<math><mn>{at}</mn></math>"))).collect();
    let parts: Vec<(&str, &str)> = formulas.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    let body = "<text:p><draw:frame><draw:object xlink:href='./Object 1199'/></draw:frame></text:p>";
    assert_eq!(extracted(Kind::Text, "", body, &parts).text, "1199\n");
}

#[test]
fn titles_of_pictures_are_descriptions_too() {
    let body = "<text:p><draw:frame><draw:image/><svg:title>A coil of rope</svg:title></draw:frame></text:p>\
        <text:p>x<draw:frame><draw:image/><svg:title>rope.png</svg:title></draw:frame></text:p>";
    assert_eq!(text("", body), "[image: A coil of rope]\n\nx\n");
}

#[test]
fn values_that_nothing_displays_are_read_and_those_of_other_workbooks_are_not() {
    let cell = |attributes: &str| format!("<table:table-cell {attributes}/>");
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let cells = row(&[
        cell("office:value-type='string' office:string-value='tea'"),
        cell("office:value-type='float' office:value='2'"),
        cell("office:value-type='percentage' office:value='0.125'"),
        cell("office:value-type='currency' office:currency='EUR' office:value='3.5'"),
        cell("office:value-type='time' office:time-value='PT10H'"),
    ]);
    let kept = row(&[cell("office:value-type='string' office:string-value='elsewhere'")]);
    let body = format!(
        "<table:table table:name='S'>{}{cells}</table:table><table:table table:name=\"'file:///a/b.ods'#$Sheet1\">{kept}</table:table>",
        row(&["a", "b", "c", "d", "e"]
            .map(|name| cell(&format!("office:value-type='string' office:string-value='{name}'")))),
    );
    let found = extracted(Kind::Spreadsheet, "", &body, &[]);
    let expected =
        "## S\n\n| a | b | c | d | e |\n| --- | --- | --- | --- | --- |\n| tea | 2 | 12.5% | 3.5 EUR | PT10H |\n";
    assert_eq!(found.text, expected);
    assert_eq!(
        found.warnings,
        ["the cells that are kept of another workbook ('file:///a/b.ods'#$Sheet1) were left out"]
    );
}

#[test]
fn a_title_can_have_any_shape() {
    let body = "<draw:page><draw:frame><draw:text-box><text:p>under it</text:p></draw:text-box></draw:frame>\
        <draw:custom-shape presentation:class='title'><text:p>Ropes</text:p></draw:custom-shape></draw:page>";
    assert_eq!(extracted(Kind::Presentation, "", body, &[]).text, "# Ropes\n\nunder it\n");
}

#[test]
fn points_of_charts_without_values_are_empty() {
    let cell = |words: &str| format!("<table:table-cell><text:p>{words}</text:p></table:table-cell>");
    let row = |first: &str, second: &str| format!("<table:table-row>{}{}</table:table-row>", cell(first), cell(second));
    let chart = format!(
        "<office:document-content {NAMESPACES}><office:body><office:chart><chart:chart><table:table>{}{}{}</table:table></chart:chart>\
         </office:chart></office:body></office:document-content>",
        row("", "wild"),
        row("2019", "NaN"),
        row("2020", "7"),
    );
    let body = "<text:p>See: <draw:frame><draw:object xlink:href='./Object 1'/></draw:frame></text:p>";
    let found = extracted(Kind::Text, "", body, &[("Object 1/content.xml", &chart)]);
    assert_eq!(found.text, "See:\n\nChart\n\n| | wild |\n| --- | --- |\n| 2019 | |\n| 2020 | 7 |\n");
}

#[test]
fn chapters_have_the_numbers_that_the_program_shows() {
    let common = format!(
        "<office:document-styles {NAMESPACES}><office:styles><text:outline-style style:name='Outline'>\
         <text:outline-level-style text:level='1' style:num-format='1'/>\
         <text:outline-level-style text:level='2' style:num-format='a' style:num-suffix='.' text:display-levels='2'/>\
         <text:outline-level-style text:level='3' style:num-format=''/></text:outline-style>\
         <style:style style:name='Heading'/><style:style style:name='Bare' style:list-style-name=''/>\
         <style:style style:name='Listed' style:list-style-name='Outline'/></office:styles></office:document-styles>"
    );
    let heading = |level: usize, about: &str, words: &str| {
        format!("<text:h text:outline-level='{level}' {about}>{words}</text:h>")
    };
    let styles = "<style:style style:name='P1' style:parent-style-name='Bare'/>";
    let body = [
        heading(1, "text:style-name='Heading'", "Ropes"),
        heading(2, "", "Bends"),
        heading(3, "", "Deep"),
        heading(2, "text:style-name='Listed'", "Hitches"),
        heading(1, "text:style-name='P1'", "Between"),
        heading(1, "text:is-list-header='true'", "Aside"),
        heading(1, "", "Knots"),
        heading(2, "", "Loops"),
        heading(1, "text:restart-numbering='true' text:start-value='7'", "End"),
    ];
    let expected = "# 1 Ropes\n\n## 1.a. Bends\n\n### Deep\n\n## 1.b. Hitches\n\n# Between\n\n# Aside\n\n# 2 Knots\n\n\
        ## 2.a. Loops\n\n# 7 End\n";
    let found = extracted(Kind::Text, styles, &body.concat(), &[("styles.xml", &common)]);
    assert_eq!(found.text, expected);
    assert_eq!(found.headings[0].title, "1 Ropes");
    let written = heading(1, "", "<text:number>3</text:number>Splices");
    assert_eq!(extracted(Kind::Text, styles, &written, &[("styles.xml", &common)]).text, "# 3 Splices\n");
    // Without such a style nothing is numbered.
    assert_eq!(text("", &heading(1, "", "Ropes")), "# Ropes\n");
}

#[test]
fn headings_in_lists_have_the_labels_of_their_items() {
    let styles = "<text:list-style style:name='W'><text:list-level-style-number text:level='1' style:num-format='1' style:num-suffix='.'/>\
        <text:list-level-style-number text:level='2' style:num-format='1' text:display-levels='2'/></text:list-style>";
    let heading = |level: usize, words: &str| {
        format!("<text:list-item><text:h text:outline-level='{level}'>{words}</text:h></text:list-item>")
    };
    let deeper = |items: &str| format!("<text:list-item><text:list>{items}</text:list></text:list-item>");
    let list = |about: &str, items: &str| format!("<text:list text:style-name='W' {about}>{items}</text:list>");
    let goes_on = "text:continue-numbering='true'";
    let body = [
        list("", &heading(1, "First")),
        "<text:p>words</text:p>".into(),
        list(goes_on, &deeper(&heading(2, "Sub"))),
        "<text:p>more</text:p>".into(),
        list(goes_on, &(deeper(&heading(2, "Other")) + &heading(1, "Second"))),
        list(goes_on, &deeper(&heading(2, "Below"))),
    ];
    let expected = "# 1. First\n\nwords\n\n## 1.1 Sub\n\nmore\n\n## 1.2 Other\n\n# 2. Second\n\n## 2.1 Below\n";
    assert_eq!(text(styles, &body.concat()), expected);
}

#[test]
fn comments_on_slides_follow_the_notes() {
    let frame = |class: &str, words: &str| {
        format!("<draw:frame {class}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>")
    };
    let comment = "<office:annotation><dc:creator>Ann Lee</dc:creator><dc:date>2024-01-02</dc:date><text:p>Too</text:p><text:p>long?</text:p>\
        </office:annotation>";
    let body = format!(
        "<draw:page>{}{comment}<office:annotation><text:p>Yes.</text:p></office:annotation><presentation:notes>{}</presentation:notes>\
         </draw:page><draw:page>{}</draw:page>",
        frame("", "one"),
        frame("presentation:class='notes'", "Say it."),
        frame("", "two"),
    );
    let expected = "one\n\nSpeaker notes: Say it.\n\nComment by Ann Lee: Too long?\n\nComment: Yes.\n\ntwo\n";
    assert_eq!(extracted(Kind::Presentation, "", &body, &[]).text, expected);
}

#[test]
fn cells_keep_the_words_that_are_displayed() {
    let cell = |value: &str, shown: &str| {
        format!(
            "<table:table-cell office:value-type='float' office:value='{value}'><text:p>{shown}</text:p></table:table-cell>"
        )
    };
    let body = format!(
        "<table:table table:name='Loads'><table:table-row>{}{}{}</table:table-row></table:table>",
        cell("1234.56", "1.234,6 kg"),
        cell("3", "3 Stück"),
        cell("1250000", "1,25 M"),
    );
    let found = extracted(Kind::Spreadsheet, "", &body, &[]);
    assert!(found.text.contains("1234.6 kg") && found.text.contains("3 Stück"), "{}", found.text);
    assert!(found.text.contains("1250000") && !found.text.contains('M'), "{}", found.text);
}
