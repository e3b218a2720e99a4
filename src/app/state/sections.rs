//! Lines of the list of environments.

use crate::app::state::health::Health;

/// One line of the list of environments.
#[derive(Clone, Debug, PartialEq)]
pub enum EnvironmentLine {
    /// A section begins.
    Heading(Heading),
    /// An environment: its place among [`crate::app::state::rows::Rows::environments`].
    Environment(usize),
}

/// The heading of a section.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// Its place among the sections, from 0.
    pub section: usize,
    /// What the settings call it.
    pub name: String,
    /// How many environments stand below it.
    pub count: usize,
    /// Its environments are not shown.
    pub folded: bool,
    /// How the worst of them fares.
    pub worst: Health,
    /// How much in them waits for us.
    pub needs_me: usize,
}
