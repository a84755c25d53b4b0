//! The cores that the models share.
//!
//! A product that is divided among threads waits for its slowest part, and that is the one whose core something else has
//! taken: measured, a reader and a generator that both use all cores answer fewer questions together than one after the
//! other. So each takes cores for a part of its work that lasts some milliseconds: all that are free when it alone works,
//! and one when others work too, which then costs no waiting inside. May depend on rayon.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// The cores of a process that its models may use.
#[derive(Debug)]
pub struct Cores {
    all: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The urgent ones who wait.
    urgent: usize,
    /// The others who came, and those of them who have had their turn.
    came: u64,
    served: u64,
}

/// Who comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// What ends a question's work: else questions would pile up before the last stage, and all end late.
    First,
    /// The others, in the order in which they ask.
    InTurn,
}

/// Some cores, given back when this is dropped.
#[derive(Debug)]
pub struct Share<'a> {
    cores: &'a Cores,
    count: usize,
}

impl Cores {
    /// So many cores; at least one.
    pub fn new(all: usize) -> Self {
        let all = all.max(1);
        Self { all, state: Mutex::new(State { free: all, urgent: 0, came: 0, served: 0 }), changed: Condvar::new() }
    }

    /// How many there are.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Waits for a core, and takes as many as are free then, shared with those who still wait; at most `most` and at least
    /// one. Blocks; whoever holds some must not take more.
    pub fn take(&self, most: usize, urgency: Urgency) -> Share<'_> {
        let mut state = self.state();
        match urgency {
            Urgency::First => {
                state.urgent += 1;
                state = self.wait_while(state, |state| state.free == 0);
                state.urgent -= 1;
            }
            Urgency::InTurn => {
                let turn = state.came;
                state.came += 1;
                state = self.wait_while(state, |state| state.served != turn || state.free == 0 || state.urgent > 0);
                state.served += 1;
            }
        }
        let waiting = state.urgent + (state.came - state.served) as usize;
        let count = most.clamp(1, (state.free / (waiting + 1)).max(1));
        state.free -= count;
        self.changed.notify_all();
        Share { cores: self, count }
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share<'_> {
    /// How many cores these are.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.cores.state().free += self.count;
        self.cores.changed.notify_all();
    }
}

/// Threads for each number of cores that a share may have: pools of 1, 2, 4 and so on, and of all.
#[derive(Debug)]
pub struct Pools(Vec<ThreadPool>);

impl Pools {
    /// Pools of up to `most` threads, which have names that begin with `name`.
    pub fn new(name: &'static str, most: usize) -> Result<Self, ThreadPoolBuildError> {
        let mut widths: Vec<usize> =
            std::iter::successors(Some(1), |width| Some(width * 2)).take_while(|width| *width < most).collect();
        widths.push(most.max(1));
        let pool = |width: usize| {
            ThreadPoolBuilder::new()
                .num_threads(width)
                .thread_name(move |index| format!("{name}-{width}-{index}"))
                .build()
        };
        Ok(Self(widths.into_iter().map(pool).collect::<Result<_, _>>()?))
    }

    /// The widest pool that needs no more than `count` cores.
    pub fn of(&self, count: usize) -> &ThreadPool {
        let fits = |pool: &&ThreadPool| pool.current_num_threads() <= count;
        self.0.iter().rev().find(fits).unwrap_or(&self.0[0])
    }

    /// The widest of all.
    pub fn widest(&self) -> &ThreadPool {
        self.of(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    };

    use super::*;

    #[test]
    fn no_core_is_held_twice_and_all_come_back_also_after_a_panic() {
        let (cores, working) = (Cores::new(3), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for worker in 0..6 {
                let (cores, working) = (&cores, &working);
                scope.spawn(move || {
                    for round in 0..200 {
                        let share = cores
                            .take(1 + (worker + round) % 4, if worker < 2 { Urgency::First } else { Urgency::InTurn });
                        assert!((1..=3).contains(&share.count()));
                        assert!(working.fetch_add(share.count(), Ordering::SeqCst) + share.count() <= 3);
                        working.fetch_sub(share.count(), Ordering::SeqCst);
                    }
                });
            }
        });
        let panicked = std::thread::scope(|scope| {
            let panicking = scope.spawn(|| {
                let _share = cores.take(3, Urgency::InTurn);
                panic!("as told");
            });
            panicking.join().is_err()
        });
        assert!(panicked);
        assert_eq!(cores.take(9, Urgency::First).count(), 3);
    }

    #[test]
    fn who_is_urgent_comes_first_and_the_others_in_turn_and_what_is_free_is_shared() {
        let cores = Cores::new(2);
        let (first, other) = (cores.take(1, Urgency::InTurn), cores.take(1, Urgency::InTurn));
        std::thread::scope(|scope| {
            let (said, heard) = channel();
            for (name, urgency) in [("a", Urgency::InTurn), ("b", Urgency::InTurn), ("c", Urgency::First)] {
                let (cores, said) = (&cores, said.clone());
                let waiting = |state: &State| (state.came, state.urgent);
                let before = waiting(&cores.state());
                scope.spawn(move || {
                    let share = cores.take(2, urgency);
                    said.send((name, share.count())).unwrap();
                });
                while waiting(&cores.state()) == before {
                    std::thread::yield_now();
                }
            }
            drop(first);
            // The other core is still held.
            let order: Vec<_> = (0..3).map(|_| heard.recv().unwrap()).collect();
            assert_eq!(order, [("c", 1), ("a", 1), ("b", 1)]);
        });
        drop(other);
        assert_eq!(cores.take(2, Urgency::InTurn).count(), 2);
    }

    #[test]
    fn there_is_a_pool_for_each_number_of_cores() {
        let pools = Pools::new("test", 6).unwrap();
        let width = |count: usize| pools.of(count).current_num_threads();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 9].map(width), [1, 1, 2, 2, 4, 4, 6, 6]);
        assert_eq!(Pools::new("test", 1).unwrap().widest().current_num_threads(), 1);
    }
}
