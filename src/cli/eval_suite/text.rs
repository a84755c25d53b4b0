//! Figures, comparisons and reviews on a terminal.

use std::fmt::Write as _;

use crate::{
    cli::output::one_line,
    eval::{
        compare::{ChangedQuestion, ComparedMetric, Comparison, Verdict},
        measure::Metrics,
        report::format::{count, difference, in_unit, number, percent, thousands},
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
