//! Blocks: sections, delimited blocks, macros, paragraphs.

use super::{About, Parser};
use crate::ingest::extract::ExtractError;

const ADMONITIONS: [&str; 5] = ["NOTE", "TIP", "IMPORTANT", "CAUTION", "WARNING"];

impl Parser {
    /// Reads the block that begins with the first line, and returns how many lines it has.
    pub(super) fn block(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let line = lines[0];
        if line.is_empty() || self.attribute(line) {
            return Ok(1);
        }
        if let Some(length) = delimited(lines) {
            let about = std::mem::take(&mut self.about);
            self.delimited(&about, line, &lines[1..length - 1])?;
            return Ok(length);
        }
        if line.starts_with("//") || line == "'''" || line == "<<<" || line == "+" {
            return Ok(1);
        }
        if let Some((level, title)) = section(line) {
            self.about = About::default();
            let title = self.text(title);
            self.flow.heading(level, &title)?;
            return Ok(1);
        }
        if line.starts_with('[') && line.ends_with(']') {
            // An anchor says nothing of the block.
            if !line.starts_with("[[") {
                let list = line[1..line.len() - 1].to_owned();
                self.about.list = list;
            }
            return Ok(1);
        }
        if let Some(title) = line.strip_prefix('.').filter(|title| !title.starts_with([' ', '.'])) {
            self.about.title = title.to_owned();
            return Ok(1);
        }
        if self.block_macro(line)? {
            return Ok(1);
        }
        let about = std::mem::take(&mut self.about);
        self.title(&about)?;
        match self.list(lines)? {
            Some(length) => Ok(length),
            None => self.paragraph(&about, lines),
        }
    }

    pub(super) fn title(&mut self, about: &About) -> Result<(), ExtractError> {
        let title = self.text(&about.title);
        self.flow.paragraph(&title)
    }

    fn delimited(&mut self, about: &About, fence: &str, content: &[&str]) -> Result<(), ExtractError> {
        if fence.starts_with("////") || about.style() == "comment" {
            return Ok(());
        }
        self.title(about)?;
        let style = about.style();
        match fence.as_bytes() {
            [b'|' | b',' | b':' | b'!', b'=', ..] => self.table(about, fence, content),
            _ if matches!(style, "source" | "listing" | "literal" | "stem" | "latexmath" | "asciimath") => {
                self.code(about, content)
            }
            [b'-', b'-', b'-', ..] | [b'.', ..] => self.code(about, content),
            [b'`', ..] => self.flow.code(&content.join("\n"), fence.trim_start_matches('`').trim()),
            // Passed through as it is: markup of a page, of which nothing is known.
            [b'+', ..] => self.flow.paragraph(&content.join("\n")),
            [b'_', ..] if style == "verse" => self.quoted(about, |parser| parser.flow.paragraph(&content.join("\n"))),
            [b'_', ..] => self.quoted(about, |parser| parser.body(content)),
            _ if ADMONITIONS.contains(&style) => {
                self.flow.paragraph(&called(style))?;
                self.body(content)
            }
            _ => self.body(content),
        }
    }

    fn code(&mut self, about: &About, content: &[&str]) -> Result<(), ExtractError> {
        let language = if about.style() == "source" { about.values().nth(1).unwrap_or_default() } else { "" };
        let default = self.attributes.get("source-language").map(String::as_str).unwrap_or_default();
        let language = if language.is_empty() && about.style() == "source" { default } else { language };
        let can_stand = language.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-#_.".contains(&b));
        let language = if can_stand { language.to_owned() } else { String::new() };
        self.flow.code(&content.join("\n"), &language)
    }

    fn quoted(
        &mut self,
        about: &About,
        write: impl FnOnce(&mut Self) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        let outer = self.flow.begin_quote()?;
        write(self)?;
        // `[quote, who, where]`.
        let source: Vec<&str> =
            about.values().skip(1).filter(|value| !value.is_empty() && !value.contains('=')).collect();
        let source = self.text(&source.join(", "));
        if matches!(about.style(), "quote" | "verse") && !source.is_empty() {
            self.flow.paragraph(&format!("\u{2014} {source}"))?;
        }
        self.flow.end_quote(outer);
        Ok(())
    }

    /// Macros that stand in a line of their own.
    fn block_macro(&mut self, line: &str) -> Result<bool, ExtractError> {
        let Some((name, rest)) = line.split_once("::").filter(|(_, rest)| rest.ends_with(']')) else {
            return Ok(false);
        };
        let Some((_, list)) = rest.split_once('[') else { return Ok(false) };
        let list = list.strip_suffix(']').unwrap_or(list);
        match name {
            "image" | "video" | "audio" => {
                let about = std::mem::take(&mut self.about);
                self.title(&about)?;
                let alt = list.split(',').next().unwrap_or_default().trim().trim_matches('"');
                if !alt.is_empty() && !alt.contains('=') {
                    let alt = self.text(alt);
                    self.flow.paragraph(&format!("[image: {alt}]"))?;
                }
            }
            "toc" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn paragraph(&mut self, about: &About, lines: &[&str]) -> Result<usize, ExtractError> {
        let is_on = |line: &&&str| !line.is_empty() && **line != "+";
        // A block may begin right below.
        let ends = |at: usize| {
            at > 0 && (delimited(&lines[at..]).is_some() || lines[at].starts_with("[[") || is_list_line(lines[at]))
        };
        let all = lines.iter().take_while(is_on).count().max(1);
        let length = (0..all).find(|at| ends(*at)).unwrap_or(all);
        let words = &lines[..length];
        let style = about.style();
        if lines[0].starts_with([' ', '\t']) || matches!(style, "source" | "listing" | "literal") {
            self.code(about, words)?;
            return Ok(length);
        }
        let words: Vec<&str> = words.iter().copied().filter(|line| !line.starts_with("//")).collect();
        // A line that ends in a blank and a plus is broken there.
        let mut joined = String::new();
        for line in &words {
            let (line, breaks) = line.strip_suffix(" +").map_or((*line, style == "verse"), |line| (line, true));
            joined.push_str(line.trim());
            joined.push(if breaks { '\n' } else { ' ' });
        }
        let called_in_text =
            ADMONITIONS.into_iter().find_map(|name| Some((name, joined.strip_prefix(name)?.strip_prefix(": ")?)));
        let text = match called_in_text {
            Some((name, rest)) => format!("{} {}", called(name), self.text(rest)),
            None if ADMONITIONS.contains(&style) => format!("{} {}", called(style), self.text(&joined)),
            None => self.text(&joined),
        };
        if matches!(style, "quote" | "verse") {
            self.quoted(about, |parser| parser.flow.paragraph(&text))?;
        } else {
            self.flow.paragraph(&text)?;
        }
        Ok(length)
    }
}

/// `Note:`.
fn called(admonition: &str) -> String {
    format!("{}{}:", &admonition[..1], admonition[1..].to_lowercase())
}

/// `== Title`: the level and the words.
fn section(line: &str) -> Option<(usize, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '=' | '#'))?;
    let level = line.bytes().take_while(|byte| *byte == mark as u8).count();
    let title = line[level..].strip_prefix(' ')?.trim();
    let title = title.strip_suffix(&line[..level]).map_or(title, str::trim_end);
    ((1..=6).contains(&level) && !title.is_empty()).then_some((level, title))
}

fn is_list_line(line: &str) -> bool {
    super::lists::is_marked(line)
}

/// How many lines a delimited block has, fences included; one without an end goes to the end.
pub(super) fn delimited(lines: &[&str]) -> Option<usize> {
    let fence = lines[0];
    let bytes = fence.as_bytes();
    let all = |byte: u8| bytes.len() >= 4 && bytes.iter().all(|b| *b == byte);
    let is_table = matches!(fence, "|===" | ",===" | ":===" | "!===");
    let is_ticks = fence.starts_with("```") && !fence[3..].contains('`');
    if !(is_table || is_ticks || fence == "--" || b"/-.=*_+".iter().any(|byte| all(*byte))) {
        return None;
    }
    let closing = if is_ticks { "```" } else { fence };
    let end = lines[1..].iter().position(|line| *line == closing);
    Some(end.map_or(lines.len() + 1, |end| end + 2))
}
