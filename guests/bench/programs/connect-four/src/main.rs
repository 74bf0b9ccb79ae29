//! Connect Four, searched by alpha-beta with a transposition table: 64-bit boards on a 32-bit
//! machine, recursion, branches that nobody can predict.
//!
//! A board is a bit a cell: seven columns of six cells from the bottom up, each with an empty cell on
//! top that keeps the columns apart.
//!
//! Input: the moves played so far, a digit 0 to 6 a column, as text; the depth to search, u32
//! little-endian.
//! Public values: the score for the player to move (i32), the column to play (u32), the number of
//! positions searched (u32), all little-endian. A win is worth 1 more the earlier it comes.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::io;

const COLUMNS: u32 = 7;
const ROWS: u32 = 6;
const CELLS: u32 = COLUMNS * ROWS;
/// Bits from a cell to its neighbour to the right.
const STRIDE: u32 = ROWS + 1;
/// Cells of the middle are in more lines.
const ORDER: [u32; COLUMNS as usize] = [3, 2, 4, 1, 5, 0, 6];
const TABLE_SIZE: usize = 1 << 13;

#[derive(Clone, Copy)]
struct Board {
    /// The stones of the player to move.
    mine: u64,
    /// The stones of both.
    taken: u64,
    stones: u32,
}

impl Board {
    fn can_play(self, column: u32) -> bool {
        self.taken & (1 << (column * STRIDE + ROWS - 1)) == 0
    }

    fn play(self, column: u32) -> Board {
        // Adding 1 at the bottom of a column carries up to its first free cell.
        let taken = self.taken | (self.taken + (1 << (column * STRIDE)));
        Board { mine: self.mine ^ self.taken, taken, stones: self.stones + 1 }
    }

    /// Whether the player who has just moved has four in a line.
    fn is_won(self) -> bool {
        let theirs = self.mine ^ self.taken;
        // Up, right, and the two diagonals.
        [1, STRIDE, STRIDE - 1, STRIDE + 1].into_iter().any(|step| {
            let pairs = theirs & (theirs >> step);
            pairs & (pairs >> (2 * step)) != 0
        })
    }

    /// Differs for different boards: the stones of the player to move, and where the columns end.
    fn key(self) -> u64 {
        self.mine + self.taken
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Exact,
    AtLeast,
    AtMost,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u64,
    depth: u32,
    score: i32,
    bound: Bound,
}

struct Search {
    table: Vec<Option<Entry>>,
    positions: u32,
}

impl Search {
    /// The score of `board` for the player to move, exact if it is between `alpha` and `beta`.
    fn score(&mut self, board: Board, depth: u32, mut alpha: i32, mut beta: i32) -> i32 {
        self.positions += 1;
        if board.is_won() {
            return -((CELLS + 1 - board.stones) as i32);
        }
        if board.stones == CELLS || depth == 0 {
            return 0;
        }
        let slot = (board.key() % (TABLE_SIZE as u64 - 1)) as usize;
        if let Some(entry) = self.table[slot] {
            if entry.key == board.key() && entry.depth == depth {
                match entry.bound {
                    Bound::Exact => return entry.score,
                    Bound::AtLeast => alpha = alpha.max(entry.score),
                    Bound::AtMost => beta = beta.min(entry.score),
                }
                if alpha >= beta {
                    return entry.score;
                }
            }
        }
        let mut best = i32::MIN;
        let mut bound = Bound::AtMost;
        for column in ORDER.into_iter().filter(|column| board.can_play(*column)) {
            best = best.max(-self.score(board.play(column), depth - 1, -beta, -alpha));
            if best >= beta {
                bound = Bound::AtLeast;
                break;
            }
            if best > alpha {
                alpha = best;
                bound = Bound::Exact;
            }
        }
        self.table[slot] = Some(Entry { key: board.key(), depth, score: best, bound });
        best
    }
}

pub fn main() {
    let moves = io::read_vec();
    let depth = io::read::<u32>();
    let mut board = Board { mine: 0, taken: 0, stones: 0 };
    for digit in moves {
        let column = u32::from(digit.wrapping_sub(b'0'));
        assert!(column < COLUMNS && board.can_play(column) && !board.is_won(), "a legal move");
        board = board.play(column);
    }
    let mut search = Search { table: vec![None; TABLE_SIZE], positions: 0 };
    let (score, column) = ORDER
        .into_iter()
        .filter(|column| board.can_play(*column))
        .map(|column| {
            let score = -search.score(board.play(column), depth, -(CELLS as i32), CELLS as i32);
            (score, column)
        })
        .max_by_key(|(score, _)| *score)
        .expect("a free column");
    io::commit(&score);
    io::commit(&column);
    io::commit(&search.positions);
}
