//! Sections of the list of environments: which environment stands where, and which of them are folded.
//!
//! Owns the lines of the list and the way from line to line. What is folded stays known and selected: only its lines are not shown.

use crate::api::Environment;
use crate::app::selection;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::cursor::Cursor;
use crate::app::state::health::{Health, HealthClass};
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::movement::Move;
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::sections::{EnvironmentLine, Heading};
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::config::sections::{self, Subject};

/// What stands below the sections of the settings.
const OTHERS: &str = "Others";

/// The section of an environment, from 0; the same for all where the settings have none.
pub(super) fn place(
    store: &Store,
    (_, cluster): (ClusterId, &ClusterState),
    environment: &Environment,
) -> usize {
    let subject = Subject {
        application: &environment.spec.application,
        tier: environment.spec.tier,
        context: &cluster.context,
        namespace: environment.metadata.namespace.as_deref().unwrap_or_default(),
        name: environment.metadata.name.as_deref().unwrap_or_default(),
    };
    sections::place(&store.sections, subject)
}

fn name(store: &Store, section: usize) -> &str {
    store.sections.get(section).map_or(OTHERS, |section| &section.name)
}

/// Whether a section is folded: by a person, else by the settings; never while something is looked for.
fn is_folded(store: &Store, section: usize) -> bool {
    let by_settings = store.sections.get(section).is_some_and(|section| section.collapsed);
    store.ui.filter(Focus::Environments).is_none()
        && !store.sections.is_empty()
        && store.ui.folded.get(name(store, section)).copied().unwrap_or(by_settings)
}

/// Every line of the list, in order.
pub(super) fn lines(store: &Store) -> Vec<EnvironmentLine> {
    let rows = &store.rows.environments;
    if store.sections.is_empty() {
        return (0..rows.len()).map(EnvironmentLine::Environment).collect();
    }
    let mut lines = Vec::new();
    let mut from = 0;
    for below in rows.chunk_by(|a, b| a.section == b.section) {
        let section = below[0].section;
        let folded = is_folded(store, section);
        lines.push(EnvironmentLine::Heading(Heading {
            section,
            name: name(store, section).to_owned(),
            count: below.len(),
            folded,
            worst: below
                .iter()
                .map(|row| row.health)
                .max_by_key(|health| severity(*health))
                .unwrap_or_default(),
            needs_me: below.iter().map(|row| row.needs_me).sum(),
        }));
        if !folded {
            lines.extend((from..from + below.len()).map(EnvironmentLine::Environment));
        }
        from += below.len();
    }
    lines
}

/// The more, the more it must be said.
const fn severity(health: Health) -> u8 {
    match health.class() {
        HealthClass::Good => 0,
        HealthClass::Moving => 1,
        HealthClass::Waiting => 2,
        HealthClass::Unknown => 3,
        HealthClass::Bad => 4,
    }
}

/// The line of the selected environment: its own, or the heading that it is folded under.
#[must_use]
pub(crate) fn selected(store: &Store) -> Option<usize> {
    let row = selected_row(store)?;
    let rows = &store.rows.environments;
    store.rows.environment_lines.iter().position(|line| match line {
        EnvironmentLine::Environment(at) => rows.get(*at).is_some_and(|at| at.id == row.id),
        EnvironmentLine::Heading(heading) => heading.folded && heading.section == row.section,
    })
}

fn selected_row(store: &Store) -> Option<&EnvironmentRow> {
    let id = store.ui.environments.selected.as_ref()?;
    store.rows.environments.iter().find(|row| row.id == *id)
}

/// The keys are in the list, and the selected environment is folded away.
pub(super) fn hides_selected(store: &Store) -> bool {
    store.ui.focus == Focus::Environments
        && selected_row(store).is_some_and(|row| is_folded(store, row.section))
}

/// Moves from line to line; a folded section is one line, an open one's heading is passed.
pub(super) fn go(store: &mut Store, step: Move, page: usize) {
    let rows = &store.rows.environments;
    let present = selected_row(store);
    let stops: Vec<EnvironmentId> = store
        .rows
        .environment_lines
        .iter()
        .filter_map(|line| match line {
            EnvironmentLine::Environment(at) => rows.get(*at),
            EnvironmentLine::Heading(heading) if heading.folded => {
                let inside = |row: &&EnvironmentRow| row.section == heading.section;
                present.filter(inside).or_else(|| rows.iter().find(inside))
            }
            EnvironmentLine::Heading(_) => None,
        })
        .map(|row| row.id.clone())
        .collect();
    let at = present.and_then(|row| stops.iter().position(|id| *id == row.id)).unwrap_or_default();
    let Some(next) = stops.get(step.from(at, stops.len(), page)).cloned() else { return };
    select(store, &next);
}

/// Selects an environment of the list.
pub(super) fn select(store: &mut Store, id: &EnvironmentId) {
    let height = store.ui.height(Focus::Environments);
    let Store { ui, rows, .. } = store;
    selection::jump(&mut ui.environments, &rows.environments, id, |row| &row.id, height);
    ui.pods = Cursor::default();
    store.dirty.cursors = true;
}

/// Folds or unfolds the section of that name, or that of the selected environment.
pub(super) fn fold(store: &mut Store, wanted: Option<&str>, folded: bool) {
    let section = match wanted {
        Some(wanted) => (0..=store.sections.len()).find(|at| name(store, *at).eq_ignore_ascii_case(wanted)),
        None => selected_row(store).map(|row| row.section),
    };
    let Some(section) = section else {
        let known: Vec<&str> = store.sections.iter().map(|section| section.name.as_str()).collect();
        let said =
            format!("no section is called `{}`; there are {}", wanted.unwrap_or_default(), known.join(", "));
        store.say(crate::app::state::toast::Level::Warning, said);
        return;
    };
    let name = name(store, section).to_owned();
    store.ui.folded.insert(name, folded);
    store.dirty.cursors = true;
    store.dirty.screen = true;
}

/// Selects the environment of a line of the list; of a folded section its first one.
pub(super) fn click(store: &mut Store, line: usize) {
    let rows = &store.rows.environments;
    let chosen = match store.rows.environment_lines.get(line) {
        Some(EnvironmentLine::Environment(at)) => rows.get(*at),
        Some(EnvironmentLine::Heading(heading)) if heading.folded => {
            rows.iter().find(|row| row.section == heading.section)
        }
        _ => None,
    };
    if let Some(id) = chosen.map(|row| row.id.clone()) {
        select(store, &id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, environment};
    use crate::config::Section;

    /// Three sections' worth of environments: live ones, folded sandboxes, and what is left.
    fn world() -> World {
        let section = |name: &str, names: &str, collapsed| Section {
            name: name.to_owned(),
            environments: vec![names.to_owned()],
            collapsed,
            ..Section::default()
        };
        let mut world = World::live();
        world.store.sections = vec![section("Live", "prod*", false), section("Sandboxes", "sandbox-*", true)];
        for name in ["dev", "sandbox-1", "sandbox-2", "prod-b", "prod-a"] {
            let one = environment(name).of("shop");
            world = world.with(if name.starts_with("prod") { one.production() } else { one });
        }
        world.settled()
    }

    fn told(store: &Store) -> Vec<String> {
        let chosen = selected(store);
        let line = |(nth, line): (usize, &EnvironmentLine)| {
            let text = match line {
                EnvironmentLine::Heading(heading) => {
                    format!("{}{} {}", if heading.folded { '+' } else { '-' }, heading.name, heading.count)
                }
                EnvironmentLine::Environment(at) => store.rows.environments[*at].name.to_string(),
            };
            if chosen == Some(nth) { format!("> {text}") } else { text }
        };
        store.rows.environment_lines.iter().enumerate().map(line).collect()
    }

    /// Keys typed, and the lines of the list.
    #[test]
    fn sections_stand_in_their_order_and_fold() {
        for (keys, expected) in [
            ("1", vec!["-Live 2", "> prod-a", "prod-b", "+Sandboxes 2", "-Others 1", "dev"]),
            ("1 j", vec!["-Live 2", "prod-a", "> prod-b", "+Sandboxes 2", "-Others 1", "dev"]),
            ("1 j j", vec!["-Live 2", "prod-a", "prod-b", "> +Sandboxes 2", "-Others 1", "dev"]),
            ("1 j j j", vec!["-Live 2", "prod-a", "prod-b", "+Sandboxes 2", "-Others 1", "> dev"]),
            ("1 j j j k k", vec!["-Live 2", "prod-a", "> prod-b", "+Sandboxes 2", "-Others 1", "dev"]),
            ("1 G g", vec!["-Live 2", "> prod-a", "prod-b", "+Sandboxes 2", "-Others 1", "dev"]),
            ("1 left", vec!["> +Live 2", "+Sandboxes 2", "-Others 1", "dev"]),
            ("1 left right", vec!["-Live 2", "> prod-a", "prod-b", "+Sandboxes 2", "-Others 1", "dev"]),
            (
                "1 left j right",
                vec!["+Live 2", "-Sandboxes 2", "> sandbox-1", "sandbox-2", "-Others 1", "dev"],
            ),
            (
                "1 left j enter j",
                vec!["+Live 2", "-Sandboxes 2", "sandbox-1", "> sandbox-2", "-Others 1", "dev"],
            ),
            ("4", vec!["-Live 2", "prod-a", "prod-b", "> +Sandboxes 2", "-Others 1", "dev"]),
            (
                "1 : expand space sandboxes enter",
                vec![
                    "-Live 2",
                    "> prod-a",
                    "prod-b",
                    "-Sandboxes 2",
                    "sandbox-1",
                    "sandbox-2",
                    "-Others 1",
                    "dev",
                ],
            ),
            ("1 / s a n d enter", vec!["-Sandboxes 2", "> sandbox-1", "sandbox-2"]),
        ] {
            assert_eq!(told(&world().typing(keys).store()), expected, "{keys}");
        }
    }

    #[test]
    fn what_is_folded_stays_known() {
        let store = world().typing("4 left").store();
        assert_eq!(store.rows.environments.len(), 5);
        assert_eq!(&*store.focused_environment().unwrap().key.name, "sandbox-2");
        let unknown = world().typing(": collapse space nowhere enter").store();
        let toast = unknown.toasts.back().unwrap();
        assert_eq!(toast.text, "no section is called `nowhere`; there are Live, Sandboxes");
    }

    #[test]
    fn without_sections_there_are_no_headings_and_nothing_folds() {
        let mut plain = World::live().with(environment("a")).with(environment("b")).typing("1 left");
        assert_eq!(told(&plain.store), ["> a", "b"]);
        assert!(plain.store.toasts.back().unwrap().text.contains("[[sections]]"));
        plain = plain.typing("right");
        assert_eq!(told(&plain.store), ["> a", "b"]);
    }
}
