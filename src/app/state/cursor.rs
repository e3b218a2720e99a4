//! A selection in a list.

/// A selection by identity, and where it stood, so that its neighbour is selected when it goes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    /// What is selected.
    pub selected: Option<K>,
    /// Its row.
    pub index: usize,
    /// Rows that are scrolled past.
    pub offset: usize,
    /// A person has put it there. Until then it stays on the first row, or on the environment that most needed attention at first.
    pub held: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { selected: None, index: 0, offset: 0, held: false }
    }
}
