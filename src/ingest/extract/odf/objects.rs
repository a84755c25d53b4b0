//! Charts that a document embeds: each is a document of its own in a folder of the package, with its values in a table.

use std::collections::HashMap;

use super::{body::Body, styles::Styles};
use crate::ingest::extract::{
    ExtractError, ExtractLimits, package::Package, structure::one_line, writer::MarkdownWriter, xml::Reader,
};

/// So many objects are read; more are no charts that a person drew.
const MAX_OBJECTS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Objects(HashMap<String, Chart>);

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
        if folders.len() > MAX_OBJECTS {
            return Err(ExtractError::too_large("the number of embedded objects", MAX_OBJECTS as u64));
        }
        let mut charts = HashMap::new();
        for folder in folders {
            let Some(text) = package.part(&format!("{folder}/content.xml"))? else { continue };
            let (styles, none) = (Styles::default(), Self::default());
            let reader = Reader::new(format, &text, limits.max_depth);
            let mut body = Body::new(reader, format, &styles, &none, limits);
            if body.reader.find("chart")? {
                let mut chart = Chart::default();
                body.chart(&mut chart)?;
                charts.insert(folder, chart);
            }
        }
        Ok(Self(charts))
    }

    /// Writes the chart that a link such as `./Object 1` points to; other objects hold no text of the document.
    pub(super) fn write(&self, link: &str, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        let Some(chart) = self.0.get(link.trim_start_matches("./").trim_end_matches('/')) else { return Ok(()) };
        let title = if chart.title.is_empty() { "Chart".into() } else { format!("{} (chart)", chart.title) };
        writer.block(&title)?;
        writer.table(&chart.rows)
    }
}

impl Body<'_> {
    /// Reads the rest of an `office:chart`.
    fn chart(&mut self, chart: &mut Chart) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "title" => chart.title = one_line(&self.flat()?),
                "table" => chart.rows = self.table_rows()?,
                "chart" => self.chart(chart)?,
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }
}
