//! What the panes list, computed outside of drawing and only when its inputs have changed.

pub(super) mod environments;
pub(super) mod inbox;
pub(super) mod pods;
pub(super) mod queue;
