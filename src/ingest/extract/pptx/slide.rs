//! One slide as a page: its title, its shapes, its speaker notes, and what reviewers wrote on it.

use std::{collections::HashMap, rc::Rc};

use super::{
    FORMAT,
    comments::{Authors, comments},
    layouts::{Layout, Master},
    shapes::{self, Content, Shape},
};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    chart::Chart,
    diagram::Diagram,
    drawing_text::{Bullet, LEVELS, TextBody},
    package::Package,
    relationships::Relationships,
    structure::one_line,
    writer::MarkdownWriter,
};

/// Shapes whose tops are closer than a tenth of an inch stand beside each other.
const LINE: i64 = 91_440;

/// The slides of a presentation, and what they share.
pub(super) struct Deck<'p, 'a> {
    package: &'p mut Package<'a>,
    limits: &'p ExtractLimits,
    layouts: HashMap<String, Rc<Layout>>,
    masters: HashMap<String, Rc<Master>>,
    authors: Authors,
}

impl<'p, 'a> Deck<'p, 'a> {
    pub(super) fn new(
        package: &'p mut Package<'a>,
        presentation: &Relationships,
        limits: &'p ExtractLimits,
    ) -> Result<Self, ExtractError> {
        let authors = Authors::read(package, presentation, limits)?;
        Ok(Self { package, limits, layouts: HashMap::new(), masters: HashMap::new(), authors })
    }

    /// Writes the slide that `part` holds.
    pub(super) fn slide(&mut self, number: u32, part: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Some(text) = self.package.part(part)? else {
            writer.warn(format!("slide {number} is listed, but is not in the file"));
            return Ok(());
        };
        let (mut shapes, hidden) = shapes::read(&text, self.limits.max_depth)?;
        if hidden {
            writer.warn(format!("slide {number} is hidden in the presentation; it was read as well"));
        }
        let relationships = Relationships::of(self.package, part, self.limits.max_depth)?;
        let layout = match relationships.of_kind("slideLayout").next() {
            Some(name) => self.layout(name)?,
            None => Rc::default(),
        };
        // The first title that says something.
        let title = shapes.iter().position(|shape| shape.is_title() && !shape_text(shape).is_empty());
        if let Some(at) = title {
            let title = shapes.remove(at);
            writer.heading(1, &shape_text(&title))?;
        }
        for shape in &in_reading_order(shapes, &layout) {
            self.shape(number, shape, &layout, &relationships, writer)?;
        }
        self.notes(&relationships, writer)?;
        for name in relationships.of_kind("comments") {
            let Some(text) = self.package.part(name)? else { continue };
            for comment in comments(&text, &self.authors, self.limits.max_depth)? {
                writer.block(&comment)?;
            }
        }
        Ok(())
    }

    fn layout(&mut self, name: &str) -> Result<Rc<Layout>, ExtractError> {
        if let Some(found) = self.layouts.get(name) {
            return Ok(found.clone());
        }
        let (masters, limits) = (&mut self.masters, self.limits);
        let layout = Layout::read(self.package, name, limits, |package, name| {
            if let Some(found) = masters.get(name) {
                return Ok(found.clone());
            }
            let master = Rc::new(Master::read(package, name, limits)?);
            masters.insert(name.to_owned(), master.clone());
            Ok(master)
        })?;
        let layout = Rc::new(layout);
        self.layouts.insert(name.to_owned(), layout.clone());
        Ok(layout)
    }

    fn shape(
        &mut self,
        number: u32,
        shape: &Shape,
        layout: &Layout,
        relationships: &Relationships,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        if shape.placeholder.as_ref().is_some_and(shapes::Placeholder::is_furniture) {
            return Ok(());
        }
        match &shape.content {
            Content::Text(body) => write_text(body, |level| layout.bullet(shape, level), writer)?,
            Content::Table(rows) => writer.table(rows)?,
            Content::Chart(id) => match self.related(relationships, id)? {
                Some(part) => match Chart::read(FORMAT, &part, self.limits) {
                    Ok(chart) => chart.write(&format!(" on slide {number}"), writer)?,
                    Err(error) => writer.warn(format!("a chart on slide {number} was left out: {error}")),
                },
                None => writer.warn(format!("a chart on slide {number} is not in the file")),
            },
            Content::Diagram(id) => match self.related(relationships, id)? {
                Some(part) => match Diagram::read(FORMAT, &part, self.limits) {
                    Ok(diagram) => diagram.write(writer)?,
                    Err(error) => writer.warn(format!("a diagram on slide {number} was left out: {error}")),
                },
                None => writer.warn(format!("a diagram on slide {number} is not in the file")),
            },
            Content::Embedded(what) => {
                writer.warn(format!("what slide {number} embeds of another program ({what}) was left out"));
            }
            Content::Nothing => {}
        }
        if matches!(shape.content, Content::Nothing) && !shape.description.is_empty() {
            writer.block(&format!("[image: {}]", shape.description))?;
        }
        Ok(())
    }

    fn related(&mut self, relationships: &Relationships, id: &str) -> Result<Option<String>, ExtractError> {
        relationships.target(id).map_or(Ok(None), |name| self.package.part(name))
    }

    fn notes(&mut self, relationships: &Relationships, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Some(name) = relationships.of_kind("notesSlide").next() else { return Ok(()) };
        let Some(text) = self.package.part(name)? else { return Ok(()) };
        let (shapes, _) = shapes::read(&text, self.limits.max_depth)?;
        let notes = shapes.iter().filter(|shape| shape.placeholder.as_ref().is_some_and(|at| at.kind == "body"));
        let lines: Vec<String> = notes
            .filter_map(|shape| if let Content::Text(body) = &shape.content { Some(body.flat()) } else { None })
            .filter(|text| !text.is_empty())
            .collect();
        if lines.is_empty() { Ok(()) } else { writer.block(&format!("Speaker notes: {}", lines.join("\n"))) }
    }
}

/// From the top to the bottom and from left to right. What has no position stays behind what it followed.
fn in_reading_order(shapes: Vec<Shape>, layout: &Layout) -> Vec<Shape> {
    let mut place = (i64::MIN, i64::MIN);
    let mut placed: Vec<((i64, i64), Shape)> = Vec::with_capacity(shapes.len());
    for shape in shapes {
        if let Some(position) = shape.position.or_else(|| layout.position(&shape)) {
            place = (position.down.div_euclid(LINE), position.right);
        }
        placed.push((place, shape));
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, shape)| shape).collect()
}

fn shape_text(shape: &Shape) -> String {
    if let Content::Text(body) = &shape.content { one_line(&body.flat()) } else { String::new() }
}

/// Writes paragraphs: items of lists with their marks, others as blocks.
fn write_text(
    body: &TextBody,
    inherited: impl Fn(usize) -> Option<Bullet>,
    writer: &mut MarkdownWriter,
) -> Result<(), ExtractError> {
    let mut counts = [0u32; LEVELS];
    for paragraph in &body.paragraphs {
        let text = lines_of(&paragraph.text);
        if text.is_empty() {
            continue;
        }
        let level = paragraph.level.min(LEVELS - 1);
        let own = paragraph.bullet.or(body.levels.get(level).copied().flatten());
        let mark = match own.or_else(|| inherited(level)).unwrap_or(Bullet::None) {
            Bullet::None => {
                counts = [0; LEVELS];
                writer.block(&text)?;
                continue;
            }
            Bullet::Sign => {
                counts[level..].fill(0);
                "- ".to_owned()
            }
            Bullet::Number { start } => {
                let count = if counts[level] == 0 { start } else { counts[level].saturating_add(1) };
                counts[level..].fill(0);
                counts[level] = count;
                format!("{count}. ")
            }
        };
        let indent = "  ".repeat(level);
        let below = format!("\n{indent}{}", " ".repeat(mark.len()));
        writer.line_of_list(&format!("{indent}{mark}{}", text.replace('\n', &below)))?;
    }
    writer.end_list();
    Ok(())
}

/// The lines of a text, blanks inside each collapsed, empty ones left out.
fn lines_of(text: &str) -> String {
    text.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
