//! Lines of many points, drawn with few: what is left out cannot be seen.
//!
//! May depend on nothing of the crate.

/// A line with more points than this is thinned.
const MOST_POINTS: usize = 1_200;

/// Of the points that fall into the same third of a unit, keeps the first, the lowest, the highest and the last, in
/// their order: the line covers the same stretch of that column as before. Points are positions, ascending in x.
pub(super) fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| (a.0 * 3.0).floor() == (b.0 * 3.0).floor()) {
        let by_height = |a: &(usize, &(f64, f64)), b: &(usize, &(f64, f64))| a.1.1.total_cmp(&b.1.1);
        let lowest = column.iter().enumerate().min_by(by_height).map_or(0, |(at, _)| at);
        let highest = column.iter().enumerate().max_by(by_height).map_or(0, |(at, _)| at);
        let mut chosen = [0, lowest, highest, column.len() - 1];
        chosen.sort_unstable();
        let mut before = None;
        for at in chosen {
            if before.replace(at) != Some(at) {
                kept.push(column[at]);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_line_is_drawn_as_it_is() {
        let points: Vec<(f64, f64)> = (0..1_200).map(|at| (f64::from(at), 0.0)).collect();
        assert_eq!(thin(&points), points);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn extremes_ends_and_order_stay(heights in prop::collection::vec(-1e3_f64..1e3, 1_500..6_000)) {
            let step = 350.0 / heights.len() as f64;
            let points: Vec<(f64, f64)> = heights.iter().enumerate().map(|(at, y)| (at as f64 * step, *y)).collect();
            let thinned = thin(&points);
            prop_assert!(thinned.len() <= 4 * 1_051);
            prop_assert_eq!((thinned.first(), thinned.last()), (points.first(), points.last()));
            prop_assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let highest = |line: &[(f64, f64)]| line.iter().map(|point| point.1).fold(f64::MIN, f64::max);
            prop_assert_eq!(highest(&thinned), highest(&points));
        }
    }
}
