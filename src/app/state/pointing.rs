//! What the mouse does.

/// What the mouse did in a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointed {
    /// A click on the pane, and on which line of its list, counted from the list's first, where it was on one.
    Click(Option<usize>),
    /// The wheel was turned up.
    Up,
    /// The wheel was turned down.
    Down,
}
