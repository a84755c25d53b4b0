//! Lines that begin a definition, by the keywords of their language.

use std::ops::Range;

/// A definition at the left margin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) level: usize,
    /// The keyword and the name.
    pub(super) title: String,
    /// The line, and the comments and attributes right above it.
    pub(super) range: Range<usize>,
}

/// The words that may stand before the keyword.
const BEFORE: [&str; 30] = [
    "pub",
    "export",
    "default",
    "declare",
    "async",
    "public",
    "private",
    "protected",
    "internal",
    "static",
    "abstract",
    "final",
    "sealed",
    "partial",
    "unsafe",
    "const",
    "virtual",
    "override",
    "open",
    "data",
    "inline",
    "local",
    "suspend",
    "extern",
    "unique",
    "or",
    "replace",
    "create",
    "readonly",
    "case",
];
/// A longer title tells no more.
const LONGEST: usize = 80;

/// The keywords that begin a definition.
fn keywords(language: &str) -> &'static [&'static str] {
    match language {
        "rust" => &["fn", "struct", "enum", "trait", "impl", "mod", "union", "type", "macro_rules!"],
        "python" => &["def", "class"],
        "javascript" | "typescript" | "tsx" => {
            &["function", "function*", "class", "interface", "enum", "type", "namespace"]
        }
        "java" | "groovy" => &["class", "interface", "enum", "record", "@interface"],
        "c" => &["struct", "enum", "union"],
        "cpp" => &["class", "struct", "enum", "union", "namespace"],
        "go" => &["func", "type"],
        "ruby" => &["def", "class", "module"],
        "php" => &["function", "class", "interface", "trait", "enum"],
        "csharp" | "vb" => &["class", "interface", "struct", "enum", "record", "namespace", "module"],
        "kotlin" => &["fun", "class", "interface", "object", "enum"],
        "swift" => &["func", "class", "struct", "enum", "protocol", "extension", "actor"],
        "scala" => &["def", "class", "object", "trait"],
        "dart" => &["class", "mixin", "extension", "enum"],
        "bash" | "powershell" | "lua" | "julia" => &["function", "struct", "module"],
        "perl" => &["sub", "package"],
        "elixir" => &["defmodule", "defprotocol", "defimpl"],
        "clojure" | "lisp" => &["(defn", "(defmacro", "(defun", "(define", "(defprotocol", "(defrecord"],
        "solidity" => &["contract", "interface", "library"],
        "sql" => &["table", "view", "function", "procedure", "trigger", "type", "schema"],
        "protobuf" => &["message", "service", "enum"],
        "graphql" => &["type", "interface", "enum", "input", "union", "query", "mutation", "fragment"],
        "hcl" => &["resource", "module", "variable", "output", "data", "provider"],
        _ => &[],
    }
}

pub(super) fn find(text: &str, language: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut at = 0;
    // Where the comments above the line begin.
    let mut about: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let (start, bare) = (at, line.trim_end());
        at += line.len();
        if let Some((level, title)) = title_of(bare, language) {
            let begin = about.take().unwrap_or(start);
            found.push(Definition { level, title, range: begin..start + bare.len() });
        } else if is_about_what_follows(bare, language) {
            about.get_or_insert(start);
        } else {
            about = None;
        }
    }
    found
}

fn title_of(line: &str, language: &str) -> Option<(usize, String)> {
    match language {
        "toml" | "ini" => {
            let is_section = line.starts_with('[') && line.ends_with(']') && line.len() <= LONGEST;
            return is_section.then(|| (1, line.to_owned()));
        }
        "latex" => return latex(line),
        _ => {}
    }
    let mut rest = line;
    let in_sql = language == "sql";
    if in_sql && !line.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("create ")) {
        return None;
    }
    // The margin is what tells a definition from one inside another.
    if rest.starts_with(char::is_whitespace) {
        return None;
    }
    loop {
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '<' || c == '(' && !rest.starts_with('('))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let known = if in_sql { word.to_ascii_lowercase() } else { word.to_owned() };
        if keywords(language).contains(&known.as_str()) {
            let title = signature(rest, end);
            return (title.len() > word.len()).then_some((1, title));
        }
        // `pub(crate)`, `extern "C"`.
        let after = match after.strip_prefix('(') {
            Some(inner) if word == "pub" => inner.split_once(')')?.1,
            _ => after,
        };
        let after = after.trim_start();
        let after = match after.strip_prefix('"') {
            Some(inner) if word == "extern" => inner.split_once('"')?.1.trim_start(),
            _ => after,
        };
        if !BEFORE.contains(&known.as_str()) || after.is_empty() || after.len() >= rest.len() {
            return None;
        }
        rest = after;
    }
}

/// The keyword, which ends at `keyword`, and what it names: up to the arguments, the body or the value.
fn signature(line: &str, keyword: usize) -> String {
    let (word, named) = line.split_at(keyword);
    let word = word.trim_start_matches('(');
    // `func (r *Reader) Read(…)` names the type first; `impl<T> From<T> for X` is all name.
    let skip =
        if word == "func" && named.trim_start().starts_with('(') { named.find(')').map_or(0, |at| at + 1) } else { 0 };
    let is_end = |c: char| matches!(c, '{' | ';' | '=') || word != "impl" && matches!(c, '(' | ':' | '<');
    let end = named[skip..].find(is_end).map_or(named.len(), |at| skip + at);
    let title = format!("{word}{}", named[..end].trim_end());
    title.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

/// `\section{Title}`.
fn latex(line: &str) -> Option<(usize, String)> {
    let line = line.trim_start().strip_prefix('\\')?;
    let (command, rest) = line.split_once('{')?;
    let level = match command.trim_end_matches('*') {
        "part" | "chapter" => 1,
        "section" => 2,
        "subsection" => 3,
        "subsubsection" => 4,
        "paragraph" => 5,
        _ => return None,
    };
    let title = rest.rsplit_once('}').map_or(rest, |(title, _)| title);
    Some((level, title.replace(['{', '}'], "")))
}

/// A comment or an attribute at the margin.
fn is_about_what_follows(line: &str, language: &str) -> bool {
    let marks: &[&str] = match language {
        "python" | "ruby" | "bash" | "perl" | "elixir" | "toml" | "graphql" | "hcl" | "julia" | "r" => &["#", "@"],
        "ini" => &["#", ";"],
        "sql" | "lua" => &["--"],
        "clojure" | "lisp" => &[";"],
        "latex" => &["%"],
        "rust" | "php" => &["//", "/*", " *", "*/", "#["],
        _ => &["//", "/*", " *", "*/", "@"],
    };
    marks.iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(language: &str, source: &str) -> Vec<String> {
        find(source, language).into_iter().map(|definition| definition.title).collect()
    }

    #[test]
    fn definitions_are_named_by_keyword_and_name() {
        for (language, line, title) in [
            ("rust", "pub(crate) async fn read<'a>(x: &'a str) {", "fn read"),
            ("rust", "pub extern \"C\" fn f() {", "fn f"),
            ("python", "class Reader(Base):", "class Reader"),
            ("python", "async def main():", "def main"),
            ("typescript", "export default class A extends B {", "class A extends B"),
            ("go", "func (r *Reader) Read(p []byte) int {", "func (r *Reader) Read"),
            ("java", "public final class Main {", "class Main"),
            ("sql", "CREATE OR REPLACE VIEW sales AS", "VIEW sales AS"),
            ("clojure", "(defn add [a b]", "defn add [a b]"),
            ("latex", "\\section*{The \\emph{end}}", "The \\emphend"),
            ("hcl", "resource \"a\" \"b\" {", "resource \"a\" \"b\""),
        ] {
            assert_eq!(titles(language, line), [title], "{line}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for (language, line) in [
            ("rust", "    fn inner() {}"),
            ("rust", "fnord(1)"),
            ("python", "default = 1"),
            ("sql", "select table from x"),
            ("yaml", "class: a"),
            ("rust", "pub"),
            ("rust", "fn"),
            ("c", "int main(void) {"),
        ] {
            assert_eq!(titles(language, line), Vec::<String>::new(), "{line}");
        }
    }
}
