//! `:` with completion: commands, environments and releases by name.

use crate::app::state::line_editor::LineEditor;

/// The palette while it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What is typed, without the colon.
    pub editor: LineEditor,
    /// What it may mean, best first.
    pub choices: Vec<Choice>,
    /// The chosen one.
    pub selected: usize,
    /// The completion that is to be chosen once the choices are known.
    pub wanted: Option<String>,
}

/// Something that a typed line may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is put into the line on `tab`.
    pub completion: String,
    /// What it does, in a few words.
    pub help: String,
    /// Why it cannot be done now; absent when it can.
    pub unavailable: Option<String>,
}
