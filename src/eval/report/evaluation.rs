//! The page of an evaluation run.
//!
//! May depend on `eval::run`, `eval::measure` and its siblings.

mod plots;

use super::{
    failure_list, format,
    html::Html,
    page_parts::{Tile, card, head, heading, table, tiles, whole},
};
use crate::{
    eval::{
        card::COMMAND,
        measure::{Measured, Metrics},
        metric::{Metric, Unit},
        run::Run,
    },
    train::dataset::example::Expected,
};

/// The figures that stand at the top, as far as they were measured.
const MAIN: [Metric; 6] = [
    Metric::F1,
    Metric::HasAnsF1,
    Metric::NoAnsAccuracy,
    Metric::FalseAnswerRate,
    Metric::CitationPrecision,
    Metric::LatencyP50,
];

/// The page of a run.
pub fn page(run: &Run) -> String {
    let (card_of, metrics) = (&run.card, &run.metrics);
    let mut body = Html::new();
    let models: Vec<String> = card_of.models.iter().map(|(part, name)| format!("{part} {name}")).collect();
    let level = format::number(metrics.level * 100.0);
    let mut lines = vec![format!(
        "{} suite, {} questions on {} documents, asked on {}. Intervals hold {level} percent of {} resamples by {}.",
        if card_of.suite.mode == "open" { "Open" } else { "Closed" },
        format::count(metrics.questions),
        format::count(metrics.documents),
        card_of.started.format("%-d %B %Y, %H:%M UTC"),
        format::thousands(i64::from(metrics.resamples)),
        match metrics.resample_by {
            crate::eval::measure::ResampleBy::Question => "question",
            crate::eval::measure::ResampleBy::Document => "document",
        },
    )];
    if !models.is_empty() {
        lines.push(models.join(" · "));
    }
    if let Some(command) = card_of.configuration.get(COMMAND).and_then(serde_json::Value::as_str) {
        lines.push(format!("Answered by another program: {command}"));
    }
    if metrics.failed() > 0 {
        lines.push(format!("{} questions failed and score 0.", format::count(metrics.failed())));
    }
    head(&mut body, &format!("Evaluation · run {}", run.name), &card_of.suite.name, &lines);
    tiles(&mut body, &main_figures(metrics));

    heading(&mut body, "Plots");
    body.markup("<section class=\"plots\">\n");
    for figure in plots::all(run) {
        body.html(&figure);
    }
    body.markup("</section>\n");

    heading(&mut body, "All figures");
    all_figures(&mut body, metrics);
    heading(&mut body, "How the questions ended");
    outcomes(&mut body, metrics);
    failure_list::section(&mut body, run);
    card(&mut body, &serde_json::to_value(card_of).unwrap_or_default());
    whole(&format!("{} · {}", card_of.suite.name, run.name), &body)
}

/// The figures that stand at the top.
pub(super) fn main_figures(metrics: &Metrics) -> Vec<Tile> {
    MAIN.iter().filter_map(|metric| metrics.get(*metric)).map(tile).collect()
}

/// A figure with its interval.
pub(super) fn tile(measured: &Measured) -> Tile {
    Tile {
        label: measured.metric.label().to_owned(),
        value: format::in_unit(measured.value, measured.metric.unit()),
        note: format!("{}\nn = {}", interval(measured), format::count(measured.questions)),
    }
}

/// An interval without repeating its unit.
fn interval(measured: &Measured) -> String {
    match measured.metric.unit() {
        Unit::Share => format!("{:.1} to {:.1}", measured.low * 100.0, measured.high * 100.0),
        unit => format!("{} to {}", format::in_unit(measured.low, unit), format::in_unit(measured.high, unit)),
    }
}

fn all_figures(body: &mut Html, metrics: &Metrics) {
    body.markup("<div class=\"scroll\"><table class=\"figures\">\n<thead><tr><th scope=\"col\">Figure</th><th scope=\"col\" class=\"n\">Value");
    body.markup("</th><th scope=\"col\" class=\"n\">Interval</th><th scope=\"col\" class=\"n\">Questions</th></tr></thead>\n<tbody>\n");
    for measured in &metrics.measured {
        body.markup("<tr><td><b>").text(measured.metric.label()).markup("</b><small>");
        body.text(measured.metric.definition()).markup("</small></td><td class=\"n\"><b>");
        body.text(&format::in_unit(measured.value, measured.metric.unit())).markup("</b></td><td class=\"n\">");
        body.text(&interval(measured));
        if measured.undefined_rounds > 0 {
            let rounds = format::thousands(i64::from(measured.undefined_rounds));
            body.markup("<small>undefined in ").text(&rounds).markup(" rounds</small>");
        }
        body.markup("</td><td class=\"n\">").text(&format::count(measured.questions)).markup("</td></tr>\n");
    }
    body.markup("</tbody></table></div>\n");
    if !metrics.not_measured.is_empty() {
        let names: Vec<&str> = metrics.not_measured.iter().map(|metric| metric.label()).collect();
        body.markup("<p class=\"note\">Not measured, because no question counts for it: ").text(&names.join(", "));
        body.markup(".</p>\n");
    }
}

fn outcomes(body: &mut Html, metrics: &Metrics) {
    let row = |expected: Expected, name: &str| {
        let these = metrics.outcomes.iter().filter(|counted| counted.expected == expected);
        let all: usize = these.clone().map(|counted| counted.count).sum();
        let parts: Vec<Vec<String>> = these
            .map(|counted| {
                vec![
                    name.to_owned(),
                    counted.outcome.as_str().to_owned(),
                    format::count(counted.count),
                    format::percent(counted.count as f64 / all as f64),
                ]
            })
            .collect();
        parts
    };
    let rows = [
        row(Expected::Answered, "answerable"),
        row(Expected::Partial, "answerable in part"),
        row(Expected::Abstained, "unanswerable"),
        row(Expected::Clarify, "of several readings"),
    ]
    .concat();
    table(body, &["Question", "Ended", "Questions", "Share"], &rows, 2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::testing::small_run;

    #[test]
    fn the_page_holds_the_figures_and_needs_nothing_from_elsewhere() {
        let page = page(&small_run());
        for words in ["HasAns F1", "The worst failures", "Risk", "Reliability", "linux", "it failed", "n = 8"] {
            assert!(page.contains(words), "{words}");
        }
        assert!(
            !page.contains("<script") && !page.contains("http:") && !page.contains("https:") && !page.contains("NaN")
        );
    }

    #[test]
    fn a_program_that_was_measured_is_named() {
        let mut run = small_run();
        assert!(!page(&run).contains("another program"));
        run.card.configuration.insert(COMMAND.to_owned(), "python3 peer.py <x>".into());
        assert!(page(&run).contains("Answered by another program: python3 peer.py &lt;x&gt;"));
    }

    #[test]
    fn what_a_system_says_is_text() {
        let mut run = small_run();
        run.name = "<i>run</i>".into();
        run.card.suite.name = "<i>suite</i>".into();
        run.predictions[0].document = "<i>document</i>".into();
        let page = page(&run);
        assert!(page.contains("&lt;b&gt;Anna &amp; Söhne&lt;/b&gt;"));
        assert!(
            !page.contains("<i>run")
                && !page.contains("<i>suite")
                && !page.contains("<b>Anna")
                && !page.contains("<i>doc")
        );
    }

    #[test]
    fn a_run_without_any_answer_has_a_page() {
        let mut run = small_run();
        for prediction in &mut run.predictions {
            prediction.outcome = crate::eval::prediction::PredictedOutcome::Abstained;
        }
        let run = crate::eval::testing::run_of(run.examples, run.predictions);
        assert!(page(&run).contains("nothing to show"));
    }
}
