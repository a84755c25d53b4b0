//! What it costs to have typed one word for another: slips of the finger and of the ear are cheap, others are not.
//!
//! The distance is that of Damerau and Levenshtein (with swaps of neighbours that are not edited again), where each edit
//! has a cost of its own. One is an ordinary edit. May depend on nothing of this crate.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The longest word that is looked at, in letters.
pub const MAX_LETTERS: usize = 32;

/// The rows of a keyboard, each shifted by about half a key.
const KEYS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// Letters that are written for each other because they sound alike.
const SOUNDS: [&str; 8] = ["ckqsx", "szc", "fv", "gj", "mn", "dt", "yij", "bp"];
const VOWELS: &str = "aeiouy";

/// The cost of a letter typed twice, of one that should have been, and of two in the wrong order: no word is made so.
const DOUBLED: f32 = 0.4;
const NOT_DOUBLED: f32 = 0.5;
const SWAPPED: f32 = 0.45;
/// The cost of an edit that no slip explains.
const ODD: f32 = 1.7;
/// What is added where the first letter is touched: people rarely miss it.
const FIRST: f32 = 0.6;

/// The cost of having typed `typed` for `meant`, both in lower case; `None` above `limit`.
pub fn cost(typed: &str, meant: &str, limit: f32) -> Option<f32> {
    let (typed, meant): (Vec<char>, Vec<char>) = (typed.chars().collect(), meant.chars().collect());
    let (height, width) = (typed.len(), meant.len());
    if height > MAX_LETTERS || width > MAX_LETTERS || height == 0 || width == 0 {
        return None;
    }
    let mut rows = [[f32::INFINITY; MAX_LETTERS + 1]; 3];
    rows[0][0] = 0.0;
    for column in 1..=width {
        rows[0][column] = rows[0][column - 1] + left_out(&typed, 0, &meant, column - 1);
    }
    for row in 1..=height {
        let (this, above, before) = (row % 3, (row - 1) % 3, (row + 1) % 3);
        let mut least = f32::INFINITY;
        for column in 0..=width {
            let mut best = rows[above][column] + too_many(&typed, row - 1);
            if column > 0 {
                best = best.min(rows[this][column - 1] + left_out(&typed, row, &meant, column - 1));
                let swapped =
                    row > 1 && column > 1 && typed[row - 1] == meant[column - 2] && typed[row - 2] == meant[column - 1];
                best = best.min(rows[above][column - 1] + replaced(typed[row - 1], meant[column - 1], row == 1));
                if swapped && typed[row - 1] != typed[row - 2] {
                    best = best.min(rows[before][column - 2] + if row == 2 { 0.7 } else { SWAPPED });
                }
            }
            rows[this][column] = best;
            least = least.min(best);
        }
        if least > limit {
            return None;
        }
    }
    let cost = rows[height % 3][width];
    (cost <= limit).then_some(cost)
}

/// A letter of `typed` that should not be there.
fn too_many(typed: &[char], at: usize) -> f32 {
    let neighbours = [at.checked_sub(1).map(|before| typed[before]), typed.get(at + 1).copied()];
    let mut neighbours = neighbours.into_iter().flatten();
    let first = if at == 0 { FIRST } else { 0.0 };
    if neighbours.clone().any(|neighbour| neighbour == typed[at]) {
        DOUBLED
    } else if neighbours.any(|neighbour| are_near(neighbour, typed[at])) {
        // One more letter at the end often makes another word or a name of it.
        0.9 + first + if at + 1 == typed.len() { 0.7 } else { 0.0 }
    } else if VOWELS.contains(typed[at]) && at > 0 && at + 1 < typed.len() {
        1.1
    } else {
        ODD + first
    }
}

/// A letter of `meant` that was not typed, where so many of `typed` were.
fn left_out(typed: &[char], typed_so_far: usize, meant: &[char], at: usize) -> f32 {
    let doubled = (at > 0 && meant[at - 1] == meant[at]) || meant.get(at + 1) == Some(&meant[at]);
    if doubled {
        NOT_DOUBLED
    } else if at == 0 || typed_so_far == 0 {
        0.9 + FIRST
    } else if at + 1 == meant.len() && typed_so_far == typed.len() {
        // A word without its end is often another word, or a short name.
        1.05
    } else {
        0.9
    }
}

fn replaced(typed: char, meant: char, first: bool) -> f32 {
    if typed == meant {
        return 0.0;
    }
    if folded(typed) == folded(meant) {
        return 0.1;
    }
    let cost = if are_near(typed, meant) || (VOWELS.contains(typed) && VOWELS.contains(meant)) {
        0.9
    } else if SOUNDS.iter().any(|sound| sound.contains(typed) && sound.contains(meant)) {
        1.0
    } else {
        ODD
    };
    cost + if first { FIRST } else { 0.0 }
}

/// Whether two letters lie beside each other on a keyboard.
pub fn are_near(one: char, other: char) -> bool {
    let place = |letter: char| {
        KEYS.iter().enumerate().find_map(|(row, keys)| keys.find(letter).map(|column| (row as i32, column as i32)))
    };
    let (Some((row, column)), Some((other_row, other_column))) = (place(one), place(other)) else { return false };
    match other_row - row {
        0 => (column - other_column).abs() == 1,
        // The row below lies half a key to the right.
        1 => column == other_column || column == other_column + 1,
        -1 => column == other_column || column == other_column - 1,
        _ => false,
    }
}

/// A letter without its accents; of a ligature the first letter.
pub fn folded(letter: char) -> char {
    if letter.is_ascii() {
        return letter;
    }
    letter.nfkd().find(|part| !is_combining_mark(*part)).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn of(typed: &str, meant: &str) -> f32 {
        cost(typed, meant, 100.0).unwrap()
    }

    #[test]
    fn a_slip_costs_less_than_an_odd_edit() {
        for (slip, odd, meant) in [
            ("parliamnet", "parliamznt", "parliament"),
            ("parliment", "arliament", "parliament"),
            ("comittee", "commitee9", "committee"),
            ("goverbment", "goverqment", "government"),
            ("definately", "definxtely", "definitely"),
            ("syncc", "fsync", "sync"),
        ] {
            assert!(of(slip, meant) < of(odd, meant), "{slip} {odd}");
        }
        assert!(of("cafe", "café") < 0.2);
        assert_eq!(of("teh", "the"), SWAPPED);
        assert_eq!(cost("completely", "different", 2.0), None);
    }

    #[test]
    fn keys_are_near_in_both_directions() {
        for (one, other) in [('q', 'a'), ('s', 'w'), ('g', 'v'), ('n', 'j'), ('o', 'p')] {
            assert!(are_near(one, other) && are_near(other, one), "{one}{other}");
        }
        assert!(!are_near('q', 'p') && !are_near('q', 'z') && !are_near('a', 'a') && !are_near('é', 'r'));
    }

    proptest! {
        #[test]
        fn a_word_costs_nothing_for_itself_and_something_for_any_other(one in "[a-zé]{1,12}", other in "[a-zé]{1,12}") {
            prop_assert_eq!(of(&one, &one), 0.0);
            prop_assert_eq!(of(&one, &other) > 0.0, one != other);
        }

        #[test]
        fn nothing_panics_whatever_the_words_are(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let _ = cost(&one, &other, 3.0);
        }
    }
}
