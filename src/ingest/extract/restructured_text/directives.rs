//! Explicit markup: directives, footnotes, targets, comments.

use csv::ReaderBuilder;

use super::{Parser, indented};
use crate::ingest::extract::{ExtractError, flow::merged_header};

/// Directives that have no words of their own.
const SILENT: [&str; 19] = [
    "contents",
    "currentmodule",
    "default-domain",
    "default-role",
    "footer",
    "header",
    "highlight",
    "index",
    "meta",
    "module",
    "py:currentmodule",
    "py:module",
    "raw",
    "role",
    "sectnum",
    "section-numbering",
    "tabularcolumns",
    "target-notes",
    "toctree",
];
/// Directives whose argument is for programs: how their content looks, and where it is shown.
const UNCALLED: [&str; 6] = ["class", "container", "cssclass", "ifconfig", "only", "rst-class"];
/// Directives whose content stands in another file.
const INCLUDING: [&str; 3] = ["include", "literalinclude", "image-include"];
const CODE: [&str; 7] = ["code", "code-block", "sourcecode", "parsed-literal", "prompt", "productionlist", "ipython"];
/// Directives that are called by their names.
const CALLED: [&str; 13] = [
    "attention",
    "caution",
    "danger",
    "deprecated",
    "error",
    "hint",
    "important",
    "note",
    "seealso",
    "tip",
    "versionadded",
    "versionchanged",
    "warning",
];

/// A directive with what belongs to it.
struct Directive<'a> {
    name: &'a str,
    argument: String,
    options: Vec<(&'a str, &'a str)>,
    content: Vec<&'a str>,
}

impl Directive<'_> {
    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim())
    }

    fn number(&self, name: &str) -> usize {
        self.option(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

impl Parser {
    /// Reads what begins with two dots.
    pub(super) fn explicit(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let first = lines[0].strip_prefix("..").unwrap_or_default().trim();
        let (content, below) = indented(&lines[1..]);
        let length = 1 + below;
        // A footnote or a citation.
        if let Some((label, text)) = first.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let text: Vec<&str> = [text.trim()].into_iter().chain(content.iter().map(|line| line.trim())).collect();
            let text = self.inline.text(&text.join(" "));
            self.flow.paragraph(&format!("[{}] {}", label.trim_start_matches('#'), text.trim()))?;
            return Ok(length);
        }
        // Targets and substitutions are known already; an image that stands for a word has at most its description.
        if first.starts_with(['_', '|']) {
            return Ok(length);
        }
        match first.split_once("::").filter(|(name, _)| is_name(name.trim())) {
            Some((name, argument)) => {
                let directive = directive(name.trim(), argument.trim(), content);
                self.directive(&directive)?;
                Ok(length)
            }
            // An empty comment ends what stands before it, and has no lines of its own.
            None if first.is_empty() && lines.get(1).is_none_or(|next| next.is_empty()) => Ok(1),
            None => Ok(length),
        }
    }

    fn directive(&mut self, directive: &Directive<'_>) -> Result<(), ExtractError> {
        let argument = self.inline.text(&directive.argument);
        match directive.name {
            name if SILENT.contains(&name) => Ok(()),
            name if INCLUDING.contains(&name) => {
                self.flow
                    .writer
                    .warn(format!("{} is included from another file and is not in the text", directive.argument));
                Ok(())
            }
            name if CODE.contains(&name) => {
                let language = if name == "parsed-literal" { "" } else { language(&directive.argument) };
                self.caption(directive)?;
                self.flow.code(&directive.content.join("\n"), language)
            }
            name if UNCALLED.contains(&name) => self.body(&directive.content),
            "math" => {
                let formula: Vec<&str> =
                    [directive.argument.as_str()].into_iter().chain(directive.content.iter().copied()).collect();
                self.flow.code(&formula.join("\n"), "math")
            }
            "csv-table" => self.values(directive, &argument),
            "list-table" => self.list_table(directive, &argument),
            "image" => self.picture(directive),
            "figure" => {
                self.picture(directive)?;
                self.body(&directive.content)
            }
            name => {
                let called = CALLED.contains(&name).then(|| match name {
                    "versionadded" => "Added in version".to_owned(),
                    "versionchanged" => "Changed in version".to_owned(),
                    "deprecated" => "Deprecated since version".to_owned(),
                    "seealso" => "See also:".to_owned(),
                    name => format!("{}{}:", name[..1].to_uppercase(), &name[1..]),
                });
                let title = called.into_iter().chain(Some(argument).filter(|argument| !argument.is_empty()));
                self.flow.paragraph(&title.collect::<Vec<_>>().join(" "))?;
                self.body(&directive.content)
            }
        }
    }

    /// What stands for a picture, where somebody has written it down.
    fn picture(&mut self, directive: &Directive<'_>) -> Result<(), ExtractError> {
        match directive.option("alt").filter(|alt| !alt.is_empty()) {
            Some(alt) => self.flow.paragraph(&format!("[image: {}]", self.inline.text(alt))),
            None => Ok(()),
        }
    }

    fn caption(&mut self, directive: &Directive<'_>) -> Result<(), ExtractError> {
        let caption = self.inline.text(directive.option("caption").unwrap_or_default());
        self.flow.paragraph(&caption)
    }

    fn values(&mut self, directive: &Directive<'_>, title: &str) -> Result<(), ExtractError> {
        self.flow.paragraph(title)?;
        if let Some(file) = directive.option("file").or_else(|| directive.option("url")) {
            self.flow.writer.warn(format!("{file} is included from another file and is not in the text"));
        }
        let mut headers = directive.number("header-rows");
        let header = directive.option("header").map(str::to_owned);
        headers += usize::from(header.is_some());
        let source: Vec<String> = header.into_iter().chain([directive.content.join("\n")]).collect();
        let separator = match directive.option("delim").unwrap_or(",") {
            "tab" => b'\t',
            "space" => b' ',
            other => *other.as_bytes().first().unwrap_or(&b','),
        };
        let source = source.join("\n");
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(source.as_bytes());
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let record = record.map_err(|error| ExtractError::malformed("reStructuredText", error))?;
            rows.push(record.iter().map(|cell| self.cell(cell)).collect());
        }
        self.flow.table(&merged_header(rows, headers))
    }

    /// A table that is written as a list of lists.
    fn list_table(&mut self, directive: &Directive<'_>, title: &str) -> Result<(), ExtractError> {
        self.flow.paragraph(title)?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mark = |line: &str| {
            line.strip_prefix(['*', '-', '+'])
                .filter(|rest| rest.is_empty() || rest.starts_with(' '))
                .map(str::to_owned)
        };
        for line in &directive.content {
            let (is_row, inner) = match mark(line) {
                Some(rest) => (true, rest.trim().to_owned()),
                None => (false, line.strip_prefix("  ").unwrap_or(line).to_owned()),
            };
            if is_row {
                rows.push(Vec::new());
            }
            let Some(row) = rows.last_mut() else { continue };
            match (mark(&inner), row.last_mut()) {
                (Some(cell), _) => row.push(cell.trim().to_owned()),
                (None, Some(cell)) => {
                    cell.push('\n');
                    cell.push_str(inner.trim());
                }
                (None, None) => {}
            }
        }
        let rows = rows.iter().map(|row| row.iter().map(|cell| self.cell(cell)).collect()).collect();
        self.flow.table(&merged_header(rows, directive.number("header-rows")))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:+.".contains(&b))
}

/// The first word, where it can stand at a fence.
fn language(argument: &str) -> &str {
    let word = argument.split_whitespace().next().unwrap_or_default();
    if word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-#_.".contains(&b)) { word } else { "" }
}

/// The lines below a directive: more of its argument, options, and after a blank line its content.
fn directive<'a>(name: &'a str, argument: &str, lines: Vec<&'a str>) -> Directive<'a> {
    let mut argument = vec![argument];
    let mut options = Vec::new();
    let mut at = 0;
    // A line right below goes on with the argument, where there is one; else the content begins there.
    while let Some(line) = lines.get(at).filter(|line| !line.is_empty()) {
        match line.strip_prefix(':').and_then(|rest| rest.split_once(':')).filter(|(name, _)| is_name(name)) {
            Some((option, value)) => options.push((option, value)),
            None if options.is_empty() && !argument[0].is_empty() => argument.push(line.trim()),
            None => break,
        }
        at += 1;
    }
    let content = lines[at.min(lines.len())..].iter().skip_while(|line| line.is_empty()).copied().collect();
    Directive { name, argument: argument.join(" ").trim().to_owned(), options, content }
}
