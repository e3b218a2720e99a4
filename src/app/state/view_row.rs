//! A view as a row: everything in which one view differs from the others.
//!
//! Owns the type and the list that a session has. Must not know any view: each stands in its own file, and [`crate::app::VIEWS`] lists them.

use crate::app::state::effect::Effect;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::movement::Move;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation, Target};
use crate::app::state::view::{Focus, View};

/// A kind of view. Its functions are about the visible view, which is of this kind.
pub struct ViewRow {
    /// One word for it, such as `events`; tells its places from others'.
    pub name: &'static str,
    /// Whether a view is of this kind.
    pub is: fn(&View) -> bool,
    /// Its panes in the order in which `tab` visits them; the first one has the keys at first.
    pub panes: &'static [Focus],
    /// The environment that it is about; absent: the one that is selected on the home screen.
    pub environment: fn(&Store) -> Option<EnvironmentId>,
    /// What a command is about.
    pub target: fn(&Store) -> Target,
    /// Moves in the focused pane, of which that many rows are shown.
    pub go: fn(&mut Store, Move, usize),
    /// Selects a line of a pane, counted from the first of its list.
    pub click: fn(&mut Store, Focus, usize),
    /// What `open` does with the selection; absent: there is nothing to open.
    pub enter: Option<Enter>,
    /// How it is found again; absent: it cannot be opened by itself.
    pub place: Option<PlaceRow>,
    /// What its panes are filtered by is forgotten when a view is closed.
    pub forgets_filter: bool,
    /// The pane of the home screen that has the keys when it is closed there; absent: the first.
    pub returns_to: Option<Focus>,
}

/// What `open` does with the selection of a view.
pub struct Enter {
    /// Whether there is something to open.
    pub availability: fn(&Store, &Target) -> Availability,
    /// Opens it.
    pub run: fn(&mut Store, &Invocation) -> Vec<Effect>,
}

/// How a view is remembered as a place and found again.
pub struct PlaceRow {
    /// What tells it from others of its kind, in words that outlive a session.
    pub about: fn(&Store) -> String,
    /// The environment that it is in.
    pub environment: fn(&Store) -> Option<EnvironmentId>,
    /// The release that it shows; where there is one, it is found again only with it.
    pub release: Option<fn(&Store) -> Option<ReleaseId>>,
    /// The next session may begin with it.
    pub lasts: bool,
    /// Opens it there; nothing where that is gone.
    pub go: fn(&mut Store, &Arrival<'_>) -> Option<()>,
}

/// What is left of a place in this session.
pub struct Arrival<'a> {
    /// What [`PlaceRow::about`] wrote.
    pub about: &'a str,
    /// The cluster.
    pub cluster: Option<ClusterId>,
    /// The environment.
    pub environment: Option<EnvironmentId>,
    /// The release.
    pub release: Option<ReleaseId>,
}

impl ViewRow {
    /// What a row has unless it says otherwise.
    pub const ROW: Self = Self {
        name: "",
        is: |_| false,
        panes: &[],
        environment: |_| None,
        target: |store| Target { environment: store.focused_environment(), release: None, pod: None },
        go: |_, _, _| (),
        click: |_, _, _| (),
        enter: None,
        place: None,
        forgets_filter: false,
        returns_to: None,
    };

    /// The pane that has the keys at first.
    #[must_use]
    pub fn first_pane(&self) -> Focus {
        self.panes.first().copied().unwrap_or(Focus::Environments)
    }
}

impl PlaceRow {
    /// What a place has unless it says otherwise.
    pub const ROW: Self = Self {
        about: |_| String::new(),
        environment: Store::focused_environment,
        release: None,
        lasts: true,
        go: |_, _| Some(()),
    };
}

/// The kinds of views that a session has.
#[derive(Clone, Copy)]
pub struct Views(pub &'static [&'static ViewRow]);

impl Views {
    /// The row of a view.
    #[must_use]
    pub fn of(self, view: &View) -> &'static ViewRow {
        static NOTHING: ViewRow = ViewRow::ROW;
        self.0.iter().copied().find(|row| (row.is)(view)).unwrap_or(&NOTHING)
    }

    /// The row of that name.
    #[must_use]
    pub fn named(self, name: &str) -> Option<&'static ViewRow> {
        self.0.iter().copied().find(|row| row.name == name)
    }
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|row| row.name)).finish()
    }
}
