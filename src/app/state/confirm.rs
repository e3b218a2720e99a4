//! A confirmation as data: what will happen, what is true right now, what must be typed, and whether it still fits.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::api::release_action::Parameters;
use crate::api::{ActionKind, Phase, Release, Tier, Verb};
use crate::app::state::alerts::Manager;
use crate::app::state::form::ImageChange;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::domain::action_rule::rule;
use crate::domain::known_version::KnownVersion;
use crate::domain::silence::{Matcher, Silence};

/// A question that must be answered before anything is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    /// The question, such as `Approve planera v1.8.2 on production?`.
    pub title: String,
    /// The word on the button that does it, such as `Approve`.
    pub verb: String,
    /// Where.
    pub environment: EnvironmentId,
    /// The release that it acts on; absent where it creates one.
    pub release: Option<ReleaseId>,
    /// How careful everybody must be, as the Environment object says.
    pub tier: Tier,
    /// What is true right now; renewed while the window is open.
    pub facts: Vec<Fact>,
    /// What changes, per component.
    pub changes: Vec<ImageChange>,
    /// What must be typed; absent where a button is enough.
    pub phrase: Option<Phrase>,
    /// Why; absent where it is not asked.
    pub reason: Option<Reason>,
    /// What has the keys.
    pub focus: ConfirmFocus,
    /// The release as it was when the window opened.
    pub seen: Option<Seen>,
    /// What an action on the environment relies on, as it was when the window opened: what it is, and its value.
    pub marks: Vec<(&'static str, String)>,
    /// What changed since; not empty: it refuses.
    pub changed: Vec<String>,
    /// Why it cannot be sent right now, such as `data 14 s old: watch lost`.
    pub lock: Option<String>,
    /// What will be late or odd, but may be sent.
    pub warnings: Vec<String>,
    /// Why the last try was not sent.
    pub refusal: Option<String>,
    /// What is sent.
    pub intent: Intent,
}

impl Confirm {
    /// The phrase is typed, the reason is given, nothing has changed, nothing is locked.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock.is_none()
            && self.changed.is_empty()
            && self.phrase.as_ref().is_none_or(Phrase::is_typed)
            && self.reason.as_ref().is_none_or(Reason::is_given)
    }

    /// A button has the keys.
    #[must_use]
    pub fn is_on_button(&self) -> bool {
        matches!(self.focus, ConfirmFocus::Cancel | ConfirmFocus::Accept)
    }

    /// Nothing is left to type, so `y` and `n` answer: no phrase, and a reason that is given and does not have the keys.
    #[must_use]
    pub fn takes_letters(&self) -> bool {
        let has_reason = self
            .reason
            .as_ref()
            .is_none_or(|reason| self.is_on_button() && reason.least > 0 && reason.is_given());
        self.phrase.is_none() && has_reason
    }

    /// What can have the keys, in the order in which `tab` visits it.
    #[must_use]
    pub fn foci(&self) -> Vec<ConfirmFocus> {
        let mut foci = Vec::with_capacity(4);
        if self.reason.is_some() {
            foci.push(ConfirmFocus::Reason);
        }
        if self.phrase.is_some() {
            foci.push(ConfirmFocus::Phrase);
        }
        foci.extend([ConfirmFocus::Accept, ConfirmFocus::Cancel]);
        foci
    }
}

/// One line of what is true right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is, such as `error rate`.
    pub label: &'static str,
    /// Its value, with unit and limit.
    pub value: String,
    /// It speaks against going on.
    pub bad: bool,
}

/// Words that must be typed; they are never pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The words.
    pub expected: String,
    /// What is typed so far.
    pub editor: LineEditor,
}

impl Phrase {
    /// Exactly the words are typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.editor.text() == self.expected
    }
}

/// Why it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is typed so far.
    pub editor: LineEditor,
    /// How many characters the server wants at least; 0 where it may be left out.
    pub least: usize,
}

impl Reason {
    /// Long enough for the server, or not needed.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.editor.text().trim().chars().count() >= self.least
    }
}

/// What has the keys in a confirmation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfirmFocus {
    /// The reason.
    Reason,
    /// The phrase.
    Phrase,
    /// The button that does nothing; where every confirmation begins.
    #[default]
    Cancel,
    /// The button that does it.
    Accept,
}

/// A release as the author saw it: what must not change under the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `metadata.uid`.
    pub uid: Option<String>,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.step.index`.
    pub step: Option<i32>,
    /// `status.plan.digest`.
    pub plan_digest: Option<String>,
    /// `status.weight.desired`.
    pub weight: Option<i32>,
}

impl Seen {
    /// That release, as it is now.
    #[must_use]
    pub fn of(release: &Release) -> Self {
        let status = release.status.as_ref();
        Self {
            uid: release.metadata.uid.clone(),
            generation: release.metadata.generation,
            phase: release.phase(),
            step: status.and_then(|status| status.step.as_ref()).map(|step| step.index),
            plan_digest: status.and_then(|status| status.plan.as_ref()).map(|plan| plan.digest.clone()),
            weight: status.and_then(|status| status.weight.as_ref()).map(|weight| weight.desired),
        }
    }
}

/// What is built and sent when the answer is yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Create this release, which a dry run has passed.
    Release(Box<Release>),
    /// Create a release that goes back to a version.
    Rollback {
        /// The version.
        known: Box<KnownVersion>,
        /// Without a second person, at once; it leaves a debt.
        emergency: bool,
    },
    /// Create an action on this release as it was when the window opened.
    Action {
        /// What is meant.
        kind: ActionKind,
        /// The release as its author saw it.
        release: Arc<Release>,
        /// With what.
        parameters: Option<Box<Parameters>>,
    },
    /// Make a silence.
    Silence {
        /// Who keeps it.
        to: Manager,
        /// What it is about.
        matchers: Vec<Matcher>,
        /// For how long.
        span: TimeDelta,
    },
    /// End a silence.
    Expire {
        /// Who keeps it.
        to: Manager,
        /// Which.
        silence: Box<Silence>,
    },
    /// Create an action on the environment.
    EnvironmentAction {
        /// What is meant.
        kind: ActionKind,
        /// With what.
        parameters: Option<Box<Parameters>>,
    },
}

impl Intent {
    /// Whether it takes something back or keeps it from going on.
    #[must_use]
    pub const fn is_stop(&self) -> bool {
        match self {
            Self::Rollback { .. } => true,
            Self::Action { kind, .. } | Self::EnvironmentAction { kind, .. } => rule(*kind).is_stop(),
            Self::Release(_) | Self::Silence { .. } | Self::Expire { .. } => false,
        }
    }

    /// The permission that it needs on the environment; none where the API server judges nothing but the way there.
    #[must_use]
    pub const fn verb(&self) -> Option<Verb> {
        match self {
            Self::Release(_) => Some(Verb::Deploy),
            Self::Rollback { .. } => Some(Verb::Rollback),
            Self::Action { kind, .. } | Self::EnvironmentAction { kind, .. } => Some(kind.verb()),
            Self::Silence { .. } | Self::Expire { .. } => None,
        }
    }
}
