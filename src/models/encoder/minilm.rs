//! The trained reader for many callers, by turns (`turns`).
//!
//! Those who read share the cores with each other and with the generator; reading is arithmetic of some hundred
//! milliseconds. May depend on the siblings and `models::adapter`.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use super::{
    BestSpan, Decision, EncoderError, ReaderError, SpanReader, TitledPassage,
    reader::{PassageText, Reader},
    turns::{NoTurn, Turns},
};
use crate::models::{adapter::AdapterFiles, cores::Cores};

/// MiniLM with a span head, as a [`SpanReader`].
#[derive(Debug)]
pub struct MiniLmReader {
    name: String,
    reader: Arc<Reader>,
    turns: Turns,
}

impl MiniLmReader {
    /// Loads the files of a reader onto the base model in `base`, to read on `cores` while `waiting` callers wait at
    /// most. Blocks for as long as reading the files takes.
    pub fn load(base: &Path, files: &AdapterFiles, cores: Arc<Cores>, waiting: usize) -> Result<Self, EncoderError> {
        let together = cores.all();
        let reader = Reader::load(base, files)?.with_threads(cores)?;
        Ok(Self::new(reader, format!("minilm-reader-{}", &files.sha256()[..12]), together, waiting))
    }

    /// A reader that is loaded already, for `together` callers at a time.
    pub fn new(reader: Reader, name: String, together: usize, waiting: usize) -> Self {
        Self { name, reader: Arc::new(reader), turns: Turns::new(together, waiting) }
    }
}

#[async_trait]
impl SpanReader for MiniLmReader {
    fn name(&self) -> &str {
        &self.name
    }

    fn decision(&self) -> Decision {
        self.reader.decision()
    }

    async fn read(&self, question: String, passages: Vec<TitledPassage>) -> Result<Vec<Option<BestSpan>>, ReaderError> {
        let reader = self.reader.clone();
        let read = self.turns.take(move || best_spans(&reader, &question, &passages)).await;
        read.map_err(|reason| match reason {
            NoTurn::Busy => ReaderError::Busy { waiting: self.turns.waiting },
            NoTurn::Late => ReaderError::Timeout { seconds: self.turns.patience.as_secs() },
            NoTurn::Panicked(error) => ReaderError::Failed(format!("the reader's code panicked: {error}")),
        })?
    }
}

/// The best span of each passage.
fn best_spans(
    reader: &Reader,
    question: &str,
    passages: &[TitledPassage],
) -> Result<Vec<Option<BestSpan>>, ReaderError> {
    let texts: Vec<_> =
        passages.iter().map(|passage| PassageText { title: &passage.title, text: &passage.text }).collect();
    let reading = reader.read(question, &texts)?;
    tracing::debug!(
        passages = passages.len(),
        windows = reading.windows,
        tokens = reading.tokens,
        title_tokens_left_out = reading.title_left_out,
        "passages read"
    );
    Ok(reading.spans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use futures::poll;

    use super::{super::tiny, *};

    fn reader(waiting: usize) -> MiniLmReader {
        MiniLmReader::new(tiny::reader(2), "tiny".to_owned(), 1, waiting)
    }

    fn passages() -> Vec<TitledPassage> {
        ["abc def ghi", "", "jkl mno pqr stu vwx yza bcd efg"]
            .map(|text| TitledPassage { title: "t".to_owned(), text: text.to_owned() })
            .to_vec()
    }

    #[tokio::test]
    async fn each_passage_has_its_best_span_and_an_empty_one_has_none() {
        let reader = reader(1);
        let found = reader.read("what".to_owned(), passages()).await.unwrap();
        let texts = passages();
        let texts: Vec<_> = texts.iter().map(|passage| PassageText { title: "t", text: &passage.text }).collect();
        let reading = reader.reader.read("what", &texts).unwrap();
        assert_eq!(found, reading.spans);
        assert!(found[0].is_some() && found[1].is_none() && found[2].is_some());
        for (span, passage) in found.iter().zip(passages()).filter_map(|(span, passage)| Some(((*span)?, passage))) {
            assert!(!span.range.is_empty() && span.range.end <= passage.text.chars().count() as u32);
        }
        assert_eq!(reader.decision(), Decision::UNFITTED);
    }

    #[tokio::test]
    async fn one_reads_some_wait_and_the_next_is_told_to_come_back() {
        let reader = reader(1);
        let turn = reader.turns.turns.clone().acquire_owned().await.unwrap();
        let (mut first, mut second) = (reader.read("a".into(), passages()), reader.read("b".into(), passages()));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        let third = reader.read("c".into(), passages()).await;
        assert!(third.as_ref().is_err_and(ReaderError::is_transient), "{third:?}");
        assert!(matches!(third, Err(ReaderError::Busy { waiting: 1 })));
        // Who leaves while it waits gives its place to the next.
        drop(second);
        let mut fourth = reader.read("d".into(), passages());
        assert!(poll!(&mut fourth).is_pending());
        drop(turn);
        let (first, fourth) = tokio::join!(first, fourth);
        assert!(first.is_ok() && fourth.is_ok());
        assert_eq!((reader.turns.turns.available_permits(), reader.turns.places.available_permits()), (1, 2));
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_waited_for_so_long_and_no_longer() {
        let mut reader = reader(3);
        reader.turns.patience = Duration::from_millis(1);
        let _turn = reader.turns.turns.clone().acquire_owned().await.unwrap();
        let late = reader.read("a".into(), passages()).await;
        assert!(matches!(late, Err(ReaderError::Timeout { .. })), "{late:?}");
        assert_eq!(reader.turns.places.available_permits(), 4);
    }

    #[tokio::test]
    async fn a_question_that_is_too_long_says_so() {
        let long = reader(1).read("abcdefghijk".into(), passages()).await;
        assert!(matches!(long, Err(ReaderError::QuestionTooLong { tokens: 11, max: 8 })), "{long:?}");
    }
}
