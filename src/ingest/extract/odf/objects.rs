//! Charts and formulas that a document embeds: each is a document of its own in a folder of the package, a chart with its
//! values in a table. What else is embedded is left out with a warning.

use std::collections::HashMap;

use super::{body::Body, styles::Styles};
use crate::ingest::extract::{
    ExtractError, ExtractLimits,
    package::Package,
    structure::one_line,
    writer::MarkdownWriter,
    xml::{Node, Reader},
};

#[derive(Debug, Default)]
pub(super) struct Objects {
    charts: HashMap<String, Chart>,
    /// Formulas, as a person typed them.
    formulas: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct Chart {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Objects {
    pub(super) fn read(package: &mut Package<'_>, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let format = package.format();
        let folders: Vec<String> = package
            .names()
            .filter_map(|name| std::str::from_utf8(name).ok()?.strip_suffix("/content.xml").map(str::to_owned))
            .collect();
        let mut objects = Self::default();
        for folder in folders {
            let Some(text) = package.part(&format!("{folder}/content.xml"))? else { continue };
            if let Some(formula) = formula(&mut Reader::new(format, &text, limits.max_depth))? {
                objects.formulas.insert(folder, formula);
                continue;
            }
            let (styles, none) = (Styles::default(), Self::default());
            let reader = Reader::new(format, &text, limits.max_depth);
            let mut body = Body::new(reader, format, &styles, &none, limits);
            if body.reader.find("chart")? {
                let mut chart = Chart::default();
                body.chart(&mut chart)?;
                objects.charts.insert(folder, chart);
            }
        }
        Ok(objects)
    }

    /// The formula that a link such as `./Object 1` points to.
    pub(super) fn formula(&self, link: &str) -> Option<&str> {
        self.formulas.get(folder_of(link)).map(String::as_str)
    }

    /// Writes the chart that a link points to, and warns of any other object.
    pub(super) fn write(&self, link: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Some(chart) = self.charts.get(folder_of(link)) else {
            writer.warn(format!("what the document embeds of another program ({}) was left out", folder_of(link)));
            return Ok(());
        };
        let title = if chart.title.is_empty() { "Chart".into() } else { format!("{} (chart)", chart.title) };
        writer.block(&title)?;
        writer.table(&chart.rows)
    }
}

/// The folder in the package that a link such as `./Object 1` points to.
fn folder_of(link: &str) -> &str {
    link.trim_start_matches("./").trim_end_matches('/')
}

/// Reads a part that is a formula: as it was typed, where that is kept, or the signs that it shows. `None` where the part
/// is none.
fn formula(reader: &mut Reader<'_>) -> Result<Option<String>, ExtractError> {
    if !reader.child()?.is_some_and(|root| root.is("math")) {
        return Ok(None);
    }
    let (mut typed, mut signs) = (String::new(), String::new());
    while let Some(node) = reader.next()? {
        match node {
            Node::Start(element) if element.is("annotation") => typed = one_line(&reader.text_of_current()?),
            Node::Text(text) => signs.push_str(&text),
            Node::Start(_) | Node::End => {}
        }
    }
    Ok(Some(if typed.is_empty() { one_line(&signs) } else { typed }))
}

impl Body<'_> {
    /// Reads the rest of an `office:chart`.
    fn chart(&mut self, chart: &mut Chart) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "title" => chart.title = one_line(&self.flat()?),
                "table" => {
                    chart.rows = self.table_rows()?;
                    // How LibreOffice writes that a point has no value.
                    chart.rows.iter_mut().flatten().filter(|cell| cell.as_str() == "NaN").for_each(String::clear);
                }
                "chart" => self.chart(chart)?,
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }
}
