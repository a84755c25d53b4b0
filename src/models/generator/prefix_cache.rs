//! The prompts whose keys and values are kept, so that the beginning of the next one need not be read again.
//!
//! Documents that are asked about often stand at the beginning of many prompts, behind the same system message. Kept are
//! as many prompts as there are pages that no sequence needs; the one that was used least recently goes first. May depend
//! on `kv_cache`.

use super::kv_cache::{PAGE, POSITIONS, PageId, PagePool, pages_for};

/// Prompts that were read, the one used last at the end.
#[derive(Default)]
pub(super) struct PrefixCache {
    kept: Vec<Kept>,
}

struct Kept {
    tokens: Vec<u32>,
    pages: Vec<PageId>,
}

impl PrefixCache {
    /// Makes the pages of a prompt, of `count` pages in all, with as much of its beginning as was read before: whole pages
    /// are shared and the rest of a beginning is copied. Gives the pages and how many positions hold already, a whole
    /// number of blocks and never all: at least two tokens are left to be read. `None` when there are not enough pages, and
    /// then nothing has changed but that what was kept is gone as far as it helped.
    pub fn begin(&mut self, prompt: &[u32], count: usize, pool: &mut PagePool) -> Option<(Vec<PageId>, usize)> {
        let usable = prompt.len().saturating_sub(2);
        let best = self.kept.iter().enumerate().map(|(index, kept)| {
            let shared = kept.tokens.iter().zip(prompt).take_while(|(old, new)| old == new).count();
            (shared.min(usable) / POSITIONS * POSITIONS, index)
        });
        let (held, source) = best.max().filter(|(held, _)| *held > 0).unzip();
        let mut held = held.unwrap_or(0);
        let source = source.map(|index| {
            let kept = self.kept.remove(index);
            let pages = kept.pages[..pages_for(held)].to_vec();
            // Used now: it is the last that goes.
            self.kept.push(kept);
            pages
        });
        let mut pages = source.unwrap_or_default();
        pages.iter().for_each(|page| pool.share(*page));
        let mut partial = match held % PAGE {
            0 => None,
            _ => pages.pop(),
        };
        let missing = count - pages.len();
        while pool.available() < missing && !self.kept.is_empty() {
            self.forget_oldest(pool);
        }
        if pool.available() < missing
            && let Some(page) = partial.take()
        {
            // The page that would be copied may be the one that is missing.
            pool.release(page);
            held = held / PAGE * PAGE;
        }
        let enough = pool.available() >= missing;
        if enough {
            pages.extend((0..missing).map_while(|_| pool.take()));
            if let Some(partial) = partial {
                pool.copy(partial, pages[held / PAGE]);
            }
        } else {
            pages.drain(..).for_each(|page| pool.release(page));
        }
        partial.into_iter().for_each(|page| pool.release(page));
        enough.then_some((pages, held))
    }

    /// Keeps a prompt that was read to its end, in these pages.
    pub fn keep(&mut self, prompt: &[u32], pages: &[PageId], pool: &mut PagePool) {
        // What it begins with is in it.
        let (gone, kept) =
            std::mem::take(&mut self.kept).into_iter().partition(|kept| prompt.starts_with(&kept.tokens));
        self.kept = kept;
        let pages = pages[..pages_for(prompt.len())].to_vec();
        pages.iter().for_each(|page| pool.share(*page));
        self.kept.push(Kept { tokens: prompt.to_vec(), pages });
        let gone: Vec<Kept> = gone;
        gone.into_iter().flat_map(|kept| kept.pages).for_each(|page| pool.release(page));
    }

    /// Keeps nothing any more.
    pub fn clear(&mut self, pool: &mut PagePool) {
        while !self.kept.is_empty() {
            self.forget_oldest(pool);
        }
    }

    fn forget_oldest(&mut self, pool: &mut PagePool) {
        self.kept.remove(0).pages.into_iter().for_each(|page| pool.release(page));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn numbers(range: std::ops::Range<u32>) -> Vec<u32> {
        range.collect()
    }

    /// A prompt that shares `shared` tokens with `numbers`, and has `length`.
    fn branch(shared: u32, length: u32) -> Vec<u32> {
        (0..length).map(|at| if at < shared { at } else { 10_000 + at }).collect()
    }

    /// Writes the number of each position into its first value, as reading does.
    fn read(pool: &mut PagePool, pages: &[PageId], prompt: &[u32], from: usize) {
        for (position, token) in prompt.iter().enumerate().skip(from) {
            pool.store(pages, 0, position, &[*token as f32, *token as f32], 2, 0);
        }
    }

    fn held(pool: &PagePool, pages: &[PageId], count: usize) -> Vec<u32> {
        (0..count).map(|position| pool.values(pages[position / PAGE], 0, 0)[position % PAGE] as u32).collect()
    }

    #[test]
    fn a_beginning_is_shared_by_pages_and_its_rest_copied() {
        let (mut pool, mut cache) = (PagePool::new(10 * PAGE, 1, 1, 1), PrefixCache::default());
        let first = numbers(0..300);
        let (pages, known) = cache.begin(&first, 3, &mut pool).unwrap();
        assert_eq!(known, 0);
        read(&mut pool, &pages, &first, 0);
        cache.keep(&first, &pages, &mut pool);
        for (shared, length, count, right) in
            [(300, 300, 3, 288), (260, 400, 4, 256), (200, 400, 4, 192), (31, 90, 1, 0), (128, 129, 2, 96)]
        {
            let prompt = branch(shared, length);
            let (mine, known) = cache.begin(&prompt, count, &mut pool).unwrap();
            assert_eq!((known, mine.len()), (right, count), "{shared} of {length}");
            assert_eq!(held(&pool, &mine, known), prompt[..known]);
            let whole = known / PAGE;
            assert!(mine[..whole] == pages[..whole] && mine[whole..].iter().all(|page| !pages.contains(page)));
            // What this one writes is not seen by the other.
            read(&mut pool, &mine, &prompt, known);
            assert_eq!(held(&pool, &pages, 300), first);
            mine.into_iter().for_each(|page| pool.release(page));
        }
        pages.into_iter().for_each(|page| pool.release(page));
        assert_eq!(pool.available(), 7);
        cache.clear(&mut pool);
        assert_eq!(pool.available(), 10);
    }

    #[test]
    fn what_was_used_least_recently_makes_room_and_what_is_in_use_does_not() {
        let (mut pool, mut cache) = (PagePool::new(4 * PAGE, 1, 1, 1), PrefixCache::default());
        for seed in [1000, 2000, 3000] {
            let prompt = numbers(seed..seed + 100);
            let (pages, _) = cache.begin(&prompt, 1, &mut pool).unwrap();
            cache.keep(&prompt, &pages, &mut pool);
            pages.into_iter().for_each(|page| pool.release(page));
        }
        // The first is used again, and so the second goes.
        let (pages, known) = cache.begin(&numbers(1000..1100), 1, &mut pool).unwrap();
        assert_eq!(known, 96);
        let (more, _) = cache.begin(&numbers(5000..5100), 1, &mut pool).unwrap();
        let (again, known) = cache.begin(&numbers(1000..1100), 1, &mut pool).unwrap();
        assert_eq!(known, 96);
        assert!(cache.begin(&numbers(0..500), 4, &mut pool).is_none());
        for page in [pages, more, again].into_iter().flatten() {
            pool.release(page);
        }
        assert!(cache.begin(&numbers(0..500), 4, &mut pool).is_some());
    }

    proptest! {
        #[test]
        fn no_page_is_lost_and_what_is_known_is_right(
            steps in prop::collection::vec((0u32..400, 2u32..400, any::<bool>()), 1..40),
        ) {
            let (mut pool, mut cache) = (PagePool::new(9 * PAGE, 1, 1, 1), PrefixCache::default());
            let mut running: Vec<Vec<PageId>> = Vec::new();
            for (shared, length, stays) in steps {
                let prompt = branch(shared, length);
                if let Some((pages, known)) = cache.begin(&prompt, pages_for(prompt.len()), &mut pool) {
                    prop_assert!(known + 2 <= prompt.len() && known.is_multiple_of(POSITIONS));
                    prop_assert_eq!(held(&pool, &pages, known), prompt[..known].to_vec());
                    read(&mut pool, &pages, &prompt, known);
                    cache.keep(&prompt, &pages, &mut pool);
                    running.push(pages);
                }
                if !stays {
                    running.drain(..).flatten().for_each(|page| pool.release(page));
                }
            }
            running.drain(..).flatten().for_each(|page| pool.release(page));
            cache.clear(&mut pool);
            prop_assert_eq!(pool.available(), 9);
        }
    }
}
