//! What a person reads on a terminal: answers with numbered footnotes, search results, sizes and times.
//!
//! May depend on `domain`, `answer` and `eval::bootstrap`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::Exit;
use crate::{
    answer::Passage,
    domain::{Citation, Outcome, OutcomeKind, Wording},
    eval::bootstrap::Estimate,
};

/// Writes a result to standard output: what `print!` and `println!` are in commands. Where that cannot be done the program
/// ends: what it would say next could not be said either.
pub fn say(said: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_fmt(said).and_then(|()| out.flush()) {
        tell(format_args!("error: cannot write to standard output: {error}"));
        std::process::exit(Exit::Failed as i32);
    }
}

/// Writes a line to standard error: what `eprintln!` is in commands. Where nobody reads that, nobody can be told.
pub fn tell(said: std::fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{said}"));
}

/// Prints a value as JSON, for programs.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A share as a percentage with its interval.
pub fn share(estimate: Option<Estimate>) -> String {
    estimate.map_or("nothing to count".to_owned(), |estimate| {
        let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|share| share * 100.0);
        format!("{value:5.1} %  [{low:5.1}, {high:5.1}]")
    })
}

/// An answer, its footnote numbers behind the sentences they belong to, and the footnotes under it.
pub fn render_outcome(outcome: &Outcome) -> String {
    let mut sources: Vec<&Citation> = Vec::new();
    let mut marks: Vec<(u32, usize)> = Vec::new();
    for citation in &outcome.citations {
        let same = |known: &&Citation| {
            (known.chunk_id, known.source_start, known.source_end)
                == (citation.chunk_id, citation.source_start, citation.source_end)
        };
        let number = sources.iter().position(same).unwrap_or_else(|| {
            sources.push(citation);
            sources.len() - 1
        });
        marks.push((citation.answer_end, number + 1));
    }
    let mut text = String::new();
    let mut marks = marks.into_iter().peekable();
    for (position, character) in outcome.answer.chars().enumerate() {
        while let Some((_, number)) = marks.next_if(|(end, _)| *end as usize <= position) {
            let _ = write!(text, " [{number}]");
        }
        // One for one: the marks count characters.
        text.push(if character.is_control() && character != '\n' { '\u{fffd}' } else { character });
    }
    for (_, number) in marks {
        let _ = write!(text, " [{number}]");
    }
    text.push('\n');
    for (number, citation) in sources.iter().enumerate() {
        let _ = write!(text, "\n[{}] {}", number + 1, place(citation));
        let _ = write!(text, "\n    \"{}\"\n", one_line(&citation.quote));
    }
    for part in outcome.question.parts.iter().filter(|part| part.outcome != OutcomeKind::Answered) {
        if outcome.outcome == OutcomeKind::Partial {
            let _ = write!(text, "\n(not answered: {})\n", one_line(&part.question));
        }
    }
    if outcome.wording == Some(Wording::Quoted) && !outcome.contradicting {
        text.push_str("\n(quoted: no sentence of the generator's draft stood)\n");
    }
    text
}

fn place(citation: &Citation) -> String {
    let mut place = one_line(&citation.name);
    if let Some(page) = citation.page {
        let _ = write!(place, ", page {page}");
    }
    if let Some(heading) = &citation.heading {
        let _ = write!(place, ", \"{}\"", one_line(heading));
    }
    place
}

/// The word for how a question ended.
pub fn ended(outcome: &Outcome) -> &'static str {
    match outcome.outcome {
        OutcomeKind::Answered => "answered",
        OutcomeKind::Partial => "partly answered",
        OutcomeKind::Abstained => "declined",
        OutcomeKind::Clarify => "asked back",
        OutcomeKind::Blocked => "blocked",
    }
}

/// A passage that was found, in a few lines.
pub fn render_passage(number: usize, passage: &Passage) -> String {
    let chunk = &passage.chunk;
    let mut text = format!("{number}. {}", one_line(&passage.name));
    if let Some(page) = chunk.page {
        let _ = write!(text, ", page {page}");
    }
    if !chunk.heading_path.is_empty() {
        let _ = write!(text, ", {}", one_line(&chunk.heading_path.join(" > ")));
    }
    let _ = write!(text, "  (score {:.4}, characters {}-{})", passage.score, chunk.range.start, chunk.range.end);
    let shown: String = one_line(&chunk.text).chars().take(240).collect();
    let more = if chunk.text.chars().count() > 240 { " …" } else { "" };
    let _ = write!(text, "\n   {shown}{more}\n");
    text
}

/// A text on one line. Control characters separate words: those of a document or of a file's name are not the terminal's.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A number of bytes as a person reads it.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// The most memory that this process has used, in bytes, where the system tells.
pub fn peak_memory() -> Option<u64> {
    memory("VmHWM:")
}

/// The memory of its own that this process holds now, where the system says so: without the pages of files that it has
/// mapped, which the system takes back when it needs them.
pub fn memory_now() -> Option<u64> {
    memory("RssAnon:")
}

/// The pages of mapped files that are in memory now, where the system says so.
pub fn mapped_now() -> Option<u64> {
    memory("RssFile:")
}

/// The memory of its own that another process holds now, where the system says so.
pub fn memory_of(process: u32) -> Option<u64> {
    memory_in(&format!("/proc/{process}/status"), "RssAnon:")
}

/// How many files and connections another process has open, where the system says so.
pub fn files_of(process: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{process}/fd")).ok()?.count())
}

fn memory(field: &str) -> Option<u64> {
    memory_in("/proc/self/status", field)
}

fn memory_in(status: &str, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AnswerId, ChunkId, DocumentId, ModelVersions, RequestKind, Timings, UnderstoodQuestion, Usage,
    };

    fn citation(end: u32, start: u32, quote: &str) -> Citation {
        let document_id = DocumentId(uuid::Uuid::nil());
        Citation {
            answer_start: start,
            answer_end: end,
            document_id,
            name: "guide.md".into(),
            version: 1,
            chunk_id: ChunkId::derive(document_id, 1, 1, 0),
            page: Some(3),
            heading: Some("Leases".into()),
            source_start: quote.len() as u32,
            source_end: 10,
            quote: quote.into(),
        }
    }

    #[test]
    fn footnotes_are_numbered_in_order_and_a_source_that_is_cited_twice_is_listed_once() {
        let outcome = Outcome {
            id: AnswerId::new(),
            outcome: OutcomeKind::Answered,
            answer: "One. Two. Three.".into(),
            wording: Some(Wording::Generated),
            contradicting: false,
            short_answer: None,
            confidence: 1.0,
            citations: vec![citation(4, 0, "uno\n uno"), citation(9, 5, "due"), citation(16, 10, "uno\n uno")],
            question: UnderstoodQuestion {
                original: String::new(),
                interpreted: String::new(),
                kind: RequestKind::Question,
                language: None,
                corrections: vec![],
                parts: vec![],
            },
            redacted: Default::default(),
            conversation_id: None,
            clarify: None,
            actions: vec![],
            model: ModelVersions {
                reader: None,
                generator: String::new(),
                adapter: None,
                embedder: String::new(),
                index: 1,
            },
            usage: Usage::default(),
            timings_ms: Timings::default(),
        };
        insta::assert_snapshot!(render_outcome(&outcome));
        // What a document says gives the terminal no orders, and moves no mark.
        let hostile = Outcome {
            answer: "\u{1b}[2J One.".into(),
            citations: vec![Citation { heading: Some("a\u{1b}]0;b\u{7}".into()), ..citation(9, 0, "uno\u{9b}2Jdue") }],
            ..outcome
        };
        let shown = render_outcome(&hostile);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        assert!(shown.starts_with("\u{fffd}[2J One. [1]\n") && shown.contains("\"uno 2Jdue\""), "{shown:?}");
    }
}
