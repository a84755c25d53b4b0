#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{Heading, Page, TextSyntax};

/// Two special tokens, and one for every four letters of a word.
fn by_word(text: &str) -> usize {
    2 + text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>()
}

/// A tokenizer that does not care for words, so that sums of words are wrong.
fn by_byte(text: &str) -> usize {
    2 + text.len()
}

fn chunker(counter: fn(&str) -> usize, max: usize, target: usize, min: usize) -> Chunker {
    Chunker::new(ChunkerConfig { max_tokens: max, target_tokens: target, min_tokens: min }, Arc::new(counter))
}

fn small() -> Chunker {
    chunker(by_word, 40, 24, 6)
}

fn plain(text: &str) -> ExtractedDocument {
    ExtractedDocument { text: text.into(), ..ExtractedDocument::default() }
}

/// A Markdown document with the headings and pipe tables of its lines, as extraction would report them.
fn markdown(text: &str) -> ExtractedDocument {
    let mut document =
        ExtractedDocument { text: text.into(), syntax: TextSyntax::Markdown, ..ExtractedDocument::default() };
    let (mut at, mut rows) = (0, Vec::<Range<usize>>::new());
    for line in text.split_inclusive('\n').chain([""]) {
        let range = at..at + line.len();
        at = range.end;
        if line.starts_with('|') {
            rows.push(range);
            continue;
        }
        if let [first, second, .., last] = rows.as_slice() {
            document.tables.push(Table { range: first.start..last.end, header: first.start..second.end });
        }
        rows.clear();
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if (1..=6).contains(&level) && line[level..].starts_with(' ') {
            document.headings.push(Heading { level: level as u8, title: line[level..].trim().into(), range });
        }
    }
    document
}

/// Everything that holds for the chunks of every document.
fn check(document: &ExtractedDocument, chunked: &Chunked, counter: fn(&str) -> usize, max: usize) {
    let index = CodePointIndex::new(&document.text);
    let mut covered = 0;
    for (ordinal, chunk) in chunked.chunks.iter().enumerate() {
        assert_eq!(chunk.ordinal as usize, ordinal);
        assert_eq!(index.slice(chunk.range), Some(chunk.text.as_str()));
        let start = index.byte_of(chunk.range.start).unwrap();
        let end = index.byte_of(chunk.range.end).unwrap();
        assert!(start >= covered && end > start, "chunks overlap or are empty");
        assert!(document.text[covered..start].trim().is_empty(), "lost: {:?}", &document.text[covered..start]);
        covered = end;
        let tokens = counter(&indexed(&chunk.context, &chunk.text));
        assert_eq!(chunk.tokens as usize, tokens);
        assert!(tokens <= max, "{tokens} tokens: {chunk:?}");
        assert_eq!(chunk.page, document.page_of(start));
        for table in &document.tables {
            let header = document.text[table.header.clone()].trim();
            if table.header.end <= start && start < table.range.end && chunked.warnings.is_empty() {
                assert!(chunk.context.ends_with(header), "no header in {chunk:?}");
            }
        }
    }
    assert!(document.text[covered..].trim().is_empty(), "lost: {:?}", &document.text[covered..]);
}

fn markdown_like() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "#{1,6} \\PC{0,20}",
        "[a-z ,.]{0,120}",
        "\\PC{0,60}",
        "- [a-z ]{1,30}",
        "```",
        "> [a-z ]{0,40}",
        "    [a-z_();]{1,40}",
        Just("---".to_owned()),
        Just(String::new()),
        Just("\r".to_owned()),
        "[一-龥]{1,60}",
        "[a-zA-Z0-9+/]{60,90}",
    ];
    let table = (1usize..4, 0usize..30).prop_map(|(columns, rows)| {
        let row = |cell: String| format!("|{}\n", format!(" {cell} |").repeat(columns));
        row("head".into())
            + &row("---".into())
            + &(0..rows).map(|number| row(format!("cell {number}"))).collect::<String>()
    });
    prop::collection::vec(prop_oneof![4 => line.prop_map(|line| line + "\n"), 1 => table], 0..30)
        .prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn plain_text_is_covered_exactly(text in "(\\PC|[ \n\r\t\u{3000}]){0,600}") {
        let document = plain(&text);
        check(&document, &small().chunk(&document, "a.txt"), by_word, 40);
    }

    #[test]
    fn markdown_is_covered_exactly(text in markdown_like(), title in prop::option::of("[a-z ]{0,80}")) {
        let document = ExtractedDocument { title, ..markdown(&text) };
        check(&document, &small().chunk(&document, "a.md"), by_word, 40);
    }

    #[test]
    fn a_tokenizer_that_joins_words_loses_nothing(text in markdown_like()) {
        let document = markdown(&text);
        check(&document, &chunker(by_byte, 120, 80, 10).chunk(&document, "a.md"), by_byte, 120);
    }

    #[test]
    fn the_same_document_gives_the_same_chunks(text in markdown_like()) {
        let document = markdown(&text);
        prop_assert_eq!(small().chunk(&document, "a.md"), small().chunk(&document, "a.md"));
    }
}

#[test]
fn paragraphs_stay_whole_where_they_fit() {
    let document =
        plain("one two three four five six seven eight nine\n\nten eleven twelve thirteen fourteen fifteen\n\nlast");
    let chunks = chunker(by_word, 26, 10, 4).chunk(&document, "Numbers.txt").chunks;
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(texts[0], "one two three four five six seven eight nine");
    assert!(chunks.iter().all(|chunk| chunk.context == "Numbers"));
}

#[test]
fn a_chunk_knows_its_headings_and_page() {
    let body = "word ".repeat(90);
    let mut document = markdown(&format!("# Guide\n\nIntro.\n\n## Install\n\n{body}\n\n### On Linux\n\n{body}"));
    let middle = document.text.find("### On").unwrap();
    document.pages = vec![Page { number: 1, range: 0..middle }, Page { number: 2, range: middle..document.text.len() }];
    let chunks = chunker(by_word, 60, 24, 3).chunk(&document, "guide.md").chunks;
    let linux: Vec<_> = chunks.iter().filter(|chunk| chunk.page == Some(2)).collect();
    assert_eq!(linux[0].heading_path, ["Guide", "Install", "On Linux"]);
    assert_eq!(linux[0].context, "guide > Guide > Install", "its own heading is in its text");
    assert_eq!(linux[1].context, "guide > Guide > Install > On Linux");
    assert!(linux[0].text.starts_with("### On Linux"));
}

#[test]
fn a_title_that_is_the_first_heading_is_said_once() {
    let body = "word ".repeat(90);
    let document = ExtractedDocument { title: Some("Guide".into()), ..markdown(&format!("# Guide\n\n{body}")) };
    let chunks = chunker(by_word, 60, 24, 3).chunk(&document, "guide.md").chunks;
    assert_eq!((chunks[0].context.as_str(), chunks[1].context.as_str()), ("", "Guide"));
    assert!(chunks[0].text.starts_with("# Guide"));
}

#[test]
fn small_sections_are_joined_but_never_with_a_higher_one() {
    let document = markdown("# A\n\n## B\n\nbee\n\n## C\n\nsea\n\n# D\n\ndee\n");
    let chunks = chunker(by_word, 60, 40, 10).chunk(&document, "x.md").chunks;
    assert_eq!(chunks.len(), 1, "siblings and children join: {chunks:?}");
    let document = markdown("## B\n\nbee\n\n# D\n\ndee\n");
    assert_eq!(chunker(by_word, 60, 40, 10).chunk(&document, "x.md").chunks.len(), 2);
}

#[test]
fn a_split_table_repeats_its_header() {
    let rows: String = (0..40).map(|row| format!("| row {row} | value |\n")).collect();
    let document = markdown(&format!("Before.\n\n| name | worth |\n| --- | --- |\n{rows}\nAfter."));
    let chunked = small().chunk(&document, "t.md");
    check(&document, &chunked, by_word, 40);
    let rest: Vec<_> = chunked.chunks.iter().filter(|chunk| chunk.context.contains("| name | worth |")).collect();
    assert!(rest.len() > 3);
    assert!(rest.iter().all(|chunk| chunk.text.starts_with("| row")), "cut between rows only");
}

#[test]
fn what_does_not_fit_into_a_context_is_reported() {
    let header = format!("| {} |\n| --- |\n", "wide ".repeat(30));
    let document = markdown(&format!("{header}{}", "| cell |\n".repeat(40)));
    let chunked = small().chunk(&document, "t.md");
    assert!(chunked.warnings.iter().any(|warning| warning.contains("header")), "{:?}", chunked.warnings);
    let document = ExtractedDocument { title: Some("long ".repeat(60)), ..plain("text") };
    let chunked = small().chunk(&document, "t.md");
    assert_eq!(chunked.chunks[0].context, "");
    assert!(chunked.warnings.iter().any(|warning| warning.contains("headings")), "{:?}", chunked.warnings);
}

#[test]
fn large_texts_take_time_in_proportion() {
    // Without paragraphs, headings or even line ends there is nothing to cut at but words and windows.
    let document = plain(&"word ".repeat(200_000));
    let chunked = chunker(by_word, 256, 160, 48).chunk(&document, "big.txt");
    check(&document, &chunked, by_word, 256);
    assert!(chunked.chunks.len() > 1_000);
}

#[test]
fn an_empty_document_has_no_chunks() {
    assert_eq!(small().chunk(&plain(" \n\t"), "x"), Chunked::default());
}
