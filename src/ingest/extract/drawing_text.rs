//! Paragraphs of what is drawn in an Office document (DrawingML, ECMA-376 part 1, 21.1.2): their words, their levels, and
//! whether they are items of a list.
//!
//! May depend on `xml` and `structure`.

use super::{
    ExtractError,
    structure::takes_exponent,
    xml::{Element, Reader},
};

/// How many levels a list can have.
pub(super) const LEVELS: usize = 9;
/// Numbers of items begin with at most this.
const MAX_START: u32 = 1_000_000;

/// What stands before a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bullet {
    /// Nothing: it is no item of a list.
    None,
    Sign,
    Number {
        start: u32,
    },
}

/// The bullets of each level, as far as they are said.
pub(super) type Levels = [Option<Bullet>; LEVELS];

#[derive(Debug, Default, Clone)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// 0 for the outermost.
    pub(super) level: usize,
    pub(super) bullet: Option<Bullet>,
}

/// The text of a shape or of a cell.
#[derive(Debug, Default, Clone)]
pub(super) struct TextBody {
    pub(super) paragraphs: Vec<Paragraph>,
    pub(super) levels: Levels,
}

impl TextBody {
    /// Reads the rest of a `txBody`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ExtractError> {
        let mut body = Self::default();
        while let Some(element) = reader.child()? {
            match element.name() {
                "p" => body.paragraphs.push(paragraph(reader)?),
                "lstStyle" => body.levels = levels(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(body)
    }

    /// All of it, a line for each paragraph.
    pub(super) fn flat(&self) -> String {
        let lines = self.paragraphs.iter().map(|paragraph| paragraph.text.trim());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// Reads the rest of an element whose children are `lvl1pPr` to `lvl9pPr`.
pub(super) fn levels(reader: &mut Reader<'_>) -> Result<Levels, ExtractError> {
    let mut levels = Levels::default();
    while let Some(element) = reader.child()? {
        let number = element.name().strip_prefix("lvl").and_then(|rest| rest.strip_suffix("pPr"));
        let level = number.and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
        let bullet = bullet_in(reader)?;
        if let Some(place) = level.and_then(|level| levels.get_mut(level)) {
            *place = bullet;
        }
    }
    Ok(levels)
}

/// Reads the rest of the properties of a paragraph.
fn bullet_in(reader: &mut Reader<'_>) -> Result<Option<Bullet>, ExtractError> {
    let mut bullet = None;
    while let Some(element) = reader.child()? {
        match element.name() {
            "buNone" => bullet = Some(Bullet::None),
            "buChar" | "buBlip" => bullet = Some(Bullet::Sign),
            "buAutoNum" => {
                bullet = Some(Bullet::Number { start: element.number("startAt").unwrap_or(1).min(MAX_START) });
            }
            _ => {}
        }
        reader.skip()?;
    }
    Ok(bullet)
}

/// Reads the rest of an `a:p`.
fn paragraph(reader: &mut Reader<'_>) -> Result<Paragraph, ExtractError> {
    let mut paragraph = Paragraph::default();
    inline(reader, &mut paragraph)?;
    Ok(paragraph)
}

fn inline(reader: &mut Reader<'_>, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "pPr" => {
                paragraph.level = element.number("lvl").unwrap_or(0).min(LEVELS - 1);
                paragraph.bullet = bullet_in(reader)?;
            }
            "t" => paragraph.text.push_str(&clean(&reader.text_of_current()?)),
            "br" => {
                paragraph.text.push('\n');
                reader.skip()?;
            }
            "rPr" => {
                if is_raised(&element) && takes_exponent(&paragraph.text) {
                    paragraph.text.push('^');
                }
                reader.skip()?;
            }
            // The number of a slide says nothing in its text.
            "fld" if element.attribute("type").as_deref() == Some("slidenum") => reader.skip()?,
            "fld" => {
                // A field can have properties of a paragraph, which are not the paragraph's.
                let (level, bullet) = (paragraph.level, paragraph.bullet);
                inline(reader, paragraph)?;
                (paragraph.level, paragraph.bullet) = (level, bullet);
            }
            "endParaRPr" | "ctrlPr" | "Fallback" => reader.skip()?,
            // Formulas: what is raised, lowered or below the line of a fraction.
            "sup" | "sub" | "den" => {
                let before = paragraph.text.len();
                inline(reader, paragraph)?;
                let sign = match element.name() {
                    "sup" => "^",
                    "sub" => "_",
                    _ => "/",
                };
                if paragraph.text.len() > before {
                    paragraph.text.insert_str(before, sign);
                }
            }
            _ => inline(reader, paragraph)?,
        }
    }
    Ok(())
}

fn is_raised(element: &Element<'_>) -> bool {
    element.number::<i64>("baseline").is_some_and(|baseline| baseline > 0)
}

/// Soft hyphens and zero-width blanks are hints for line breaking, not characters of words; a vertical tab is a line end.
fn clean(text: &str) -> String {
    text.replace("_x000B_", "\n")
        .chars()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}'))
        .map(|c| if c == '\u{b}' { '\n' } else { c })
        .collect()
}
