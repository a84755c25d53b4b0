//! Draws the marks of a plot: lines, points, bars with their error bars, and what a pointer sees over them.
//!
//! May depend on its siblings.

use super::{BOTTOM, Bar, HEIGHT, Marks, Plot, Stroke, axis::Scale, thinning, whisker};
use crate::eval::report::html::Html;

/// More points than this are drawn without a tooltip each.
const MOST_TOOLTIPS: usize = 80;

impl Plot {
    pub(super) fn draw(&self, svg: &mut Html, marks: &Marks, x: &Scale, y: &Scale) {
        match marks {
            Marks::Line(points, stroke) => self.draw_line(svg, points, *stroke, x, y),
            Marks::LineWithPoints(points) => {
                self.draw_line(svg, points, Stroke::Solid, x, y);
                self.draw_points(svg, points, x, y);
            }
            Marks::Points(points) => self.draw_points(svg, points, x, y),
            Marks::Bars(bars) => bars.iter().filter(|bar| self.can_draw(bar.from, bar.height)).for_each(|bar| {
                self.draw_bar(svg, bar, x, y);
            }),
        }
    }

    fn draw_line(&self, svg: &mut Html, points: &[(f64, f64)], stroke: Stroke, x: &Scale, y: &Scale) {
        let class = match stroke {
            Stroke::Solid | Stroke::Steps => "line",
            Stroke::Dashed => "line dashed",
            Stroke::Faint => "line faint",
        };
        for run in points.split(|(px, py)| !self.can_draw(*px, *py)).filter(|run| !run.is_empty()) {
            let placed: Vec<(f64, f64)> = run.iter().map(|(px, py)| (x.at(*px), y.at(*py))).collect();
            let placed = thinning::thin(&placed);
            svg.markup("<path class=\"").markup(class).markup("\" d=\"M");
            for (number, (at, height)) in placed.iter().enumerate() {
                if number > 0 {
                    svg.markup(if stroke == Stroke::Steps { "H" } else { "L" });
                }
                svg.coordinate(*at);
                if number == 0 || stroke != Stroke::Steps {
                    svg.markup(" ").coordinate(*height);
                } else {
                    svg.markup("V").coordinate(*height);
                }
            }
            svg.markup("\"/>");
        }
    }

    fn draw_points(&self, svg: &mut Html, points: &[(f64, f64)], x: &Scale, y: &Scale) {
        let with_tooltips = points.len() <= MOST_TOOLTIPS;
        for (px, py) in points.iter().filter(|(px, py)| self.can_draw(*px, *py)) {
            svg.markup("<circle r=\"3\" cx=\"").coordinate(x.at(*px)).markup("\" cy=\"").coordinate(y.at(*py));
            svg.markup("\">");
            if with_tooltips {
                self.tooltip(svg, &format!("{} {}", self.x.label, self.x.format.value(*px)), *py, None);
            }
            svg.markup("</circle>");
        }
    }

    fn draw_bar(&self, svg: &mut Html, bar: &Bar, x: &Scale, y: &Scale) {
        let (from, to) = (x.at(bar.from), x.at(bar.to));
        let gap = if to - from > 6.0 { 1.0 } else { 0.3 };
        let (base, top) = (HEIGHT - BOTTOM, y.at(bar.height));
        svg.markup("<rect class=\"bar\" x=\"").coordinate(from + gap).markup("\" y=\"").coordinate(top);
        svg.markup("\" width=\"").coordinate((to - from - 2.0 * gap).max(0.5)).markup("\" height=\"");
        svg.coordinate((base - top).max(0.0)).markup("\">");
        let place = format!("{} {} to {}", self.x.label, self.x.format.value(bar.from), self.x.format.value(bar.to));
        self.tooltip(svg, &place, bar.height, bar.cases);
        svg.markup("</rect>");
        if let Some((low, high)) = bar.error.filter(|(low, high)| low.is_finite() && high.is_finite()) {
            let middle = f64::midpoint(from, to);
            whisker(svg, (middle, y.at(low)), (middle, y.at(high)));
        }
    }

    fn tooltip(&self, svg: &mut Html, place: &str, value: f64, cases: Option<usize>) {
        svg.markup("<title>")
            .text(place)
            .markup(": ")
            .text(&self.y.label)
            .markup(" ")
            .text(&self.y.format.value(value));
        if let Some(cases) = cases {
            svg.markup(" (n = ").integer(cases).markup(")");
        }
        svg.markup("</title>");
    }
}

/// How a series looks in the legend.
pub(super) fn swatch(marks: &Marks) -> &'static str {
    match marks {
        Marks::Line(_, Stroke::Faint) => "swatch faint",
        Marks::Line(_, Stroke::Dashed) => "swatch dashed",
        Marks::Line(..) | Marks::LineWithPoints(_) => "swatch",
        Marks::Points(_) => "swatch dot",
        Marks::Bars(_) => "swatch block",
    }
}

/// The corners of what a series draws, for the ranges of the axes.
pub(super) fn points_of(marks: &Marks) -> Vec<(f64, f64)> {
    match marks {
        Marks::Line(points, _) | Marks::LineWithPoints(points) | Marks::Points(points) => points.clone(),
        Marks::Bars(bars) => {
            let corners = |bar: &Bar| {
                let ends = bar.error.filter(|(low, high)| low.is_finite() && high.is_finite());
                let heights = [Some(bar.height), ends.map(|ends| ends.0), ends.map(|ends| ends.1)];
                heights
                    .into_iter()
                    .flatten()
                    .flat_map(|height| [(bar.from, height), (bar.to, height)])
                    .collect::<Vec<_>>()
            };
            bars.iter().flat_map(corners).collect()
        }
    }
}
