//! Numbers as a person reads them.
//!
//! May depend on `eval::metric` (for units).

use crate::eval::metric::Unit;

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// As they are.
    Plain,
    /// A share, in percent.
    Percent,
}

impl NumberFormat {
    /// The ticks of an axis, with as many decimals as the step between them needs, and all in thousands or millions
    /// when the largest is large.
    pub fn ticks(self, values: &[f64], step: f64) -> Vec<String> {
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let (factor, suffix) = match self {
            Self::Percent => (100.0, "%"),
            Self::Plain if largest >= 1e6 => (1e-6, "M"),
            Self::Plain if largest >= 1e4 => (1e-3, "k"),
            Self::Plain => (1.0, ""),
        };
        let write = |value: &f64| match self {
            Self::Plain if *value == 0.0 => "0".to_owned(),
            Self::Plain if step.abs() < 1e-4 => scientific(*value),
            _ => format!("{}{suffix}", decimals(value * factor, step * factor)),
        };
        values.iter().map(write).collect()
    }

    /// A value by itself.
    pub fn value(self, value: f64) -> String {
        match self {
            Self::Percent => percent(value),
            Self::Plain => number(value),
        }
    }
}

fn decimals(value: f64, step: f64) -> String {
    let places = (-(step.abs() * 1.000_001).log10().floor()).clamp(0.0, 6.0) as usize;
    // 0.25 is a step of two decimals.
    let exact = (step * 10_f64.powi(places as i32)).fract().abs() < 1e-6;
    format!("{value:.0$}", if exact { places } else { places + 1 })
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.replace(".0e", "e")
}

/// A share in percent, with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A number with about four significant digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if size < 1e-3 {
        scientific(value)
    } else if size >= 1000.0 {
        thousands(value.round() as i64)
    } else {
        let places = (3.0 - size.log10().floor()).clamp(0.0, 4.0) as usize;
        let text = format!("{value:.places$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// A whole number with commas.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// A count of things.
pub fn count(number: usize) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Milliseconds, as seconds where there are many.
pub fn milliseconds(value: f64) -> String {
    if value.abs() >= 10_000.0 {
        format!("{:.1} s", value / 1000.0)
    } else if value.abs() >= 1000.0 {
        format!("{:.2} s", value / 1000.0)
    } else if value.abs() >= 10.0 {
        format!("{value:.0} ms")
    } else {
        format!("{value:.1} ms")
    }
}

/// A figure in its unit.
pub fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => percent(value),
        Unit::Number => number(value),
        Unit::Milliseconds => milliseconds(value),
    }
}

/// A difference in its unit, with its sign; shares in points.
pub fn difference(value: f64, unit: Unit) -> String {
    let sign = if value < 0.0 { "-" } else { "+" };
    let size = match unit {
        Unit::Share => format!("{:.1}", value.abs() * 100.0),
        Unit::Number => number(value.abs()),
        Unit::Milliseconds => milliseconds(value.abs()),
    };
    format!("{sign}{size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_decimals_that_their_step_needs() {
        let plain = |values: &[f64], step| NumberFormat::Plain.ticks(values, step);
        assert_eq!(plain(&[0.0, 0.5, 1.0], 0.5), ["0", "0.5", "1.0"]);
        assert_eq!(plain(&[-2.0, 0.0, 2.0], 2.0), ["-2", "0", "2"]);
        assert_eq!(plain(&[0.1, 0.15, 0.2], 0.05), ["0.10", "0.15", "0.20"]);
        assert_eq!(plain(&[0.0, 5e3, 1e4], 5e3), ["0", "5k", "10k"]);
        assert_eq!(plain(&[2e6, 2.5e6], 5e5), ["2.0M", "2.5M"]);
        assert_eq!(plain(&[0.0, 1e-5, 2e-5], 1e-5), ["0", "1e-5", "2e-5"]);
        assert_eq!(NumberFormat::Percent.ticks(&[0.0, 0.2], 0.2), ["0%", "20%"]);
        assert_eq!(NumberFormat::Percent.ticks(&[0.025, 0.05], 0.025), ["2.5%", "5.0%"]);
    }

    #[test]
    fn values_are_short() {
        assert_eq!([number(0.0), number(1.0), number(0.123_456), number(12.345_6)], ["0", "1", "0.1235", "12.35"]);
        assert_eq!([number(1234.5), number(2e-4), number(-0.5), number(999.96)], ["1,235", "2e-4", "-0.5", "1000"]);
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!(
            [milliseconds(4.26), milliseconds(850.4), milliseconds(1_240.0), milliseconds(61_000.0)],
            ["4.3 ms", "850 ms", "1.24 s", "61.0 s"]
        );
    }

    #[test]
    fn a_difference_has_its_sign() {
        assert_eq!(difference(0.135, Unit::Share), "+13.5");
        assert_eq!(difference(-0.021, Unit::Share), "-2.1");
        assert_eq!(difference(-1_500.0, Unit::Milliseconds), "-1.50 s");
    }
}
