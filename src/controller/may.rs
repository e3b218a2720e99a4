//! Whether this replica may lead.

/// Whether this replica may lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum May {
    /// Not known yet: it could not be asked.
    #[default]
    Unknown,
    /// It may write, as far as can be told.
    Yes,
    /// It may not: why, and what to do.
    No(String),
}
