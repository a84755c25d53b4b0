//! Rows become headings, paragraphs, list items, code and tables.

use super::{
    rows::Row,
    tables::{self, Piece, is_list_mark},
};
use crate::ingest::extract::{ExtractError, writer::MarkdownWriter};

/// A line is a heading by its size when it is larger than the body by this factor.
const HEADING: f64 = 1.12;
/// Sizes that differ by less than this factor are one level.
const SAME_LEVEL: f64 = 0.88;
/// Longer paragraphs are set large for another reason.
const MAX_HEADING: usize = 200;
/// A bold line of the body's size is a heading up to this length.
const MAX_BOLD_HEADING: usize = 90;
/// Rows further apart than this, in parts of their size, are different paragraphs.
const PARAGRAPH_GAP: f64 = 1.75;

/// The font sizes of a document.
#[derive(Debug)]
pub(super) struct Scale {
    body: f64,
    /// The sizes of headings, largest first.
    headings: Vec<f64>,
}

impl Scale {
    pub(super) fn of(pages: &[Vec<Vec<Row>>]) -> Self {
        let mut sizes: Vec<(i64, usize)> = Vec::new();
        for row in pages.iter().flatten().flatten() {
            let size = half_points(row.size());
            let letters = row.text().len();
            match sizes.iter_mut().find(|(known, _)| *known == size) {
                Some((_, sum)) => *sum += letters,
                None => sizes.push((size, letters)),
            }
        }
        let body = sizes.iter().max_by_key(|(_, letters)| *letters).map_or(10.0, |(size, _)| *size as f64 / 2.0);
        let mut larger: Vec<f64> =
            sizes.iter().map(|(size, _)| *size as f64 / 2.0).filter(|size| *size >= body * HEADING).collect();
        larger.sort_by(|a, b| b.total_cmp(a));
        larger.dedup_by(|smaller, larger| *smaller > *larger * SAME_LEVEL);
        Self { body, headings: larger }
    }

    /// The level of a heading of this size; `None` for the size of the body and smaller ones.
    fn level(&self, size: f64) -> Option<usize> {
        if size < self.body * HEADING {
            return None;
        }
        let position = self.headings.iter().position(|known| size > *known * SAME_LEVEL);
        Some(position.unwrap_or(self.headings.len()).min(3) + 1)
    }

    fn bold_level(&self) -> usize {
        self.headings.len().min(4) + 1
    }
}

fn half_points(size: f64) -> i64 {
    (size * 2.0).round() as i64
}

/// Writes the rows of one column.
pub(super) fn write(rows: Vec<Row>, scale: &Scale, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
    let (left, right) = (
        rows.iter().map(Row::x0).fold(f64::INFINITY, f64::min),
        rows.iter().map(Row::x1).fold(f64::NEG_INFINITY, f64::max),
    );
    for piece in tables::divide(rows) {
        match piece {
            Piece::Table(cells) => writer.table(&cells)?,
            Piece::Text(rows) => {
                for paragraph in paragraphs(rows, &Column { left, right, body: scale.body }) {
                    paragraph.write(scale, writer)?;
                }
            }
        }
    }
    Ok(())
}

struct Paragraph {
    rows: Vec<Row>,
}

/// Where the lines of a column begin and end, and the size of the body's letters.
struct Column {
    left: f64,
    right: f64,
    body: f64,
}

fn paragraphs(rows: Vec<Row>, column: &Column) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for row in rows {
        match paragraphs.last_mut() {
            Some(paragraph) if paragraph.takes(&row, column) => paragraph.rows.push(row),
            _ => paragraphs.push(Paragraph { rows: vec![row] }),
        }
    }
    paragraphs
}

impl Paragraph {
    /// Whether `row` goes on with this paragraph.
    fn takes(&self, row: &Row, column: &Column) -> bool {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return true };
        let size = last.size().max(row.size());
        let gap = last.y - row.y;
        if first.is_fixed() && row.is_fixed() {
            return gap <= 2.5 * size;
        }
        let same_kind = (last.size() - row.size()).abs() <= 0.08 * size
            && first.is_fixed() == row.is_fixed()
            && first.is_bold() == row.is_bold()
            && !last.shares_no_font_with(row);
        // The leading of this paragraph, once it has shown itself, decides better than the font size.
        let usual = match self.rows.as_slice() {
            [.., before, last] => (before.y - last.y) * 1.3,
            _ => PARAGRAPH_GAP * size,
        };
        // Lines of a table of contents stand for themselves.
        if has_leader(&last.text()) || has_leader(&row.text()) {
            return false;
        }
        if !same_kind || gap > usual.max(1.15 * size).min(2.2 * size) || gap < -0.5 * size {
            return false;
        }
        if row.words.first().is_some_and(|word| is_list_mark(&word.text)) && row.words.len() > 1 {
            return false;
        }
        let is_item = first.words.first().is_some_and(|word| is_list_mark(&word.text));
        let indented = row.x0() > last.x0() + 1.0 * size;
        let outdented = row.x0() < last.x0() - 1.0 * size;
        let width = column.right - column.left;
        let ended_short = last.x1() < column.right - 0.12 * width;
        // Prose goes on to the end of the line; a line that stops half-way before a capital is one of a list.
        let is_line_of_its_own = last.x1() < column.left + 0.6 * width
            && row.text().starts_with(|c: char| c.is_uppercase())
            && row.size() < column.body * HEADING;
        let ended = last.text().ends_with(['.', '!', '?', ':']) || is_line_of_its_own;
        if is_item {
            let begins_anew = outdented || (indented && self.rows.len() > 1);
            let is_over = ended && ended_short && row.x0() <= first.x0();
            return !begins_anew && !is_over;
        }
        let begins_anew = (indented && (self.rows.len() > 1 || ended_short)) || (outdented && self.rows.len() > 1);
        let is_over = ended && ended_short;
        !begins_anew && !is_over
    }

    fn write(&self, scale: &Scale, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Some(first) = self.rows.first() else { return Ok(()) };
        if first.is_fixed() {
            return self.write_code(writer);
        }
        let text = self.text();
        if has_leader(&text) {
            return writer.line_of_list(&without_leader(&text));
        }
        let has_letters = text.chars().filter(|c| c.is_alphabetic()).count() >= 2;
        if let Some(level) = scale.level(first.size())
            && has_letters
            && !is_bullet(first)
            && text.chars().count() <= MAX_HEADING
        {
            return writer.heading(level, &text);
        }
        let is_line = self.rows.len() == 1 && text.chars().count() <= MAX_BOLD_HEADING;
        if first.is_bold() && is_line && has_letters && !text.ends_with(['.', ',', ';', ':']) && !is_bullet(first) {
            return writer.heading(scale.bold_level(), &text);
        }
        match first.words.first() {
            Some(mark) if is_list_mark(&mark.text) && !mark.text.ends_with(['.', ')', ':']) => {
                writer.line_of_list(&format!("- {}", text[mark.text.len()..].trim_start()))
            }
            Some(mark) if is_list_mark(&mark.text) => writer.line_of_list(&text),
            _ => writer.block(&text),
        }
    }

    /// The lines joined to one; a word that was broken at the end of a line is made whole.
    fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let line = row.text();
            if text.is_empty() {
                text = line;
                continue;
            }
            if text.ends_with(is_ideograph) && line.starts_with(is_ideograph) {
                // Scripts without blanks between words.
            } else if ends_in_broken_word(&text) && line.starts_with(char::is_lowercase) {
                text.pop();
            } else if !text.ends_with(['-', '–', '/']) || text.ends_with(" -") || text.ends_with(" –") {
                text.push(' ');
            }
            text.push_str(&line);
        }
        text
    }

    /// Fixed-width lines keep their line ends and indents.
    fn write_code(&self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let left = self.rows.iter().map(Row::x0).fold(f64::INFINITY, f64::min);
        let mut lines = String::new();
        let mut last: Option<&Row> = None;
        for row in &self.rows {
            if last.is_some_and(|last| last.y - row.y > 1.8 * row.size()) {
                lines.push('\n');
            }
            let advance = 0.6 * row.size();
            let mut column = 0usize;
            for word in &row.words {
                let target = ((word.x0 - left) / advance).round().clamp(0.0, 400.0) as usize;
                let blanks = target.saturating_sub(column).max(usize::from(column > 0));
                lines.extend(std::iter::repeat_n(' ', blanks));
                lines.push_str(&word.text);
                column += blanks + word.text.chars().count();
            }
            lines.push('\n');
            last = Some(row);
        }
        if self.rows.len() == 1 { writer.block(lines.trim()) } else { writer.code(&lines) }
    }
}

/// A numbered line may be a heading, one with a bullet is none.
fn is_bullet(row: &Row) -> bool {
    row.words.first().is_some_and(|word| is_list_mark(&word.text) && !word.text.contains(char::is_alphanumeric))
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

/// Dots that lead from a title to its page number.
fn has_leader(text: &str) -> bool {
    text.contains("....") || text.contains(". . . .")
}

fn without_leader(text: &str) -> String {
    let start = text.find("....").or_else(|| text.find(". . . .")).unwrap_or(text.len());
    let rest = text[start..].trim_start_matches(['.', ' ']);
    format!("{} … {rest}", text[..start].trim_end())
}

fn ends_in_broken_word(text: &str) -> bool {
    let mut back = text.chars().rev();
    matches!(back.next(), Some('-' | '\u{2010}')) && back.next().is_some_and(char::is_lowercase)
}
