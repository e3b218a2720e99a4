//! How a person is called, and what they were called for already.

use std::collections::BTreeSet;

use crate::app::state::inbox::InboxKey;
use crate::app::state::located::{EnvironmentId, ReleaseId};

/// How a notification reaches the desktop of the terminal that a person sits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OSC 9: iTerm2, Windows Terminal, `WezTerm`, kitty, Ghostty.
    Osc9,
    /// OSC 777: rxvt-unicode, foot, VTE's terminals, `WezTerm`, Ghostty.
    Osc777,
}

/// By which ways a person wants to be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// The terminal's bell.
    pub bell: bool,
    /// A notification by OSC 9.
    pub osc9: bool,
    /// A notification by OSC 777.
    pub osc777: bool,
    /// The title of the window.
    pub title: bool,
}

impl Ways {
    /// The ways that these words name; others, `none` among them, name nothing.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().fold(Self::default(), |ways, word| match word {
            "bell" => Self { bell: true, ..ways },
            "osc9" => Self { osc9: true, ..ways },
            "osc777" => Self { osc777: true, ..ways },
            "title" => Self { title: true, ..ways },
            _ => ways,
        })
    }
}

/// What was called for already.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// By which ways.
    pub ways: Ways,
    /// Environments of which everything is known; what waited there by then is no news.
    pub(in crate::app) known: BTreeSet<EnvironmentId>,
    /// What was told, or was there from the beginning.
    pub(in crate::app) told: BTreeSet<Occasion>,
    /// The title that the window has.
    pub(in crate::app) title: String,
}

/// An event that calls a person; the same one never twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app) enum Occasion {
    /// Something waits for us. The second part tells one time of waiting from the next.
    Waits(InboxKey, String),
    /// A release is held, in that attempt.
    Held(ReleaseId, i32),
    /// A release of ours has ended.
    Ended(ReleaseId),
}
