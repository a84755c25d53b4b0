//! One pair of factors. May depend on `models::fused::product`.

use super::AdapterError;
use crate::models::fused::product::{Into, View, multiply};

/// The pair of a linear module with `inputs` and `outputs`: its weight becomes `W + scale * b * a`.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// The rank of the change.
    pub rank: usize,
    /// The module's inputs.
    pub inputs: usize,
    /// The module's outputs.
    pub outputs: usize,
    /// `[rank, inputs]`.
    pub a: Vec<f32>,
    /// `[outputs, rank]`.
    pub b: Vec<f32>,
    /// What the product is multiplied by.
    pub scale: f32,
}

impl LowRank {
    /// Adds the change to a weight `[outputs, inputs]`, row by row as PyTorch stores it.
    pub fn add_to(&self, weight: &mut [f32]) -> Result<(), AdapterError> {
        let (b, a) = self.factors(weight.len())?;
        multiply(b, a, self.scale, Into::Add, weight, self.inputs);
        Ok(())
    }

    /// Adds the change to a weight that is stored the other way round, `[inputs, outputs]`, and that lies in rows of
    /// `stride` numbers.
    pub fn add_turned(&self, weight: &mut [f32], stride: usize) -> Result<(), AdapterError> {
        let fits = self.inputs == 0 || (self.inputs - 1) * stride + self.outputs <= weight.len();
        if !fits || self.outputs > stride {
            return Err(self.misfit(format!("rows of {stride} in {} numbers", weight.len())));
        }
        let (b, a) = self.factors(self.outputs * self.inputs)?;
        multiply(a.transposed(), b.transposed(), self.scale, Into::Add, weight, stride);
        Ok(())
    }

    /// Both factors as matrices, given the numbers of the weight.
    fn factors(&self, numbers: usize) -> Result<(View<'_>, View<'_>), AdapterError> {
        let Self { rank, inputs, outputs, .. } = *self;
        if numbers != inputs * outputs || self.a.len() != rank * inputs || self.b.len() != outputs * rank {
            return Err(self.misfit(format!("{numbers} numbers")));
        }
        Ok((View::rows(&self.b, outputs, rank, rank), View::rows(&self.a, rank, inputs, inputs)))
    }

    fn misfit(&self, weight: String) -> AdapterError {
        let reason = format!("it is for {} inputs and {} outputs, the weight has {weight}", self.inputs, self.outputs);
        AdapterError::Tensor { name: "a pair".to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn pair() -> LowRank {
        let a = vec![1.0, 2.0, 3.0, 0.0, -1.0, 1.0];
        let b = vec![1.0, 0.0, 0.0, 1.0, 2.0, 2.0, -1.0, 1.0];
        LowRank { rank: 2, inputs: 3, outputs: 4, a, b, scale: 0.5 }
    }

    #[test]
    fn a_pair_goes_into_the_weight_either_way_round() {
        let expected = [[0.5, 1.0, 1.5], [0.0, -0.5, 0.5], [1.0, 1.0, 4.0], [-0.5, -1.5, -1.0]];
        let mut weight = vec![10.0; 12];
        pair().add_to(&mut weight).unwrap();
        let mut wide = [10.0; 3 * 9];
        pair().add_turned(&mut wide[2..], 9).unwrap();
        for (output, row) in expected.iter().enumerate() {
            for (input, change) in row.iter().enumerate() {
                assert_eq!(weight[output * 3 + input], 10.0 + change);
                assert_eq!(wide[2 + input * 9 + output], 10.0 + change);
            }
        }
        assert!(wide[..2].iter().chain(&wide[6..11]).all(|number| *number == 10.0));
    }

    #[test]
    fn a_weight_of_another_size_is_refused() {
        assert!(pair().add_to(&mut [0.0; 11]).unwrap_err().to_string().contains("11 numbers"));
        assert!(pair().add_turned(&mut [0.0; 11], 4).is_err() && pair().add_turned(&mut [0.0; 12], 3).is_err());
        assert!(LowRank { rank: 3, ..pair() }.add_to(&mut [0.0; 12]).is_err());
    }
}
