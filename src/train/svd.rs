//! The best approximation of low rank, nearly: a singular value decomposition by random projection (Halko, Martinsson
//! and Tropp, <https://arxiv.org/abs/0909.4061>, algorithms 4.4 and 5.1).
//!
//! May depend on `batches` for random numbers and on `models::fused::product`.

use super::batches::Random;
use crate::models::fused::product::{Into, View, multiply};

/// How many directions more than asked for are looked at.
const OVERSAMPLED: usize = 8;
/// How often the matrix is applied to and fro, which turns the directions towards the strong ones.
const ITERATIONS: usize = 4;

/// `leftᵀ * right` is near the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// `[rank, rows]`.
    pub left: Vec<f32>,
    /// `[rank, columns]`.
    pub right: Vec<f32>,
    /// The squares of the numbers of `leftᵀ * right`, summed up: what is left out is the matrix's own less this.
    pub kept: f64,
}

/// Factors of a matrix `[rows, columns]`. `rank` is at most the lesser of both.
pub fn factors(matrix: &[f32], rows: usize, columns: usize, rank: usize, random: &mut Random) -> Factors {
    let whole = View::rows(matrix, rows, columns, columns);
    let count = (rank + OVERSAMPLED).min(rows).min(columns);
    let times = |vectors: &[f32], length: usize, by: View<'_>, to: usize| {
        let mut out = vec![0.0; count * to];
        multiply(View::rows(vectors, count, length, length), by, 1.0, Into::Overwrite, &mut out, to);
        out
    };
    let mut right: Vec<f32> = (0..count * columns).map(|_| random.normal() as f32).collect();
    let mut left = Vec::new();
    for iteration in 0..=ITERATIONS {
        left = times(&right, columns, whole.transposed(), rows);
        orthonormalise(&mut left, rows);
        right = times(&left, rows, whole, columns);
        if iteration < ITERATIONS {
            orthonormalise(&mut right, columns);
        }
    }
    let mut squares = vec![0.0; count * count];
    for (i, a) in right.chunks_exact(columns).enumerate() {
        for (j, b) in right.chunks_exact(columns).enumerate() {
            squares[i * count + j] = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        }
    }
    let turns = eigenvectors(&mut squares, count);
    let mut strongest: Vec<usize> = (0..count).collect();
    strongest.sort_by(|a, b| squares[b * count + b].total_cmp(&squares[a * count + a]));
    let mut out = Factors { left: Vec::new(), right: Vec::new(), kept: 0.0 };
    for &direction in &strongest[..rank] {
        let square = squares[direction * count + direction].max(0.0);
        out.kept += square;
        // Each factor gets the root of the singular value, so that neither is much larger than the other.
        let root = square.powf(0.25);
        let turned = |vectors: &[f32], length: usize, factor: f64| -> Vec<f32> {
            let mut sum = vec![0.0; length];
            for (index, vector) in vectors.chunks_exact(length).enumerate() {
                let weight = turns[index * count + direction] * factor;
                sum.iter_mut().zip(vector).for_each(|(sum, number)| *sum += weight * f64::from(*number));
            }
            sum.into_iter().map(|number| number as f32).collect()
        };
        out.left.extend(turned(&left, rows, root));
        out.right.extend(turned(&right, columns, if root > 0.0 { 1.0 / root } else { 0.0 }));
    }
    out
}

/// Makes vectors orthonormal, one after the other (Gram and Schmidt, twice for accuracy). One that depends on those
/// before it becomes 0.
fn orthonormalise(vectors: &mut [f32], length: usize) {
    for index in 0..vectors.len() / length {
        let (before, rest) = vectors.split_at_mut(index * length);
        let vector = &mut rest[..length];
        let norm = |vector: &[f32]| vector.iter().map(|n| f64::from(*n) * f64::from(*n)).sum::<f64>().sqrt();
        let first = norm(vector);
        for other in before.chunks_exact(length).chain(before.chunks_exact(length)) {
            let shared: f64 = vector.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            vector.iter_mut().zip(other).for_each(|(a, b)| *a -= (shared * f64::from(*b)) as f32);
        }
        let left = norm(vector);
        let factor = if left > 1e-6 * first { 1.0 / left } else { 0.0 };
        vector.iter_mut().for_each(|number| *number = (f64::from(*number) * factor) as f32);
    }
}

/// Eigenvectors of a symmetric matrix, as columns; its diagonal becomes the eigenvalues (Jacobi's rotations).
fn eigenvectors(matrix: &mut [f64], size: usize) -> Vec<f64> {
    let mut vectors = vec![0.0; size * size];
    (0..size).for_each(|i| vectors[i * size + i] = 1.0);
    let all: f64 = matrix.iter().map(|n| n * n).sum();
    // Converges quadratically: a handful of sweeps is enough for any size.
    for _ in 0..30 {
        let beside: f64 = (0..size * size).filter(|at| at / size != at % size).map(|at| matrix[at] * matrix[at]).sum();
        if beside <= 1e-24 * all {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix[p * size + q];
                if off == 0.0 {
                    continue;
                }
                let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                let rotate = |numbers: &mut [f64], a: usize, b: usize| {
                    let (x, y) = (numbers[a], numbers[b]);
                    (numbers[a], numbers[b]) = (cosine * x - sine * y, sine * x + cosine * y);
                };
                (0..size).for_each(|k| rotate(matrix, k * size + p, k * size + q));
                (0..size).for_each(|k| rotate(matrix, p * size + k, q * size + k));
                (0..size).for_each(|k| rotate(&mut vectors, k * size + p, k * size + q));
            }
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// The matrix, its factors, and the squares of what they leave out.
    fn cut(matrix: &[f32], rows: usize, columns: usize, rank: usize) -> (Factors, f64) {
        let factors = factors(matrix, rows, columns, rank, &mut Random::new(1, 2));
        let left = View::rows(&factors.left, rank, rows, rows).transposed();
        let mut rest = matrix.to_vec();
        multiply(left, View::rows(&factors.right, rank, columns, columns), -1.0, Into::Add, &mut rest, columns);
        (factors, rest.iter().map(|n| f64::from(*n).powi(2)).sum())
    }

    #[test]
    fn a_matrix_of_low_rank_is_found_whole() {
        let (rows, columns, rank) = (30, 50, 4);
        let mut random = Random::new(7, 1);
        let mut numbers = |count: usize| (0..count).map(|_| random.normal() as f32).collect::<Vec<_>>();
        let (a, b) = (numbers(rows * rank), numbers(rank * columns));
        let mut matrix = vec![0.0; rows * columns];
        let (a, b) = (View::rows(&a, rows, rank, rank), View::rows(&b, rank, columns, columns));
        multiply(a, b, 1.0, Into::Overwrite, &mut matrix, columns);
        let all: f64 = matrix.iter().map(|n| f64::from(*n).powi(2)).sum();
        let (found, rest) = cut(&matrix, rows, columns, rank);
        assert!(rest < 1e-9 * all && (found.kept - all).abs() < 1e-5 * all, "{rest} {} {all}", found.kept);
        let (_, rest) = cut(&matrix, rows, columns, rank + 2);
        assert!(rest < 1e-9 * all, "a rank that is too high adds nothing: {rest}");
    }

    #[test]
    fn what_is_kept_are_the_largest_singular_values() {
        // Orthogonal columns with the norms 1 to 12, so that those are the singular values.
        let (rows, columns) = (16, 12);
        let mut vectors: Vec<f32> = {
            let mut random = Random::new(3, 1);
            (0..columns * rows).map(|_| random.normal() as f32).collect()
        };
        orthonormalise(&mut vectors, rows);
        let mut matrix = vec![0.0; rows * columns];
        for (column, vector) in vectors.chunks_exact(rows).enumerate() {
            vector.iter().enumerate().for_each(|(row, n)| matrix[row * columns + column] = n * (column + 1) as f32);
        }
        let (found, rest) = cut(&matrix, rows, columns, 3);
        let (kept, all): (f64, f64) = (144.0 + 121.0 + 100.0, (1..=12).map(|n| f64::from(n * n)).sum());
        assert!((found.kept - kept).abs() < 0.1 && (rest - (all - kept)).abs() < 0.1, "{} {rest}", found.kept);
    }

    #[test]
    fn nothing_has_factors_of_nothing() {
        let (found, rest) = cut(&[0.0; 20], 4, 5, 2);
        assert!(rest == 0.0 && found.kept == 0.0 && found.left.len() == 8 && found.right.len() == 10);
    }
}
