//! Lists of items, of fields, of definitions and of options.

use super::{Parser, indent};
use crate::ingest::extract::ExtractError;

/// A mark at the beginning of a line, as Markdown has it, and where the words begin.
fn mark(line: &str) -> Option<(String, usize)> {
    if let Some(bullet) = ["- ", "* ", "+ ", "\u{2022} "].into_iter().find(|bullet| line.starts_with(bullet)) {
        return Some(("- ".into(), bullet.len()));
    }
    if matches!(line, "-" | "*" | "+") {
        return Some(("- ".into(), 1));
    }
    let (first, rest) = line.split_once(' ')?;
    let bare = first.strip_prefix('(').unwrap_or(first);
    let number = bare.strip_suffix(')').or_else(|| first.strip_suffix('.'))?;
    let is_number = number == "#"
        || (1..=4).contains(&number.len())
            && (number.bytes().all(|b| b.is_ascii_digit())
                || number.len() == 1 && number.bytes().all(|b| b.is_ascii_alphabetic())
                || number.bytes().all(|b| b"ivxlcIVXLC".contains(&b)));
    let words = line.len() - rest.trim_start().len();
    is_number.then(|| (format!("{first} "), words))
}

/// What sets the items of one list apart from those of another: the bullet, or that there are numbers.
fn kind(line: &str) -> Option<char> {
    line.chars().next().filter(|first| "-*+\u{2022}".contains(*first))
}

/// `:name: value`, and where the value begins.
fn field(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix(':')?;
    let end = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len))?;
    let name = &rest[..end];
    // `:role:`text`` is prose.
    (!name.is_empty() && !name.starts_with(' ') && !name.contains('`')).then(|| (name, rest[end + 1..].trim()))
}

/// The options of a command at the beginning of a line, `-a, --all=NAME`, and what is said of them.
fn options(line: &str) -> Option<(&str, &str)> {
    let (options, words) = line.split_once("  ").unwrap_or((line, ""));
    options.split(", ").all(is_option).then(|| (options, words.trim()))
}

/// Whether a text is an option as docutils has it: `-a`, `-aNAME`, `+x`, `--all`, `--all=<a name>`, `/V`.
fn is_option(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_argument = |text: &str| {
        let in_brackets = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
        match in_brackets {
            Some(inner) => !inner.is_empty() && !inner.contains(['<', '>']),
            None => text.starts_with(|c: char| c.is_ascii_alphabetic()) && is_name(text),
        }
    };
    if let Some(long) = text.strip_prefix("--").or_else(|| text.strip_prefix('/')) {
        let (name, argument) = match long.find(['=', ' ']) {
            Some(end) => (&long[..end], Some(&long[end + 1..])),
            None => (long, None),
        };
        return is_name(name) && argument.is_none_or(is_argument);
    }
    let Some(short) = text.strip_prefix(['-', '+']) else { return false };
    let Some(first) = short.chars().next().filter(char::is_ascii_alphanumeric) else { return false };
    let argument = &short[first.len_utf8()..];
    argument.is_empty() || is_argument(argument.strip_prefix(' ').unwrap_or(argument))
}

impl Parser {
    /// Reads a list, if the lines begin with one, and returns how many lines it has.
    pub(super) fn list(&mut self, lines: &[&str]) -> Result<Option<usize>, ExtractError> {
        if mark(lines[0]).is_some() && is_item(lines) {
            return self.items(lines).map(Some);
        }
        if field(lines[0]).is_some() {
            return self.fields(lines).map(Some);
        }
        if is_options(lines) {
            return self.options(lines).map(Some);
        }
        if lines.get(1).is_some_and(|next| next.starts_with(' ')) && !lines[0].ends_with("::") {
            return self.definitions(lines).map(Some);
        }
        Ok(None)
    }

    fn items(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let mut at = 0;
        let mut number = 0;
        let kind = lines.first().map(|line| kind(line));
        self.flow.begin_list();
        while let Some(line) = lines.get(at) {
            if line.is_empty() {
                at += 1;
                continue;
            }
            let Some((mut shown, words)) = mark(line).filter(|_| Some(self::kind(line)) == kind) else { break };
            number += 1;
            if shown.starts_with(['#', '(']) && shown.contains('#') {
                shown = format!("{number}. ");
            }
            let (rest, length) = below(&lines[at + 1..]);
            let inner: Vec<&str> = [line.get(words..).unwrap_or_default()].into_iter().chain(rest).collect();
            let outer = self.flow.begin_item(&shown)?;
            self.body(&inner)?;
            self.flow.end_item(outer);
            at += 1 + length;
        }
        self.flow.end_list();
        Ok(at)
    }

    fn fields(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let mut at = 0;
        let mut shown = Vec::new();
        while let Some((name, value)) = lines.get(at).and_then(|line| field(line)) {
            let (rest, length) = below(&lines[at + 1..]);
            let value = [value].into_iter().chain(rest.into_iter().map(str::trim)).filter(|part| !part.is_empty());
            let value = self.inline.text(&value.collect::<Vec<_>>().join(" "));
            shown.push(if value.is_empty() {
                self.inline.text(name)
            } else {
                format!("{}: {value}", self.inline.text(name))
            });
            at += 1 + length;
        }
        self.flow.paragraph(&shown.join("\n"))?;
        Ok(at)
    }

    /// Options are terms, and what they mean stands below them.
    fn options(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let mut at = 0;
        self.flow.begin_list();
        while let Some(line) = lines.get(at) {
            if line.is_empty() {
                at += 1;
                continue;
            }
            let Some((options, words)) = options(line).filter(|_| is_options(&lines[at..])) else { break };
            let (rest, length) = below(&lines[at + 1..]);
            let inner: Vec<&str> = Some(words).filter(|words| !words.is_empty()).into_iter().chain(rest).collect();
            let outer = self.flow.begin_item("- ")?;
            self.flow.paragraph(&format!("`{options}`"))?;
            self.flow.follow_closely();
            self.body(&inner)?;
            self.flow.end_item(outer);
            at += 1 + length;
        }
        self.flow.end_list();
        Ok(at)
    }

    /// A term is an item, and what it means stands below it, so that the two stay together.
    fn definitions(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let (inner, length) = below(&lines[1..]);
        let term = self.inline.text(&lines[0].replace(" : ", ": "));
        self.flow.begin_list();
        let outer = self.flow.begin_item("- ")?;
        self.flow.paragraph(&term)?;
        self.flow.follow_closely();
        self.body(&inner)?;
        self.flow.end_item(outer);
        self.flow.end_list();
        Ok(1 + length)
    }
}

/// Whether the lines begin with options of which something is said, on the same line or below it.
fn is_options(lines: &[&str]) -> bool {
    let Some((_, words)) = lines.first().and_then(|line| options(line)) else { return false };
    !words.is_empty() || lines.get(1).is_some_and(|next| next.starts_with(' '))
}

/// Whether the lines are items and no paragraph that begins like one: what goes on must be indented or an item.
fn is_item(lines: &[&str]) -> bool {
    lines.get(1).is_none_or(|next| next.is_empty() || next.starts_with(' ') || mark(next).is_some())
}

/// What belongs to the line above: indented lines, and blank ones between them.
fn below<'a>(lines: &[&'a str]) -> (Vec<&'a str>, usize) {
    let length = lines.iter().take_while(|line| line.is_empty() || line.starts_with(' ')).count();
    let used = lines[..length].iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let least = lines[..used].iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    (lines[..used].iter().map(|line| line.get(least..).unwrap_or_default()).collect(), used)
}
