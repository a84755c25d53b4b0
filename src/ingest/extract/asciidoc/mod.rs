//! AsciiDoc: titles, paragraphs, lists, tables and blocks of all kinds, as Markdown. What other files would be included
//! for is not in the file, and reported.
//!
//! Follows what Asciidoctor makes of a file, as far as words depend on it: attributes are filled in, comments are left
//! out, and both branches of a condition stay, since nobody has said which holds. May depend on `domain` only.

mod blocks;
mod inline;
mod lists;
mod prepare;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{ExtractError, ExtractLimits, charset, flow::Flow};
use crate::domain::ExtractedDocument;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut flow = Flow::new("text/asciidoc", limits);
    decoded.warnings.into_iter().for_each(|warning| flow.writer.warn(warning));
    let max_depth = limits.max_depth.min(MAX_DEPTH);
    let mut parser = Parser { flow, attributes: HashMap::new(), about: About::default(), depth: 0, max_depth };
    let prepared = parser.prepared(&decoded.text);
    let lines: Vec<&str> = prepared.iter().map(|line| &**line).collect();
    let begin = parser.header(&lines)?;
    parser.body(&lines[begin..])?;
    if parser.flow.writer.is_blank() {
        return Err(ExtractError::no_text("there is only markup without words in it"));
    }
    Ok(parser.flow.writer.finish(None))
}

/// Blocks in blocks cost stack.
const MAX_DEPTH: usize = 64;

/// What is said of the block that follows, in lines of their own.
#[derive(Debug, Default, Clone)]
struct About {
    /// `[source,rust]`, without the brackets.
    list: String,
    title: String,
}

impl About {
    /// The values between commas.
    fn values(&self) -> impl Iterator<Item = &str> {
        self.list.split(',').map(|value| value.trim().trim_matches('"'))
    }

    /// The first value without its shorthands: `source` of `source%linenums`.
    fn style(&self) -> &str {
        let first = self.list.split(',').next().unwrap_or_default().trim();
        first.split(['%', '#', '.']).next().unwrap_or_default()
    }

    /// The value of `name="…"`, which may have commas in it.
    fn named(&self, name: &str) -> Option<&str> {
        let at = self.list.find(&format!("{name}="))? + name.len() + 1;
        let rest = &self.list[at..];
        match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split(',').next().map(str::trim),
        }
    }
}

struct Parser {
    flow: Flow,
    attributes: HashMap<String, String>,
    about: About,
    depth: usize,
    max_depth: usize,
}

impl Parser {
    /// The title of the document and what stands right below it; returns where the body begins.
    fn header(&mut self, lines: &[&str]) -> Result<usize, ExtractError> {
        let mut at = 0;
        while lines.get(at).is_some_and(|line| line.is_empty() || line.starts_with("//") || self.attribute(line)) {
            if lines[at].starts_with("////") {
                return Ok(at);
            }
            at += 1;
        }
        let Some(title) = lines.get(at).and_then(|line| line.strip_prefix("= ").or_else(|| line.strip_prefix("# ")))
        else {
            return Ok(at);
        };
        // Attributes of the header hold in the title as well.
        let end = lines[at..].iter().position(|line| line.is_empty()).map_or(lines.len(), |blank| at + blank);
        let mut authors = Vec::new();
        for line in &lines[at + 1..end] {
            if !self.attribute(line) && !line.starts_with("//") {
                authors.push(*line);
            }
        }
        let title = self.text(title.trim());
        self.flow.heading(1, &title)?;
        let authors: Vec<String> = authors.iter().map(|line| self.text(line)).collect();
        self.flow.paragraph(&authors.join("\n"))?;
        Ok(end)
    }

    /// Takes note of `:name: value`; `:name!:` takes it back.
    fn attribute(&mut self, line: &str) -> bool {
        let Some((name, value)) = attribute_of(line) else { return false };
        let bare = name.trim_matches('!');
        if name == bare {
            let value = self.filled(value.trim());
            self.attributes.insert(bare.to_lowercase(), value);
        } else {
            self.attributes.remove(&bare.to_lowercase());
        }
        true
    }

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
}

/// The name and the value of `:name: value`.
fn attribute_of(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix(':')?.split_once(':')?;
    let bare = name.trim_matches('!');
    let is_name = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    (is_name && (value.is_empty() || value.starts_with(' '))).then_some((name, value))
}
