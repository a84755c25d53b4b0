//! reStructuredText: titles by their adornments, paragraphs, lists, tables, literal blocks and the usual directives, as
//! Markdown. What other files would be included for is not in the file, and reported.
//!
//! Follows the specification of docutils and what Sphinx adds to it as far as words depend on it. May depend on `domain`
//! only.

mod directives;
mod inline;
mod lists;
mod tables;
#[cfg(test)]
mod tests;

use self::inline::Inline;
use super::{ExtractError, ExtractLimits, charset, flow::Flow};
use crate::domain::ExtractedDocument;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut flow = Flow::new("text/x-rst", limits);
    decoded.warnings.into_iter().for_each(|warning| flow.writer.warn(warning));
    let text = expand_tabs(&decoded.text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut parser = Parser {
        flow,
        inline: Inline::of(&lines),
        adornments: Vec::new(),
        depth: 0,
        max_depth: limits.max_depth.min(MAX_DEPTH),
    };
    parser.body(&lines)?;
    if parser.flow.writer.is_blank() {
        return Err(ExtractError::no_text("there is only markup without words in it"));
    }
    Ok(parser.flow.writer.finish(None))
}

/// Bodies in bodies cost stack.
const MAX_DEPTH: usize = 64;
const TAB: usize = 8;

struct Parser {
    flow: Flow,
    inline: Inline,
    /// The adornments of titles, outermost first: the character, and whether it stands above as well.
    adornments: Vec<(char, bool)>,
    depth: usize,
    max_depth: usize,
}

impl Parser {
    /// Reads lines that stand at the margin of what they are in.
    fn body(&mut self, lines: &[&str]) -> Result<(), ExtractError> {
        if self.depth >= self.max_depth {
            return Err(ExtractError::too_large("the depth of blocks in each other", self.max_depth as u64));
        }
        self.depth += 1;
        let mut rest = lines;
        while !rest.is_empty() {
            let taken = self.block(rest)?.clamp(1, rest.len());
            rest = &rest[taken..];
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads the block that begins with the first line, and returns how many lines it has.
    fn block(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let line = lines[0];
        if line.is_empty() {
            return Ok(1);
        }
        if self.depth == 1
            && let Some((title, adornment, length)) = title(lines)
        {
            let level = self.level_of(adornment);
            let title = self.inline.text(title);
            self.flow.heading(level, &title)?;
            return Ok(length);
        }
        if line.starts_with(' ') {
            return self.quotation(lines);
        }
        if line == ".." || line.starts_with(".. ") {
            return self.explicit(lines);
        }
        if line == "__" || line.starts_with("__ ") {
            return Ok(1);
        }
        if let Some((rows, headers, length)) = tables::table(lines) {
            let rows = rows.into_iter().map(|row| row.iter().map(|cell| self.cell(cell)).collect()).collect();
            self.flow.table(&super::flow::merged_header(rows, headers))?;
            return Ok(length);
        }
        if is_adornment(line) && line.chars().count() >= 4 {
            return Ok(1);
        }
        if line.starts_with(">>> ") {
            let length = lines.iter().take_while(|line| !line.is_empty()).count();
            self.flow.code(&lines[..length].join("\n"), "python")?;
            return Ok(length);
        }
        if line == "|" || line.starts_with("| ") {
            return self.lines_as_they_stand(lines);
        }
        match self.list(lines)? {
            Some(length) => Ok(length),
            None => self.paragraph(lines),
        }
    }

    /// What a cell says, in one line.
    fn cell(&self, cell: &str) -> String {
        let lines = cell.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        self.inline.text(&lines.join(" "))
    }

    /// An adornment has the level at which it was first seen.
    fn level_of(&mut self, adornment: (char, bool)) -> usize {
        if let Some(known) = self.adornments.iter().position(|known| *known == adornment) {
            return known + 1;
        }
        self.adornments.push(adornment);
        self.adornments.len()
    }

    fn quotation(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let (inner, length) = indented(lines);
        let outer = self.flow.begin_quote()?;
        self.body(&inner)?;
        self.flow.end_quote(outer);
        Ok(length)
    }

    fn lines_as_they_stand(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let is_on = |line: &&&str| **line == "|" || line.starts_with("| ") || line.starts_with("  ");
        let length = lines.iter().take_while(is_on).count();
        let bare = |line: &&str| self.inline.text(line.strip_prefix('|').unwrap_or(line).trim());
        let text: Vec<String> = lines[..length].iter().map(bare).collect();
        self.flow.paragraph(&text.join("\n"))?;
        Ok(length)
    }

    fn paragraph(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let length = lines.iter().take_while(|line| !line.is_empty()).count();
        let text = lines[..length].iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ");
        let Some(before) = text.strip_suffix("::") else {
            let text = self.inline.text(&text);
            self.flow.paragraph(&text)?;
            return Ok(length);
        };
        // Two colons announce a literal block, and are one colon unless they stand alone.
        let shown =
            if before.ends_with(' ') || before.is_empty() { before.trim().to_owned() } else { format!("{before}:") };
        let shown = self.inline.text(&shown);
        self.flow.paragraph(&shown)?;
        let blanks = lines[length..].iter().take_while(|line| line.is_empty()).count();
        let after = &lines[length + blanks..];
        match after.first() {
            Some(first) if first.starts_with(' ') => {
                let (inner, taken) = indented(after);
                self.flow.code(&inner.join("\n"), "")?;
                Ok(length + blanks + taken)
            }
            // A literal block may be quoted with any sign at the margin instead.
            Some(first) if first.starts_with(['>', '|', '$', '%']) => {
                let mark = first.chars().next();
                let taken = after.iter().take_while(|line| line.chars().next() == mark).count();
                self.flow.code(&after[..taken].join("\n"), "")?;
                Ok(length + blanks + taken)
            }
            _ => Ok(length),
        }
    }
}

/// A title: its words, its adornment, and how many lines it takes.
fn title<'a>(lines: &[&'a str]) -> Option<(&'a str, (char, bool), usize)> {
    let width = |text: &str| text.chars().count();
    if let [above, text, below, ..] = lines
        && is_adornment(above)
        && above == below
        && !text.trim().is_empty()
        && !is_adornment(text)
        && width(above) >= width(text.trim())
    {
        return Some((text.trim(), (above.chars().next()?, true), 3));
    }
    let [text, below, ..] = lines else { return None };
    let is_title = !text.starts_with(' ') && !is_adornment(text) && is_adornment(below);
    // A line that is too short is still one where it cannot be anything else.
    let is_long = width(below) >= width(text).min(4) && (width(below) >= 4 || width(below) >= width(text));
    (is_title && is_long).then(|| Some((*text, (below.chars().next()?, false), 2)))?
}

/// A line of one punctuation character, again and again.
fn is_adornment(line: &str) -> bool {
    let mut characters = line.chars();
    let Some(first) = characters.next() else { return false };
    first.is_ascii_punctuation() && line.len() >= 2 && characters.all(|c| c == first) && line != "::" && line != ".."
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The lines from the first on that are indented or blank, without the indent that all of them have, and how many they
/// are. Blank lines at the end are counted and not given.
fn indented<'a>(lines: &[&'a str]) -> (Vec<&'a str>, usize) {
    let length = lines.iter().take_while(|line| line.is_empty() || line.starts_with(' ')).count();
    let inner = &lines[..length];
    let least = inner.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let mut inner: Vec<&str> = inner.iter().map(|line| line.get(least..).unwrap_or_default()).collect();
    while inner.last().is_some_and(|line| line.is_empty()) {
        inner.pop();
    }
    (inner, length)
}

fn expand_tabs(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = TAB - column % TAB;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
