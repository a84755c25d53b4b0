#![allow(clippy::unwrap_used)]
use super::*;

/// The text of a chart on the second slide, and what is warned of.
fn written(part: &str) -> (String, Vec<String>) {
    let limits = ExtractLimits::default();
    let mut writer = MarkdownWriter::new("x", &limits);
    Chart::read("PPTX", part, &limits).unwrap().write(" on slide 2", &mut writer).unwrap();
    let document = writer.finish(None);
    (document.text, document.warnings)
}

/// The text of a chart that is read without a loss.
fn text(part: &str) -> String {
    let (text, warnings) = written(part);
    assert_eq!(warnings, Vec::<String>::new());
    text
}

fn cache(kind: &str, values: &[&str]) -> String {
    let points: String =
        values.iter().enumerate().map(|(at, value)| format!("<c:pt idx='{at}'><c:v>{value}</c:v></c:pt>")).collect();
    format!(
        "<c:{kind}Ref><c:f>Sheet1!A1</c:f><c:{kind}Cache><c:ptCount val='9'/>{points}</c:{kind}Cache></c:{kind}Ref>"
    )
}

fn series(name: &str, categories: &[&str], values: &[&str]) -> String {
    format!(
        "<c:ser><c:idx val='0'/><c:tx>{}</c:tx><c:cat>{}</c:cat><c:val>{}</c:val></c:ser>",
        cache("str", &[name]),
        cache("str", categories),
        cache("num", values)
    )
}

#[test]
fn a_chart_is_its_title_and_a_table_of_its_values() {
    let years = ["2019", "2020"];
    let chart = format!(
        "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Ducks</a:t></a:r></a:p></c:rich>\
         </c:tx></c:title><c:plotArea><c:barChart>{}{}</c:barChart><c:catAx><c:title/></c:catAx></c:plotArea></c:chart></c:chartSpace>",
        series("Fresh", &years, &["1", "0.30000000000000004"]),
        series("Salt", &years, &["3"]),
    );
    assert_eq!(
        text(&chart),
        "Ducks (bar chart)\n\n| | Fresh | Salt |\n| --- | --- | --- |\n| 2019 | 1 | 3 |\n| 2020 | 0.3 | |\n"
    );
}

#[test]
fn series_of_other_categories_have_a_table_of_their_own() {
    let chart = format!(
        "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:pie3DChart>{}{}</c:pie3DChart></c:plotArea></c:chart></c:chartSpace>",
        series("A", &["x"], &["1"]),
        series("B", &["y"], &["2"]),
    );
    assert_eq!(text(&chart), "Chart (pie)\n\n| | A |\n| --- | --- |\n| x | 1 |\n\n| | B |\n| --- | --- |\n| y | 2 |\n");
}

#[test]
fn dates_are_counted_from_the_year_that_the_chart_names() {
    let chart = |epoch: &str| {
        text(&format!(
            "<c:chartSpace xmlns:c='c'>{epoch}<c:chart><c:plotArea><c:lineChart><c:ser><c:cat><c:numLit><c:formatCode>yyyy\\-mm\\-dd\
             </c:formatCode><c:pt idx='0'><c:v>366</c:v></c:pt></c:numLit></c:cat></c:ser></c:lineChart></c:plotArea></c:chart></c:chartSpace>"
        ))
    };
    assert!(chart("").contains("| 1900-12-31 |"), "{}", chart(""));
    assert!(chart("<c:date1904 val='0'/>").contains("| 1900-12-31 |"));
    assert!(chart("<c:date1904/>").contains("| 1905-01-01 |"));
}

#[test]
fn a_point_that_claims_a_far_place_is_not_placed() {
    let part = "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:lineChart><c:ser><c:val><c:numLit>\
        <c:pt idx='4000000000'><c:v>9</c:v></c:pt><c:pt idx='1'><c:v>7</c:v></c:pt></c:numLit></c:val></c:ser></c:lineChart>\
        </c:plotArea></c:chart></c:chartSpace>";
    let (text, warnings) = written(part);
    assert_eq!(text, "Chart (line)\n\n| | |\n| --- | --- |\n| 1 | |\n| 2 | 7 |\n");
    let expected = "1 points of a chart on slide 2 were left out: their numbers are beyond the 65536 that are read";
    assert_eq!(warnings, [expected]);
}

#[test]
fn a_reference_without_what_stands_there_is_warned_of() {
    let part = "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Ducks</a:t></a:r></a:p></c:rich></c:tx>\
        </c:title><c:plotArea><c:lineChart><c:ser><c:val><c:numRef><c:f>S!B2:B9</c:f></c:numRef></c:val></c:ser><c:ser><c:val><c:numRef>\
        <c:f>S!C2:C9</c:f><c:numCache><c:ptCount val='8'/></c:numCache></c:numRef></c:val></c:ser></c:lineChart></c:plotArea></c:chart>\
        </c:chartSpace>";
    let (text, warnings) = written(part);
    assert_eq!(text, "Ducks (line chart)\n");
    assert_eq!(
        warnings,
        [
            "the values of 1 series of the chart \"Ducks\" on slide 2 are incomplete: the chart refers to cells of a workbook \
          and does not keep what stands in them"
        ]
    );
}

#[test]
fn what_is_no_chart_and_what_swells_is_refused() {
    let limits = ExtractLimits::default();
    for part in ["", "no markup", "<c:other/>", "<c:chartSpace><c:chart>"] {
        assert!(matches!(Chart::read("DOCX", part, &limits), Err(ExtractError::Malformed { .. })), "{part}");
    }
    // One far point gives every other series as many rows.
    let far = "<c:ser><c:val><c:numLit><c:pt idx='65535'><c:v>1</c:v></c:pt></c:numLit></c:val></c:ser>";
    let part = format!(
        "<c:chartSpace><c:chart><c:plotArea><c:barChart>{far}{}</c:barChart></c:plotArea></c:chart></c:chartSpace>",
        "<c:ser/>".repeat(1_000)
    );
    assert!(matches!(Chart::read("DOCX", &part, &limits), Err(ExtractError::TooLarge { .. })));
}

#[test]
fn titles_of_axes_and_sizes_of_bubbles_are_kept() {
    let title = |text: &str| {
        format!("<c:title><c:tx><c:rich><a:p><a:r><a:t>{text}</a:t></a:r></a:p></c:rich></c:tx></c:title>")
    };
    let chart = format!(
        "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart>{}<c:plotArea><c:bubbleChart><c:ser><c:tx>{}</c:tx><c:xVal>{}</c:xVal><c:yVal>{}</c:yVal>\
         <c:bubbleSize>{}</c:bubbleSize></c:ser></c:bubbleChart><c:valAx>{}</c:valAx><c:valAx>{}</c:valAx></c:plotArea></c:chart></c:chartSpace>",
        title("Ports"),
        cache("str", &["Ships"]),
        cache("num", &["1"]),
        cache("num", &["2"]),
        cache("num", &["7"]),
        title("Year"),
        title("Ships in thousands"),
    );
    let expected = "Ports (bubble chart; axes: Year, Ships in thousands)\n\n| | Ships | Ships (size) |\n| --- | --- | --- |\n| 1 | 2 | 7 |\n";
    assert_eq!(text(&chart), expected);
}

#[test]
fn levels_of_categories_that_swell_are_refused() {
    let level = |points: &str| format!("<c:lvl>{points}</c:lvl>");
    let far = level(&format!("<c:pt idx='{}'><c:v>x</c:v></c:pt>", MAX_POINTS - 1));
    let outer = |name: &str| level(&format!("<c:pt idx='0'><c:v>{name}</c:v></c:pt>"));
    let chart = |levels: &str| {
        format!(
            "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:barChart><c:ser><c:cat><c:multiLvlStrRef><c:multiLvlStrCache>{levels}\
             </c:multiLvlStrCache></c:multiLvlStrRef></c:cat></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"
        )
    };
    let limits = ExtractLimits::default();
    let swollen = Chart::read("PPTX", &chart(&(far.clone() + &outer(&"a".repeat(1_000)))), &limits);
    assert!(matches!(swollen, Err(ExtractError::TooLarge { .. })), "{:?}", swollen.err());
    let many = Chart::read("PPTX", &chart(&(far.clone() + &outer("a").repeat(1_000))), &limits);
    assert!(matches!(many, Err(ExtractError::TooLarge { .. })), "{:?}", many.err());
    assert!(Chart::read("PPTX", &chart(&(far + &outer("a"))), &limits).is_ok());
}
