//! Applications by environments, over all clusters: who runs what where, at one glance.
//!
//! Owns rows, columns and the way from cell to cell. What is selected there is what is selected on the home screen.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Tier;
use crate::app::state::cursor::Cursor;
use crate::app::state::located::ClusterId;
use crate::app::state::movement::Move;
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow};
use crate::app::views;

/// Applications by environments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Matrix<'a> {
    /// Environments by tier and name: development, staging, production.
    pub columns: Vec<(Tier, &'a str)>,
    /// Applications by name; one that is in several clusters has a row in each.
    pub rows: Vec<MatrixRow<'a>>,
}

/// One application in one cluster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MatrixRow<'a> {
    /// The application.
    pub application: &'a str,
    /// The cluster.
    pub cluster: ClusterId,
    /// What is in each column.
    pub cells: Vec<Option<&'a EnvironmentRow>>,
}

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "matrix",
    is: |view| matches!(view, View::Matrix),
    panes: &[Focus::Matrix],
    go,
    enter: Some(Enter {
        availability: |_, target| target.needs_environment(),
        run: |store, _| {
            enter(store);
            Vec::new()
        },
    }),
    place: Some(PlaceRow {
        go: |store, _| {
            views::push(store, View::Matrix);
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

/// Opens it, once.
pub(super) fn open(store: &mut Store) {
    if !matches!(store.ui.view(), View::Matrix) {
        views::push(store, View::Matrix);
    }
}

/// The environments that are listed, as a matrix.
#[must_use]
pub(crate) fn of(store: &Store) -> Matrix<'_> {
    let rows = &store.rows.environments;
    let columns: BTreeSet<(Tier, &str)> = rows.iter().map(|row| (row.tier, &*row.name)).collect();
    let columns: Vec<(Tier, &str)> = columns.into_iter().collect();
    let mut found: BTreeMap<(&str, ClusterId), Vec<Option<&EnvironmentRow>>> = BTreeMap::new();
    for row in rows {
        let cells =
            found.entry((&row.application, row.id.cluster)).or_insert_with(|| vec![None; columns.len()]);
        if let Some(at) = columns.iter().position(|column| *column == (row.tier, &*row.name)) {
            // two of one name in one cluster: the one that needs a look stands for both
            cells[at] = match cells[at] {
                Some(other) if other.health.class() == crate::app::state::health::HealthClass::Bad => {
                    Some(other)
                }
                _ => Some(row),
            };
        }
    }
    let rows =
        found.into_iter().map(|((application, cluster), cells)| MatrixRow { application, cluster, cells });
    Matrix { rows: rows.collect(), columns }
}

impl Matrix<'_> {
    /// Row and column of the selected environment.
    #[must_use]
    pub(crate) fn selected(&self, store: &Store) -> Option<(usize, usize)> {
        let wanted = store.ui.environments.selected.as_ref()?;
        self.rows.iter().enumerate().find_map(|(nth, row)| {
            let at = row.cells.iter().position(|cell| cell.is_some_and(|cell| cell.id == *wanted))?;
            Some((nth, at))
        })
    }

    /// The nearest column of a row that has something.
    fn nearest(&self, row: usize, column: usize) -> Option<usize> {
        let cells = &self.rows.get(row)?.cells;
        let filled = cells.iter().enumerate().filter(|(_, cell)| cell.is_some()).map(|(at, _)| at);
        filled.min_by_key(|at| at.abs_diff(column))
    }
}

/// Moves up and down in the column.
pub(super) fn go(store: &mut Store, step: Move, page: usize) {
    let matrix = of(store);
    let (row, column) = matrix.selected(store).unwrap_or_default();
    let row = step.from(row, matrix.rows.len(), page);
    let chosen = matrix.nearest(row, column).and_then(|at| matrix.rows[row].cells[at]);
    let chosen = chosen.map(|cell| cell.id.clone());
    select(store, chosen);
}

/// Moves along the row, to the next cell that has something; at its end, to the next row.
pub(super) fn along(store: &mut Store, by: isize) {
    let matrix = of(store);
    let cells: Vec<&EnvironmentRow> =
        matrix.rows.iter().flat_map(|row| row.cells.iter().flatten().copied()).collect();
    let selected = store.ui.environments.selected.as_ref();
    let at = cells.iter().position(|cell| Some(&cell.id) == selected).unwrap_or_default();
    let next = at.checked_add_signed(by).unwrap_or(cells.len().saturating_sub(1));
    let chosen = cells.get(next).or(cells.first()).map(|cell| cell.id.clone());
    select(store, chosen);
}

fn select(store: &mut Store, chosen: Option<crate::app::state::located::EnvironmentId>) {
    if chosen.is_none() || store.ui.environments.selected == chosen {
        return;
    }
    store.ui.environments.selected = chosen;
    store.ui.environments.held = true;
    store.ui.pods = Cursor::default();
    store.dirty.cursors = true;
    store.dirty.pods = true;
}

/// Opens the selected environment on the home screen.
pub(super) fn enter(store: &mut Store) {
    store.ui.views.truncate(1);
    store.ui.focus = Focus::Environments;
    store.ui.all_environments = false;
    store.dirty.pods = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, environment};

    fn world() -> World {
        World::live()
            .with(environment("dev").of("alpha"))
            .with(environment("production").production().of("alpha"))
            .with(environment("staging").staging().of("beta"))
            .with(environment("prod-b").production().of("beta"))
    }

    #[test]
    fn applications_stand_by_name_and_environments_by_tier() {
        let store = world().store();
        let matrix = of(&store);
        let columns: Vec<&str> = matrix.columns.iter().map(|(_, name)| *name).collect();
        assert_eq!(columns, ["dev", "staging", "prod-b", "production"]);
        let cells: Vec<String> = matrix
            .rows
            .iter()
            .map(|row| {
                let cells = row.cells.iter().map(|cell| if cell.is_some() { 'x' } else { '-' });
                format!("{} {}", row.application, cells.collect::<String>())
            })
            .collect();
        assert_eq!(cells, ["alpha x--x", "beta -xx-"]);
    }

    /// Keys typed, and the environment that they lead to.
    #[test]
    fn keys_lead_from_cell_to_cell() {
        for (keys, expected) in [
            ("1 M", "dev"),
            ("1 M tab", "production"),
            ("1 M tab tab", "staging"),
            ("1 M shift-tab", "prod-b"),
            ("1 M tab j", "prod-b"),
            ("1 M j", "staging"),
            ("1 M j k", "dev"),
            ("1 M G", "staging"),
            ("1 M tab tab tab tab", "dev"),
        ] {
            let store = world().typing(keys).store();
            assert_eq!(&*store.ui.environments.selected.as_ref().unwrap().key.name, expected, "{keys}");
            assert_eq!(*store.ui.view(), View::Matrix, "{keys}");
        }
    }

    #[test]
    fn enter_opens_the_environment_and_the_way_leads_back() {
        let store = world().typing("1 M tab enter").store();
        assert_eq!((store.ui.view(), store.ui.focus), (&View::Home, Focus::Environments));
        assert_eq!(&*store.ui.environments.selected.as_ref().unwrap().key.name, "production");
        assert_eq!(*world().typing("1 M tab enter [").store().ui.view(), View::Matrix);
    }

    #[test]
    fn an_empty_matrix_has_nowhere_to_go() {
        let store = World::live().typing("M j tab G enter").store();
        assert_eq!(store.ui.environments.selected, None);
    }
}
