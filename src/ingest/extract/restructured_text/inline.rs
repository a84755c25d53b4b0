//! The words of a text as they read: no marks of emphasis, the text of links, code in backticks.

use std::collections::{HashMap, HashSet};

use super::{indent, is_adornment};

/// What the document defines for its texts.
pub(super) struct Inline {
    /// Substitutions by their names, in lower case.
    substitutions: HashMap<String, String>,
    /// Targets of references that are single words.
    targets: HashSet<String>,
}

/// Roles whose text is code.
const CODE: [&str; 20] = [
    "code", "literal", "func", "class", "meth", "mod", "attr", "exc", "data", "obj", "const", "file", "samp",
    "command", "program", "option", "envvar", "kbd", "type", "macro",
];

impl Inline {
    pub(super) fn of(lines: &[&str]) -> Self {
        let mut substitutions = HashMap::new();
        // Every title is a target, too.
        let titles = lines.windows(2).filter(|pair| is_adornment(pair[1])).map(|pair| pair[0].trim().to_lowercase());
        let mut targets: HashSet<String> = titles.collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix(".. ") else { continue };
            if let Some((name, value)) = rest.strip_prefix('|').and_then(|rest| rest.split_once("| replace::")) {
                // It goes on in the lines below that are further in.
                let is_more = |below: &&&str| !below.is_empty() && indent(below) > indent(line);
                let more = lines[at + 1..].iter().take_while(is_more).map(|below| below.trim());
                let words: Vec<&str> = [value.trim()].into_iter().chain(more).filter(|part| !part.is_empty()).collect();
                substitutions.insert(name.to_lowercase(), words.join(" "));
            } else if let Some((name, _)) = rest.strip_prefix('|').and_then(|rest| rest.split_once("| image::")) {
                // A badge, or the like.
                substitutions.insert(name.to_lowercase(), String::new());
            } else if let Some((name, _)) = rest.strip_prefix('_').and_then(|rest| rest.split_once(':')) {
                targets.insert(name.trim_matches('`').to_lowercase());
            }
        }
        Self { substitutions, targets }
    }

    pub(super) fn text(&self, source: &str) -> String {
        let mut out = String::with_capacity(source.len());
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            // Marks begin where a word does.
            let opens = out.chars().last().is_none_or(|before| !before.is_alphanumeric());
            let taken = match c {
                '\\' => {
                    let mut escaped = rest.chars().skip(1);
                    let next = escaped.next();
                    out.extend(next.filter(|next| !next.is_whitespace()));
                    1 + next.map_or(0, char::len_utf8)
                }
                '`' if rest.starts_with("``") => self.literal(rest, &mut out),
                '`' if opens => self.interpreted(rest, "", &mut out),
                ':' if opens => self.role(rest, &mut out),
                '*' if opens => emphasis(rest, &mut out),
                '|' if opens => self.substitution(rest, &mut out),
                '[' => footnote(rest, &mut out),
                '_' if !opens => self.reference(rest, &mut out),
                _ => 0,
            };
            let taken = if taken > 0 {
                taken
            } else {
                out.push(c);
                c.len_utf8()
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        out
    }

    /// ` ``code`` `.
    fn literal(&self, rest: &str, out: &mut String) -> usize {
        let Some(end) = rest[2..].find("``").filter(|end| *end > 0) else { return 0 };
        let code = &rest[2..2 + end];
        let fence = if code.contains('`') { "``" } else { "`" };
        out.push_str(&format!("{fence}{code}{fence}"));
        end + 4
    }

    /// `` `text` ``, `` `text <target>`_ ``, with a role before it or after it.
    fn interpreted(&self, rest: &str, role: &str, out: &mut String) -> usize {
        let Some(end) = rest[1..].find('`').filter(|end| *end > 0) else { return 0 };
        let text = &rest[1..1 + end];
        let shown = match text.rsplit_once('<') {
            Some((shown, target)) if target.ends_with('>') && !shown.trim().is_empty() => shown.trim(),
            Some((_, target)) => target.trim_end_matches('>'),
            None => text,
        };
        let name = role.rsplit(':').next().unwrap_or(role);
        if CODE.contains(&name) {
            out.push_str(&format!("`{}`", shown.trim_start_matches(['~', '!'])));
        } else {
            out.push_str(shown);
        }
        let mut length = end + 2;
        length += rest[length..].bytes().take(2).take_while(|byte| *byte == b'_').count();
        length
    }

    fn role(&self, rest: &str, out: &mut String) -> usize {
        let Some(end) = rest[1..].find(":`") else { return 0 };
        let role = &rest[1..1 + end];
        let is_role = !role.is_empty() && role.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:+.".contains(&b));
        if !is_role {
            return 0;
        }
        match self.interpreted(&rest[end + 2..], role, out) {
            0 => 0,
            taken => end + 2 + taken,
        }
    }

    fn substitution(&self, rest: &str, out: &mut String) -> usize {
        let Some(end) = rest[1..].find('|').filter(|end| *end > 0) else { return 0 };
        let Some(value) = self.substitutions.get(&rest[1..1 + end].to_lowercase()) else { return 0 };
        out.push_str(value);
        end + 2 + rest[end + 2..].bytes().take(2).take_while(|byte| *byte == b'_').count()
    }

    /// The mark behind a word that refers to something.
    fn reference(&self, rest: &str, out: &mut str) -> usize {
        let marks = rest.bytes().take_while(|byte| *byte == b'_').count();
        let ends = rest[marks..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        let word = out.rsplit(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).next().unwrap_or_default();
        if marks <= 2 && ends && self.targets.contains(&word.to_lowercase()) { marks } else { 0 }
    }
}

/// `*text*` and `**text**`.
fn emphasis(rest: &str, out: &mut String) -> usize {
    let mark = if rest.starts_with("**") { "**" } else { "*" };
    let inner = &rest[mark.len()..];
    if inner.starts_with(char::is_whitespace) {
        return 0;
    }
    let Some(end) = inner.find(mark).filter(|end| *end > 0 && !inner[..*end].ends_with(char::is_whitespace)) else {
        return 0;
    };
    out.push_str(&inner[..end]);
    end + 2 * mark.len()
}

/// `[1]_` and `[name]_`.
fn footnote(rest: &str, out: &mut String) -> usize {
    let Some(end) = rest.find("]_").filter(|end| *end > 1 && *end < 40) else { return 0 };
    let label = &rest[1..end];
    if label.contains(char::is_whitespace) || label.contains('[') {
        return 0;
    }
    out.push_str(&format!("[{}]", label.trim_start_matches('#')));
    end + 2
}
