//! Plots as inline SVG: lines, points and bars with error bars over two axes. Colours come from the page's style, so a
//! plot is light or dark as the page is.
//!
//! Plots are drawn 360 units wide, so that their letters have about the size of the page's on a telephone as well as in
//! a column of a wide page.
//!
//! May depend on `eval::report::html` and `eval::report::format`.

pub mod axis;
mod file;
pub mod interval_rows;
mod marks;
mod thinning;

use super::{format::NumberFormat, html::Html};
use axis::{Scale, Ticks};
pub use file::svg_file;
use marks::{points_of, swatch};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 232.0;
/// The room above the plot for the label of the vertical axis; each rule adds a line for its word.
const TOP: f64 = 26.0;
const RULE_LINE: f64 = 14.0;
const BOTTOM: f64 = 40.0;
const RIGHT: f64 = 12.0;
/// The width of a character of a tick.
const CHARACTER: f64 = 6.6;

/// Which values an axis shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extent {
    /// Those that occur.
    Data,
    /// Those that occur, and 0.
    FromZero,
    /// Exactly these.
    Fixed(f64, f64),
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows.
    pub label: String,
    /// Which values.
    pub extent: Extent,
    /// How they are written.
    pub format: NumberFormat,
    /// Whether it is logarithmic; values that are not above 0 are then left out.
    pub log: bool,
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: &str, extent: Extent, format: NumberFormat) -> Self {
        Self { label: label.to_owned(), extent, format, log: false }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// The main thing.
    Solid,
    /// Something to compare with.
    Dashed,
    /// Noisy values behind their smoothed line.
    Faint,
    /// Steps: the value holds until the next point.
    Steps,
}

/// A bar from one value of the horizontal axis to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How high it is.
    pub height: f64,
    /// The ends of its error bar.
    pub error: Option<(f64, f64)>,
    /// The cases that it stands for, for the tooltip.
    pub cases: Option<usize>,
}

/// What a series draws.
#[derive(Debug, Clone, PartialEq)]
pub enum Marks {
    /// A line; it is interrupted where a value is not a finite number.
    Line(Vec<(f64, f64)>, Stroke),
    /// A line with its points.
    LineWithPoints(Vec<(f64, f64)>),
    /// Points.
    Points(Vec<(f64, f64)>),
    /// Bars.
    Bars(Vec<Bar>),
}

/// A series of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its colour, 0 to 4.
    pub colour: usize,
    /// What it draws.
    pub marks: Marks,
}

/// A vertical line at a value, with a word beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Where.
    pub at: f64,
    /// The word.
    pub label: String,
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// The title above it.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first at the back.
    pub series: Vec<Series>,
    /// Vertical lines.
    pub rules: Vec<Rule>,
    /// What has to be known to read it, under it.
    pub note: Option<String>,
}

impl Plot {
    /// The plot with its title, legend and note.
    pub fn figure(&self) -> Html {
        let mut html = Html::new();
        html.markup("<figure class=\"plot\">\n<figcaption>").text(&self.title).markup("</figcaption>\n");
        let named: Vec<&Series> = self.series.iter().filter(|series| !series.name.is_empty()).collect();
        if named.len() > 1 {
            html.markup("<ul class=\"legend\">");
            for series in named {
                html.markup("<li class=\"s").integer(series.colour % 5).markup("\"><i class=\"");
                html.markup(swatch(&series.marks)).markup("\"></i>").text(&series.name).markup("</li>");
            }
            html.markup("</ul>\n");
        }
        html.html(&self.svg());
        let notes: Vec<String> = self.note.clone().into_iter().chain(self.left_out()).collect();
        if !notes.is_empty() {
            html.markup("<p class=\"note\">").text(&notes.join(" ")).markup("</p>\n");
        }
        html.markup("</figure>\n");
        html
    }

    /// What the plot cannot draw, in words.
    fn left_out(&self) -> Option<String> {
        let count = self.series.iter().map(|series| {
            let all = points_of(&series.marks);
            all.iter().filter(|(x, y)| !self.can_draw(*x, *y)).count()
        });
        let count: usize = count.sum();
        match count {
            0 => None,
            1 => Some("1 value is no finite number on this scale and leaves a gap.".to_owned()),
            _ => Some(format!("{count} values are no finite numbers on this scale and leave gaps.")),
        }
    }

    fn can_draw(&self, x: f64, y: f64) -> bool {
        let on = |axis: &Axis, value: f64| value.is_finite() && (!axis.log || value > 0.0);
        on(&self.x, x) && on(&self.y, y)
    }

    fn svg(&self) -> Html {
        let mut svg = Html::new();
        let above = self.words_above();
        svg.markup("<svg viewBox=\"0 ").coordinate(-above).markup(" ").coordinate(WIDTH).markup(" ");
        svg.coordinate(HEIGHT + above);
        svg.markup("\" role=\"img\" aria-label=\"").text(&self.title).markup(": ").text(&self.y.label);
        svg.markup(" over ").text(&self.x.label).markup("\">\n");
        self.draw_all(&mut svg);
        svg.markup("</svg>\n");
        svg
    }

    /// The words of rules stand above the plot, where they do not cover what is drawn.
    fn words_above(&self) -> f64 {
        RULE_LINE * self.rules.len() as f64
    }

    /// Everything inside: axes, labels, marks and rules.
    fn draw_all(&self, svg: &mut Html) {
        let above = self.words_above();
        let drawn: Vec<(f64, f64)> = self.series.iter().flat_map(|series| points_of(&series.marks)).collect();
        let drawn: Vec<(f64, f64)> = drawn.into_iter().filter(|(x, y)| self.can_draw(*x, *y)).collect();
        if drawn.is_empty() {
            svg.markup("<text class=\"empty\" text-anchor=\"middle\" x=\"180\" y=\"116\">nothing to show</text>\n");
            return;
        }
        let y_ticks = ticks(&self.y, drawn.iter().map(|(_, y)| *y), 5);
        let y_labels = labels(&self.y, &y_ticks);
        let longest = y_labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let left = 10.0 + CHARACTER * longest as f64;
        let (x_low, x_high) = x_range(&self.x, drawn.iter().map(|(x, _)| *x));
        let x = Scale::new(x_low, x_high, left, WIDTH - RIGHT, self.x.log);
        let (y_low, y_high) = ends(&y_ticks);
        let y = Scale::new(y_low, y_high, HEIGHT - BOTTOM, TOP, self.y.log);

        for (value, label) in y_ticks.values.iter().zip(&y_labels) {
            let at = y.at(*value);
            line(svg, "grid", (left, at), (WIDTH - RIGHT, at));
            text(svg, "tick", "end", (left - 6.0, at + 4.0), label);
        }
        let mut x_ticks = if self.x.log { axis::logarithmic(x_low, x_high) } else { axis::inside(x_low, x_high, 5) };
        // Logarithmic ticks enclose the values, and this axis ends where they end.
        x_ticks.values.retain(|value| self.x.shows(*value, x_low, x_high));
        for (value, label) in x_ticks.values.iter().zip(labels(&self.x, &x_ticks)) {
            // The last label of an axis that ends at it would be cut by the edge.
            let half = CHARACTER * label.chars().count() as f64 / 2.0;
            let at = x.at(*value);
            line(svg, "axis", (at, HEIGHT - BOTTOM), (at, HEIGHT - BOTTOM + 4.0));
            text(svg, "tick", "middle", (at.min(WIDTH - 1.0 - half), HEIGHT - BOTTOM + 16.0), &label);
        }
        line(svg, "axis", (left, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM));
        text(svg, "label", "start", (0.0, 13.0 - above), &self.y.label);
        text(svg, "label", "end", (WIDTH - RIGHT, HEIGHT - 5.0), &self.x.label);
        for series in &self.series {
            svg.markup("<g class=\"s").integer(series.colour % 5).markup("\">");
            self.draw(svg, &series.marks, &x, &y);
            svg.markup("</g>\n");
        }
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| self.x.shows(rule.at, x_low, x_high)) {
            let (at, height) = (x.at(rule.at), 15.0 - above + RULE_LINE * (number + 1) as f64);
            line(svg, "rule", (at, height - 9.0), (at, HEIGHT - BOTTOM));
            let room = WIDTH - RIGHT - at > CHARACTER * rule.label.chars().count() as f64;
            let (anchor, shift) = if room { ("start", 4.0) } else { ("end", -4.0) };
            text(svg, "rule-label", anchor, (at + shift, height), &rule.label);
        }
    }
}

impl Axis {
    fn shows(&self, value: f64, low: f64, high: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0) && value >= low && value <= high
    }
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

fn ticks(axis: &Axis, values: impl Iterator<Item = f64>, wanted: usize) -> Ticks {
    let (low, high) = match axis.extent {
        Extent::Fixed(low, high) => (low, high),
        Extent::Data => span(values),
        Extent::FromZero => {
            let (low, high) = span(values);
            (low.min(0.0), high.max(0.0))
        }
    };
    if axis.log { axis::logarithmic(low, high) } else { axis::enclosing(low, high, wanted) }
}

/// A horizontal axis ends where its data ends: what lies beyond would be empty.
fn x_range(axis: &Axis, values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = match axis.extent {
        Extent::Fixed(low, high) => (low, high),
        Extent::Data => span(values),
        Extent::FromZero => (0.0, span(values).1),
    };
    if high > low {
        (low, high)
    } else if axis.log {
        (low / 2.0, low * 2.0)
    } else {
        (low - 0.5, low + 0.5)
    }
}

fn ends(ticks: &Ticks) -> (f64, f64) {
    (ticks.values.first().copied().unwrap_or(0.0), ticks.values.last().copied().unwrap_or(1.0))
}

fn labels(axis: &Axis, ticks: &Ticks) -> Vec<String> {
    if axis.log {
        ticks.values.iter().map(|value| axis.format.value(*value)).collect()
    } else {
        axis.format.ticks(&ticks.values, ticks.step)
    }
}

fn line(svg: &mut Html, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    svg.markup("<line class=\"").markup(class).markup("\" x1=\"").coordinate(from.0).markup("\" y1=\"");
    svg.coordinate(from.1).markup("\" x2=\"").coordinate(to.0).markup("\" y2=\"").coordinate(to.1).markup("\"/>");
}

/// An error bar with its caps, upright or lying.
fn whisker(svg: &mut Html, from: (f64, f64), to: (f64, f64)) {
    let upright = (from.0 - to.0).abs() < 1e-9;
    line(svg, "whisker", from, to);
    for (x, y) in [from, to] {
        let (dx, dy) = if upright { (3.5, 0.0) } else { (0.0, 3.5) };
        line(svg, "whisker", (x - dx, y - dy), (x + dx, y + dy));
    }
}

fn text(svg: &mut Html, class: &'static str, anchor: &'static str, at: (f64, f64), words: &str) {
    svg.markup("<text class=\"").markup(class).markup("\" text-anchor=\"").markup(anchor).markup("\" x=\"");
    svg.coordinate(at.0).markup("\" y=\"").coordinate(at.1).markup("\">").text(words).markup("</text>\n");
}

#[cfg(test)]
mod tests;
