//! The body of a document, block by block.

use std::collections::{BTreeMap, HashMap};

use super::{
    FORMAT,
    drawings::Drawings,
    numbering::{Mark, Numbering},
    paragraph::{Boxed, Paragraph},
    styles::{ListPosition, Role, Styles},
    table::{CellPart, Table},
};
use crate::ingest::extract::{ExtractError, ExtractLimits, structure::one_line, writer::MarkdownWriter, xml::Reader};

/// The footnotes and endnotes of a document by kind and id.
#[derive(Debug, Default)]
pub(super) struct Notes(HashMap<&'static str, HashMap<String, String>>);

impl Notes {
    pub(super) fn get(&self, kind: &str, id: &str) -> Option<&str> {
        self.0.get(kind)?.get(id).map(String::as_str)
    }

    pub(super) fn read(
        &mut self,
        kind: &'static str,
        part: &str,
        styles: &Styles,
        limits: &ExtractLimits,
    ) -> Result<(), ExtractError> {
        let none = Self::default();
        let mut body = Body::new(part, styles, Numbering::default(), &none, limits);
        let Some(_root) = body.reader.child()? else { return Ok(()) };
        while let Some(element) = body.reader.child()? {
            let id = element.attribute("id").unwrap_or_default();
            let text = one_line(&body.flat()?);
            if !text.is_empty() {
                self.0.entry(kind).or_default().insert(id, text);
            }
        }
        Ok(())
    }
}

pub(super) struct Body<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) styles: &'a Styles,
    pub(super) notes: &'a Notes,
    pub(super) note_count: usize,
    /// Notes of a table's cells, which are written below the table.
    pub(super) pending_notes: Vec<(String, String)>,
    /// What the cell holds that was read last.
    pub(super) last_cell: Vec<CellPart>,
    pub(super) numbering: Numbering,
    pub(super) drawings: Drawings,
    /// How many drawings the text refers to that are not in the file.
    pub(super) missing: usize,
    /// What the text embeds of other programs, and how often.
    pub(super) embedded: BTreeMap<String, usize>,
    /// How many signs of fonts of pictures have no character.
    pub(super) unknown_signs: usize,
    in_list: bool,
    /// A paragraph that the next one goes on with.
    open: Option<Paragraph>,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        part: &'a str,
        styles: &'a Styles,
        numbering: Numbering,
        notes: &'a Notes,
        limits: &ExtractLimits,
    ) -> Self {
        Self {
            reader: Reader::new(FORMAT, part, limits.max_depth),
            styles,
            notes,
            note_count: 0,
            pending_notes: Vec::new(),
            last_cell: Vec::new(),
            numbering,
            drawings: Drawings::new(),
            missing: 0,
            embedded: BTreeMap::new(),
            unknown_signs: 0,
            in_list: false,
            open: None,
        }
    }

    /// The same with the charts and diagrams that it refers to.
    pub(super) fn with_drawings(self, drawings: Drawings) -> Self {
        Self { drawings, ..self }
    }

    pub(super) fn write(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        self.blocks(writer)?;
        self.write_open(writer)
    }

    fn blocks(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "p" => {
                    let next = self.paragraph()?;
                    let paragraph = match self.open.take() {
                        Some(before) => before.joined_with(next),
                        None => next,
                    };
                    if paragraph.goes_on {
                        self.open = Some(paragraph);
                    } else {
                        self.write_paragraph(paragraph, writer)?;
                    }
                }
                "tbl" => {
                    self.write_open(writer)?;
                    let table = self.table()?;
                    self.write_table(table, writer)?;
                }
                "altChunk" => {
                    writer.warn("a part that was inserted in another format was left out");
                    self.reader.skip()?;
                }
                "del" | "moveFrom" | "sectPr" | "sdtPr" | "sdtEndPr" | "Fallback" => self.reader.skip()?,
                _ => self.blocks(writer)?,
            }
        }
        Ok(())
    }

    /// Writes the paragraph that was to go on, where none follows.
    fn write_open(&mut self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        self.open.take().map_or(Ok(()), |paragraph| self.write_paragraph(paragraph, writer))
    }

    fn write_paragraph(&mut self, paragraph: Paragraph, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Paragraph { text, role, list, notes, boxes, .. } = paragraph;
        let text = lines_of(&text);
        if !text.is_empty() {
            match role {
                Role::Contents => {}
                Role::Title => writer.heading(1, &text)?,
                Role::Heading(level) => writer.heading(level, &format!("{}{text}", self.label(list.as_ref())))?,
                Role::Body => {
                    let mark = list.and_then(|position| Some((position.level, self.numbering.next(&position)?)));
                    let is_item = mark.is_some();
                    let mark = mark.map_or(String::new(), |(level, mark)| match mark {
                        Mark::Bullet => format!("{}- ", "  ".repeat(level)),
                        Mark::Label(label) => format!("{}{label} ", "  ".repeat(level)),
                    });
                    let indent = " ".repeat(mark.chars().count());
                    let text = format!("{mark}{}", text.replace('\n', &format!("\n{indent}")));
                    if is_item && self.in_list {
                        writer.line(&text)?
                    } else {
                        writer.block(&text)?
                    }
                    self.in_list = is_item;
                }
            }
            if role != Role::Body {
                self.in_list = false;
            }
        }
        for inner in boxes {
            match inner {
                Boxed::Paragraph(inner) => self.write_paragraph(inner, writer)?,
                Boxed::Table(table) => self.write_table(table, writer)?,
                Boxed::List(lines) => {
                    self.in_list = false;
                    lines.iter().try_for_each(|line| writer.line_of_list(line))?;
                    writer.end_list();
                }
            }
        }
        self.write_notes(notes, writer)
    }

    /// The number of a heading, with a blank behind it; empty where none is shown.
    fn label(&mut self, list: Option<&ListPosition>) -> String {
        match list.and_then(|position| self.numbering.next(position)) {
            Some(Mark::Label(label)) => format!("{label} "),
            Some(Mark::Bullet) | None => String::new(),
        }
    }

    /// The words of a paragraph in a cell or a note, and of the boxes that are anchored there.
    pub(super) fn words_of(&mut self, paragraph: Paragraph) -> Vec<String> {
        let Paragraph { text, list, notes, boxes, .. } = paragraph;
        self.pending_notes.extend(notes);
        let position = list.filter(|_| !text.trim().is_empty());
        let text = match position.and_then(|position| self.numbering.next(&position)) {
            Some(Mark::Label(label)) => format!("{label} {text}"),
            Some(Mark::Bullet) => format!("- {text}"),
            None => text,
        };
        let mut words = vec![text];
        for inner in boxes {
            match inner {
                Boxed::Paragraph(inner) => words.extend(self.words_of(inner)),
                Boxed::Table(table) => words.extend(table.rows.iter().map(|row| row.join(", "))),
                Boxed::List(lines) => words.extend(lines),
            }
        }
        words
    }

    fn write_table(&mut self, table: Table, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        self.in_list = false;
        match table.only_cell {
            // A single cell is a box around text and tables.
            Some(parts) => {
                for part in parts {
                    match part {
                        CellPart::Text(text) => writer.block(&lines_of(&text))?,
                        CellPart::Table(rows) => writer.table(&rows)?,
                    }
                }
            }
            None => writer.table(&table.rows)?,
        }
        let notes = std::mem::take(&mut self.pending_notes);
        self.write_notes(notes, writer)
    }

    fn write_notes(&mut self, notes: Vec<(String, String)>, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        for (mark, note) in notes {
            writer.block(&format!("{mark} {note}"))?;
            self.in_list = false;
        }
        Ok(())
    }
}

/// The lines of a text, blanks inside each collapsed, empty ones left out.
fn lines_of(text: &str) -> String {
    text.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
