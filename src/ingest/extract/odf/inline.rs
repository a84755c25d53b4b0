//! The words of a paragraph, and what hangs on it: notes, text boxes, pictures and charts.

use super::body::Body;
use crate::ingest::extract::{
    ExtractError,
    pictures::description,
    structure::{one_line, takes_exponent},
    xml::Node,
};

/// What a paragraph says.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// The number of a heading, where the program has written what it shows.
    pub(super) number: String,
    /// The texts of boxes that are anchored here.
    pub(super) boxes: Vec<String>,
    /// The charts and other objects that are anchored here, by the links to their folders.
    pub(super) objects: Vec<String>,
}

/// Elements that are drawn.
pub(super) fn is_drawn(name: &str) -> bool {
    matches!(
        name,
        "frame"
            | "g"
            | "custom-shape"
            | "rect"
            | "ellipse"
            | "circle"
            | "line"
            | "connector"
            | "path"
            | "polygon"
            | "polyline"
            | "regular-polygon"
            | "caption"
            | "measure"
            | "control"
    )
}

impl Body<'_> {
    /// Reads the rest of a `text:p` or `text:h`.
    pub(super) fn paragraph(&mut self) -> Result<Paragraph, ExtractError> {
        let mut paragraph = Paragraph::default();
        self.inline(&mut paragraph)?;
        Ok(paragraph)
    }

    fn inline(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        while let Some(node) = self.reader.next()? {
            let element = match node {
                Node::End => return Ok(()),
                Node::Text(text) => {
                    push(&mut paragraph.text, &text);
                    continue;
                }
                Node::Start(element) => element,
            };
            match element.name() {
                "s" => self.leaf(paragraph, " ")?,
                "tab" => self.leaf(paragraph, "\t")?,
                "line-break" => self.leaf(paragraph, "\n")?,
                "note" => self.note(paragraph)?,
                "number" if paragraph.text.is_empty() => {
                    paragraph.number = one_line(&self.reader.text_of_current()?);
                }
                "span" => {
                    let is_raised = element.attribute("style-name").is_some_and(|name| self.styles.is_raised(&name));
                    if is_raised && takes_exponent(&paragraph.text) {
                        paragraph.text.push('^');
                    }
                    self.inline(paragraph)?;
                }
                "annotation" | "ruby-text" | "tracked-changes" | "page-number" | "hidden-text" => self.reader.skip()?,
                name if is_drawn(name) => self.drawn(paragraph)?,
                _ => self.inline(paragraph)?,
            }
        }
        Ok(())
    }

    fn leaf(&mut self, paragraph: &mut Paragraph, text: &str) -> Result<(), ExtractError> {
        paragraph.text.push_str(text);
        self.reader.skip()
    }

    /// The mark of a note; what the note says is written below.
    fn note(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        let mut text = String::new();
        while let Some(element) = self.reader.child()? {
            if element.is("note-body") {
                text = one_line(&self.flat()?);
            } else {
                self.reader.skip()?;
            }
        }
        if !text.is_empty() {
            self.note_count += 1;
            let mark = format!("[{}]", self.note_count);
            paragraph.text.push_str(&mark);
            self.pending_notes.push(format!("{mark} {text}"));
        }
        Ok(())
    }

    /// Reads the rest of something drawn: its words go to the boxes, its description to the text.
    pub(super) fn drawn(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "desc" | "title" => {
                    if let Some(words) = description(&self.reader.text_of_current()?) {
                        paragraph.text.push_str(&format!(" [image: {words}] "));
                    }
                }
                "p" | "h" => {
                    let inner = self.paragraph()?;
                    paragraph.boxes.push(inner.text);
                    paragraph.boxes.extend(inner.boxes);
                    paragraph.objects.extend(inner.objects);
                }
                "table" => {
                    let rows = self.table_rows()?;
                    paragraph.boxes.push(rows.iter().map(|row| row.join(", ")).collect::<Vec<_>>().join("\n"));
                }
                "object" | "object-ole" => {
                    let link = element.attribute("href").unwrap_or_default();
                    match self.objects.formula(&link) {
                        Some(formula) => paragraph.text.push_str(formula),
                        None => paragraph.objects.push(link),
                    }
                    self.reader.skip()?;
                }
                "image" | "event-listeners" | "glue-point" => self.reader.skip()?,
                _ => self.drawn(paragraph)?,
            }
        }
        Ok(())
    }

    /// Reads the rest of a comment; `place` says what it is on, such as ` on B2`.
    pub(super) fn comment(&mut self, place: &str) -> Result<Option<String>, ExtractError> {
        let (mut author, mut words) = (String::new(), Vec::new());
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "creator" => author = one_line(&self.reader.text_of_current()?),
                "p" => words.push(self.paragraph()?.text),
                "list" => words.push(self.flat()?),
                _ => self.reader.skip()?,
            }
        }
        let words = one_line(&words.join(" "));
        let by = if author.is_empty() { String::new() } else { format!(" by {author}") };
        Ok((!words.is_empty()).then(|| format!("Comment{place}{by}: {words}")))
    }

    /// All words of the current element, a line for each paragraph, as of one cell or one note.
    pub(super) fn flat(&mut self) -> Result<String, ExtractError> {
        let mut parts: Vec<String> = Vec::new();
        self.flat_into(&mut parts)?;
        parts.retain(|part| !part.trim().is_empty());
        Ok(parts.join("\n"))
    }

    fn flat_into(&mut self, parts: &mut Vec<String>) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "p" | "h" => {
                    let paragraph = self.paragraph()?;
                    parts.push(paragraph.text);
                    parts.extend(paragraph.boxes);
                    self.pending_objects.extend(paragraph.objects);
                }
                "table" => {
                    let rows = self.table_rows()?;
                    parts.extend(rows.iter().map(|row| row.join(", ")));
                }
                "annotation" | "tracked-changes" | "desc" | "title" => self.reader.skip()?,
                _ => self.flat_into(parts)?,
            }
        }
        Ok(())
    }
}

/// Line ends in the file are blanks; soft hyphens and zero-width blanks are hints, not characters of words.
fn push(text: &mut String, words: &str) {
    text.extend(words.chars().filter_map(|c| match c {
        '\u{ad}' | '\u{200b}' | '\u{feff}' => None,
        '\n' | '\r' => Some(' '),
        c => Some(c),
    }));
}
