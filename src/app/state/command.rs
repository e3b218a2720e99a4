//! A command as a row: what it is called, where it means something, what it does.

use crate::api::{ActionKind, Verb};
use crate::app::state::effect::Effect;
use crate::app::state::scope::{Group, Scope};
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation, Target};
use crate::config::key::KeyChord;
use crate::domain::action_rule::{self, Confirmation};

/// Something that a person can tell the terminal to do.
pub struct Command {
    /// Name in key maps and in the palette; unique, in kebab-case.
    pub id: &'static str,
    /// One or two words for footer and buttons.
    pub title: &'static str,
    /// One sentence for help and README.
    pub help: &'static str,
    /// Keys that mean it unless the key map says otherwise.
    pub keys: &'static [KeyChord],
    /// Where it means something.
    pub scope: Scope,
    /// Which part of the help it belongs to.
    pub group: Group,
    /// The permission that it needs on its target's environment.
    pub verb: Option<Verb>,
    /// The subcommand that does the same without the terminal.
    pub cli: Option<&'static str>,
    /// What is asked before it is done.
    pub confirmation: Confirmation,
    /// The action that it requests; verb, confirmation and availability derive from it.
    pub action: Option<ActionKind>,
    /// Whether it can be done now, and why not; absent: as its action, else always.
    pub availability: Option<fn(&Store, &Target) -> Availability>,
    /// Does it. Called only if its availability is [`Availability::Ready`].
    pub run: fn(&mut Store, &Invocation) -> Vec<Effect>,
}

impl Command {
    /// What a row has unless it says otherwise: a command of the terminal, in every view, which changes nothing in a cluster.
    pub(in crate::app) const ROW: Self = Self {
        id: "",
        title: "",
        help: "",
        keys: &[],
        scope: Scope::Everywhere,
        group: Group::Terminal,
        verb: None,
        cli: None,
        confirmation: Confirmation::None,
        action: None,
        availability: None,
        run: |_, _| Vec::new(),
    };

    /// The row of a command that requests that action.
    pub(in crate::app) const fn action(self, kind: ActionKind) -> Self {
        let confirmation = action_rule::rule(kind).confirmation;
        Self { verb: Some(kind.verb()), confirmation, action: Some(kind), ..self }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
