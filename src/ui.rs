//! Drawing: the store as it looks in a terminal.
pub mod chrome;
pub mod format;
pub mod glyphs;
pub mod layout;
pub mod panes;
pub mod pen;
pub mod plot;
pub mod svg;
pub mod theme;
