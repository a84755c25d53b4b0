//! What slides take over from their layouts and masters: which of their paragraphs are items of a list.

use std::rc::Rc;

use super::{
    FORMAT,
    shapes::{self, Placeholder, Position, Shape},
};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    drawing_text::{Bullet, Levels, levels},
    package::Package,
    relationships::Relationships,
    xml::Reader,
};

/// A layout with its master.
#[derive(Debug, Default)]
pub(super) struct Layout {
    layout: Vec<Place>,
    master: Rc<Master>,
}

/// A place for a shape, and what the shape takes over from it.
#[derive(Debug)]
struct Place {
    placeholder: Placeholder,
    levels: Levels,
    position: Option<Position>,
}

#[derive(Debug, Default)]
pub(super) struct Master {
    placeholders: Vec<Place>,
    title: Levels,
    body: Levels,
}

impl Master {
    pub(super) fn read(package: &mut Package<'_>, part: &str, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let Some(text) = package.part(part)? else { return Ok(Self::default()) };
        Ok(Self {
            placeholders: placeholders(&text, limits)?,
            title: master_style(&text, "titleStyle", limits.max_depth)?,
            body: master_style(&text, "bodyStyle", limits.max_depth)?,
        })
    }
}

impl Layout {
    /// Reads a layout; `master` gives the master of a name.
    pub(super) fn read(
        package: &mut Package<'_>,
        part: &str,
        limits: &ExtractLimits,
        master: impl FnOnce(&mut Package<'_>, &str) -> Result<Rc<Master>, ExtractError>,
    ) -> Result<Self, ExtractError> {
        let Some(text) = package.part(part)? else { return Ok(Self::default()) };
        let relationships = Relationships::of(package, part, limits.max_depth)?;
        let master = match relationships.of_kind("slideMaster").next() {
            Some(name) => master(package, name)?,
            None => Rc::default(),
        };
        Ok(Self { layout: placeholders(&text, limits)?, master })
    }

    /// The bullet that paragraphs of a level have in `shape` unless they say otherwise. Only placeholders inherit.
    pub(super) fn bullet(&self, shape: &Shape, level: usize) -> Option<Bullet> {
        let placeholder = shape.placeholder.as_ref()?;
        let of = |levels: &Levels| levels.get(level).copied().flatten();
        let (in_layout, in_master) = self.places(placeholder);
        let is_title = in_layout.map_or(placeholder, |place| &place.placeholder).is_title();
        in_layout
            .and_then(|place| of(&place.levels))
            .or_else(|| in_master.and_then(|place| of(&place.levels)))
            .or_else(|| of(if is_title { &self.master.title } else { &self.master.body }))
    }

    /// Where a shape stands that does not say it itself.
    pub(super) fn position(&self, shape: &Shape) -> Option<Position> {
        let (in_layout, in_master) = self.places(shape.placeholder.as_ref()?);
        in_layout.and_then(|place| place.position).or_else(|| in_master?.position)
    }

    /// The places in the layout and in the master that a shape fills.
    fn places(&self, placeholder: &Placeholder) -> (Option<&Place>, Option<&Place>) {
        let in_layout = self
            .layout
            .iter()
            .find(|place| {
                let found = &place.placeholder;
                found.index == placeholder.index && found.is_title() == placeholder.is_title()
            })
            .or_else(|| self.layout.iter().find(|place| place.placeholder.kind == placeholder.kind));
        // What a layout calls the place decides what it is in the master; a slide often says less.
        let kind = in_layout.map_or(placeholder, |place| &place.placeholder);
        let in_master = self.master.placeholders.iter().find(|place| {
            let found = &place.placeholder;
            found.kind == kind.kind || found.is_title() == kind.is_title() && (kind.is_title() || found.kind == "body")
        });
        (in_layout, in_master)
    }
}

/// The levels of one of the styles that a master has for all text: `titleStyle`, `bodyStyle`.
fn master_style(master: &str, name: &str, max_depth: usize) -> Result<Levels, ExtractError> {
    let mut reader = Reader::new(FORMAT, master, max_depth);
    if reader.find(name)? { levels(&mut reader) } else { Ok(Levels::default()) }
}

fn placeholders(part: &str, limits: &ExtractLimits) -> Result<Vec<Place>, ExtractError> {
    let (shapes, _) = shapes::read(part, limits.max_depth)?;
    Ok(shapes
        .into_iter()
        .filter_map(|shape| {
            let (levels, position) = (shape.levels(), shape.position);
            shape.placeholder.map(|placeholder| Place { placeholder, levels, position })
        })
        .collect())
}
