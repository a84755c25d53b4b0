//! Axes: where the ticks are, and where a value lies.
//!
//! May depend on nothing of the crate.

/// How a value becomes a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

impl Scale {
    /// Values from `low` to `high` lie at `from` to `to`; on a logarithmic scale both must be above 0.
    pub fn new(low: f64, high: f64, from: f64, to: f64, log: bool) -> Self {
        Self { low, high, from, to, log }
    }

    /// Where a value lies.
    pub fn at(&self, value: f64) -> f64 {
        let part = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + part * (self.to - self.from)
    }
}

/// The ticks of an axis: the values, and the step between two of them, which says how precisely they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticks {
    /// The values, ascending, at least two.
    pub values: Vec<f64>,
    /// The step.
    pub step: f64,
}

/// Ticks at 1, 2 or 5 times a power of ten that enclose `low` to `high` in about `wanted` steps (Heckbert 1990). A range
/// without width is widened round its value.
pub fn enclosing(low: f64, high: f64, wanted: usize) -> Ticks {
    let (low, high) = widened(low, high);
    let step = nice_step((high - low) / wanted.max(1) as f64);
    // The small shift keeps 0.3 / 0.1 from being 2.9999 and bringing another step.
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    let values = (0..=(last - first) as usize).map(|at| (first + at as f64) * step).collect();
    Ticks { values, step }
}

/// The ticks of [`enclosing`] that lie inside `low` to `high`.
pub fn inside(low: f64, high: f64, wanted: usize) -> Ticks {
    let Ticks { mut values, step } = enclosing(low, high, wanted);
    let slack = step * 1e-6;
    values.retain(|value| *value >= low - slack && *value <= high + slack);
    Ticks { values, step }
}

/// Powers of ten that enclose `low` to `high`, with 2 and 5 times them where the range is less than two decades; both
/// must be above 0.
pub fn logarithmic(low: f64, high: f64) -> Ticks {
    let (first, last) = ((low.log10() + 1e-9).floor() as i32, (high.log10() - 1e-9).ceil() as i32);
    let factors: &[f64] = if last - first <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let all = (first..=last.max(first + 1)).flat_map(|power| factors.iter().map(move |one| one * 10_f64.powi(power)));
    let all: Vec<f64> = all.collect();
    let from = all.iter().rposition(|value| *value <= low * (1.0 + 1e-9)).unwrap_or(0);
    let to = all.iter().position(|value| *value >= high * (1.0 - 1e-9)).unwrap_or(all.len() - 1).max(from + 1);
    let values = all[from..=to.min(all.len() - 1)].to_vec();
    Ticks { step: values.first().copied().unwrap_or(1.0), values }
}

fn widened(low: f64, high: f64) -> (f64, f64) {
    if high > low {
        return (low, high);
    }
    let half = if low == 0.0 { 0.5 } else { low.abs() * 0.1 };
    (low - half, low + half)
}

fn nice_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let factor = raw / power;
    power
        * if factor <= 1.0 + 1e-9 {
            1.0
        } else if factor <= 2.0 + 1e-9 {
            2.0
        } else if factor <= 5.0 + 1e-9 {
            5.0
        } else {
            10.0
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let rounded = |ticks: Ticks| ticks.values.iter().map(|v| (v * 1e6).round() / 1e6).collect::<Vec<_>>();
        assert_eq!(rounded(enclosing(0.0, 1.0, 5)), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(rounded(enclosing(0.13, 0.31, 4)), [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
        assert_eq!(rounded(enclosing(3.0, 3.0, 4)), [2.6, 2.8, 3.0, 3.2, 3.4]);
        assert_eq!(rounded(inside(0.0, 1730.0, 4)), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(rounded(logarithmic(3.0, 40.0)), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(rounded(logarithmic(1.5, 90_000.0)), [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]);
    }

    #[test]
    fn values_lie_between_the_ends() {
        let scale = Scale::new(10.0, 20.0, 100.0, 0.0, false);
        assert_eq!([scale.at(10.0), scale.at(15.0), scale.at(20.0)], [100.0, 50.0, 0.0]);
        let log = Scale::new(1.0, 100.0, 0.0, 10.0, true);
        assert!((log.at(10.0) - 5.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn ticks_enclose_the_range_and_are_few(low in -1e6_f64..1e6, width in 1e-4_f64..1e6, wanted in 2_usize..8) {
            let ticks = enclosing(low, low + width, wanted);
            let (first, last) = (ticks.values[0], ticks.values[ticks.values.len() - 1]);
            let slack = ticks.step * 1e-3;
            prop_assert!(first <= low + slack && last >= low + width - slack);
            prop_assert!((2..=wanted + 3).contains(&ticks.values.len()), "{:?}", ticks);
            prop_assert!(ticks.values.windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn logarithmic_ticks_enclose_the_range(low in 1e-3_f64..1e3, factor in 1.0_f64..1e5) {
            let ticks = logarithmic(low, low * factor);
            let (first, last) = (ticks.values[0], ticks.values[ticks.values.len() - 1]);
            prop_assert!(first <= low * 1.001 && last >= low * factor * 0.999 && first < last, "{:?}", ticks);
        }
    }
}
