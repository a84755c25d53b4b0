//! Changing what is right a little, at random and always the same.

use serde_json::{Map, Value, json};

/// Numbers that look random, from a seed (xorshift64*, Vigna 2016).
pub struct Chance(u64);

impl Chance {
    /// A sequence of its own for each name, and another one in longer runs.
    pub fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self((seed ^ super::times()) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Values that programs trip over.
const ODD: [&[u8]; 14] = [
    b"\0",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"\xc3",
    b"-1",
    b"99999999999999999999",
    b"1e999",
    b"NaN",
    b"<",
    b">>",
    b"endobj",
    b"PK\x03\x04",
    b"\"",
    b"\r\n--x",
];

/// A few bytes set, taken out, doubled, moved or replaced by odd ones.
pub fn bytes(right: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut changed = right.to_vec();
    for _ in 0..=chance.below(6) {
        if changed.is_empty() {
            break;
        }
        let at = chance.below(changed.len());
        let length = (1 + chance.below(64)).min(changed.len() - at);
        match chance.below(6) {
            0 => changed[at] = chance.next() as u8,
            1 => drop(changed.drain(at..at + length)),
            2 => {
                let again = changed[at..at + length].to_vec();
                changed.splice(at..at, again);
            }
            3 => {
                let odd = ODD[chance.below(ODD.len())];
                changed.splice(at..at, odd.iter().copied());
            }
            4 => {
                let to = chance.below(changed.len() - length + 1);
                changed.copy_within(at..at + length, to);
            }
            _ => changed.truncate(at),
        }
    }
    changed
}

/// One member or element left out, renamed, or replaced by a value of another kind or size.
pub fn json(right: &Value, chance: &mut Chance) -> Value {
    let mut changed = right.clone();
    for _ in 0..=chance.below(2) {
        change(&mut changed, chance);
    }
    changed
}

fn change(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Object(members) if !members.is_empty() && chance.below(4) > 0 => {
            let name = members.keys().nth(chance.below(members.len())).cloned().unwrap_or_default();
            match chance.below(6) {
                0 => drop(members.remove(&name)),
                1 => {
                    let moved = members.remove(&name).unwrap_or_default();
                    members.insert(format!("{name}\u{0}x"), moved);
                }
                _ => {
                    let at = chance.below(members.len());
                    if let Some(member) = members.values_mut().nth(at) {
                        change(member, chance);
                    }
                }
            }
        }
        Value::Array(items) if !items.is_empty() && chance.below(4) > 0 => {
            let at = chance.below(items.len());
            change(&mut items[at], chance);
        }
        value => *value = odd(chance),
    }
}

fn odd(chance: &mut Chance) -> Value {
    match chance.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1.5e300),
        5 => json!(""),
        6 => json!("\u{0}"),
        7 => json!("\u{202e}\u{feff}\u{1f600}\u{301}".repeat(200)),
        8 => json!("x".repeat(5_000)),
        9 => json!([]),
        10 => Value::Object(Map::new()),
        11 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        12 => json!(vec![1; 2_000]),
        _ => json!({"a": {"b": ["c"]}}),
    }
}
