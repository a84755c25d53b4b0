//! What the layers without pairs make of a conversation, kept from epoch to epoch: they never change, so it never
//! does. May depend on `config`.

use candle_core::{Result, bail};
use half::{f16, slice::HalfFloatSliceExt, vec::HalfFloatVecExt};

use crate::train::config::TrunkCache;

/// The hidden states of one conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum KeptRows {
    /// As they are.
    Full(Vec<f32>),
    /// In half precision, whose 11 bits are more than the packed weights have.
    Half(Vec<f16>),
}

impl KeptRows {
    /// Keeps some rows. A number that is too large for half precision is an error.
    pub fn new(rows: &[f32], cache: TrunkCache) -> Result<Self> {
        if cache != TrunkCache::Half {
            return Ok(Self::Full(rows.to_vec()));
        }
        let kept: Vec<f16> = Vec::from_f32_slice(rows);
        match kept.iter().zip(rows).find(|(kept, row)| row.is_finite() && !kept.is_finite()) {
            Some((_, row)) => bail!("{row} is too large for half precision: set `cache_trunk = true`"),
            None => Ok(Self::Half(kept)),
        }
    }

    /// Puts the rows behind others.
    pub fn append_to(&self, out: &mut Vec<f32>) {
        match self {
            Self::Full(rows) => out.extend_from_slice(rows),
            Self::Half(rows) => {
                let first = out.len();
                out.resize(first + rows.len(), 0.0);
                rows.convert_to_f32_slice(&mut out[first..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn rows_come_back_as_exactly_as_they_are_kept() {
        let rows: Vec<f32> = (0..100).map(|i| (i as f32 - 50.0) * 0.37).collect();
        for (cache, tolerance) in [(TrunkCache::Full, 0.0), (TrunkCache::Half, 1.0 / 2048.0)] {
            let mut out = vec![7.0];
            KeptRows::new(&rows, cache).unwrap().append_to(&mut out);
            assert_eq!((out.len(), out[0]), (101, 7.0));
            assert!(out[1..].iter().zip(&rows).all(|(out, row)| (out - row).abs() <= tolerance * row.abs()));
        }
    }

    #[test]
    fn what_does_not_fit_into_half_precision_is_an_error() {
        assert!(KeptRows::new(&[1.0, 7e4], TrunkCache::Half).unwrap_err().to_string().contains("70000"));
        assert!(KeptRows::new(&[1.0, 7e4], TrunkCache::Full).is_ok());
    }
}
