//! Charts of Office documents: the title and the values that were drawn last, which the part of the chart keeps beside the
//! references to a workbook. Ordinary charts are DrawingML (ECMA-376 part 1, 21.2); those that came with Office 2016 are
//! in [`newer`].
//!
//! May depend on `xml`, `number_format` and the writer.

mod newer;
mod points;
mod tables;

use self::{
    newer::Newer,
    points::{MAX_POINTS, Points, place},
    tables::Tables,
};
use super::{ExtractError, ExtractLimits, structure::one_line, writer::MarkdownWriter, xml::Reader};

/// What a chart shows.
#[derive(Debug)]
pub(super) struct Chart {
    title: String,
    /// The titles of the axes, which often name the units.
    axes: Vec<String>,
    kinds: Vec<String>,
    tables: Tables,
    /// Whether days are counted from 1904 on.
    from_1904: bool,
    /// How many series show more than the file keeps of them.
    incomplete: usize,
    /// How many points claim a place beyond those that are read.
    unplaced: usize,
}

impl Chart {
    /// Reads the part of a chart in a file of `format`.
    pub(super) fn read(format: &'static str, part: &str, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let mut chart = Self {
            title: String::new(),
            axes: Vec::new(),
            kinds: Vec::new(),
            tables: Tables::new(limits),
            from_1904: false,
            incomplete: 0,
            unplaced: 0,
        };
        let mut newer = Newer::default();
        let mut reader = Reader::new(format, part, limits.max_depth);
        if !reader.child()?.is_some_and(|root| root.is("chartSpace")) {
            return Err(ExtractError::malformed(format, "a part that should hold a chart holds none"));
        }
        chart.inside(&mut reader, &mut newer)?;
        newer.join(&mut chart)?;
        Ok(chart)
    }

    fn inside(&mut self, reader: &mut Reader<'_>, newer: &mut Newer) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "chart" | "plotArea" | "plotAreaRegion" => self.inside(reader, newer)?,
                "title" => self.title = words(reader)?,
                "date1904" => {
                    self.from_1904 = element.is_on();
                    reader.skip()?;
                }
                "chartData" => newer.data(reader)?,
                "series" => newer.series(&element, reader)?,
                "catAx" | "valAx" | "dateAx" | "serAx" | "axis" => self.axis(reader)?,
                name if name.ends_with("Chart") => {
                    self.is_of_kind(kind_of(name));
                    self.plot(reader)?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn axis(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            if element.is("title") {
                let title = words(reader)?;
                self.axes.extend(Some(title).filter(|title| !title.is_empty()));
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn plot(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            if element.is("ser") {
                self.series(reader)?;
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn series(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        let (mut name, mut categories, mut values) = (String::new(), Vec::new(), Vec::new());
        let mut sizes = None;
        let mut is_complete = true;
        while let Some(element) = reader.child()? {
            match element.name() {
                "tx" => name = self.cached(reader)?.values.join(" "),
                "cat" | "xVal" => {
                    let points = self.cached(reader)?;
                    is_complete &= points.are_kept;
                    categories = points.values;
                }
                "val" | "yVal" => {
                    let points = self.cached(reader)?;
                    is_complete &= points.are_kept;
                    values = points.values;
                }
                "bubbleSize" => {
                    let points = self.cached(reader)?;
                    is_complete &= points.are_kept;
                    sizes = Some(points.values);
                }
                _ => reader.skip()?,
            }
        }
        self.incomplete += usize::from(!is_complete);
        let name_of_sizes = format!("{name} (size)");
        self.tables.add(name, &categories, &values)?;
        sizes.map_or(Ok(()), |sizes| self.tables.add(name_of_sizes.trim_start().into(), &categories, &sizes))
    }

    /// What is kept of a reference, or stands there literally; each point at its place.
    fn cached(&mut self, reader: &mut Reader<'_>) -> Result<Points, ExtractError> {
        let mut points = Points::new(self.from_1904);
        cached(reader, &mut points, false)?;
        self.unplaced += points.unplaced;
        Ok(points)
    }

    fn is_of_kind(&mut self, kind: String) {
        if !kind.is_empty() && !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// The title with the kind of the chart and the titles of its axes; empty when none of them is known.
    pub(super) fn caption(&self) -> String {
        let kind = self.kinds.join(" and ");
        let axes = if self.axes.is_empty() { String::new() } else { format!("; axes: {}", self.axes.join(", ")) };
        match (self.title.is_empty(), kind.is_empty()) {
            (false, false) => format!("{} ({kind} chart{axes})", self.title),
            (true, false) => format!("Chart ({kind}{axes})"),
            _ => self.title.clone(),
        }
    }

    /// Its values as tables of categories by series; the first row of each is its header.
    pub(super) fn tables(&self) -> Vec<Vec<Vec<String>>> {
        self.tables.rows()
    }

    /// What of it could not be read; `place` says where it stands, such as ` on slide 3`.
    pub(super) fn warnings(&self, place: &str) -> Vec<String> {
        let chart = match self.title.as_str() {
            "" => format!("a chart{place}"),
            title => format!("the chart \"{title}\"{place}"),
        };
        let mut warnings = Vec::new();
        if self.incomplete > 0 {
            warnings.push(format!(
                "the values of {} series of {chart} are incomplete: the chart refers to cells of a workbook and does not \
                 keep what stands in them",
                self.incomplete
            ));
        }
        if self.unplaced > 0 {
            warnings.push(format!(
                "{} points of {chart} were left out: their numbers are beyond the {MAX_POINTS} that are read",
                self.unplaced
            ));
        }
        warnings
    }

    /// Writes the caption and the tables, and warns of what could not be read.
    pub(super) fn write(&self, place: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        writer.block(&self.caption())?;
        self.tables().iter().try_for_each(|table| writer.table(table))?;
        self.warnings(place).into_iter().for_each(|warning| writer.warn(warning));
        Ok(())
    }
}

/// The words for `barChart`, `bar3DChart`, `ofPieChart` and the like.
fn kind_of(name: &str) -> String {
    match name.trim_end_matches("Chart").trim_end_matches("3D") {
        "ofPie" => "pie".into(),
        kind => kind.to_lowercase(),
    }
}

fn cached(reader: &mut Reader<'_>, points: &mut Points, is_number: bool) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "strRef" | "numRef" | "multiLvlStrRef" => cached(reader, points, false)?,
            "strCache" | "strLit" | "multiLvlStrCache" => {
                points.are_kept = true;
                cached(reader, points, false)?;
            }
            "numCache" | "numLit" => {
                points.are_kept = true;
                cached(reader, points, true)?;
            }
            "lvl" => {
                let mut level = Points::new(false);
                cached(reader, &mut level, false)?;
                points.put_below(level)?;
            }
            "formatCode" => points.show_as(&reader.text_of_current()?),
            "pt" => {
                let at = place(&element);
                let text = point(reader)?;
                points.set(at, points.shown(&text, is_number));
            }
            "v" => {
                let text = one_line(&reader.text_of_current()?);
                points.set(None, text);
            }
            "rich" => {
                let text = words(reader)?;
                points.set(None, text);
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn point(reader: &mut Reader<'_>) -> Result<String, ExtractError> {
    let mut text = String::new();
    while let Some(element) = reader.child()? {
        if element.is("v") {
            text = reader.text_of_current()?;
        } else {
            reader.skip()?;
        }
    }
    Ok(text)
}

/// The words of a title, whether they stand there or are kept of a reference.
fn words(reader: &mut Reader<'_>) -> Result<String, ExtractError> {
    let mut text = String::new();
    words_into(reader, &mut text)?;
    Ok(one_line(&text))
}

fn words_into(reader: &mut Reader<'_>, text: &mut String) -> Result<(), ExtractError> {
    while let Some(element) = reader.child()? {
        match element.name() {
            "t" | "v" => text.push_str(&reader.text_of_current()?),
            "p" | "br" => {
                text.push(' ');
                words_into(reader, text)?;
            }
            // What they look like repeats them in newer charts.
            "f" | "layout" | "spPr" | "txPr" => reader.skip()?,
            _ => words_into(reader, text)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
