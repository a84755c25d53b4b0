//! Plots as an SVG file of their own, for a document that cannot hold a page: two beside each other, with their titles
//! and legends drawn, and the page's style inside.
//!
//! May depend on its siblings.

use super::{CHARACTER, HEIGHT, Plot, RULE_LINE, Series, WIDTH, line, text};
use crate::eval::report::{html::Html, page_parts::STYLE};

/// The room above a plot for its title and its legend.
const HEAD: f64 = 44.0;
/// Around each plot.
const MARGIN: f64 = 16.0;
const COLUMNS: usize = 2;
/// The length of a legend's line, and the room that it and its gaps take.
const SWATCH: f64 = 16.0;

/// The text of the file.
pub fn svg_file(plots: &[Plot]) -> String {
    let (width, height) = (WIDTH + 2.0 * MARGIN, HEAD + HEIGHT + 2.0 * MARGIN + words_above(plots));
    let (columns, rows) = (plots.len().clamp(1, COLUMNS), plots.len().div_ceil(COLUMNS).max(1));
    let mut svg = Html::new();
    svg.markup("<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui, sans-serif\" viewBox=\"0 0 ");
    svg.coordinate(width * columns as f64).markup(" ").coordinate(height * rows as f64).markup("\">\n<style>");
    svg.markup(STYLE).markup("</style>\n<rect width=\"100%\" height=\"100%\" style=\"fill:var(--card)\"/>\n");
    for (number, plot) in plots.iter().enumerate() {
        let (column, row) = (number % COLUMNS, number / COLUMNS);
        svg.markup("<g class=\"plot\" transform=\"translate(").coordinate(MARGIN + width * column as f64).markup(" ");
        svg.coordinate(MARGIN + height * row as f64).markup(")\">\n");
        text(&mut svg, "row-value", "start", (0.0, 12.0), &plot.title);
        legend(&mut svg, plot);
        svg.markup("<g transform=\"translate(0 ").coordinate(HEAD + words_above(plots)).markup(")\">\n");
        plot.draw_all(&mut svg);
        svg.markup("</g>\n</g>\n");
    }
    svg.markup("</svg>\n");
    svg.into_string()
}

fn words_above(plots: &[Plot]) -> f64 {
    RULE_LINE * plots.iter().map(|plot| plot.rules.len()).max().unwrap_or(0) as f64
}

fn legend(svg: &mut Html, plot: &Plot) {
    let named: Vec<&Series> = plot.series.iter().filter(|series| !series.name.is_empty()).collect();
    let mut at = 0.0;
    for series in named.iter().filter(|_| named.len() > 1) {
        svg.markup("<g class=\"s").integer(series.colour % 5).markup("\">");
        line(svg, "legend-line", (at, 28.0), (at + SWATCH, 28.0));
        svg.markup("</g>\n");
        text(svg, "tick", "start", (at + SWATCH + 6.0, 32.0), &series.name);
        at += SWATCH + 20.0 + CHARACTER * series.name.chars().count() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::report::{
        format::NumberFormat,
        plot::{Axis, Extent, Marks},
    };

    #[test]
    fn each_plot_has_its_place_its_title_and_its_legend() {
        let series = |name: &str, colour| Series {
            name: name.to_owned(),
            colour,
            marks: Marks::LineWithPoints(vec![(1.0, 2.0), (10.0, 3.0)]),
        };
        let plot = |title: &str, series| Plot {
            title: title.to_owned(),
            x: Axis { log: true, ..Axis::linear("passages", Extent::Data, NumberFormat::Plain) },
            y: Axis::linear("ms", Extent::FromZero, NumberFormat::Plain),
            series,
            rules: Vec::new(),
            note: None,
        };
        let file = svg_file(&[
            plot("Search < all", vec![series("p50", 0), series("p99", 1)]),
            plot("Memory", vec![series("own", 0)]),
            plot("Rate", vec![series("rate", 0)]),
        ]);
        assert!(file.starts_with("<svg xmlns=") && file.contains("viewBox=\"0 0 784 616\""), "{file}");
        assert!(file.contains("Search &lt; all") && file.contains("translate(408 16)") && file.contains("(16 324)"));
        assert_eq!(file.matches("legend-line\"").count(), 2, "one series needs no legend");
        assert_eq!(file.matches("<circle").count(), 8);
        // An image has a strict parser: what is opened is closed.
        assert_eq!(file.matches("<g").count(), file.matches("</g>").count());
    }
}
