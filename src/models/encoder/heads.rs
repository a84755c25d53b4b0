//! The heads of the reader: logits of first and last token over all rows, and of answerability at `[CLS]`.
//!
//! May depend on `models::fused` and candle.

use candle_core::{Device, Result, Tensor};

use crate::models::fused::{
    dropout::{Dropout, dropout},
    linear::linear,
};

/// The weights of both heads.
#[derive(Debug, Clone)]
pub struct ReaderHeads {
    /// `[width, 2]`: first and last token.
    pub span: (Tensor, Tensor),
    /// `[width, 1]`: whether the sequence holds an answer.
    pub answerable: (Tensor, Tensor),
}

/// What the heads say.
#[derive(Debug, Clone)]
pub struct ReaderLogits {
    /// `[rows, 2]`.
    pub span: Tensor,
    /// `[sequences, 1]`.
    pub answerable: Tensor,
}

/// The place of the heads' dropout, beyond all layers.
const PLACE: u64 = 1 << 20;

impl ReaderHeads {
    /// `firsts` are the rows of the sequences' first tokens.
    pub fn forward(&self, rows: &Tensor, firsts: &[usize], drop: Option<Dropout>) -> Result<ReaderLogits> {
        let rows = dropout(rows, Dropout::at(drop, PLACE))?;
        let firsts: Vec<u32> = firsts.iter().map(|first| *first as u32).collect();
        let heads = rows.index_select(&Tensor::new(firsts, &Device::Cpu)?, 0)?;
        Ok(ReaderLogits {
            span: linear(&rows, &self.span.0, &self.span.1)?,
            answerable: linear(&heads, &self.answerable.0, &self.answerable.1)?,
        })
    }
}
