//! What serves now, and can be replaced while it does.
//!
//! May depend on nothing else of the crate.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that many read and that is replaced now and then. Who took it keeps it until it is done, whatever happens
/// meanwhile; the last one to let go of a replaced value ends it.
#[derive(Debug, Default)]
pub struct Slot<T>(RwLock<Arc<T>>);

impl<T> Slot<T> {
    /// A slot with its first value.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value of this moment.
    pub fn current(&self) -> Arc<T> {
        // The lock is held for a copy of a pointer: nothing can panic under it.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another value there, and returns the one before.
    pub fn replace(&self, value: T) -> Arc<T> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_took_a_value_keeps_it_and_the_last_one_ends_it() {
        let slot = Slot::new("first".to_owned());
        let taken = slot.current();
        let replaced = slot.replace("second".to_owned());
        assert_eq!((taken.as_str(), slot.current().as_str()), ("first", "second"));
        let gone = Arc::downgrade(&replaced);
        drop(replaced);
        assert!(gone.upgrade().is_some(), "somebody still works with it");
        drop(taken);
        assert!(gone.upgrade().is_none());
    }
}
