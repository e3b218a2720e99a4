//! What the project demands of a Kubernetes API server, as checks that run against the embedded world and a real one alike.
//!
//! Owns the checks and how they talk: plain requests, so that answers are compared as they stand on the wire. Must not know which
//! server it talks to. Where the two differ, the real one is right.

mod backend;
mod budgets;
mod differences;
mod discovery;
mod forgeries;
pub mod kubeconfigs;
mod lists;
mod locks;
mod logs;
mod policies;
mod removal;
mod rollouts;
mod routers;
mod schemas;
mod watches;
mod writes;

pub use backend::{Backend, PEOPLE};

use futures::future::BoxFuture;

/// One check: panics when the server does otherwise.
pub type Check = for<'a> fn(&'a Backend) -> BoxFuture<'a, ()>;

macro_rules! registry {
    ($($module:ident :: { $($check:ident),* $(,)? }),* $(,)?) => {
        /// Every check with its name.
        pub const CHECKS: &[(&str, Check)] =
            &[$($((stringify!($check), |backend| Box::pin($module::$check(backend)))),*),*];
    };
}

registry! {
    budgets::{ budgets_are_counted, a_budget_refuses_evictions },
    differences::{ two_environments_are_told_apart, what_a_viewer_may_not_read_is_said },
    discovery::{ the_kinds_are_announced, tables_have_the_printer_columns, reviews_tell_who_may_do_what, strange_requests },
    forgeries::{
        releases_of_others, metadata_of_records, releases_that_do_not_fit, actions_of_others, verbs_of_actions, slots_of_approvals,
        parameters_of_actions, people_with_two_accounts, what_the_status_forbids, writes_of_records, writes_of_environments,
        names_that_are_borrowed
    },
    lists::{ selectors, unknown_fields_select_nothing, pages },
    locks::{ workloads_are_locked, second_workloads_are_locked, workloads_are_free, the_label_stays, definitions_stay },
    logs::{ logs_are_told_with_their_stamps, logs_are_followed, strange_logs_are_refused },
    policies::{ releases_are_admitted_by_policy, a_freeze_stops_releases, actions_are_admitted_by_policy, roles_limit_people, records_never_change,
        images_carry_their_version, an_environment_that_holds_anything_stays },
    removal::{ children_follow_their_owner, orphans_stay, preconditions_protect },
    rollouts::{
        a_rollout_makes_revisions, going_back_reuses_a_replica_set, a_deadline_is_told, a_paused_deployment_waits,
        scaling_is_no_revision
    },
    routers::{ each_router_goes_there_and_back, second_workloads_are_told_from_strangers, a_preview_gets_its_selector_back },
    schemas::{ unknown_fields, wrong_values, rules_of_releases, rules_of_actions, bounded_values },
    watches::{ changes_are_told_in_order, watches_are_selective, a_forgotten_version_is_gone },
    writes::{
        objects_are_created_once, a_dry_run_changes_nothing, stale_writes_conflict, generations_count_specs, status_is_apart,
        applied_status_has_owners, json_patches, merge_patches, names_and_labels_have_limits
    },
}

/// Runs every check, each in a world of its own, and names all that came out otherwise than expected: `deviations` must fail.
///
/// `RELEASE_COCKPIT_TEST_CHECK` picks those whose name contains it.
pub async fn run_all<F>(at_once: usize, deviations: &[&str], world: impl Fn(&'static str) -> F)
where
    F: Future<Output = Backend> + Send + 'static,
{
    use futures::StreamExt as _;
    let wanted = std::env::var("RELEASE_COCKPIT_TEST_CHECK").unwrap_or_default();
    let chosen: Vec<_> = CHECKS.iter().filter(|(name, _)| name.contains(&wanted)).collect();
    assert!(!chosen.is_empty(), "no check is called {wanted}");
    let runs = chosen.into_iter().map(|&(name, check)| {
        let backend = world(name);
        async move {
            let outcome = tokio::spawn(async move { check(&backend.await).await }).await;
            (name, outcome.is_ok())
        }
    });
    let ended: Vec<_> = futures::stream::iter(runs).buffer_unordered(at_once).collect().await;
    let wrong: Vec<_> = ended
        .iter()
        .filter(|(name, kept)| *kept == deviations.contains(name))
        .map(|(name, _)| *name)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} checks came out otherwise than expected: {}",
        wrong.len(),
        ended.len(),
        wrong.join(", ")
    );
}
