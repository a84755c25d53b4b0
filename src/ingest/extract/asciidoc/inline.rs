//! The words of a text as they read: attributes filled in, no marks of emphasis, the text of links, code in backticks.

use super::Parser;

/// Macros whose first value is what is read.
const SHOWN: [&str; 9] = ["link", "xref", "mailto", "kbd", "btn", "pass", "stem", "latexmath", "asciimath"];

impl Parser {
    /// `{name}` where the document or the language says what it is.
    pub(super) fn filled(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let value = from.find('}').and_then(|end| Some((end, self.value(&from[1..end])?)));
            match value {
                Some((end, value)) => {
                    out.push_str(value);
                    rest = &from[end + 1..];
                }
                None => {
                    out.push('{');
                    rest = &from[1..];
                }
            }
            // Attributes may be put into each other, but not without end.
            if out.len() > text.len() + 100_000 {
                break;
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Option<&str> {
        Some(match name {
            "nbsp" => "\u{a0}",
            "zwsp" | "empty" | "blank" => "",
            "sp" => " ",
            "apos" => "'",
            "quot" => "\"",
            "lsquo" => "\u{2018}",
            "rsquo" => "\u{2019}",
            "ldquo" => "\u{201c}",
            "rdquo" => "\u{201d}",
            "deg" => "\u{b0}",
            "plus" => "+",
            "brvbar" => "\u{a6}",
            "vbar" => "|",
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "startsb" => "[",
            "endsb" => "]",
            "asterisk" => "*",
            "tilde" => "~",
            "caret" => "^",
            "backslash" => "\\",
            "backtick" => "`",
            "two-colons" => "::",
            "two-semicolons" => ";;",
            "cpp" | "cxx" => "C++",
            _ => return self.attributes.get(&name.to_lowercase()).map(String::as_str),
        })
    }

    pub(super) fn text(&self, source: &str) -> String {
        let source = self.filled(source);
        plain(&source, 0)
    }
}

/// Marks in marks: more than these are letters.
const MAX_DEPTH: usize = 8;

fn plain(source: &str, depth: usize) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let after_word = out.chars().last().is_some_and(char::is_alphanumeric);
        let taken = if depth >= MAX_DEPTH { 0 } else { special(rest, c, after_word, &mut out, depth) };
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

/// Reads what begins with `c`, and returns how long it is; 0 where it means nothing.
fn special(rest: &str, c: char, after_word: bool, out: &mut String, depth: usize) -> usize {
    match c {
        '\\' => {
            let next = rest.chars().nth(1).filter(|next| "*_`#^~{[<:\\".contains(*next));
            out.extend(next);
            next.map_or(0, |next| 1 + next.len_utf8())
        }
        '"' | '\'' if rest[1..].starts_with('`') => curved(rest, c, out, depth),
        '*' | '_' | '#' => marked(rest, c, after_word, out, depth),
        '`' => code(rest, after_word, out),
        '+' => passed(rest, out),
        '^' | '~' => raised(rest, c, out),
        '<' if rest.starts_with("<<") => reference(rest, out, depth),
        '[' => role(rest, out, depth),
        '(' if rest.starts_with("((") => index_term(rest, out),
        _ if c.is_ascii_alphabetic() && !after_word => link_or_macro(rest, out, depth),
        _ => 0,
    }
}

/// `*text*` between words, `**text**` anywhere.
fn marked(rest: &str, mark: char, after_word: bool, out: &mut String, depth: usize) -> usize {
    let double: String = [mark, mark].iter().collect();
    if let Some(inner) = rest.strip_prefix(double.as_str())
        && let Some(end) = inner.find(double.as_str()).filter(|end| *end > 0)
    {
        out.push_str(&plain(&inner[..end], depth + 1));
        return end + 4;
    }
    let inner = &rest[1..];
    if after_word || inner.starts_with(char::is_whitespace) {
        return 0;
    }
    let closes = |at: &usize| {
        let after = inner[at + 1..].chars().next();
        *at > 0
            && !inner[..*at].ends_with(char::is_whitespace)
            && after.is_none_or(|c| !c.is_alphanumeric() && c != mark)
    };
    let Some(end) = inner.match_indices(mark).map(|(at, _)| at).find(closes) else { return 0 };
    out.push_str(&plain(&inner[..end], depth + 1));
    end + 2
}

fn code(rest: &str, after_word: bool, out: &mut String) -> usize {
    let fence = if rest.starts_with("``") { "``" } else { "`" };
    let inner = &rest[fence.len()..];
    if after_word && fence.len() == 1 {
        return 0;
    }
    let Some(end) = inner.find(fence).filter(|end| *end > 0) else { return 0 };
    let text = &inner[..end];
    // `+text+` inside is passed through.
    let text = text.strip_prefix('+').and_then(|text| text.strip_suffix('+')).unwrap_or(text);
    let mark = if text.contains('`') { "``" } else { "`" };
    out.push_str(&format!("{mark}{text}{mark}"));
    end + 2 * fence.len()
}

/// `+text+` and `+++text+++` are no markup.
fn passed(rest: &str, out: &mut String) -> usize {
    let marks = rest.bytes().take_while(|byte| *byte == b'+').count().min(3);
    let (fence, inner) = rest.split_at(marks);
    let is_open = !inner.starts_with(char::is_whitespace) && !out.ends_with(|c: char| c.is_alphanumeric());
    let Some(end) = inner.find(fence).filter(|end| *end > 0 && is_open) else { return 0 };
    out.push_str(&inner[..end]);
    end + 2 * marks
}

/// `^2^` is an exponent, `~2~` an index.
fn raised(rest: &str, mark: char, out: &mut String) -> usize {
    let inner = &rest[1..];
    let Some(end) = inner.find(mark).filter(|end| *end > 0 && !inner[..*end].contains(char::is_whitespace)) else {
        return 0;
    };
    if mark == '^' && crate::ingest::extract::structure::takes_exponent(out) {
        out.push('^');
    }
    out.push_str(&inner[..end]);
    end + 2
}

/// `"`text`"`.
fn curved(rest: &str, quote: char, out: &mut String, depth: usize) -> usize {
    let Some(end) = rest[2..].find(&format!("`{quote}")).filter(|end| *end > 0) else { return 0 };
    let (open, close) = if quote == '"' { ('\u{201c}', '\u{201d}') } else { ('\u{2018}', '\u{2019}') };
    out.push(open);
    out.push_str(&plain(&rest[2..2 + end], depth + 1));
    out.push(close);
    end + 4
}

/// `<<target,text>>`.
fn reference(rest: &str, out: &mut String, depth: usize) -> usize {
    let Some(end) = rest.find(">>").filter(|end| *end > 2) else { return 0 };
    let inner = &rest[2..end];
    let shown = inner.split_once(',').map_or(inner, |(_, text)| text.trim());
    out.push_str(&plain(shown.trim_start_matches('#'), depth + 1));
    end + 2
}

/// `[.role]#text#` and anchors; other brackets are words.
fn role(rest: &str, out: &mut String, depth: usize) -> usize {
    if let Some(end) = rest.find("]]").filter(|_| rest.starts_with("[[")) {
        return end + 2;
    }
    let Some(end) = rest.find(']').filter(|end| rest[1..*end].starts_with(['.', '#'])) else { return 0 };
    let text = &rest[end + 1..];
    match text.chars().next() {
        Some(mark @ ('#' | '*' | '_')) => match marked(text, mark, false, out, depth) {
            0 => 0,
            taken => end + 1 + taken,
        },
        _ => 0,
    }
}

/// `((term))` is shown, `(((hidden)))` is not.
fn index_term(rest: &str, out: &mut String) -> usize {
    if rest.starts_with("(((") {
        return rest.find(")))").map_or(0, |end| end + 3);
    }
    let Some(end) = rest.find("))").filter(|end| *end > 2) else { return 0 };
    out.push_str(&rest[2..end]);
    end + 2
}

/// `https://example.org[text]`, `link:target[text]`, `footnote:[text]`, `image:file[text]`.
fn link_or_macro(rest: &str, out: &mut String, depth: usize) -> usize {
    let name_end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(name_end);
    let is_address = matches!(name, "http" | "https" | "ftp" | "irc") && after.starts_with("://");
    let is_macro = after.starts_with(':')
        && (SHOWN.contains(&name) || matches!(name, "image" | "icon" | "footnote" | "menu" | "anchor" | "indexterm"));
    if !is_address && !is_macro {
        return 0;
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    // The text of a link may hold blanks, its target may not.
    let Some(open) = rest[..end].find('[') else {
        if is_address {
            out.push_str(&rest[..end]);
            return end;
        }
        return 0;
    };
    let Some(close) = rest[open..].find(']').map(|at| open + at) else { return 0 };
    let inner = &rest[open + 1..close];
    let target = rest[..open].strip_prefix(name).unwrap_or_default().trim_start_matches(':');
    let first = inner.trim_end_matches('^').split(",window").next().unwrap_or_default().trim().trim_matches('"');
    let text = plain(first, depth + 1);
    match name {
        "image" | "icon" if text.split_whitespace().count() > 1 => out.push_str(&format!("[image: {text}]")),
        "image" | "icon" | "anchor" | "indexterm" => {}
        "footnote" => out.push_str(&format!(" ({text})")),
        "menu" => out.push_str(&format!("{target} > {text}")),
        _ if !text.is_empty() => out.push_str(&text),
        _ if is_address => out.push_str(&rest[..open]),
        _ => out.push_str(target),
    }
    close + 1
}
