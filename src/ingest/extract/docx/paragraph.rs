//! One paragraph: its style, its words, and what hangs on it (notes, text boxes, charts, diagrams).

use super::{
    body::Body,
    drawings::Drawing,
    styles::{ListPosition, Role, read_list_position},
    table::Table,
};
use crate::ingest::extract::{
    ExtractError,
    pictures::description,
    structure::takes_exponent,
    symbols::symbol,
    xml::{Element, Node},
};

/// What a paragraph says and what it is.
#[derive(Debug)]
pub(super) struct Paragraph {
    pub(super) text: String,
    pub(super) role: Role,
    pub(super) list: Option<ListPosition>,
    /// The notes that it refers to, in order: the mark in the text, and the note.
    pub(super) notes: Vec<(String, String)>,
    /// What text boxes and drawings hold that are anchored here.
    pub(super) boxes: Vec<Boxed>,
    /// Whether its end has been deleted, so that the next paragraph goes on with it.
    pub(super) goes_on: bool,
    /// Where in the text the last formula ends.
    formula_ends_at: Option<usize>,
}

/// A block in a text box or a drawing.
#[derive(Debug)]
pub(super) enum Boxed {
    Paragraph(Paragraph),
    Table(Table),
    /// The lines of a list.
    List(Vec<String>),
}

/// What matters of how a run looks.
#[derive(Debug, Default)]
struct Look {
    hidden: bool,
    raised: bool,
}

impl Paragraph {
    fn new() -> Self {
        Self {
            text: String::new(),
            role: Role::Body,
            list: None,
            notes: Vec::new(),
            boxes: Vec::new(),
            goes_on: false,
            formula_ends_at: None,
        }
    }

    /// The paragraph that the two are whose border has been deleted. It is what the second one is.
    pub(super) fn joined_with(mut self, next: Self) -> Self {
        self.text.push_str(&next.text);
        self.notes.extend(next.notes);
        self.boxes.extend(next.boxes);
        Self { text: self.text, notes: self.notes, boxes: self.boxes, ..next }
    }
}

impl Body<'_> {
    /// Reads the rest of a `w:p`.
    pub(super) fn paragraph(&mut self) -> Result<Paragraph, ExtractError> {
        let mut paragraph = Paragraph::new();
        self.inline(&mut paragraph)?;
        Ok(paragraph)
    }

    /// Reads the rest of the current element into `paragraph`.
    fn inline(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "pPr" => self.properties(paragraph)?,
                "rPr" => {
                    let look = self.look()?;
                    if look.hidden {
                        return self.reader.skip();
                    }
                    if look.raised && takes_exponent(&paragraph.text) {
                        paragraph.text.push('^');
                    }
                }
                "oMath" | "oMathPara" => {
                    let formula = self.formula()?;
                    // Two formulas that follow each other are two.
                    if paragraph.formula_ends_at == Some(paragraph.text.len()) {
                        paragraph.text.push(' ');
                    }
                    paragraph.text.push_str(&clean(&formula));
                    paragraph.formula_ends_at = Some(paragraph.text.len());
                }
                "t" => paragraph.text.push_str(&clean(&self.reader.text_of_current()?)),
                "tab" | "ptab" => self.leaf(paragraph, "\t")?,
                "br" | "cr" => self.leaf(paragraph, "\n")?,
                "noBreakHyphen" => self.leaf(paragraph, "-")?,
                "footnoteReference" | "endnoteReference" => self.note(&element, paragraph)?,
                "sym" => {
                    let sign = symbol(&element);
                    self.unknown_signs += usize::from(sign.is_none());
                    paragraph.text.extend(sign);
                    self.reader.skip()?;
                }
                "ffData" => self.form_field(paragraph)?,
                "OLEObject" => {
                    let program = element.attribute("ProgID").unwrap_or_else(|| "an object".into());
                    *self.embedded.entry(program).or_default() += 1;
                    self.reader.skip()?;
                }
                "chart" => self.drawing(element.attribute("id"), paragraph)?,
                "relIds" => self.drawing(element.prefixed("dm"), paragraph)?,
                "docPr" => self.picture(&element, paragraph)?,
                "txbxContent" => self.text_box(paragraph)?,
                "AlternateContent" => self.alternate(paragraph)?,
                // Deleted text, field codes, and the second form of what was already read.
                "del" | "moveFrom" | "delText" | "instrText" | "delInstrText" | "Fallback" | "sectPr" | "sdtPr"
                | "sdtEndPr" | "rt" | "softHyphen" | "annotationRef" | "fldData" | "ctrlPr" => self.reader.skip()?,
                _ => self.inline(paragraph)?,
            }
        }
        Ok(())
    }

    fn leaf(&mut self, paragraph: &mut Paragraph, text: &str) -> Result<(), ExtractError> {
        paragraph.text.push_str(text);
        self.reader.skip()
    }

    fn properties(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        let mut style = None;
        let mut outline = None;
        let mut list = None;
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "pStyle" => style = element.value(),
                "outlineLvl" => outline = element.value().and_then(|value| value.parse::<usize>().ok()),
                "numPr" => {
                    list = Some(read_list_position(&mut self.reader)?);
                    continue;
                }
                // Of the mark at the end.
                "rPr" => {
                    while let Some(property) = self.reader.child()? {
                        paragraph.goes_on |= matches!(property.name(), "del" | "moveFrom");
                        self.reader.skip()?;
                    }
                    continue;
                }
                _ => {}
            }
            self.reader.skip()?;
        }
        if let Some(style) = style {
            paragraph.role = self.styles.role(&style);
            let of_style = || self.styles.list(&style).map(|list| self.numbering.of_style(list, &style));
            list = match list {
                // A paragraph may say its level alone, of the list of its style.
                Some(ListPosition { list, level }) if list.is_empty() => {
                    of_style().map(|of| ListPosition { level, ..of })
                }
                said => said.or_else(of_style),
            };
        }
        if let (Some(level @ 0..=8), Role::Body) = (outline, paragraph.role) {
            paragraph.role = Role::Heading(level + 1);
        }
        paragraph.list = list;
        Ok(())
    }

    /// Reads the rest of a `w:rPr`.
    fn look(&mut self) -> Result<Look, ExtractError> {
        let mut look = Look::default();
        while let Some(element) = self.reader.child()? {
            look.hidden |= element.is("vanish") && element.is_on();
            look.raised |= element.is("vertAlign") && element.value().as_deref() == Some("superscript");
            self.reader.skip()?;
        }
        Ok(look)
    }

    fn note(&mut self, element: &Element<'_>, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        let kind = element.name().trim_end_matches("Reference");
        if let Some(note) = element.attribute("id").and_then(|id| self.notes.get(kind, &id)) {
            self.note_count += 1;
            let mark = format!("[{}]", self.note_count);
            paragraph.text.push_str(&mark);
            paragraph.notes.push((mark, note.to_owned()));
        }
        self.reader.skip()
    }

    /// A picture's description, when it is one and not a file name or a default.
    fn picture(&mut self, element: &Element<'_>, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        if let Some(words) = element.attribute("descr").and_then(|text| description(&text)) {
            paragraph.text.push_str(&format!(" [image: {words}] "));
        }
        self.reader.skip()
    }

    /// A chart or a diagram stands where it is anchored, as a text box does.
    fn drawing(&mut self, id: Option<String>, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        match id.and_then(|id| self.drawings.get(&id)) {
            Some(Drawing::Chart(chart)) => {
                let title = Paragraph { text: chart.caption(), ..Paragraph::new() };
                paragraph.boxes.push(Boxed::Paragraph(title));
                paragraph.boxes.extend(chart.tables().into_iter().map(|rows| Boxed::Table(Table::of(rows))));
            }
            Some(Drawing::Diagram(diagram)) => paragraph.boxes.push(Boxed::List(diagram.lines())),
            Some(Drawing::LeftOut) => {}
            None => self.missing += 1,
        }
        self.reader.skip()
    }

    fn text_box(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "p" => {
                    let inner = self.paragraph()?;
                    paragraph.boxes.push(Boxed::Paragraph(inner));
                }
                "tbl" => {
                    let table = self.table()?;
                    paragraph.boxes.push(Boxed::Table(table));
                }
                "del" | "moveFrom" | "sdtPr" => self.reader.skip()?,
                _ => self.text_box(paragraph)?,
            }
        }
        Ok(())
    }

    /// Takes the first choice; the fallback says the same in an older form, and is read only without a choice.
    fn alternate(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        let mut taken = false;
        while let Some(element) = self.reader.child()? {
            if taken || !matches!(element.name(), "Choice" | "Fallback") {
                self.reader.skip()?;
            } else {
                let before = (paragraph.text.len(), paragraph.boxes.len());
                self.inline(paragraph)?;
                taken = before != (paragraph.text.len(), paragraph.boxes.len());
            }
        }
        Ok(())
    }

    /// All words of the current element, as of one cell or one note.
    pub(super) fn flat(&mut self) -> Result<String, ExtractError> {
        let mut parts: Vec<String> = Vec::new();
        self.flat_into(&mut parts)?;
        parts.retain(|part| !part.trim().is_empty());
        Ok(parts.join("\n"))
    }

    fn flat_into(&mut self, parts: &mut Vec<String>) -> Result<(), ExtractError> {
        while let Some(node) = self.reader.next()? {
            let element = match node {
                Node::Start(element) => element,
                Node::Text(_) => continue,
                Node::End => return Ok(()),
            };
            match element.name() {
                "p" => {
                    let paragraph = self.paragraph()?;
                    parts.extend(self.words_of(paragraph));
                }
                "tbl" => {
                    let table = self.table()?;
                    parts.extend(table.rows.iter().map(|row| row.join(", ")));
                }
                "del" | "moveFrom" | "tcPr" | "sdtPr" => self.reader.skip()?,
                _ => self.flat_into(parts)?,
            }
        }
        Ok(())
    }
}

/// Soft hyphens and zero-width blanks are hints for line breaking, not characters of words.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}')).collect()
}
