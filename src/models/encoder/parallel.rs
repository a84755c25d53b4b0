//! Windows divided among threads in portions of about as many tokens. What comes out does not depend on the number of
//! threads.
//!
//! May depend on `models::cores` and rayon.

use std::{ops::Range, sync::Arc};

use rayon::prelude::*;

use super::EncoderError;
use crate::models::cores::{Cores, Pools, Urgency};

/// Windows that are read in one pass have together as many tokens at most, or are one: enough rows for a product to be
/// fast, and few enough that the threads end at about the same time.
const TOKENS_TOGETHER: usize = 256;

/// Threads of a model's own, and the cores that they may have.
#[derive(Debug, Clone)]
pub struct Threads {
    cores: Arc<Cores>,
    pools: Arc<Pools>,
}

impl Threads {
    /// As many as there are cores; `name` is what their names begin with.
    pub fn new(name: &'static str, cores: Arc<Cores>) -> Result<Self, EncoderError> {
        let pools = Arc::new(Pools::new(name, cores.all())?);
        Ok(Self { cores, pools })
    }
}

/// What `read` makes of all windows, whose lengths are given, in order. `read` gets neighbouring ones. Without threads the
/// one that asks does everything.
pub fn in_portions<T: Send>(
    threads: Option<&Threads>,
    lengths: impl Iterator<Item = usize>,
    read: impl Fn(Range<usize>) -> Result<Vec<T>, EncoderError> + Sync,
) -> Result<Vec<T>, EncoderError> {
    let portions = portions(lengths);
    let mut all = Vec::new();
    let Some(Threads { cores, pools }) = threads else {
        for portion in portions {
            all.extend(read(portion)?);
        }
        return Ok(all);
    };
    let mut rest = portions.as_slice();
    while !rest.is_empty() {
        let share = cores.take(rest.len(), Urgency::InTurn);
        let (now, later) = rest.split_at(share.count());
        let each = || now.par_iter().with_max_len(1).map(|portion| read(portion.clone())).collect();
        let made: Result<Vec<_>, EncoderError> = pools.of(share.count()).install(each);
        all.extend(made?.into_iter().flatten());
        rest = later;
    }
    Ok(all)
}

/// Neighbouring windows of these lengths that are read together.
fn portions(lengths: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let (mut portions, mut first, mut tokens) = (Vec::new(), 0, 0);
    let mut end = 0;
    for length in lengths {
        if end > first && tokens + length > TOKENS_TOGETHER {
            portions.push(first..end);
            (first, tokens) = (end, 0);
        }
        tokens += length;
        end += 1;
    }
    if end > first {
        portions.push(first..end);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_together_up_to_so_many_tokens() {
        let ends = |lengths: &[usize]| -> Vec<(usize, usize)> {
            portions(lengths.iter().copied()).into_iter().map(|portion| (portion.start, portion.end)).collect()
        };
        assert_eq!(ends(&[]), []);
        assert_eq!(ends(&[100]), [(0, 1)]);
        assert_eq!(ends(&[100, 100, 56, 1]), [(0, 3), (3, 4)]);
        assert_eq!(ends(&[300, 10, 300, 250]), [(0, 1), (1, 2), (2, 3), (3, 4)]);
    }
}
