//! Charts of Office documents (DrawingML, ECMA-376 part 1, 21.2): the title and the values that were drawn last, which
//! the part of the chart keeps beside the references to a workbook.
//!
//! May depend on `xml`, `number_format` and the writer.

use super::{
    ExtractError, ExtractLimits,
    number_format::NumberFormat,
    structure::one_line,
    writer::MarkdownWriter,
    xml::{Element, Reader},
};

/// A point's number may claim any place; points beyond this are not placed.
const MAX_POINTS: usize = 1 << 16;

/// What a chart shows.
#[derive(Debug, Default)]
pub(super) struct Chart {
    title: String,
    kinds: Vec<String>,
    series: Vec<Series>,
    /// Whether days are counted from 1904 on.
    from_1904: bool,
}

#[derive(Debug, Default)]
struct Series {
    name: String,
    categories: Vec<String>,
    values: Vec<String>,
}

impl Chart {
    pub(super) fn read(format: &'static str, part: &str, limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let mut chart = Self::default();
        let mut reader = Reader::new(format, part, limits.max_depth);
        chart.inside(&mut reader)?;
        Ok(chart)
    }

    fn inside(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "chartSpace" | "chart" | "plotArea" => self.inside(reader)?,
                "title" => self.title = words(reader)?,
                "date1904" => {
                    self.from_1904 = element.is_on();
                    reader.skip()?;
                }
                name if name.ends_with("Chart") => {
                    let kind = kind_of(name);
                    if !self.kinds.contains(&kind) {
                        self.kinds.push(kind);
                    }
                    self.plot(reader)?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn plot(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            if element.is("ser") {
                self.series.push(series(reader, self.from_1904)?);
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    }

    /// The title with the kind of the chart; empty when neither is known.
    pub(super) fn caption(&self) -> String {
        let kind = self.kinds.join(" and ");
        match (self.title.is_empty(), kind.is_empty()) {
            (false, false) => format!("{} ({kind} chart)", self.title),
            (true, false) => format!("Chart ({kind})"),
            _ => self.title.clone(),
        }
    }

    /// Its values as tables of categories by series: one for the series that share their categories, mostly one. The
    /// first row is the header.
    pub(super) fn tables(&self) -> Vec<Vec<Vec<String>>> {
        let (mut tables, mut rest) = (Vec::new(), self.series.as_slice());
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|series| series.categories == first.categories).count().max(1);
            let (now, later) = rest.split_at(alike);
            tables.push(table(now, &first.categories));
            rest = later;
        }
        tables
    }

    /// Writes the caption and the tables.
    pub(super) fn write(&self, writer: &mut MarkdownWriter) -> Result<(), ExtractError> {
        writer.block(&self.caption())?;
        self.tables().iter().try_for_each(|table| writer.table(table))
    }
}

fn table(series: &[Series], categories: &[String]) -> Vec<Vec<String>> {
    let points = series.iter().map(|one| one.values.len()).max().unwrap_or(0).max(categories.len());
    let header = std::iter::once(String::new()).chain(series.iter().map(|one| one.name.clone()));
    let row = |point: usize| {
        let category = categories.get(point).cloned().unwrap_or_else(|| (point + 1).to_string());
        let values = series.iter().map(|one| one.values.get(point).cloned().unwrap_or_default());
        std::iter::once(category).chain(values).collect()
    };
    std::iter::once(header.collect()).chain((0..points).map(row)).collect()
}

/// The words for `barChart`, `bar3DChart`, `ofPieChart` and the like.
fn kind_of(name: &str) -> String {
    match name.trim_end_matches("Chart").trim_end_matches("3D") {
        "ofPie" => "pie".into(),
        kind => kind.to_lowercase(),
    }
}

fn series(reader: &mut Reader<'_>, from_1904: bool) -> Result<Series, ExtractError> {
    let mut series = Series::default();
    while let Some(element) = reader.child()? {
        match element.name() {
            "tx" => series.name = cached(reader, from_1904)?.join(" "),
            "cat" | "xVal" => series.categories = cached(reader, from_1904)?,
            "val" | "yVal" => series.values = cached(reader, from_1904)?,
            _ => reader.skip()?,
        }
    }
    Ok(series)
}

/// What is kept of a reference, or stands there literally; each point at its place.
fn cached(reader: &mut Reader<'_>, from_1904: bool) -> Result<Vec<String>, ExtractError> {
    let mut points = Points { values: Vec::new(), format: NumberFormat::General, from_1904 };
    points.inside(reader, false)?;
    Ok(points.values)
}

struct Points {
    values: Vec<String>,
    format: NumberFormat,
    from_1904: bool,
}

impl Points {
    fn inside(&mut self, reader: &mut Reader<'_>, is_number: bool) -> Result<(), ExtractError> {
        while let Some(element) = reader.child()? {
            match element.name() {
                "strRef" | "numRef" | "multiLvlStrRef" | "multiLvlStrCache" | "strCache" | "strLit" => {
                    self.inside(reader, false)?;
                }
                "numCache" | "numLit" => self.inside(reader, true)?,
                // The levels of categories, innermost first: an outer one is named where it begins.
                "lvl" => self.level(reader)?,
                "formatCode" => self.format = NumberFormat::parse(&reader.text_of_current()?),
                "pt" => {
                    let at = place(&element, self.values.len());
                    let text = self.point(reader, is_number)?;
                    self.set(at, text);
                }
                "v" => {
                    let text = one_line(&reader.text_of_current()?);
                    self.set(Some(self.values.len()), text);
                }
                "rich" => self.values.push(words(reader)?),
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn level(&mut self, reader: &mut Reader<'_>) -> Result<(), ExtractError> {
        let mut outer = Points { values: Vec::new(), format: NumberFormat::General, from_1904: self.from_1904 };
        outer.inside(reader, false)?;
        if self.values.is_empty() {
            self.values = outer.values;
            return Ok(());
        }
        let mut name = String::new();
        for (at, value) in self.values.iter_mut().enumerate() {
            if let Some(begins) = outer.values.get(at).filter(|value| !value.is_empty()) {
                name.clone_from(begins);
            }
            if !name.is_empty() {
                *value = format!("{name} / {value}");
            }
        }
        Ok(())
    }

    fn point(&self, reader: &mut Reader<'_>, is_number: bool) -> Result<String, ExtractError> {
        let mut text = String::new();
        while let Some(element) = reader.child()? {
            if element.is("v") {
                text = one_line(&reader.text_of_current()?);
            } else {
                reader.skip()?;
            }
        }
        Ok(match text.parse::<f64>() {
            Ok(value) if is_number => self.format.show(value, self.from_1904),
            _ => text,
        })
    }

    fn set(&mut self, at: Option<usize>, text: String) {
        let Some(at) = at else { return };
        if self.values.len() <= at {
            self.values.resize(at + 1, String::new());
        }
        if let Some(value) = self.values.get_mut(at) {
            *value = text;
        }
    }
}

fn place(element: &Element<'_>, next: usize) -> Option<usize> {
    Some(element.number("idx").unwrap_or(next)).filter(|at| *at < MAX_POINTS)
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
            "f" | "layout" | "spPr" => reader.skip()?,
            _ => words_into(reader, text)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(part: &str) -> String {
        let limits = ExtractLimits::default();
        let mut writer = MarkdownWriter::new("x", &limits);
        Chart::read("PPTX", part, &limits).unwrap().write(&mut writer).unwrap();
        writer.finish(None).text
    }

    fn cache(kind: &str, values: &[&str]) -> String {
        let points: String = values
            .iter()
            .enumerate()
            .map(|(at, value)| format!("<c:pt idx='{at}'><c:v>{value}</c:v></c:pt>"))
            .collect();
        format!(
            "<c:{kind}Ref><c:f>Sheet1!A1</c:f><c:{kind}Cache><c:ptCount val='9'/>{points}</c:{kind}Cache></c:{kind}Ref>"
        )
    }

    fn series(name: &str, categories: &[&str], values: &[&str]) -> String {
        format!(
            "<c:ser><c:idx val='0'/><c:tx>{}</c:tx><c:cat>{}</c:cat><c:val>{}</c:val></c:ser>",
            cache("str", &[name]),
            cache("str", categories),
            cache("num", values)
        )
    }

    #[test]
    fn a_chart_is_its_title_and_a_table_of_its_values() {
        let years = ["2019", "2020"];
        let chart = format!(
            "<c:chartSpace xmlns:c='c' xmlns:a='a'><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Ducks</a:t></a:r></a:p></c:rich>\
             </c:tx></c:title><c:plotArea><c:barChart>{}{}</c:barChart><c:catAx><c:title/></c:catAx></c:plotArea></c:chart></c:chartSpace>",
            series("Fresh", &years, &["1", "0.30000000000000004"]),
            series("Salt", &years, &["3"]),
        );
        assert_eq!(
            text(&chart),
            "Ducks (bar chart)\n\n| | Fresh | Salt |\n| --- | --- | --- |\n| 2019 | 1 | 3 |\n| 2020 | 0.3 | |\n"
        );
    }

    #[test]
    fn series_of_other_categories_have_a_table_of_their_own() {
        let chart = format!(
            "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:pie3DChart>{}{}</c:pie3DChart></c:plotArea></c:chart></c:chartSpace>",
            series("A", &["x"], &["1"]),
            series("B", &["y"], &["2"]),
        );
        assert_eq!(
            text(&chart),
            "Chart (pie)\n\n| | A |\n| --- | --- |\n| x | 1 |\n\n| | B |\n| --- | --- |\n| y | 2 |\n"
        );
    }

    #[test]
    fn dates_are_counted_from_the_year_that_the_chart_names() {
        let chart = |epoch: &str| {
            text(&format!(
                "<c:chartSpace xmlns:c='c'>{epoch}<c:chart><c:plotArea><c:lineChart><c:ser><c:cat><c:numLit><c:formatCode>yyyy\\-mm\\-dd\
                 </c:formatCode><c:pt idx='0'><c:v>366</c:v></c:pt></c:numLit></c:cat></c:ser></c:lineChart></c:plotArea></c:chart></c:chartSpace>"
            ))
        };
        assert!(chart("").contains("| 1900-12-31 |"), "{}", chart(""));
        assert!(chart("<c:date1904 val='0'/>").contains("| 1900-12-31 |"));
        assert!(chart("<c:date1904/>").contains("| 1905-01-01 |"));
    }

    #[test]
    fn a_point_that_claims_a_far_place_is_not_placed() {
        let part = "<c:chartSpace xmlns:c='c'><c:chart><c:plotArea><c:lineChart><c:ser><c:val><c:numLit>\
            <c:pt idx='4000000000'><c:v>9</c:v></c:pt><c:pt idx='1'><c:v>7</c:v></c:pt></c:numLit></c:val></c:ser></c:lineChart>\
            </c:plotArea></c:chart></c:chartSpace>";
        assert_eq!(text(part), "Chart (line)\n\n| | |\n| --- | --- |\n| 1 | |\n| 2 | 7 |\n");
    }
}
