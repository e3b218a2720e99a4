//! The audit log of an environment as a text: who did what, and whether the chain of records is intact.

use std::fmt::Write as _;

use crate::api::{Release, ReleaseAction};
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::text_view::{TextBody, TextView};
use crate::app::state::view::View;
use crate::app::views;
use crate::domain::audit::{Intent, Record, Report, intents, verify};
use crate::sanitize;

/// Opens the audit log of that environment.
pub(super) fn open(store: &mut Store, id: &EnvironmentId) {
    let Some((report, mut intents)) = read(store, id) else { return };
    intents.reverse();
    let mut lines: Vec<Box<str>> =
        report.findings.iter().map(|finding| clean(&format!("BROKEN  {}", finding.sentence))).collect();
    lines.extend(intents.iter().map(|intent| clean(&line(intent))));
    let state = if report.is_whole() { "whole" } else { "BROKEN" };
    let title = format!("Records · {} · {state} · {} sealed", id.key.name, report.sealed);
    let request = store.next_request();
    views::push(store, View::Text(TextView::new(title, request, TextBody::Lines(lines))));
}

/// What is known of an environment's records here and now.
fn read(store: &Store, id: &EnvironmentId) -> Option<(Report, Vec<Intent>)> {
    let cluster = store.cluster(id.cluster)?;
    let head = cluster.environments.get(&id.key)?.status.as_ref().and_then(|status| status.chain.clone());
    let releases: Vec<&Release> = cluster
        .releases
        .values()
        .map(|release| &**release)
        .filter(|release| release.environment_key() == id.key)
        .collect();
    let actions: Vec<&ReleaseAction> = cluster
        .actions
        .values()
        .map(|action| &**action)
        .filter(|action| {
            action.metadata.namespace.as_deref() == Some(&*id.key.namespace)
                && *action.spec.environment == *id.key.name
        })
        .collect();
    let records: Vec<Record> = releases
        .iter()
        .map(|release| Record::of_release(release))
        .chain(actions.iter().map(|action| Record::of_action(action)))
        .collect();
    Some((verify(Some(&head.unwrap_or_default()), &records), intents(&releases, &actions)))
}

fn line(intent: &Intent) -> String {
    let at = intent.at.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string());
    let place = intent.sequence.map_or_else(|| "-".to_owned(), |sequence| format!("#{sequence}"));
    let mut text = format!("{at}  {place}  {}  {}  {}", intent.by(), intent.what, intent.on());
    for (word, part) in [("expected", &intent.expected), ("saw", &intent.saw)] {
        if !part.is_empty() {
            let _ = write!(text, "  {word} {part}");
        }
    }
    let _ = write!(text, "  {}", intent.outcome);
    if !intent.found.is_empty() {
        let _ = write!(text, ": {}", intent.found);
    }
    if let Some(reason) = &intent.reason {
        let _ = write!(text, "  ({reason})");
    }
    text
}

fn clean(text: &str) -> Box<str> {
    sanitize::line(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{self, planera};
    use crate::domain::audit::plan_seals;

    fn shown(store: &mut Store) -> (String, Vec<String>) {
        open(store, &fixtures::environment_id("production"));
        let View::Text(view) = store.ui.view() else { panic!("no text is shown") };
        (view.title.clone(), view.lines().iter().map(ToString::to_string).collect())
    }

    /// The releases into production, each with its place in the chain.
    fn sealed() -> Vec<Release> {
        let store = planera().store();
        let id = fixtures::environment_id("production");
        let all = store.cluster(id.cluster).unwrap().releases.values();
        let mut releases: Vec<Release> = all
            .filter(|release| release.environment_key() == id.key)
            .map(|release| (**release).clone())
            .collect();
        let records: Vec<Record> = releases.iter().map(Record::of_release).collect();
        for (key, seal) in plan_seals(&crate::api::ChainHead::default(), &records).seals {
            let release =
                releases.iter_mut().find(|release| release.metadata.name.as_ref() == Some(&key.name));
            release.unwrap().status.get_or_insert_default().seal = Some(seal);
        }
        releases
    }

    fn shown_with(releases: &[Release]) -> (String, Vec<String>) {
        let world = releases.iter().fold(planera(), |world, release| world.with_release(release.clone()));
        shown(&mut world.store())
    }

    #[test]
    fn records_are_listed_with_the_verdict_and_tampering_is_told_first() {
        let mut releases = sealed();
        let (title, lines) = shown_with(&releases);
        assert_eq!(title, format!("Records · production · whole · {} sealed", releases.len()), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("#1") && line.contains("Deploy")), "{lines:#?}");
        let name = releases[0].metadata.name.clone().unwrap();
        releases[0].spec.requested_by = "mall\u{1b}[31mory".into();
        let (title, lines) = shown_with(&releases);
        assert!(title.contains("BROKEN"), "{title}");
        assert!(lines[0].contains(&format!("/{name} is not what was sealed at place")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("mallory")), "{lines:#?}");
    }
}
