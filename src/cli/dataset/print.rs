//! What a person reads of `footnote dataset`.
//!
//! May depend on `train::dataset`.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use crate::train::dataset::{
    Split,
    diff::DiffReport,
    hard_negatives::{DistractorsReport, NegativesReport},
    import::ImportReport,
    lint::{LintReport, Severity},
    manifest::Manifest,
    pairs::PairsReport,
    split::SplitReport,
    stats::{Lengths, StatsReport},
};

/// How many findings of a code, records of a reason and ids of a list are shown unless all are asked for. What is left
/// out is said.
pub const SHOWN: usize = 5;

/// Prints a report: as JSON for programs, else as `write` writes it.
pub fn report<T: Serialize>(json: bool, report: &T, write: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{}", write(report));
    }
    Ok(())
}

/// What an import took and refused.
pub fn import(report: &ImportReport) -> String {
    let mut text = String::new();
    for file in &report.files {
        let _ = writeln!(text, "{}: {} read, {} taken, {} refused", file.file, file.read, file.taken, file.refused);
    }
    for (reason, count) in &report.reasons {
        let of_reason: Vec<_> = report.refused.iter().filter(|refused| refused.reason == *reason).collect();
        let _ = writeln!(text, "refused, {reason}: {count}");
        for refused in of_reason.iter().take(SHOWN) {
            let detail = cut(&refused.detail);
            let _ = writeln!(text, "    {} {}  {detail}", refused.file, refused.record);
        }
        more(&mut text, of_reason.len(), SHOWN, "all with --json");
    }
    for (what, count) in &report.left_out {
        let _ = writeln!(text, "left out of what was taken, {what}: {count}");
    }
    for (file, count) in &report.written {
        let _ = writeln!(text, "{file}: {count} examples");
    }
    text
}

/// The pairs that were made.
pub fn pairs(report: &PairsReport) -> String {
    let mut text = format!("{} read, of {} no pair could be made\n", report.read, report.passed_over);
    for (split, labels) in &report.pairs {
        let counts: Vec<String> = labels.iter().map(|(label, count)| format!("{count} {label}")).collect();
        let _ = writeln!(text, "{split}: {}", counts.join(", "));
    }
    let tags: Vec<String> = report.tags.iter().map(|(tag, count)| format!("{tag} {count}")).collect();
    let _ = writeln!(text, "tags: {}", tags.join(", "));
    text
}

/// What lint found, at most `most` of each code.
pub fn lint(report: &LintReport, most: usize) -> String {
    let mut text = String::new();
    for group in report.findings.chunk_by(|a, b| a.code == b.code) {
        for finding in group.iter().take(most) {
            let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
            let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
            let _ = writeln!(text, "{}{line}: {severity}[{}]: {}", finding.file, finding.code, finding.message);
        }
        more(&mut text, group.len(), most, "all with --all or --json");
    }
    for (code, count) in &report.allowed {
        let _ = writeln!(text, "allowed by dataset.toml: {count} [{code}]");
    }
    let _ = writeln!(text, "{} examples: {} errors, {} warnings", report.examples, report.errors, report.warnings);
    text
}

/// What was cut.
pub fn split(report: &SplitReport) -> String {
    let mut text = String::new();
    for (split, counts) in &report.splits {
        let _ = writeln!(
            text,
            "{split}: {} examples ({} unanswerable) of {} documents",
            counts.examples,
            counts.unanswerable,
            counts.documents.len()
        );
        if *split != Split::Train {
            list(&mut text, "", &counts.documents, 20);
        }
    }
    text
}

/// The numbers of a data set.
pub fn stats(report: &StatsReport) -> String {
    let mut text = String::new();
    let total = &report.total;
    let frozen = report.frozen.as_ref().map_or_else(String::new, |label| format!(", frozen as {label}"));
    let _ = writeln!(text, "{}{frozen}", report.name);
    let percent = |part: u64| 100.0 * part as f64 / total.examples.max(1) as f64;
    for (file, stats) in &report.files {
        let _ = writeln!(text, "  {file}: {} examples, {} unanswerable", stats.examples, stats.unanswerable);
    }
    for (what, count) in [
        ("unanswerable", total.unanswerable),
        ("synthetic", total.synthetic),
        ("with a short answer", total.with_short_answer),
        ("with evidence", total.with_evidence),
    ] {
        let _ = writeln!(text, "{what}: {count} of {} ({:.1} %)", total.examples, percent(count));
    }
    let _ = writeln!(text, "documents: {}, passages: {}", total.documents, total.passages);
    for (what, counts) in [
        ("kinds", &total.kinds),
        ("tags", &total.tags),
        ("licences", &total.licences),
        ("provenance", &total.provenance),
    ] {
        if !counts.is_empty() {
            counted(&mut text, what, counts);
        }
    }
    let _ = writeln!(
        text,
        "{:<22}{:>8}{:>8}{:>6}{:>6}{:>6}{:>6}{:>6}{:>6}",
        "", "count", "mean", "min", "5 %", "50 %", "95 %", "99 %", "max"
    );
    for (what, lengths) in [
        ("passages per example", &total.passages_per_example),
        ("words of a question", &total.question_words),
        ("words of a passage", &total.passage_words),
        ("words of an answer", &total.answer_words),
        ("of a short answer", &total.short_answer_words),
    ] {
        let Lengths { count, mean, min, p5, p50, p95, p99, max } = lengths;
        let _ = writeln!(text, "{what:<22}{count:>8}{mean:>8.1}{min:>6}{p5:>6}{p50:>6}{p95:>6}{p99:>6}{max:>6}");
    }
    text
}

/// What changed.
pub fn diff(report: &DiffReport) -> String {
    let mut text = String::new();
    list(&mut text, "+ ", &report.added, 20);
    list(&mut text, "- ", &report.removed, 20);
    let changed: Vec<String> =
        report.changed.iter().map(|changed| format!("{}: {}", changed.id, changed.fields.join(", "))).collect();
    list(&mut text, "~ ", &changed, 20);
    let (added, removed, changed) = (report.added.len(), report.removed.len(), report.changed.len());
    let _ = writeln!(text, "{added} added, {removed} removed, {changed} changed, {} the same", report.same);
    text
}

/// What a manifest says.
pub fn manifest(manifest: &Manifest) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}, frozen {}", manifest.name, manifest.version, manifest.created);
    let _ = writeln!(text, "sha256 {}", manifest.sha256);
    for file in &manifest.files {
        let examples = file.examples.map_or_else(String::new, |count| format!("  {count} examples"));
        let _ = writeln!(text, "  {}  {}{examples}", file.sha256, file.path);
    }
    counted(&mut text, "licences", &manifest.licences);
    counted(&mut text, "provenance", &manifest.provenance);
    text
}

/// What negatives were built.
pub fn negatives(reports: &[NegativesReport]) -> String {
    let mut text = String::new();
    for report in reports {
        let _ = writeln!(
            text,
            "{}{} examples, {} answerable; {} negatives added, {} left out by the cap, {} not found, {} questions whose \
             answer cannot be looked for; {:.1} % synthetic",
            named(report.split),
            report.examples,
            report.answerable,
            report.added,
            report.over_cap,
            report.not_found,
            report.not_checkable,
            100.0 * report.synthetic_share
        );
        for (tag, count) in &report.added_by_tag {
            let _ = writeln!(text, "{count:>8}  {tag}");
        }
        if report.over_share > 0 {
            let _ = writeln!(text, "{:>8}  negations more than a tenth of the edits, left out", report.over_share);
        }
    }
    text
}

/// What distractors were added.
pub fn distractors(reports: &[DistractorsReport]) -> String {
    let mut text = String::new();
    for report in reports {
        let _ = writeln!(
            text,
            "{}{} examples; {} passages added, {} examples got fewer than wanted, {} have no answer to look for in them",
            named(report.split),
            report.examples,
            report.added,
            report.short,
            report.unchecked
        );
    }
    text
}

fn named(split: Option<Split>) -> String {
    split.map_or_else(String::new, |split| format!("{split}: "))
}

fn counted(text: &mut String, what: &str, counts: &BTreeMap<String, u64>) {
    let _ = writeln!(text, "{what}:");
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in sorted.iter().take(20) {
        let _ = writeln!(text, "{count:>8}  {name}");
    }
    more(text, sorted.len(), 20, "all with --json");
}

fn list(text: &mut String, mark: &str, items: &[String], most: usize) {
    for item in items.iter().take(most) {
        let _ = writeln!(text, "    {mark}{item}");
    }
    more(text, items.len(), most, "all with --json");
}

fn more(text: &mut String, there: usize, shown: usize, how: &str) {
    if there > shown {
        let _ = writeln!(text, "    … and {} more; {how}", there - shown);
    }
}

/// One line of at most 160 characters.
fn cut(detail: &str) -> String {
    let line = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(160).collect();
    if short.len() < line.len() { format!("{short} …") } else { short }
}
