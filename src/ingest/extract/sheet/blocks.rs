//! Finds the blocks of a sheet: cells that touch each other, with empty rows and columns around them.

use super::Cell;

/// A sheet with more blocks than this is scattered, and is one table.
const MAX_BLOCKS: usize = 4_096;

/// Cells that belong together, as places in the list of cells, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) cells: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    top: u32,
    left: u32,
    bottom: u32,
    right: u32,
}

impl Bounds {
    fn overlap(&self, other: &Self) -> bool {
        self.top <= other.bottom && other.top <= self.bottom && self.left <= other.right && other.left <= self.right
    }

    fn include(&mut self, other: &Self) {
        self.top = self.top.min(other.top);
        self.left = self.left.min(other.left);
        self.bottom = self.bottom.max(other.bottom);
        self.right = self.right.max(other.right);
    }
}

/// The blocks of cells that are in order, by the place of their first cell. Cells touch at their sides; what stands
/// inside the rectangle around a block belongs to it even if it touches nothing there.
pub(super) fn blocks(cells: &[Cell]) -> Vec<Block> {
    let mut sets = Sets::new(cells.len());
    let mut above: std::ops::Range<usize> = 0..0;
    let mut from = 0;
    while from < cells.len() {
        let row = cells[from].row;
        let to = from + cells[from..].iter().take_while(|cell| cell.row == row).count();
        for at in from + 1..to {
            if cells[at - 1].column + 1 == cells[at].column {
                sets.join(at - 1, at);
            }
        }
        if above.start < above.end && cells[above.start].row + 1 == row {
            let upper = &cells[above.clone()];
            for (at, cell) in cells.iter().enumerate().take(to).skip(from) {
                if let Ok(found) = upper.binary_search_by_key(&cell.column, |above| above.column) {
                    sets.join(above.start + found, at);
                }
            }
        }
        above = from..to;
        from = to;
    }
    let blocks = sets.groups();
    if blocks.len() > MAX_BLOCKS {
        return vec![Block { cells: (0..cells.len()).collect() }];
    }
    join_overlapping(blocks, cells)
}

fn join_overlapping(mut blocks: Vec<Block>, cells: &[Cell]) -> Vec<Block> {
    let mut bounds: Vec<Bounds> = blocks.iter().map(|block| bounds_of(block, cells)).collect();
    let mut at = 0;
    while at < blocks.len() {
        let found = (at + 1..blocks.len()).find(|other| bounds[at].overlap(&bounds[*other]));
        match found {
            Some(other) => {
                let joined = blocks.remove(other);
                let around = bounds.remove(other);
                blocks[at].cells.extend(joined.cells);
                bounds[at].include(&around);
                // The rectangle has grown, over blocks before it as well.
                at = (0..at).find(|before| bounds[*before].overlap(&bounds[at])).unwrap_or(at);
            }
            None => at += 1,
        }
    }
    for block in &mut blocks {
        block.cells.sort_unstable();
    }
    blocks.sort_by_key(|block| block.cells.first().copied());
    blocks
}

fn bounds_of(block: &Block, cells: &[Cell]) -> Bounds {
    let mut bounds = Bounds { top: u32::MAX, left: u32::MAX, bottom: 0, right: 0 };
    for cell in block.cells.iter().map(|at| &cells[*at]) {
        bounds.include(&Bounds { top: cell.row, left: cell.column, bottom: cell.row, right: cell.column });
    }
    bounds
}

/// Disjoint sets of places.
struct Sets(Vec<usize>);

impl Sets {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    /// The first place of a set is its root.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// The sets in the order of their first places.
    fn groups(mut self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut place = vec![0; self.0.len()];
        for at in 0..self.0.len() {
            let root = self.root(at);
            if root == at {
                place[at] = blocks.len();
                blocks.push(Block { cells: Vec::new() });
            }
            blocks[place[root]].cells.push(at);
        }
        blocks
    }
}
