//! The registry of commands. Footer, help, palette, key map, README and command line all derive from it.
//!
//! A new command is one row in its family's file in `commands/`.

use crate::api::{ActionKind, Verb};
use crate::app::effect::Effect;
use crate::app::located::{EnvironmentId, PodId, ReleaseId};
use crate::app::store::Store;
use crate::app::ui_state::View;
use crate::app::{act, environment_act, guard};
use crate::config::key::KeyChord;
use crate::domain::action_rule;

pub use crate::app::commands::COMMANDS;
pub use crate::domain::action_rule::Confirmation;

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
    /// Does it. Called only if [`availability`] is [`Availability::Ready`].
    pub run: fn(&mut Store, &Invocation) -> Vec<Effect>,
}

impl Command {
    /// What a row has unless it says otherwise: a command of the terminal, in every view, which changes nothing in a cluster.
    pub(super) const ROW: Self = Self {
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
    pub(super) const fn action(self, kind: ActionKind) -> Self {
        let confirmation = action_rule::rule(kind).confirmation;
        Self { verb: Some(kind.verb()), confirmation, action: Some(kind), ..self }
    }

    /// What the command itself demands, whatever the view, the permissions and the age of the data.
    #[must_use]
    pub fn own_availability(&self, store: &Store, target: &Target) -> Availability {
        match (self.availability, self.action) {
            (Some(availability), _) => availability(store, target),
            (None, Some(kind)) if kind.is_on_environment() => {
                environment_act::availability(store, target, kind)
            }
            (None, Some(kind)) => act::availability(store, target, kind),
            (None, None) => Availability::Ready,
        }
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

/// Where a command means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In every view.
    Everywhere,
    /// Where an environment or a release is in sight: every view but texts.
    Cluster,
    /// On the home screen.
    Home,
    /// Among the versions to go back to.
    Rollback,
    /// Among events.
    Events,
    /// Among alerts.
    Alerts,
    /// Among differences of two environments.
    Differences,
    /// In texts and logs.
    Texts,
    /// In logs.
    Logs,
    /// Where one metric pane stands alone.
    Zoom,
}

impl Scope {
    /// Whether that view is inside.
    #[must_use]
    pub const fn covers(self, view: &View) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Cluster => !matches!(view, View::Text(_) | View::Logs(_)),
            Self::Home => matches!(view, View::Home),
            Self::Rollback => matches!(view, View::Rollback(_)),
            Self::Events => matches!(view, View::Events(_)),
            Self::Alerts => matches!(view, View::Alerts(_)),
            Self::Differences => matches!(view, View::Differences(_)),
            Self::Zoom => matches!(view, View::Zoom(_)),
            Self::Texts => matches!(view, View::Text(_) | View::Logs(_)),
            Self::Logs => matches!(view, View::Logs(_)),
        }
    }

    /// Where it applies, for whoever tries it elsewhere.
    const fn words(self) -> &'static str {
        match self {
            Self::Everywhere => "not available here",
            Self::Cluster => "close the text first",
            Self::Home => "only on the home screen",
            Self::Rollback => "only in the rollback view",
            Self::Events => "only among events",
            Self::Alerts => "only among alerts",
            Self::Differences => "only among differences",
            Self::Texts => "only in texts and logs",
            Self::Logs => "only in logs",
            Self::Zoom => "only in a zoomed chart",
        }
    }

    /// How many views it covers, roughly: of two commands that share a key, the one with the narrower scope is meant where both mean
    /// something.
    #[must_use]
    pub const fn breadth(self) -> u8 {
        match self {
            Self::Everywhere => 3,
            Self::Cluster => 2,
            Self::Texts => 1,
            Self::Home
            | Self::Rollback
            | Self::Events
            | Self::Alerts
            | Self::Differences
            | Self::Zoom
            | Self::Logs => 0,
        }
    }

    /// Whether there is a view in which both mean something.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        let in_texts = |scope| matches!(scope, Self::Texts | Self::Logs);
        if self == Self::Everywhere || other == Self::Everywhere {
            return true;
        }
        if in_texts(self) || in_texts(other) {
            return in_texts(self) && in_texts(other);
        }
        self == other || self == Self::Cluster || other == Self::Cluster
    }
}

/// A part of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What changes something in a cluster.
    Releasing,
    /// What stops, guards and takes responsibility.
    Guarding,
    /// What looks closer.
    Looking,
    /// What moves.
    Moving,
    /// What concerns the terminal itself.
    Terminal,
}

impl Group {
    /// Every group in the help's order.
    pub const ALL: [Self; 5] = [Self::Releasing, Self::Guarding, Self::Looking, Self::Moving, Self::Terminal];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Releasing => "Releasing",
            Self::Guarding => "Guarding",
            Self::Looking => "Looking",
            Self::Moving => "Moving",
            Self::Terminal => "Terminal",
        }
    }
}

/// What a command is about: what is selected in the focused pane, or what the view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The environment.
    pub environment: Option<EnvironmentId>,
    /// The release that is selected or opened.
    pub release: Option<ReleaseId>,
    /// The pod, where one is selected in the focused pane.
    pub pod: Option<PodId>,
}

/// A command on its way to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// What it is about.
    pub target: Target,
    /// The words after the command in the palette.
    pub argument: Option<String>,
    /// Which of the command's keys was pressed, counted from 0; the third `environment` key means the third environment.
    pub key: Option<usize>,
}

/// Whether a command can be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Ready,
    /// It cannot, for this reason: a few words that fit the status line.
    Unavailable(String),
}

impl Availability {
    /// It can be done.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Why it cannot.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Unavailable(reason) => Some(reason),
        }
    }
}

/// The command of that name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Command> {
    COMMANDS.iter().copied().find(|command| command.id == id)
}

/// Whether a command can be done now, and why not: where it means something, what we may do, whether the data are fresh, and then
/// what the command itself demands.
#[must_use]
pub fn availability(store: &Store, command: &Command, target: &Target) -> Availability {
    if !command.scope.covers(store.ui.view()) {
        return Availability::Unavailable(command.scope.words().to_owned());
    }
    if let Some(verb) = command.verb {
        let Some(environment) = &target.environment else {
            let why = store.clusters().find_map(|(id, _)| guard::lock(store, id));
            return Availability::Unavailable(why.unwrap_or_else(|| "no environment is selected".to_owned()));
        };
        let is_stop = command.action.is_some_and(|kind| action_rule::rule(kind).is_stop());
        let refusal = if is_stop {
            guard::refusal_to_stop(store, environment, verb)
        } else {
            guard::refusal(store, environment, verb)
        };
        if let Some(reason) = refusal {
            return Availability::Unavailable(reason);
        }
    }
    command.own_availability(store, target)
}

/// The README's table: every command's default keys, title and help, in the help's order.
pub fn documented_keys() -> impl Iterator<Item = (String, &'static str, &'static str)> {
    COMMANDS.iter().map(|command| {
        let keys: Vec<String> = command.keys.iter().map(ToString::to_string).collect();
        (keys.join(" "), command.title, command.help)
    })
}

/// The subcommands that have a key, with the command that they share a name and a meaning with.
pub fn cli_verbs() -> impl Iterator<Item = (&'static str, &'static Command)> {
    COMMANDS.iter().copied().filter_map(|command| command.cli.map(|verb| (verb, command)))
}
