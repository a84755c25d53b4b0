//! The words of a Markdown text, without its markup.
//!
//! One reader for the truth and for every system, ours and peers alike. It goes by rules and not by a parser of
//! CommonMark: some systems escape what would be markup and some do not, and a parser would read the second kind wrong.
//!
//! A word is a longest run of letters and digits (Unicode), after compatibility composition (NFKC: a ligature is its
//! letters) and in lower case. Everything else separates words, and so the marks of headings, quotations and bullets,
//! emphasis, code, pipes, rules and escapes leave nothing. In scripts that put no blanks between words (Han, Kana, Thai,
//! Lao, Khmer, Burmese) each character is a word. The numbers of a list are words: a reader sees them.
//!
//! What is made of letters and no text is taken out before: HTML comments and tags, the line that opens a code fence,
//! the targets of links, and pictures with their descriptions, however a system writes them (`![…](…)`, our
//! `[image: …]`, a comment), since the systems differ on whether a description is text. Character references become
//! their characters. A box is one word for ticked and one for empty, whether it is written `[x]` or `☒`. In formulas
//! between dollar signs the names of LaTeX commands are markup, but for those of Greek letters, which
//! are the letters, and of functions (`\log`), which are their names.
//!
//! May depend on nothing of this crate.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// Names of HTML elements: `<p>` is a tag, and `<name>` in a manual is text.
const ELEMENTS: &str = "a b blockquote body br caption center code col colgroup dd del details div dl dt em figcaption \
    figure font h1 h2 h3 h4 h5 h6 head hr html i img ins li mark ol p pre s section small span strong sub summary sup \
    table tbody td tfoot th thead tr u ul";

/// The commands of LaTeX that are letters.
const GREEK: [(&str, char); 34] = [
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ε'),
    ("varepsilon", 'ε'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("pi", 'π'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'φ'),
    ("varphi", 'φ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'γ'),
    ("Delta", 'δ'),
    ("Theta", 'θ'),
    ("Lambda", 'λ'),
    ("Pi", 'π'),
    ("Sigma", 'σ'),
    ("Phi", 'φ'),
    ("Psi", 'ψ'),
    ("Omega", 'ω'),
];

/// The commands of LaTeX that are written as their names.
const NAMED: &str = "arg cos cosh cot det exp inf lim ln log max min sin sinh sup tan tanh";

/// What a ticked and an empty box are written as.
const TICKED: char = '☒';
const EMPTY: char = '☐';

/// The words of a text, in order.
pub fn words(markdown: &str) -> Vec<String> {
    let text = without_comments(markdown);
    let mut plain = String::with_capacity(text.len());
    for line in text.lines() {
        if !is_fence(line) {
            without_markup(&without_formulas(line), &mut plain);
        }
        plain.push('\n');
    }
    split(&html_escape::decode_html_entities(&plain))
}

/// Whether a line opens or closes a block of code; what stands behind the marks is the name of a language.
pub(super) fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") && !line.trim_start_matches('`').contains('`') || line.starts_with("~~~")
}

/// The text without its HTML comments; one that is not closed is text.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("<!--") {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        let Some((_, behind)) = after.split_once("-->") else { break };
        kept.push_str(before);
        kept.push(' ');
        rest = behind;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn without_formulas(line: &str) -> Cow<'_, str> {
    if !(line.contains('$') && line.contains('\\')) {
        return Cow::Borrowed(line);
    }
    // Every second part stands between dollar signs, single or double.
    let line = line.replace("$$", "$");
    let mut parts = line.split('$').enumerate().peekable();
    let mut text = String::with_capacity(line.len());
    while let Some((number, part)) = parts.next() {
        if number % 2 == 1 && parts.peek().is_some() {
            without_commands(part, &mut text);
        } else {
            text.push_str(part);
        }
        text.push(' ');
    }
    Cow::Owned(text)
}

fn without_commands(formula: &str, text: &mut String) {
    let mut rest = formula;
    while let Some((before, after)) = rest.split_once('\\') {
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        text.push_str(before);
        text.push(' ');
        text.push_str(NAMED.split(' ').find(|named| *named == name).unwrap_or_default());
        text.extend(GREEK.iter().find(|(greek, _)| *greek == name).map(|(_, letter)| letter));
        text.push(' ');
        rest = behind;
    }
    text.push_str(rest);
}

/// Appends a line without its pictures, targets of links and tags.
fn without_markup(line: &str, text: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find(['!', '[', ']', '<', '\\']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (written, length) = markup_at(rest).unwrap_or((None, 1));
        // A separator in its place, but for a tag: `a<b>b</b>` is one word.
        text.push(written.unwrap_or(if rest.starts_with('<') && length > 1 && !is_break(&rest[..length]) {
            JOINED
        } else {
            ' '
        }));
        rest = &rest[length..];
    }
    text.push_str(rest);
}

/// Stands where a tag stood inside a line, and is taken out when words are cut.
const JOINED: char = '\u{2060}';

/// Tags around what stands in lines of its own.
fn is_break(tag: &str) -> bool {
    let name = tag_name(tag);
    !["a", "b", "code", "del", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong", "u"]
        .iter()
        .any(|inline| name.eq_ignore_ascii_case(inline))
}

/// What the markup at the start of `rest` stands for, and its length in bytes; `None` where there is none.
fn markup_at(rest: &str) -> Option<(Option<char>, usize)> {
    for (box_, word) in [("[x]", TICKED), ("[X]", TICKED), ("[ ]", EMPTY)] {
        if rest.starts_with(box_) && !rest[box_.len()..].starts_with(['(', '[']) {
            return Some((Some(word), box_.len()));
        }
    }
    if let Some(escaped) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
        return escaped.is_ascii_punctuation().then_some((Some(escaped), 2));
    }
    if rest.starts_with("![") {
        let label = closed(&rest[1..], '[', ']')? + 1;
        let target = target_at(&rest[label..])?;
        return Some((None, label + target));
    }
    if rest.starts_with("[image: ") {
        return Some((None, closed(rest, '[', ']')?));
    }
    if let Some(behind) = rest.strip_prefix(']') {
        return Some((None, 1 + target_at(behind)?));
    }
    if rest.starts_with('<') {
        let end = rest.find('>')? + 1;
        let name = tag_name(&rest[..end]);
        return ELEMENTS.split(' ').any(|element| name.eq_ignore_ascii_case(element)).then_some((None, end));
    }
    None
}

fn tag_name(tag: &str) -> &str {
    let inner = tag.trim_start_matches(['<', '/']);
    &inner[..inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len())]
}

/// The length of `(target)` or `[label]` behind the text of a link.
fn target_at(rest: &str) -> Option<usize> {
    if rest.starts_with('(') { closed(rest, '(', ')') } else { None }
}

/// The length of what begins with `open` up to the `close` that belongs to it.
fn closed(rest: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            c if c == open => depth += 1,
            c if c == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + c.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.nfkc().filter(|c| *c != JOINED && *c != '\u{ad}').flat_map(char::to_lowercase) {
        let alone = stands_alone(c);
        if !word.is_empty() && (alone || !c.is_alphanumeric()) {
            words.push(std::mem::take(&mut word));
        }
        match c {
            _ if alone => words.push(c.to_string()),
            '☑' | TICKED => words.push(TICKED.to_string()),
            EMPTY => words.push(EMPTY.to_string()),
            c if c.is_alphanumeric() => word.push(c),
            _ => {}
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn stands_alone(c: char) -> bool {
    c.is_alphanumeric()
        && matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        words(text).join(" ")
    }

    #[test]
    fn markup_leaves_nothing_and_text_stays() {
        for (markdown, expected) in [
            ("## 2. A *first* __heading__", "2 a first heading"),
            ("> - quoted `code_here`", "quoted code here"),
            ("| a | b\\|c |\n|---|:-:|\n| 1 | 2 |", "a b c 1 2"),
            ("```rust\nlet x = 1;\n```\n", "let x 1"),
            ("see [the page](https://a.example/x_(y) \"title\") now", "see the page now"),
            ("![alt words](pic.png) [image: alt words] <!-- image --> end", "end"),
            ("a<b>b</b><br>c <i class=\"x\">d</i> <name> <https://e.example>", "ab c d name https e example"),
            ("AT&amp;T &lt;b&gt; x\\_y 1\\. \\*z\\*", "at t b x y 1 z"),
            ("- [x] done\n- [ ] open ☒ ☑ ☐", "☒ done ☐ open ☒ ☒ ☐"),
            ("area $A= \\pi r^{2}$ or \\frac", "area a π r 2 or frac"),
            ("$$\\frac{\\log n}{\\text{all}}$$", "log n all"),
            ("costs $5 or C:\\new for $6", "costs 5 or c for 6"),
            ("ﬁne Straße １２", "fine straße 12"),
            ("東京 and ไทย", "東 京 and ไ ท ย"),
            ("<!-- open", "open"),
        ] {
            assert_eq!(joined(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn what_is_written_in_two_ways_is_the_same() {
        for (one, other) in [
            ("* **Name**: x\\_1", "- Name: x_1"),
            ("| a | b |\n| - | - |", "<table><tr><td>a</td><td>b</td></tr></table>"),
            ("Title\n=====", "# Title"),
            ("\\[x\\](y)", "[x] (y)"),
        ] {
            let without_boxes = |text: &str| joined(text).replace('☒', "x");
            assert_eq!(without_boxes(one), without_boxes(other), "{one}");
        }
    }
}
