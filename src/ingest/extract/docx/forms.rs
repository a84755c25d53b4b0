//! What was chosen in the fields of a form of the older kind: boxes to tick and lists to choose from show no run of text.

use super::{body::Body, paragraph::Paragraph};
use crate::ingest::extract::ExtractError;

impl Body<'_> {
    /// Reads the rest of a `w:ffData`.
    pub(super) fn form_field(&mut self, paragraph: &mut Paragraph) -> Result<(), ExtractError> {
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "checkBox" => {
                    let is_ticked = self.is_ticked()?;
                    paragraph.text.push(if is_ticked { '☒' } else { '☐' });
                }
                "ddList" => {
                    let chosen = self.chosen()?;
                    paragraph.text.push_str(&chosen);
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn is_ticked(&mut self) -> Result<bool, ExtractError> {
        let (mut by_default, mut now) = (false, None);
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "default" => by_default = element.is_on(),
                "checked" => now = Some(element.is_on()),
                _ => {}
            }
            self.reader.skip()?;
        }
        Ok(now.unwrap_or(by_default))
    }

    fn chosen(&mut self) -> Result<String, ExtractError> {
        let (mut by_default, mut now, mut entries) = (0usize, None, Vec::new());
        while let Some(element) = self.reader.child()? {
            match element.name() {
                "default" => by_default = element.number("val").unwrap_or(0),
                "result" => now = element.number::<usize>("val"),
                "listEntry" => entries.push(element.value().unwrap_or_default()),
                _ => {}
            }
            self.reader.skip()?;
        }
        Ok(entries.get(now.unwrap_or(by_default)).cloned().unwrap_or_default())
    }
}
