#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::super::{Chart, MAX_POINTS};
use crate::ingest::extract::{ExtractError, ExtractLimits, writer::MarkdownWriter};

/// The text of a chart with this data and these series, and what is warned of.
fn written(data: &str, series: &str) -> (String, Vec<String>) {
    let part = format!(
        "<cx:chartSpace xmlns:cx='http://schemas.microsoft.com/office/drawing/2014/chartex' xmlns:a='a'><cx:chartData>{data}\
         </cx:chartData><cx:chart><cx:title pos='t'><cx:tx><cx:txData><cx:f>S!A1</cx:f><cx:v>Stock</cx:v></cx:txData></cx:tx>\
         <cx:txPr><a:p><a:r><a:t>Stock</a:t></a:r></a:p></cx:txPr></cx:title><cx:plotArea><cx:plotAreaRegion>{series}\
         </cx:plotAreaRegion><cx:axis id='0'><cx:title><cx:tx><cx:txData><cx:v>Axis</cx:v></cx:txData></cx:tx></cx:title></cx:axis>\
         </cx:plotArea></cx:chart></cx:chartSpace>"
    );
    let limits = ExtractLimits::default();
    let mut writer = MarkdownWriter::new("x", &limits);
    Chart::read("PPTX", &part, &limits).unwrap().write("", &mut writer).unwrap();
    let document = writer.finish(None);
    (document.text, document.warnings)
}

fn level(attributes: &str, points: &[&str]) -> String {
    let points: String =
        points.iter().enumerate().map(|(at, point)| format!("<cx:pt idx='{at}'>{point}</cx:pt>")).collect();
    format!("<cx:lvl ptCount='{}' {attributes}>{points}</cx:lvl>", points.len())
}

fn categories(levels: &[&[&str]]) -> String {
    let levels: String = levels.iter().map(|points| level("", points)).collect();
    format!("<cx:strDim type='cat'><cx:f>S!A2:A4</cx:f>{levels}</cx:strDim>")
}

fn values(kind: &str, attributes: &str, points: &[&str]) -> String {
    format!("<cx:numDim type='{kind}'><cx:f>S!B2:B4</cx:f>{}</cx:numDim>", level(attributes, points))
}

fn data(id: &str, dimensions: &[String]) -> String {
    format!("<cx:data id='{id}'>{}</cx:data>", dimensions.concat())
}

fn series(layout: &str, name: &str, data: &str, more: &str) -> String {
    format!(
        "<cx:series layoutId='{layout}' uniqueId='u'><cx:tx><cx:txData><cx:f>S!B1</cx:f><cx:v>{name}</cx:v></cx:txData></cx:tx>\
         <cx:dataId val='{data}'/>{more}</cx:series>"
    )
}

#[test]
fn a_waterfall_is_its_title_and_a_table_of_its_values() {
    let data = data(
        "0",
        &[
            categories(&[&["May", "June &amp; July"]]),
            values("val", "formatCode='0.0%' name='x'", &["0.5", "0.30000000000000004"]),
        ],
    );
    let (text, warnings) = written(&data, &series("waterfall", "Ducks", "0", ""));
    assert_eq!(
        text,
        "Stock (waterfall chart; axes: Axis)\n\n| | Ducks |\n| --- | --- |\n| May | 50.0% |\n| June & July | 30.0% |\n"
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn levels_of_a_treemap_stand_before_their_leaves() {
    // The outermost level comes last, and Office leaves out what repeats or writes it again.
    let data = data(
        "a",
        &[
            categories(&[&["Oak", "Elm", "Trout"], &["Trees", "", "Fish"], &["Plants", "Plants", "Animals"]]),
            values("size", "", &["3", "4", "5"]),
        ],
    );
    let (text, warnings) = written(&data, &series("treemap", "", "a", ""));
    assert!(
        text.ends_with("| Plants / Trees / Oak | 3 |\n| Plants / Trees / Elm | 4 |\n| Animals / Fish / Trout | 5 |\n"),
        "{text}"
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn series_share_a_table_and_several_kinds_of_values_are_named() {
    let places = categories(&[&["Kiel", "Bonn"]]);
    let ids = "<cx:strDim type='entityId'><cx:f>x</cx:f></cx:strDim>".to_owned();
    let data = [
        data("0", &[places.clone(), ids, values("val", "", &["1", "2"]), values("colorVal", "", &["7", "8"])]),
        data("1", &[places, values("val", "name='Boats'", &["5", "6"])]),
    ]
    .concat();
    let shown = series("regionMap", "Ships", "0", "") + &series("regionMap", "", "1", "");
    let (text, warnings) = written(&data, &shown);
    assert_eq!(
        text,
        "Stock (map chart; axes: Axis)\n\n| | Ships (value) | Ships (color) | Boats |\n| --- | --- | --- | --- |\n| Kiel | 1 | 7 | 5 |\n\
         | Bonn | 2 | 8 | 6 |\n"
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn bins_make_a_histogram_and_a_pareto_line_has_no_values_of_its_own() {
    let data = data("0", &[values("val", "", &["2", "9"])]);
    let bins = "<cx:layoutPr><cx:binning intervalClosed='r'/></cx:layoutPr>";
    let (text, warnings) = written(&data, &series("clusteredColumn", "Age", "0", bins));
    assert_eq!(text, "Stock (histogram chart; axes: Axis)\n\n| | Age |\n| --- | --- |\n| 1 | 2 |\n| 2 | 9 |\n");
    assert_eq!(warnings, Vec::<String>::new());
    let line = "<cx:series layoutId='paretoLine' ownerIdx='0' uniqueId='v'><cx:axisId val='2'/></cx:series>";
    let (text, warnings) = written(&data, &(series("clusteredColumn", "Age", "0", "") + line));
    assert!(text.starts_with("Stock (column and Pareto chart; axes: Axis)\n\n| | Age |\n"), "{text}");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn what_the_file_does_not_keep_is_warned_of() {
    let reference = "<cx:numDim type='val'><cx:f>_xlchart.v1.1</cx:f></cx:numDim>".to_owned();
    let warned = |count: usize| {
        format!(
            "the values of {count} series of the chart \"Stock\" are incomplete: the chart refers to cells of a workbook and \
             does not keep what stands in them"
        )
    };
    let bare =
        data("0", &["<cx:strDim type='cat'><cx:f>_xlchart.v1.0</cx:f></cx:strDim>".to_owned(), reference.clone()]);
    assert_eq!(
        written(&bare, &series("funnel", "a", "0", "")),
        ("Stock (funnel chart; axes: Axis)\n".into(), vec![warned(1)])
    );
    let half = data("0", &[categories(&[&["May"]]), reference]);
    let both = series("funnel", "a", "0", "") + &series("funnel", "b", "nowhere", "");
    let expected = "Stock (funnel chart; axes: Axis)\n\n| | a |\n| --- | --- |\n| May | |\n";
    assert_eq!(written(&half, &both), (expected.into(), vec![warned(2)]));
}

#[test]
fn points_that_claim_a_far_place_and_series_that_swell_are_bounded() {
    let far = format!("<cx:lvl><cx:pt idx='{MAX_POINTS}'>1</cx:pt><cx:pt idx='1'>2</cx:pt></cx:lvl>");
    let data = data("0", &[format!("<cx:numDim type='val'>{far}</cx:numDim>")]);
    let (text, warnings) = written(&data, &series("funnel", "a", "0", ""));
    assert_eq!(text, "Stock (funnel chart; axes: Axis)\n\n| | a |\n| --- | --- |\n| 1 | |\n| 2 | 2 |\n");
    assert!(warnings[0].starts_with("1 points of the chart \"Stock\" were left out"), "{warnings:?}");

    // Many series of one long data.
    let limits = ExtractLimits { max_cells: 10_000, max_text_bytes: 100_000, ..ExtractLimits::default() };
    for (points, length) in [(100, 1), (2, 1_000)] {
        let point = format!("<cx:pt>{}</cx:pt>", "a".repeat(length));
        let part = format!(
            "<cx:chartSpace><cx:chartData><cx:data id='0'><cx:strDim type='colorStr'><cx:lvl>{}</cx:lvl></cx:strDim></cx:data>\
             </cx:chartData><cx:chart><cx:plotArea><cx:plotAreaRegion>{}</cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>",
            point.repeat(points),
            "<cx:series><cx:dataId val='0'/></cx:series>".repeat(200)
        );
        let refused = Chart::read("DOCX", &part, &limits);
        assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{points}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_chart_ends_as_a_chart_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<cx:chartData>", "</cx:chartData>", "<cx:data id='0'>", "</cx:data>", "<cx:strDim type='cat'>", "</cx:strDim>",
                "<cx:numDim type='val'>", "</cx:numDim>", "<cx:lvl formatCode='0.0'>", "</cx:lvl>", "<cx:pt idx='1'>2</cx:pt>",
                "<cx:pt idx='99999999999999999999'>x</cx:pt>", "<cx:pt>\u{e9}</cx:pt>", "<cx:chart>", "</cx:chart>", "<cx:plotArea>",
                "<cx:plotAreaRegion>", "<cx:series layoutId='funnel'>", "<cx:dataId val='0'/>", "</cx:series>",
                "<cx:tx><cx:v>n</cx:v></cx:tx>", "<cx:title>", "</cx:title>", "<cx:f>S!A1</cx:f>", "&#x41;", "&",
            ]),
            0..60,
        )
    ) {
        let limits = ExtractLimits::default();
        let part = format!("<cx:chartSpace>{}</cx:chartSpace>", parts.concat());
        match Chart::read("XLSX", &part, &limits) {
            Ok(chart) => {
                let mut writer = MarkdownWriter::new("x", &limits);
                prop_assert!(chart.write("", &mut writer).is_ok());
                prop_assert_eq!(crate::ingest::extract::check_structure(&writer.finish(None)), Ok(()));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
