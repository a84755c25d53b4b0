//! The plots of an evaluation run.
//!
//! May depend on `eval::run` and `eval::report::plot`.

use std::collections::BTreeMap;

use crate::eval::{
    bootstrap::quantile,
    measure::{Metrics, Slice},
    metric::{Better, Metric, Unit},
    report::{
        format::{self, NumberFormat},
        html::Html,
        plot::{
            Axis, Bar, Extent, Marks, Plot, Rule, Series, Stroke, axis,
            interval_rows::{self, Row},
        },
    },
    run::Run,
    squad_score::Ended,
};

/// All plots that the run has something for, in the order of the page.
pub(super) fn all(run: &Run) -> Vec<Html> {
    let metrics = &run.metrics;
    let mut figures = vec![shares(metrics)];
    figures.extend(slices(&metrics.slices));
    figures.push(risk_coverage(metrics).figure());
    figures.push(reliability(metrics).figure());
    figures.push(latency(run).figure());
    figures.extend(stages(run));
    figures
}

/// What is better when it is more is blue, what is better when it is less is orange.
fn shares(metrics: &Metrics) -> Html {
    let shares = metrics.measured.iter().filter(|measured| measured.metric.unit() == Unit::Share);
    let rows: Vec<Row> = shares
        .map(|measured| Row {
            label: measured.metric.label().to_owned(),
            text: format::percent(measured.value),
            value: measured.value,
            error: Some((measured.low, measured.high)),
            colour: match measured.metric.better() {
                Better::Higher => 0,
                Better::Lower => 1,
                Better::Neither => 2,
            },
        })
        .collect();
    let note = "Blue is better when it is longer, orange when it is shorter. The whiskers are the intervals.";
    interval_rows::figure("Shares with their intervals", &rows, Some(1.0), Some(note))
}

fn slices(slices: &[Slice]) -> Option<Html> {
    // One kind alone says what the main figure says.
    if slices.len() < 2 {
        return None;
    }
    let rows: Vec<Row> = slices
        .iter()
        .map(|slice| Row {
            label: format!(
                "{}{}, n = {}",
                if slice.is_tag { "tag " } else { "" },
                slice.name,
                format::count(slice.questions)
            ),
            text: format::percent(slice.success),
            value: slice.success,
            error: Some((slice.success_low, slice.success_high)),
            colour: if slice.is_tag { 2 } else { 0 },
        })
        .collect();
    Some(interval_rows::figure("Task success by kind and tag", &rows, Some(1.0), None))
}

fn risk_coverage(metrics: &Metrics) -> Plot {
    let curve = &metrics.risk_coverage;
    let points: Vec<(f64, f64)> = curve.points.iter().map(|point| (point.coverage, point.risk)).collect();
    let end: Vec<(f64, f64)> = points.last().copied().into_iter().collect();
    let by_search = metrics.risk_coverage_by_retrieval.as_ref();
    let search: Vec<(f64, f64)> =
        by_search.iter().flat_map(|curve| &curve.points).map(|point| (point.coverage, point.risk)).collect();
    let mut note = curve.area.map_or_else(String::new, |area| format!("Area {}. ", format::number(area)));
    if let Some(area) = by_search.and_then(|curve| curve.area) {
        note = format!(
            "Area {} by the confidence, {} by the score of the search alone. ",
            curve.area.map_or_else(String::new, format::number),
            format::number(area)
        );
    }
    note.push_str(&abstention(metrics));
    for risk in [0.05, 0.1, 0.2] {
        let at_most = format::number(risk * 100.0);
        note.push_str(&match curve.point_at_risk(risk) {
            Some(point) => format!(
                "At most {at_most}% wrong: {} of the questions, from confidence {}. ",
                format::percent(point.coverage),
                format::number(point.threshold)
            ),
            None => format!("At most {at_most}% wrong: at no threshold. "),
        });
    }
    let line = |points, stroke| Marks::Line(points, stroke);
    let mut series =
        vec![Series { name: "most confident first".to_owned(), colour: 0, marks: line(points, Stroke::Solid) }];
    if !search.is_empty() {
        let marks = line(search, Stroke::Dashed);
        series.push(Series { name: "by the search alone".to_owned(), colour: 2, marks });
    }
    series.push(Series { name: "as it answers now".to_owned(), colour: 1, marks: Marks::Points(end) });
    Plot {
        title: "Risk over coverage".to_owned(),
        x: Axis::linear("questions answered", Extent::Fixed(0.0, 1.0), NumberFormat::Percent),
        y: Axis::linear("wrong among the answered", Extent::FromZero, NumberFormat::Percent),
        series,
        rules: vec![],
        note: Some(note.trim_end().to_owned()),
    }
}

/// What a threshold on the confidence declines, and what one on the score of the search does.
fn abstention(metrics: &Metrics) -> String {
    let mut words = String::new();
    let at =
        [(70, Metric::NoAnsAt70, Metric::NoAnsAt70ByRetrieval), (80, Metric::NoAnsAt80, Metric::NoAnsAt80ByRetrieval)];
    for (coverage, own, search) in at {
        let Some(own) = metrics.get(own) else { continue };
        let other = metrics
            .get(search)
            .map_or_else(String::new, |search| format!(", by the search {}", format::percent(search.value)));
        let own = format::percent(own.value);
        words.push_str(&format!("At {coverage}% of the answerable, {own} of the unanswerable declined{other}. "));
    }
    words
}

fn reliability(metrics: &Metrics) -> Plot {
    let bins = metrics.reliability.iter().flat_map(|reliability| &reliability.bins);
    let bars: Vec<Bar> = bins
        .filter_map(|bin| {
            let filled = bin.filled?;
            Some(Bar {
                from: bin.low,
                to: bin.high,
                height: filled.success,
                error: Some((filled.success_low, filled.success_high)),
                cases: Some(bin.count),
            })
        })
        .collect();
    let note = metrics.reliability.as_ref().map(|found| {
        format!(
            "Calibration error {}, Brier score {}. Bars on the diagonal are calibrated, below it overconfident.",
            format::number(found.expected_calibration_error),
            format::number(found.brier_score)
        )
    });
    let diagonal = if bars.is_empty() { vec![] } else { vec![(0.0, 0.0), (1.0, 1.0)] };
    Plot {
        title: "Reliability of the confidence".to_owned(),
        x: Axis::linear("confidence", Extent::Fixed(0.0, 1.0), NumberFormat::Percent),
        y: Axis::linear("right answers", Extent::Fixed(0.0, 1.0), NumberFormat::Percent),
        series: vec![
            Series { name: "right answers".to_owned(), colour: 0, marks: Marks::Bars(bars) },
            Series { name: "calibrated".to_owned(), colour: 3, marks: Marks::Line(diagonal, Stroke::Dashed) },
        ],
        rules: vec![],
        note,
    }
}

fn latency(run: &Run) -> Plot {
    let ended = run.predictions.iter().filter(|prediction| prediction.outcome.ended() != Ended::Failed);
    let seconds: Vec<f64> = ended.map(|prediction| prediction.latency_ms / 1000.0).collect();
    let rule = |metric: Metric, label: &str| {
        let measured = run.metrics.get(metric)?;
        Some(Rule { at: measured.value / 1000.0, label: format!("{label} {}", format::milliseconds(measured.value)) })
    };
    Plot {
        title: "Latency".to_owned(),
        x: Axis::linear("seconds", Extent::FromZero, NumberFormat::Plain),
        y: Axis::linear("questions", Extent::FromZero, NumberFormat::Plain),
        series: vec![Series { name: String::new(), colour: 0, marks: Marks::Bars(histogram(&seconds)) }],
        rules: [rule(Metric::LatencyP50, "median"), rule(Metric::LatencyP95, "95%")].into_iter().flatten().collect(),
        note: None,
    }
}

/// Bars over about twenty round steps from 0 on.
fn histogram(values: &[f64]) -> Vec<Bar> {
    let largest = values.iter().copied().fold(0.0, f64::max);
    if values.is_empty() || !largest.is_finite() {
        return Vec::new();
    }
    let step = axis::enclosing(0.0, largest, 20).step;
    let mut counts = vec![0_usize; (largest / step).floor() as usize + 1];
    for value in values {
        let last = counts.len() - 1;
        counts[((value / step).floor() as usize).min(last)] += 1;
    }
    let bar = |(at, count): (usize, usize)| Bar {
        from: at as f64 * step,
        to: (at + 1) as f64 * step,
        height: count as f64,
        error: None,
        cases: None,
    };
    counts.into_iter().enumerate().map(bar).collect()
}

fn stages(run: &Run) -> Option<Html> {
    let mut stages: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (stage, milliseconds) in run.predictions.iter().flat_map(|prediction| &prediction.stages_ms) {
        stages.entry(stage).or_default().push(*milliseconds);
    }
    let mut rows: Vec<Row> = stages
        .into_iter()
        .filter_map(|(stage, mut milliseconds)| {
            milliseconds.sort_by(f64::total_cmp);
            let [low, median, high] = [0.05, 0.5, 0.95].map(|q| quantile(&milliseconds, q));
            Some(Row {
                label: stage.to_owned(),
                text: format::milliseconds(median?),
                value: median?,
                error: Some((low?, high?)),
                colour: 0,
            })
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    let note = "Medians; the whiskers reach from the 5th to the 95th percentile.";
    Some(interval_rows::figure("Latency by stage", &rows, None, Some(note)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::eval::testing::{run_of, small_run};

    #[test]
    fn the_search_alone_is_compared_where_its_scores_are_known() {
        let mut run = small_run();
        assert_eq!(risk_coverage(&run.metrics).series.len(), 2);
        for (at, prediction) in run.predictions.iter_mut().enumerate() {
            prediction.retrieval_score = Some(at as f64 / 8.0);
        }
        let run = run_of(run.examples, run.predictions);
        let plot = risk_coverage(&run.metrics);
        assert!(matches!(&plot.series[1].marks, Marks::Line(points, _) if points.len() == 5), "{plot:?}");
        assert!(plot.note.unwrap().contains("by the search"));
        let page = plot_page(&run);
        assert!(page.contains("Reliability of the confidence") && page.contains("by the search alone"));
    }

    fn plot_page(run: &Run) -> String {
        all(run).iter().map(Html::as_str).collect()
    }

    #[test]
    fn a_histogram_holds_every_value_once() {
        let values: Vec<f64> = (0..97).map(|at| f64::from(at) * 0.037).collect();
        let bars = histogram(&values);
        assert_eq!(bars.iter().map(|bar| bar.height).sum::<f64>(), 97.0);
        assert!((10..=30).contains(&bars.len()), "{}", bars.len());
        assert!(bars.windows(2).all(|pair| (pair[0].to - pair[1].from).abs() < 1e-9));
        assert_eq!(histogram(&[0.0, 0.0]).iter().map(|bar| bar.height).sum::<f64>(), 2.0);
        assert!(histogram(&[]).is_empty());
    }
}
