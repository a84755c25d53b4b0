//! What is done with the lines of a file before any of them means a block, wherever they stand: in paragraphs, lists, cells and
//! code. Inclusions are taken out and reported, the lines of conditions are taken out and what they enclose stays, and
//! attributes that go on below become one line.

use std::borrow::Cow;

use super::{Parser, attribute_of};

const CONDITIONS: [&str; 4] = ["ifdef", "ifndef", "ifeval", "endif"];

impl Parser {
    /// The lines of a file without blanks at their ends.
    pub(super) fn prepared<'a>(&mut self, text: &'a str) -> Vec<Cow<'a, str>> {
        let mut prepared: Vec<Cow<'a, str>> = Vec::new();
        // The line that began a comment or a block of code, which ends with the same line.
        let mut open: Option<&str> = None;
        let mut lines = text.lines().map(str::trim_end).peekable();
        while let Some(line) = lines.next() {
            if open == Some(line) || open.is_none() && is_fence(line) {
                open = if open.is_none() { Some(line) } else { None };
                prepared.push(line.into());
                continue;
            }
            if open.is_some_and(|fence| fence.starts_with('/')) {
                prepared.push(line.into());
                continue;
            }
            if open.is_none() && attribute_of(line).is_some() {
                let mut whole = Cow::Borrowed(line);
                while let Some(begun) = whole.strip_suffix(" \\")
                    && let Some(more) = lines.next_if(|more| !more.is_empty())
                {
                    whole = Cow::Owned(format!("{} {}", begun.trim_end(), more.trim_start()));
                }
                // Names of files that are included have attributes in them.
                self.attribute(&whole);
                prepared.push(whole);
                continue;
            }
            let Some((name, target, list)) = directive(line) else {
                // A backslash keeps a line from being one.
                let bare = line.strip_prefix('\\').filter(|bare| directive(bare).is_some());
                prepared.push(bare.unwrap_or(line).into());
                continue;
            };
            if name == "include" {
                let target = self.filled(target);
                self.flow.writer.warn(format!("{target} is included from another file and is not in the text"));
            } else if matches!(name, "ifdef" | "ifndef") && !list.is_empty() {
                // `ifdef::x[words]` holds the words itself.
                prepared.push(list.into());
            }
        }
        // They are found again where they stand.
        self.attributes.clear();
        prepared
    }
}

/// A line that encloses a comment (`////`) or code.
fn is_fence(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() >= 4 && b"/-.".contains(&bytes[0]) && bytes.iter().all(|byte| *byte == bytes[0])
}

/// The name, the target and the list of a line that is no part of the text itself.
fn directive(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once("::")?;
    let (target, list) = rest.strip_suffix(']')?.split_once('[')?;
    let is_one = match name {
        "include" => !target.is_empty() && target.trim() == target,
        name => CONDITIONS.contains(&name) && !target.contains(char::is_whitespace),
    };
    is_one.then_some((name, target, list))
}
