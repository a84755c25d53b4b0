//! The chunker: whatever document, its chunks are its text, in order and whole, within their sizes.

use std::{ops::Range, sync::Arc};

use footnote::{
    domain::{ExtractedDocument, Heading, Page, Table, TextSyntax, text::CodePointIndex},
    ingest::chunk::{Chunked, Chunker, ChunkerConfig},
};

use super::Input;

/// Two special tokens, and one for every four letters of a word.
pub fn by_word(text: &str) -> usize {
    2 + text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>()
}

/// Everything that holds for the chunks of every document.
pub fn check(document: &ExtractedDocument, chunked: &Chunked, max_tokens: usize) {
    let index = CodePointIndex::new(&document.text);
    let mut covered = 0;
    for (ordinal, chunk) in chunked.chunks.iter().enumerate() {
        assert_eq!(chunk.ordinal as usize, ordinal);
        assert_eq!(index.slice(chunk.range), Some(chunk.text.as_str()), "a chunk is the text at its place");
        let start = index.byte_of(chunk.range.start).expect("in the text");
        let end = index.byte_of(chunk.range.end).expect("in the text");
        assert!(start >= covered && end > start, "chunks overlap or are empty");
        assert!(document.text[covered..start].trim().is_empty(), "lost: {:?}", &document.text[covered..start]);
        covered = end;
        assert!(chunk.tokens as usize <= max_tokens, "{} tokens", chunk.tokens);
        assert_eq!(chunk.page, document.page_of(start));
    }
    assert!(document.text[covered..].trim().is_empty(), "lost: {:?}", &document.text[covered..]);
}

/// What an input of [`document`] may begin with: two headings, a page break and a table.
pub const PLACES: &[u8] = b"\0\x40\0\x20\0\x08\x01\x02\x01\x01\x01\x10\x01\x40\x02\0\x03\0\0\x80\0\x10\0\x20\0\x60";

/// A document with ranges from the input: its first bytes say how many headings, pages and tables, where they stand, and
/// how large chunks are; the rest is the text.
pub fn document(bytes: &[u8]) {
    let mut input = Input(bytes);
    let max_tokens = 16 + input.below(256);
    let config = ChunkerConfig {
        max_tokens,
        target_tokens: 8 + input.below(max_tokens - 8),
        min_tokens: input.below(max_tokens / 2),
    };
    let syntax = if input.byte() % 2 == 0 { TextSyntax::Plain } else { TextSyntax::Markdown };
    let counts = [input.byte() % 8, input.byte() % 4, input.byte() % 4];
    let places: Vec<usize> = (0..counts[0] * 2 + counts[1] + counts[2] * 3).map(|_| input.below(1 << 16)).collect();
    let text = input.text().into_owned();
    if text.is_empty() {
        return;
    }
    // Places in the text that begin a character, ascending.
    let place = |at: usize| (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (headings, rest) = places.split_at(usize::from(counts[0]) * 2);
    let (pages, tables) = rest.split_at(usize::from(counts[1]));
    let ascending = |places: &[usize]| {
        let mut places: Vec<usize> = places.iter().map(|at| place(*at)).collect();
        places.sort_unstable();
        places
    };
    let headings = ascending(headings).chunks_exact(2).map(|pair| pair[0]..pair[1]).collect::<Vec<Range<usize>>>();
    let tables = ascending(tables);
    let pages: Vec<usize> = [0].into_iter().chain(ascending(pages)).chain([text.len()]).collect();
    let document = ExtractedDocument {
        headings: headings
            .into_iter()
            .enumerate()
            .map(|(number, range)| Heading {
                level: 1 + (number % 6) as u8,
                title: text[range.clone()].split_whitespace().collect::<Vec<_>>().join(" "),
                range,
            })
            .collect(),
        pages: match counts[1] {
            0 => Vec::new(),
            _ => (1..).zip(pages.windows(2)).map(|(number, pair)| Page { number, range: pair[0]..pair[1] }).collect(),
        },
        tables: tables
            .chunks_exact(3)
            .map(|places| Table { range: places[0]..places[2], header: places[0]..places[1] })
            .collect(),
        title: Some("A title".to_owned()),
        media_type: "text/plain".to_owned(),
        picture_pages: Vec::new(),
        warnings: Vec::new(),
        syntax,
        text,
    };
    let chunker = Chunker::new(config, Arc::new(by_word));
    let chunked = chunker.chunk(&document, "file.txt");
    check(&document, &chunked, max_tokens);
    assert_eq!(chunked, chunker.chunk(&document, "file.txt"), "the same document gives the same chunks");
}
