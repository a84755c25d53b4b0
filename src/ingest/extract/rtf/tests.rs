#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, extract};

fn document(source: &str) -> ExtractedDocument {
    let document = extract(source.as_bytes(), "a.rtf", &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn text(body: &str) -> String {
    document(&format!("{{\\rtf1\\ansi\\ansicpg1252\\deff0{{\\fonttbl{{\\f0 Arial;}}}}{body}}}")).text
}

#[test]
fn characters_are_what_their_code_page_or_number_says() {
    assert_eq!(text("caf\\'e9 \\u8364\\'80 \\u-10179?\\u-8704? \\{x\\}\\~y\\par"), "café € 😀 {x}\u{a0}y\n");
    assert_eq!(text("\\uc2\\u1076ab\\uc0\\u1072 \\uc1\\u1085??\\par"), "дан?\n");
    let fonts = "{\\fonttbl{\\f0\\fcharset204 A;}{\\f1\\fcharset128 B;}{\\f2\\fcharset2 Symbol;}}";
    let source = format!("{{\\rtf1\\ansi{fonts}\\f0\\'e4\\'e0 {{\\f1\\'93\\'fa\\'96\\'7b}} \\f2\\'b7\\par}}");
    assert_eq!(document(&source).text, "да 日本 \u{2022}\n");
}

#[test]
fn bytes_of_dos_are_read_in_their_code_page() {
    for (header, expected) in [
        ("\\pc", "üΘ\n"),
        ("\\pca", "üÚ\n"),
        ("\\ansi\\ansicpg437", "üΘ\n"),
        ("\\ansi\\ansicpg850", "üÚ\n"),
        ("\\ansi{\\fonttbl{\\f0\\fcharset255 A;}}\\f0", "üΘ\n"),
        ("\\ansi{\\fonttbl{\\f0\\cpg850 A;}}\\f0", "üÚ\n"),
    ] {
        assert_eq!(document(&format!("{{\\rtf1{header} \\'81\\'e9\\par}}")).text, expected, "{header}");
    }
}

#[test]
fn letters_of_symbol_are_the_signs_that_are_seen() {
    let fonts = "{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset2{\\*\\panose 05}Symbol;}{\\f2\\ftech Symbol;}{\\f3\\fcharset2 Wingdings;}\
        {\\f4\\fcharset2 Other;}}";
    let body =
        "\\f0 a{\\f1 a\\'a3b}{\\f2 p}{\\f3\\'fc}{\\f4 a\\'a3}{\\f1\\u-3913?}{\\f0\\u-3913?}{\\f3\\u-3844?}b\\par";
    assert_eq!(document(&format!("{{\\rtf1\\ansi{fonts}{body}}}")).text, "aα≤βπ✓a\u{2022}\u{2022}\u{2022}✓b\n");
}

#[test]
fn headings_are_found_by_style_and_by_outline_level() {
    let source = "{\\rtf1\\ansi{\\stylesheet{Normal;}{\\s1\\outlinelevel0 \\'dcberschrift 1;}{\\s2 heading 2;}{\\*\\cs9 Code;}}\
        {\\info{\\title The title}{\\author Nobody}}{\\header Page head\\par}\
        \\pard\\s1 First\\par\\pard\\s2 Second\\par\\pard\\plain Body\\line more\\par{\\pard\\outlinelevel2 Third\\par}}";
    let document = document(source);
    assert_eq!(document.text, "# First\n\n## Second\n\nBody\nmore\n\n### Third\n");
    assert_eq!(document.headings.iter().map(|heading| heading.level).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(document.title.as_deref(), Some("The title"));
}

#[test]
fn tables_have_rows_and_cells() {
    let row = "\\trowd\\cellx1000\\cellx2000\\pard\\intbl";
    let merged = "\\trowd\\clvmrg\\cellx1000\\cellx2000\\pard\\intbl";
    let body = format!(
        "before\\par {row} name\\cell age\\cell\\row {row} Ann\\cell 5\\par 6\\cell\\row {merged}\\cell 7\\cell\\row\\pard after\\par"
    );
    let document = document(&format!("{{\\rtf1\\ansi {body}}}"));
    assert_eq!(document.text, "before\n\n| name | age |\n| --- | --- |\n| Ann | 5 6 |\n| Ann | 7 |\n\nafter\n");
    assert_eq!(document.tables.len(), 1);
}

#[test]
fn lists_keep_their_marks_and_notes_follow_their_paragraph() {
    let body = "\\pard{\\listtext\\'b7\\tab}one\\par{\\listtext\\'b7\\tab}two\\par\\pard\\ilvl1{\\listtext 1.\\tab}inner\\par\
        \\pard plain{\\footnote\\chftn A note.\\par} text\\par";
    assert_eq!(text(body), "- one\n- two\n   1. inner\n\nplain text\n\nA note.\n");
}

#[test]
fn what_is_not_shown_is_left_out() {
    let body = "{\\field{\\*\\fldinst HYPERLINK \"https://example.org\"}{\\fldrslt the site}} {\\v hidden}{\\deleted gone}\
        {\\*\\bkmkstart mark}{\\pict\\pngblip 89504e47}{\\*\\unheard of}{\\object{\\*\\objdata 00}{\\result shown}}\
        \\bin3 }}}end\\par";
    assert_eq!(text(body), "the site shownend\n");
}

#[test]
fn a_page_inside_comes_out_again() {
    let source = b"{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 A {\\*\\htmltag84 &amp;}\\htmlrtf &\\htmlrtf0  B\
        \\htmlrtf\\par}\\htmlrtf0{\\*\\htmltag72 </p>\\par <table>}}";
    assert_eq!(html_inside(source).as_deref(), Some("<p>A &amp; B</p>\n<table>"));
    assert_eq!(html_inside(b"{\\rtf1 words}"), None);
}

#[test]
fn groups_without_end_are_refused_or_read() {
    let deep = format!("{{\\rtf1 {}x", "{".repeat(300));
    let refused = extract(deep.as_bytes(), "a.rtf", &ExtractLimits::default());
    assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{refused:?}");
    assert_eq!(document("{\\rtf1 \\trowd\\cellx1\\intbl open").text, "open\n");
    let empty = extract(b"{\\rtf1 {\\pict 00}}", "a.rtf", &ExtractLimits::default());
    assert!(matches!(empty, Err(ExtractError::NoText { .. })), "{empty:?}");
}
