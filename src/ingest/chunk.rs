//! Cuts an extracted document into chunks: the passages that are embedded, found and cited.
//!
//! A document is cut at its headings; small sections are joined, large ones go through text-splitter, sized by the
//! embedder's own token counts; a table that needs several chunks repeats its header in each. On every input a
//! chunk's text is the stored text at its range, chunks are in order without overlap, everything but white space is
//! in exactly one of them, and each fits the embedder together with its context.
//!
//! May depend on `domain`.

mod context;
mod sections;
mod sizes;
mod split;
#[cfg(test)]
mod tests;

use std::{ops::Range, sync::Arc};

use crate::domain::{
    ExtractedDocument, Table,
    text::{CodePointIndex, CodePointRange},
};
use context::{Context, context, title_of};
use sections::{Section, sections};
use sizes::Sizes;
use split::{Budget, Splitter};

/// Counts the tokens of a text as the embedder will see it, special tokens included.
pub type TokenCounter = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// How chunks are sized, in the embedder's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkerConfig {
    /// The most tokens of context and passage together, special tokens included.
    pub max_tokens: usize,
    /// Where a passage is large enough: a smaller one takes in what follows while that fits, and a larger one
    /// goes on only to the next place that is as good to end at.
    pub target_tokens: usize,
    /// A section with fewer tokens takes in the ones that follow it.
    pub min_tokens: usize,
}

impl ChunkerConfig {
    /// The sizes that were measured to find best, within what an embedder takes.
    pub fn for_embedder(max_tokens: usize) -> Self {
        Self { max_tokens: max_tokens.min(256), target_tokens: max_tokens.min(200), min_tokens: max_tokens.min(48) }
    }
}

/// A chunk that has no identifier yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkDraft {
    /// The position among the document's chunks, 0 for the first.
    pub ordinal: u32,
    /// Where the passage stands in the stored text, in code points.
    pub range: CodePointRange,
    /// The passage: exactly the stored text at `range`.
    pub text: String,
    /// What is put before the passage: title, headings, the header of a table that the passage continues.
    pub context: String,
    /// The headings above the passage, outermost first; one that the passage starts with is the last.
    pub heading_path: Vec<String>,
    /// The page on which the passage starts, for formats that have pages.
    pub page: Option<u32>,
    /// The number of tokens of context and passage.
    pub tokens: u32,
}

/// The chunks of a document, and what a person should know about them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunked {
    /// The chunks, in order.
    pub chunks: Vec<ChunkDraft>,
    /// What was left out of contexts because it was too long, in words.
    pub warnings: Vec<String>,
}

impl IntoIterator for Chunked {
    type Item = ChunkDraft;
    type IntoIter = std::vec::IntoIter<ChunkDraft>;

    fn into_iter(self) -> Self::IntoIter {
        self.chunks.into_iter()
    }
}

/// Cuts documents into chunks.
#[derive(Clone)]
pub struct Chunker {
    counter: TokenCounter,
    config: ChunkerConfig,
}

impl Chunker {
    /// A chunker that sizes passages with the embedder's counter.
    pub fn new(config: ChunkerConfig, counter: TokenCounter) -> Self {
        Self { counter, config }
    }

    /// Names everything that decides where a document is cut. An index made under another stamp is rebuilt.
    pub fn stamp(&self) -> String {
        let ChunkerConfig { max_tokens, target_tokens, min_tokens } = self.config;
        format!("sections-1 text-splitter-0.33 max={max_tokens} target={target_tokens} min={min_tokens}")
    }

    /// Cuts `document`, whose file is called `name`.
    pub fn chunk(&self, document: &ExtractedDocument, name: &str) -> Chunked {
        let counter = &*self.counter;
        let sizes = Sizes::new(&document.text, counter);
        let title = document.title.clone().filter(|title| !title.trim().is_empty()).unwrap_or_else(|| title_of(name));
        let room = self.config.max_tokens - counter("").min(self.config.max_tokens / 2);
        let mut run = Run {
            document,
            sizes: &sizes,
            counter,
            points: CodePointIndex::new(&document.text),
            config: self.config,
            room,
            title,
            out: Chunked::default(),
            contexts_shortened: 0,
            headers_left_out: 0,
        };
        for section in sections(document, &sizes, self.config.min_tokens, self.config.target_tokens.min(room * 2 / 3)) {
            run.section(&section);
        }
        run.finish()
    }
}

/// The work on one document.
struct Run<'a> {
    document: &'a ExtractedDocument,
    sizes: &'a Sizes<'a>,
    counter: &'a dyn Fn(&str) -> usize,
    points: CodePointIndex<'a>,
    config: ChunkerConfig,
    /// The tokens that context and passage share.
    room: usize,
    title: String,
    out: Chunked,
    contexts_shortened: usize,
    headers_left_out: usize,
}

/// What the chunks of one section have in common.
struct Place {
    /// Where the section starts, and the context of the chunk there, which holds the section's own heading.
    start: usize,
    first: Context,
    /// The context of the others, which need to be told the heading.
    rest: Context,
    path: Vec<String>,
    max: usize,
}

impl Run<'_> {
    fn section(&mut self, section: &Section<'_>) {
        let Some(trimmed) = trim(&self.document.text, section.range.clone()) else { return };
        // The end stays where it is: a table's range holds its last line break.
        let range = trimmed.start..section.range.end;
        let count = |text: &str| (self.counter)(text).saturating_sub((self.counter)(""));
        // A title that is the section's own heading is in the first chunk already.
        let title = if section.own == Some(self.title.as_str()) { "" } else { &self.title };
        let first = context(title, &section.above, self.room / 3, count);
        let rest = context(&self.title, &section.path(), self.room / 3, count);
        let max = self.room - count(&first.text).max(count(&rest.text)).min(self.room / 2);
        let tables = &self.document.tables;
        let from = tables.partition_point(|table| table.range.start < range.start);
        let tables: Vec<&Table> = tables[from..].iter().take_while(|table| table.range.end <= range.end).collect();
        // A section that fits as a whole is one chunk, whatever the target.
        let whole = self.sizes.of(range.clone()) <= max;
        let target = if whole { max } else { self.config.target_tokens.min(max) };
        let pieces = self.splitter().pieces(range, &tables, Budget { target, max });
        let path = section.path().into_iter().filter(|heading| !heading.is_empty()).map(str::to_owned).collect();
        let place = Place { start: trimmed.start, first, rest, path, max };
        for piece in pieces {
            self.emit(piece.range, &place, max);
        }
    }

    fn splitter(&self) -> Splitter<'_> {
        Splitter { text: &self.document.text, syntax: self.document.syntax, sizes: self.sizes }
    }

    /// Makes a chunk of a range, or several when the exact count says that it does not fit after all.
    fn emit(&mut self, range: Range<usize>, place: &Place, max: usize) {
        let Some(range) = trim(&self.document.text, range) else { return };
        let text = &self.document.text[range.clone()];
        let mut context = self.context_at(range.start, place);
        let mut tokens = (self.counter)(&indexed(&context, text));
        if tokens > self.config.max_tokens {
            // The sums of single words were too small for this tokenizer: cut finer. A context that leaves no room
            // for even one character goes.
            let smaller = max * 3 / 4;
            if smaller > 0 && text.chars().nth(1).is_some() {
                for piece in self.splitter().prose(range, Budget { target: smaller, max: smaller }) {
                    self.emit(piece, place, smaller);
                }
                return;
            }
            context.clear();
            tokens = (self.counter)(text);
            self.contexts_shortened += 1;
        }
        let page = self.document.page_of(range.start);
        let Some(points) = self.points.range_of(range) else { return };
        self.out.chunks.push(ChunkDraft {
            ordinal: self.out.chunks.len() as u32,
            range: points,
            text: text.to_owned(),
            context,
            heading_path: place.path.clone(),
            page,
            tokens: tokens as u32,
        });
    }

    /// The context of a chunk that starts at `start`: title and headings, and the header of a table that it continues.
    fn context_at(&mut self, start: usize, place: &Place) -> String {
        let context = if start == place.start { &place.first } else { &place.rest };
        self.contexts_shortened += usize::from(context.shortened);
        let mut text = context.text.clone();
        let tables = &self.document.tables;
        let after = tables.partition_point(|table| table.range.start <= start);
        let table = after.checked_sub(1).and_then(|at| tables.get(at));
        if let Some(table) = table.filter(|table| start >= table.header.end && start < table.range.end) {
            if split::header_is_repeated(self.sizes.of(table.header.clone()), place.max) {
                let separator = if text.is_empty() { "" } else { "\n" };
                text = format!("{text}{separator}{}", self.document.text[table.header.clone()].trim());
            } else if !table.header.is_empty() {
                self.headers_left_out += 1;
            }
        }
        text
    }

    fn finish(mut self) -> Chunked {
        if self.contexts_shortened > 0 {
            let count = self.contexts_shortened;
            self.out.warnings.push(format!(
                "{count} chunks are indexed without some of their title and headings, which are too long"
            ));
        }
        if self.headers_left_out > 0 {
            let count = self.headers_left_out;
            self.out
                .warnings
                .push(format!("{count} chunks of tables are indexed without the table's header, which is too long"));
        }
        self.out
    }
}

/// What the embedder reads; the same as `Chunk::indexed_text`.
fn indexed(context: &str, text: &str) -> String {
    if context.is_empty() { text.to_owned() } else { format!("{context}\n{text}") }
}

/// A range without the white space at both ends; `None` when nothing is left.
fn trim(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    let trimmed = inner.trim();
    (!trimmed.is_empty()).then(|| start..start + trimmed.len())
}
