use proptest::prelude::*;

use super::*;

fn plot(marks: Marks) -> Plot {
    Plot {
        title: "Loss <of all>".into(),
        x: Axis::linear("step", Extent::Data, NumberFormat::Plain),
        y: Axis::linear("nats", Extent::Data, NumberFormat::Plain),
        series: vec![Series { name: "a & b".into(), colour: 0, marks }],
        rules: vec![],
        note: None,
    }
}

/// The coordinates of a path.
fn path(html: &str) -> &str {
    html.split(" d=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[test]
fn a_line_lies_between_its_axes() {
    let html = plot(Marks::Line(vec![(0.0, 0.0), (5.0, 1.0), (10.0, 0.5)], Stroke::Solid)).figure().into_string();
    // Ticks at 0, 0.2 and so on have three characters, so the axis stands at 29.8; it reaches from 192 up to 26.
    assert_eq!(path(&html), "M29.8 192L188.9 26L348 109");
    assert!(html.contains("Loss &lt;of all&gt;") && !html.contains("<of all>"));
    assert!(!html.contains("legend"), "one series needs no legend");
}

#[test]
fn two_series_have_a_legend() {
    let mut two = plot(Marks::Line(vec![(0.0, 1.0), (1.0, 2.0)], Stroke::Faint));
    two.series.push(Series { name: "smoothed".into(), colour: 1, marks: Marks::LineWithPoints(vec![(0.0, 1.0)]) });
    let html = two.figure().into_string();
    assert!(html.contains("legend") && html.contains("a &amp; b") && html.contains("smoothed"));
    assert!(html.contains("<circle") && html.contains("<title>step 0: nats 1</title>"));
}

#[test]
fn what_cannot_be_drawn_leaves_a_gap_and_is_counted() {
    let points = vec![(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.5), (4.0, f64::INFINITY), (5.0, 1.0)];
    let html = plot(Marks::Line(points.clone(), Stroke::Solid)).figure().into_string();
    assert_eq!(html.matches("<path").count(), 3);
    assert!(html.contains("2 values are no finite numbers") && !html.contains("NaN") && !html.contains("inf"));
    let mut log = plot(Marks::Line(vec![(0.0, 0.0), (1.0, 10.0), (2.0, 100.0)], Stroke::Solid));
    log.y.log = true;
    assert!(log.figure().into_string().contains("1 value is no finite number"));
}

#[test]
fn nothing_to_show_is_said() {
    for marks in [Marks::Line(vec![], Stroke::Solid), Marks::Bars(vec![]), Marks::Points(vec![(f64::NAN, 1.0)])] {
        assert!(plot(marks).figure().into_string().contains("nothing to show"));
    }
}

#[test]
fn bars_stand_on_zero_and_have_error_bars() {
    let bar = |from: f64, height, error| Bar { from, to: from + 1.0, height, error, cases: Some(7) };
    let mut bars = plot(Marks::Bars(vec![bar(0.0, 0.5, Some((0.25, 1.0))), bar(1.0, 1.0, None)]));
    bars.y.extent = Extent::Fixed(0.0, 1.0);
    let html = bars.figure().into_string();
    assert_eq!((html.matches("<rect").count(), html.matches("class=\"whisker\"").count()), (2, 3));
    assert!(html.contains("(n = 7)") && html.contains("step 0 to 1: nats 0.5"));
    assert!(html.contains("height=\"83\""), "{html}");
}

#[test]
fn rules_beside_the_data_are_left_out() {
    let mut ruled = plot(Marks::Line(vec![(0.0, 1.0), (10.0, 2.0)], Stroke::Steps));
    ruled.rules = vec![Rule { at: 5.0, label: "best".into() }, Rule { at: 50.0, label: "beyond".into() }];
    let html = ruled.figure().into_string();
    assert!(html.contains(">best<") && !html.contains("beyond"));
    assert!(path(&html).contains('H') && path(&html).contains('V'));
}

proptest! {
    #[test]
    fn everything_stays_inside_the_picture(
        points in prop::collection::vec((-1e6_f64..1e6, -1e-3_f64..1e9), 1..50), wide: bool,
    ) {
        let mut drawn = plot(Marks::LineWithPoints(points));
        drawn.x.extent = if wide { Extent::FromZero } else { Extent::Data };
        if wide {
            drawn.series[0].marks = Marks::Points(vec![(1.0, 2.0), (3.0, 4.0)]);
        }
        let html = drawn.figure().into_string();
        for (name, most) in [("cx", WIDTH), ("cy", HEIGHT), ("x1", WIDTH), ("y2", HEIGHT)] {
            for part in html.split(&format!(" {name}=\"")).skip(1) {
                let value: f64 = part.split('"').next().unwrap_or_default().parse().unwrap_or(f64::NAN);
                prop_assert!((0.0..=most).contains(&value), "{name} {value}");
            }
        }
    }
}

#[test]
fn a_logarithmic_horizontal_axis_names_only_values_that_are_on_it() {
    let mut grows = plot(Marks::LineWithPoints(vec![(967.0, 1.0), (10_586.0, 2.0), (30_822.0, 3.0)]));
    grows.x.log = true;
    let html = grows.figure().into_string();
    assert!(html.contains(">1,000<") && html.contains(">10,000<"), "{html}");
    assert!(!html.contains(">500<") && !html.contains(">50,000<") && !html.contains(">100,000<"), "{html}");
}
