//! Days and times of day, which spreadsheets keep as numbers of days.
//!
//! May depend on nothing.

/// The last day that has a date, 9999-12-31.
const LAST_DAY: f64 = 2_958_465.0;

pub(super) fn moment(value: f64, date: bool, time: bool, seconds: bool, from_1904: bool) -> Option<String> {
    if !(0.0..=LAST_DAY + 1.0).contains(&value) {
        return None;
    }
    // Half a second is rounding, not a time.
    let total = (value * 86_400.0).round() as i64;
    let (day, second) = (total / 86_400, total % 86_400);
    let clock = || {
        let (hours, minutes) = (second / 3_600, second / 60 % 60);
        let rest = if seconds { format!(":{:02}", second % 60) } else { String::new() };
        format!("{hours:02}:{minutes:02}{rest}")
    };
    match (date, time) {
        (true, false) => calendar(day, from_1904),
        (true, true) => Some(format!("{} {}", calendar(day, from_1904)?, clock())),
        _ => Some(clock()),
    }
}

/// The date of a day's number. Excel counts 1900-02-29, which was no day, as the sixtieth.
fn calendar(day: i64, from_1904: bool) -> Option<String> {
    let since_1970 = match (from_1904, day) {
        (true, day) => day - 24_107,
        (false, 60) => return Some("1900-02-29".into()),
        (false, day) if day < 60 => day - 25_568,
        (false, day) => day - 25_569,
    };
    let (year, month, day) = civil(since_1970);
    (year <= 9999).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// The date of a day since 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

pub(super) fn duration(value: f64) -> Option<String> {
    if value.abs() > LAST_DAY {
        return None;
    }
    let total = (value.abs() * 86_400.0).round() as i64;
    let sign = if value < 0.0 && total > 0 { "-" } else { "" };
    Some(format!("{sign}{}:{:02}:{:02}", total / 3_600, total / 60 % 60, total % 60))
}
