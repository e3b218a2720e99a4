//! IO that is wanted, as plain data that tests compare.

use std::collections::BTreeSet;

use crate::api::environment::AlertmanagerRef;
use crate::api::strategy::Track;
use crate::api::{EnvironmentKey, Release, ReleaseAction};
use crate::app::state::attention::Protocol;
use crate::app::state::located::ClusterId;
use crate::app::state::zoom::ZoomQuery;
use crate::domain::log::LogAsk;
use crate::domain::pod_row::PodKey;
use crate::domain::silence::NewSilence;
use crate::domain::workload_row::WorkloadKey;

/// Tells requests apart; unique within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// IO wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Runs as a background task: requests, watches and files. Results arrive as events.
    Background(BackgroundEffect),
    /// Runs at once on the terminal.
    Terminal(TerminalEffect),
}

/// Runs as a background task: requests, watches and files. Results arrive as events.
#[derive(Clone, Debug, PartialEq)]
pub enum BackgroundEffect {
    /// Create this release, once: it is never sent twice by itself.
    CreateRelease {
        /// Where.
        cluster: ClusterId,
        /// What; its name is given by us, so that a lost answer can be looked up.
        release: Box<Release>,
        /// Only ask whether the server would accept it.
        dry_run: bool,
        /// Comes back in [`super::event::Event::RequestDone`].
        request: RequestId,
    },
    /// Create this action, once.
    CreateAction {
        /// Where.
        cluster: ClusterId,
        /// What; its name is given by us.
        action: Box<ReleaseAction>,
        /// Only ask whether the server would accept it.
        dry_run: bool,
        /// Comes back in [`super::event::Event::RequestDone`].
        request: RequestId,
    },
    /// Fetch a text to show; answered by `RequestDone` with `Text` or `Refused`.
    Fetch {
        /// Where.
        cluster: ClusterId,
        /// What.
        what: FetchText,
        /// Comes back in [`super::event::Event::RequestDone`]; answers of older views are dropped by it.
        request: RequestId,
    },
    /// Read an environment as settings; answered by `RequestDone` with `Snapshot` or `Refused`.
    Portray {
        /// Where.
        cluster: ClusterId,
        /// Which.
        environment: EnvironmentKey,
        /// Comes back in [`super::event::Event::RequestDone`].
        request: RequestId,
    },
    /// Make or end a silence, once.
    Silence {
        /// Where the Alertmanager is reached from.
        cluster: ClusterId,
        /// The Alertmanager.
        to: AlertmanagerRef,
        /// Which of the two.
        ask: SilenceAsk,
        /// Comes back in [`super::event::Event::RequestDone`].
        request: RequestId,
    },
    /// Follow the events of these namespaces, and of no others.
    FollowEvents {
        /// Where.
        cluster: ClusterId,
        /// Which; empty: none.
        namespaces: BTreeSet<Box<str>>,
    },
    /// Follow the logs of a pod; answered by [`super::event::Event::Log`] until [`BackgroundEffect::EndLogs`].
    FollowLog {
        /// Where.
        cluster: ClusterId,
        /// Which pod, and which lines.
        ask: LogAsk,
        /// The request of the view that asks.
        view: RequestId,
    },
    /// Follow nothing more for that view.
    EndLogs(RequestId),
    /// Write a new file; answered by `RequestDone` with `Saved`.
    Save {
        /// Where; relative to the working directory.
        path: String,
        /// What.
        text: String,
    },
    /// Keep curves and pods of this environment fresh; the last one named per cluster has precedence.
    Focus {
        /// Where.
        cluster: ClusterId,
        /// Which.
        environment: EnvironmentKey,
        /// The second workloads that run there beside the first ones: curves are asked for per track while there are any.
        second: Option<Track>,
    },
    /// Keep the curves of a zoomed pane fresh; none: no pane of that cluster is zoomed any more.
    Zoom {
        /// Where.
        cluster: ClusterId,
        /// Which, over which range, beside what.
        wish: Option<ZoomQuery>,
    },
    /// Read what there is to know about a pod that is not well; answered by `Examined`.
    Examine {
        /// Where.
        cluster: ClusterId,
        /// Which.
        pod: PodKey,
        /// A container of it has ended before: its last words are wanted as well.
        crashed: bool,
    },
    /// Read what a workload does not tell by itself: why its pods are refused, what holds back those that are to leave; answered by
    /// `WorkloadExamined`.
    ExamineWorkload {
        /// Where.
        cluster: ClusterId,
        /// Which.
        workload: WorkloadKey,
    },
    /// Fetch everything of the focused environment's metrics now.
    RefreshMetrics,
}

/// Runs at once on the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum TerminalEffect {
    /// Give the terminal to kubectl until it ends; answered by [`super::event::Event::CameBack`].
    HandOff {
        /// Where.
        cluster: ClusterId,
        /// What for.
        what: HandOff,
    },
    /// Put this text on the clipboard (OSC 52).
    Copy(String),
    /// Draw with this theme: a name or a path; answered by [`super::event::Event::Theme`].
    Theme(Box<str>),
    /// Read the settings again; answered by [`super::event::Event::Reloaded`].
    Reload,
    /// Ring the bell once.
    Bell,
    /// Tell the desktop of the person at the terminal.
    Notify {
        /// In which terminals' words.
        protocol: Protocol,
        /// One sentence, sanitised.
        text: String,
    },
    /// Give the window this title, sanitised; empty: our name alone.
    Title(String),
    /// Suspend to the shell (SIGTSTP).
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End.
    Quit,
}

/// What an Alertmanager is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceAsk {
    /// Make this silence.
    Create(Box<NewSilence>),
    /// End the silence of this id.
    Expire(Box<str>),
}

/// A text that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchText {
    /// YAML of an object.
    Yaml {
        /// Which.
        of: YamlOf,
        /// Who wrote which field is shown as well.
        managed_fields: bool,
    },
    /// Description of a pod with its events.
    PodDescribe(PodKey),
    /// The objects of an environment: revisions, autoscalers, disruption budgets, services, ingresses; the first three of one component
    /// alone where it is named.
    Objects(EnvironmentKey, Option<Box<str>>),
    /// Descriptions of workloads with their events.
    WorkloadsDescribe(Vec<WorkloadKey>),
    /// What going back to a version means.
    WayBack {
        /// Where.
        environment: EnvironmentKey,
        /// The version.
        version: Box<str>,
    },
}

/// What the terminal is handed to kubectl for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOff {
    /// A shell in a container.
    Shell {
        /// The pod.
        pod: PodKey,
        /// The container; absent: kubectl's choice, which is the annotated or the first one.
        container: Option<Box<str>>,
    },
    /// Forwarded ports.
    Forward {
        /// The pod.
        pod: PodKey,
        /// As kubectl takes them.
        ports: Vec<Box<str>>,
    },
}

/// An object that can be shown as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YamlOf {
    /// A pod.
    Pod(PodKey),
    /// A workload.
    Workload(WorkloadKey),
    /// An object of ours.
    Ours {
        /// `environments`, `releases` or `releaseactions`.
        plural: &'static str,
        /// Namespace.
        namespace: Box<str>,
        /// Name.
        name: Box<str>,
    },
}
