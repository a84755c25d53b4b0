#![allow(clippy::unwrap_used)]
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 19] = [
    "a.txt", "a.md", "a.html", "a.csv", "a.tsv", "a.json", "a.jsonl", "README", "a.pdf", "a.rst", "a.adoc", "a.rtf",
    "a.eml", "a.mbox", "a.msg", "a.zip", "a.rs", "a.toml", "a.png",
];

/// Extracts, and holds the result to what every result keeps. A panic may only come from other people's code.
fn holds(bytes: &[u8], name: &str) -> Result<(), TestCaseError> {
    match catch_unwind(AssertUnwindSafe(|| extract(bytes, name, &ExtractLimits::default()))) {
        Ok(Ok(document)) => {
            prop_assert_eq!(check_structure(&document), Ok(()));
            prop_assert!(!document.text.trim().is_empty());
            let json = serde_json::to_string(&document).unwrap();
            prop_assert_eq!(serde_json::from_str::<ExtractedDocument>(&json).unwrap(), document);
        }
        Ok(Err(error)) => prop_assert!(!error.to_string().is_empty() && !error.is_transient()),
        Err(_) => prop_assert!(matches!(name, "a.pdf" | "a.html" | "a.eml"), "a panic on {}", name),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_end_as_a_document_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..600), name in 0..NAMES.len()) {
        holds(&bytes, NAMES[name])?;
    }

    #[test]
    fn any_text_ends_as_a_document_or_a_reason(text in "[ -~éß漢🦀\n\r\t|#<>\\[\\]{}\",:;`]{0,400}", name in 0..NAMES.len()) {
        holds(text.as_bytes(), NAMES[name])?;
    }

    #[test]
    fn any_markup_ends_as_a_document_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<p>", "</p>", "<table>", "<tr>", "<td colspan=3>", "<th rowspan=2>", "</table>", "<ul>", "<li>", "</ul>",
                "<pre>", "</pre>", "<h2>", "</h2>", "<dl>", "<dt>", "<dd>", "<nav>", "</nav>", "<main>", "<br>",
                "<blockquote>", "word", " é ", "\n", "<sup>2</sup>", "<img alt='a b'>", "&amp;", "<b>", "</b>",
            ]),
            0..60,
        )
    ) {
        holds(parts.concat().as_bytes(), "a.html")?;
    }

    #[test]
    fn any_light_markup_ends_as_a_document_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "\n", "\n\n", "    ", "  ", "word ", "é漢", "* ", "- ", "** ", "1. ", "#. ", ". ", ".. ", "====", "----", "=\n",
                "== T\n", "|===\n", "| a ", "|b", "2+|", ".2+|", "+--+--+\n", "+==+==+\n", "|x |y |\n", "==  ==\n", "::", ":: ",
                "`", "``", "*", "_", "**", "__", "<<", ">>", "[", "]", "[source,rust]\n", ".. note:: ", ".. list-table::\n",
                ":a: b\n", "{a}", "+\n", "include::x[]\n", ".. |n| replace:: x\n", "|n|", "\\", "~", "^", "\"`", "http://x[",
            ]),
            0..60,
        )
    ) {
        holds(parts.concat().as_bytes(), "a.rst")?;
        holds(parts.concat().as_bytes(), "a.adoc")?;
        holds(parts.concat().as_bytes(), "a.tex")?;
    }

    #[test]
    fn any_rich_text_ends_as_a_document_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "\\par ", "\\pard ", "word", "\\'e4", "\\'93", "\\u-10179?", "\\u8364 ", "\\uc2 ", "\\trowd ", "\\cellx100 ",
                "\\intbl ", "\\cell ", "\\row ", "\\clvmrg ", "{\\listtext\\'b7}", "{\\fonttbl{\\f1\\fcharset128 A;}}", "\\f1 ",
                "{\\stylesheet{\\s1 heading 1;}}", "\\s1 ", "\\outlinelevel0 ", "{\\footnote ", "{\\*\\x ", "\\bin3 ", "\\line ", "\\~",
            ]),
            0..60,
        )
    ) {
        holds(format!("{{\\rtf1 {}", parts.concat()).as_bytes(), "a.rtf")?;
    }

    #[test]
    fn any_mail_ends_as_a_document_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "From: a@b.org\n", "Subject: =?utf-8?Q?=C3=A9?=\n", "\n", "words\n", "--x\n", "--x--\n", "--y\n", "> quoted\n",
                "Content-Type: multipart/mixed; boundary=x\n", "Content-Type: multipart/alternative; boundary=y\n",
                "Content-Type: text/html\n", "<table><tr><td>a<td>b</table>", "Content-Type: message/rfc822\n", "\u{e9}",
                "Content-Transfer-Encoding: base64\n", "YSxi\n", "Content-Disposition: attachment; filename=a.csv\n", "Date: x\n",
            ]),
            0..40,
        )
    ) {
        holds(format!("To: a@b.org\n{}", parts.concat()).as_bytes(), "a.eml")?;
    }

    #[test]
    fn any_mailbox_ends_as_a_document_or_a_reason(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "From ann@example.org Tue Mar  5 10:30:00 2024\n", "From - Wed Mar 06 08:00:00 +0100 2024\r\n", "From the kitchen\n",
                ">From here\n", ">>From there\n", "Subject: x\n", "From: a@b.org\n", "\n", "words\n", "\u{e9}", "--x\n", "--x--\n",
                "Content-Type: multipart/mixed; boundary=x\n", "Content-Type: application/mbox; name=a.mbox\n",
            ]),
            0..40,
        )
    ) {
        let mailbox = format!("From a Tue Mar  5 10:30:00 2024\nSubject: first\n{}", parts.concat());
        holds(mailbox.as_bytes(), "a.mbox")?;
        holds(mailbox.as_bytes(), "mailbox")?;
    }

    #[test]
    fn any_values_end_as_a_document_or_a_reason(
        parts in prop::collection::vec(prop::sample::select(vec!["a", "1", "\"x\"", ",", ";", "\n", "|", "\t", "\"", "é"]), 0..80)
    ) {
        holds(parts.concat().as_bytes(), "a.csv")?;
        holds(parts.concat().as_bytes(), "a.tsv")?;
    }

    #[test]
    fn a_damaged_pdf_ends_as_a_document_or_a_reason(at in 0usize..900, byte in any::<u8>(), cut in 0usize..900) {
        let mut bytes = pdf::tests::pdf(&["BT /F1 12 Tf 72 700 Td (Some words) Tj /F2 9 Tf 0 -20 Td [(mo) -300 (re)] TJ ET"]);
        let at = at % bytes.len();
        bytes[at] = byte;
        holds(&bytes, "a.pdf")?;
        bytes.truncate(cut);
        holds(&bytes, "a.pdf")?;
    }
}

#[test]
fn plain_text_and_markdown_stay_as_they_were_written() {
    let source = "# No heading here?\n\n  indented * text \\_ | a |\n\n\n\nlast";
    for (name, syntax) in [("a.txt", crate::domain::TextSyntax::Plain), ("a.md", crate::domain::TextSyntax::Markdown)] {
        let document = extract(source.as_bytes(), name, &ExtractLimits::default()).unwrap();
        assert_eq!(document.text, source);
        assert_eq!(document.syntax, syntax);
    }
}

#[test]
fn a_text_over_the_limit_is_refused_and_not_cut() {
    let limits = ExtractLimits { max_text_bytes: 10, ..ExtractLimits::default() };
    for name in ["a.txt", "a.md", "a.csv", "a.html"] {
        let result = extract(b"more than ten bytes,x", name, &limits);
        assert!(matches!(result, Err(ExtractError::TooLarge { .. })), "{name}");
    }
}

#[test]
fn null_characters_become_blanks_of_the_same_length() {
    let source = format!("{}# a\0b\n{}", "line\n".repeat(300), "line\n".repeat(300));
    let document = extract(source.as_bytes(), "a.md", &ExtractLimits::default()).unwrap();
    assert!(document.text.contains("# a b"));
    assert_eq!(document.warnings.len(), 1);
    assert_eq!(check_structure(&document), Ok(()));
}

#[test]
fn errors_travel() {
    let error = ExtractError::ContradictsName { claimed: "plain text".into(), found: "a PDF".into() };
    let json = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<ExtractError>(&json).unwrap(), error);
    assert_eq!(serde_json::from_str::<ExtractError>("{\"kind\":\"empty\"}").unwrap(), ExtractError::Empty);
}
