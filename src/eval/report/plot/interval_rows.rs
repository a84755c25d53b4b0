//! Lying bars with error bars, a labelled row for each: figures with their intervals beside each other.
//!
//! May depend on `eval::report::html` and its siblings.

use super::{axis::Scale, line, text, whisker};
use crate::eval::report::html::Html;

const WIDTH: f64 = 360.0;
const ROW: f64 = 36.0;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// The value in words, to its right.
    pub text: String,
    /// The value.
    pub value: f64,
    /// The ends of its error bar.
    pub error: Option<(f64, f64)>,
    /// Its colour, 0 to 4.
    pub colour: usize,
}

/// The rows under a title, on one scale from 0 to `to`; the largest value or end when `to` is absent.
pub fn figure(title: &str, rows: &[Row], to: Option<f64>, note: Option<&str>) -> Html {
    let mut html = Html::new();
    html.markup("<figure class=\"plot\">\n<figcaption>").text(title).markup("</figcaption>\n");
    let ends = rows.iter().map(|row| row.error.map_or(row.value, |(_, high)| high.max(row.value)));
    let largest = to.unwrap_or_else(|| ends.filter(|end| end.is_finite()).fold(0.0, f64::max));
    let scale = Scale::new(0.0, if largest > 0.0 { largest } else { 1.0 }, 0.0, WIDTH, false);
    let height = ROW * rows.len() as f64;
    html.markup("<svg viewBox=\"0 0 ").coordinate(WIDTH).markup(" ").coordinate(height.max(1.0));
    html.markup("\" role=\"img\" aria-label=\"").text(title).markup("\">\n");
    for (number, row) in rows.iter().enumerate() {
        draw(&mut html, row, ROW * number as f64, &scale);
    }
    html.markup("</svg>\n");
    if let Some(note) = note {
        html.markup("<p class=\"note\">").text(note).markup("</p>\n");
    }
    html.markup("</figure>\n");
    html
}

fn draw(html: &mut Html, row: &Row, top: f64, scale: &Scale) {
    let middle = top + 23.0;
    text(html, "row-label", "start", (0.0, top + 12.0), &row.label);
    text(html, "row-value", "end", (WIDTH, top + 12.0), &row.text);
    line(html, "track", (0.0, middle), (WIDTH, middle));
    html.markup("<g class=\"s").integer(row.colour % 5).markup("\"><rect class=\"bar\" rx=\"2\" x=\"0\" y=\"");
    let width = if row.value.is_finite() { scale.at(row.value).clamp(0.0, WIDTH) } else { 0.0 };
    html.coordinate(middle - 4.0).markup("\" width=\"").coordinate(width.max(1.0)).markup("\" height=\"8\"/></g>\n");
    if let Some((low, high)) = row.error.filter(|(low, high)| low.is_finite() && high.is_finite()) {
        let [low, high] = [low, high].map(|end| scale.at(end).clamp(0.5, WIDTH - 0.5));
        whisker(html, (low, middle), (high, middle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_its_value_and_its_interval() {
        let row = |value, error| Row { label: "F1 <all>".into(), text: "62.0%".into(), value, error, colour: 1 };
        let rows = [row(0.62, Some((0.5, 0.7))), row(0.0, None), row(f64::NAN, Some((f64::NAN, 1.0)))];
        let html = figure("Shares", &rows, Some(1.0), None).into_string();
        assert_eq!(html.matches("F1 &lt;all&gt;").count(), 3);
        assert!(html.contains("width=\"223.2\""), "{html}");
        assert!(html.contains("x1=\"180\" y1=\"23\" x2=\"252\" y2=\"23\""), "{html}");
        assert_eq!(html.matches("whisker").count(), 3);
        assert!(!html.contains("NaN"));
    }
}
