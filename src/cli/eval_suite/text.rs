//! Figures, comparisons and reviews on a terminal.

use std::fmt::Write as _;

use crate::{
    cli::output::one_line,
    eval::{
        ablation::{Ablation, FIGURES},
        calibrate::Fitted,
        compare::{ChangedQuestion, ComparedMetric, Comparison, Verdict},
        measure::Metrics,
        report::{
            ablation::{cells, on_or_off, rule},
            format::{count, difference, in_unit, number, percent, thousands},
        },
        review::agreement::ReviewReport,
    },
};

/// The figures of a run, one a line.
pub(super) fn figures(metrics: &Metrics) -> String {
    let mut text = String::new();
    for one in &metrics.measured {
        let unit = one.metric.unit();
        let [value, low, high] = [one.value, one.low, one.high].map(|value| in_unit(value, unit));
        let interval = format!("[{low}, {high}]");
        let _ = writeln!(text, "{:<26}{value:>9}  {interval:<22} n = {}", one.metric.label(), count(one.questions));
    }
    if !metrics.not_measured.is_empty() {
        let names: Vec<&str> = metrics.not_measured.iter().map(|metric| metric.label()).collect();
        let _ = writeln!(text, "not measured, because no question counts: {}", names.join(", "));
    }
    text
}

/// Two runs side by side; of the questions that changed, at most `show` each way.
pub(super) fn comparison(comparison: &Comparison, show: usize) -> String {
    let mut text = format!(
        "suite {}, {} questions: `{}` against `{}`\nintervals and p-values of a paired bootstrap, {} resamples\n\n",
        comparison.suite,
        count(comparison.questions),
        comparison.first,
        comparison.second,
        thousands(i64::from(comparison.resamples))
    );
    let _ = writeln!(text, "{:<26}{:>9}{:>9}  {:<28}{:>7}  ", "", "first", "second", "second - first", "p");
    for one in &comparison.metrics {
        text.push_str(&compared(one));
    }
    if !comparison.only_in_one.is_empty() {
        let names: Vec<&str> = comparison.only_in_one.iter().map(|metric| metric.label()).collect();
        let _ = writeln!(text, "not in both runs: {}", names.join(", "));
    }
    for (title, questions) in [("wrong -> right", &comparison.gained), ("right -> wrong", &comparison.lost)] {
        changed(&mut text, title, questions, show);
    }
    text.push('\n');
    for remark in &comparison.remarks {
        let _ = writeln!(text, "note: {remark}");
    }
    text
}

fn compared(one: &ComparedMetric) -> String {
    let unit = one.metric.unit();
    let interval = format!("[{}, {}]", difference(one.low, unit), difference(one.high, unit));
    let verdict = match one.verdict {
        Verdict::Better => "better",
        Verdict::Worse => "WORSE",
        Verdict::Different => "different",
        Verdict::NotSignificant => "not significant",
    };
    let p = if one.p_value < 0.001 { "<0.001".to_owned() } else { format!("{:.3}", one.p_value) };
    format!(
        "{:<26}{:>9}{:>9}  {:>8} {interval:<19}{p:>7}  {verdict}\n",
        one.metric.label(),
        in_unit(one.first, unit),
        in_unit(one.second, unit),
        difference(one.difference, unit)
    )
}

fn changed(text: &mut String, title: &str, questions: &[ChangedQuestion], show: usize) {
    let _ = writeln!(text, "\n{title}: {}", count(questions.len()));
    for one in questions.iter().take(show) {
        let expected = if one.expected.is_empty() { "[to decline]".to_owned() } else { one.expected.join(" / ") };
        let _ = writeln!(text, "  {}  {}", one.id, one_line(&one.question));
        let [first, second, expected] = [&one.first, &one.second, &expected].map(|said| short(said));
        let _ = writeln!(text, "      {first}  ->  {second}  (expected: {expected})");
    }
    if questions.len() > show {
        let _ = writeln!(text, "  and {} more: --show, or --json for all", count(questions.len() - show));
    }
}

fn short(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= 90 { line } else { line.chars().take(89).chain(['…']).collect() }
}

/// The table of an ablation, and what is found of each stage.
pub(super) fn ablation(ablation: &Ablation) -> String {
    let titles = FIGURES.map(|metric| metric.label().to_owned());
    let head = ["stage", "default", "suite", "changed"].map(str::to_owned).into_iter().chain(titles);
    let rows: Vec<Vec<String>> = std::iter::once(head.collect()).chain(ablation.rows.iter().map(cells)).collect();
    let mut widths = vec![0; rows[0].len()];
    for (width, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        widths[width] = widths[width].max(cell.chars().count());
    }
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    text.push_str("\nwith the stage less without it, shares in points; * is significant\n\n");
    for judged in &ablation.judgements {
        let advice = if judged.default_is_wrong { " - the default should be the other one" } else { "" };
        let (stage, default) = (judged.stage.as_str(), on_or_off(judged.default));
        let _ = writeln!(text, "{stage:<15}{default:<5}{}{advice}", judged.finding.as_str());
    }
    let _ = writeln!(text, "\n{}", rule());
    text
}

/// What a confidence means, and the threshold that follows.
pub(super) fn calibration(fitted: &Fitted, target: f64) -> String {
    let on = &fitted.calibration.fitted_on;
    let mut text = format!(
        "{} answers of the suite {}, {} of them right\n\n",
        count(on.answers),
        on.suite,
        percent(on.right as f64 / on.answers as f64)
    );
    for (name, error, brier) in
        [("raw confidence", &fitted.raw, fitted.raw_brier), ("calibrated", &fitted.calibrated, fitted.brier)]
    {
        let [value, low, high] = [error.value, error.low, error.high].map(number);
        let brier = number(brier);
        let _ = writeln!(text, "{name:<16}calibration error {value:<7} [{low}, {high}]  Brier score {brier}");
    }
    let threshold = &fitted.threshold;
    let share = |part: usize, whole: usize| percent(part as f64 / whole.max(1) as f64);
    let _ = writeln!(
        text,
        "\nat most {} wrong: answers of at least {}; that keeps {} of the answers ({} of the questions), {} of them wrong",
        percent(target),
        percent(threshold.probability),
        share(threshold.answers, on.answers),
        share(threshold.answers, fitted.questions),
        share(threshold.wrong, threshold.answers)
    );
    text
}

/// What the reviewers said.
pub(super) fn review(report: &ReviewReport) -> String {
    let mut text = format!(
        "`{}` (first) against `{}` (second): {} of {} questions judged by {} reviewers\n\n",
        report.first,
        report.second,
        count(report.judged),
        count(report.items),
        report.reviewers.len()
    );
    let _ = writeln!(
        text,
        "{:<22}{:>7}{:>8}{:>11}{:>10}{:>6}{:>8}",
        "", "first", "second", "both good", "both bad", "open", "A : B"
    );
    for one in &report.reviewers {
        let sides = format!("{} : {}", one.preferred_a, one.preferred_b);
        let _ = writeln!(
            text,
            "{:<22}{:>7}{:>8}{:>11}{:>10}{:>6}{sides:>8}",
            one.reviewer, one.first, one.second, one.equal_good, one.equal_bad, one.open
        );
    }
    let preference = &report.preference;
    let _ = writeln!(
        text,
        "\npreference {:+.2} [{:+.2}, {:+.2}], from -1 (always the first) to +1 (always the second)",
        preference.value, preference.low, preference.high
    );
    let (first, second) = report.leaning;
    let verdict = match (report.p_value < 0.05, second > first) {
        (true, true) => "the second is preferred",
        (true, false) => "the first is preferred",
        (false, _) => "no significant preference",
    };
    let _ = writeln!(
        text,
        "{first} questions lean to the first, {second} to the second: {verdict} (sign test, p = {:.3})",
        report.p_value
    );
    for pair in &report.pairs {
        let kappa = match &pair.kappa {
            Some(kappa) => format!("kappa {} [{}, {}]", number(kappa.value), number(kappa.low), number(kappa.high)),
            None => "kappa is not defined: both always said the same one thing".to_owned(),
        };
        let _ = writeln!(
            text,
            "{} and {}: {kappa}, the same on {} of {} questions",
            pair.one,
            pair.other,
            percent(pair.agreement),
            count(pair.items)
        );
    }
    if report.pairs.is_empty() {
        text.push_str("one reviewer, or none in common: nothing is known about agreement\n");
    }
    text
}
