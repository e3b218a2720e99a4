//! What stands after a command: where it is aimed, and what completes it.

use std::collections::BTreeSet;

use super::{NO_MATCH, rank};
use crate::api::environment::InFlight;
use crate::app::arguments::{Named, named};
use crate::app::state::command::Command;
use crate::app::state::palette::{Choice, Palette};
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::scope::Group;
use crate::app::state::store::Store;
use crate::app::state::target::Target;
use crate::app::target::{subject, target};
use crate::app::{act, components, environment_act, needs, versions};
use crate::config::distance;
use crate::config::registry::THEMES;

/// What a command is about: what its argument begins with, else what is selected. The rest of the argument remains.
pub(in crate::app) fn aimed(
    store: &Store,
    command: &Command,
    argument: Option<String>,
) -> (Target, Option<String>) {
    let selected = target(store);
    if !aims(command) {
        return (selected, argument);
    }
    let rest = |rest: String| (!rest.is_empty()).then_some(rest);
    match named(store, argument.as_deref().unwrap_or_default()) {
        Some(Named::Environment(id, left)) => {
            // a release that is selected there is still meant
            let release =
                selected.release.filter(|release| store.environment_of(release).as_ref() == Some(&id));
            (Target { environment: Some(id), release, pod: None }, rest(left))
        }
        Some(Named::Release(id, left)) => {
            (Target { environment: store.environment_of(&id), release: Some(id), pod: None }, rest(left))
        }
        None => (selected, argument),
    }
}

/// Refuses an argument whose first word is probably a mistyped or ambiguous environment. Otherwise the word would become part of the
/// reason, and the command would act on the selected environment.
pub(in crate::app) fn misnamed(store: &Store, command: &Command, argument: Option<&str>) -> Option<String> {
    let word = argument?.split_whitespace().next()?;
    if !aims(command) || named(store, word).is_some() {
        return None;
    }
    let rows = &store.rows.environments;
    let of_it = |row: &&EnvironmentRow| *row.name == *word || *row.application == *word;
    let meant: BTreeSet<String> = rows.iter().filter(of_it).map(called).collect();
    if !meant.is_empty() {
        let meant: Vec<String> = meant.into_iter().collect();
        return Some(format!("`{word}` could be any of {}. Nothing was sent.", meant.join(", ")));
    }
    // `production/shop`: either part may be meant as the environment
    let parts: Vec<&str> = word.split('/').chain([word]).collect();
    let is_any = |name: &str| parts.iter().any(|part| resembles(part, name));
    let near = |row: &&EnvironmentRow| {
        is_any(&row.name)
            || is_any(&row.application)
            || is_any(&called(row))
            || is_any(&row.id.key.to_string())
    };
    let meant = rows.iter().filter(near).min_by_key(|row| (!is_any(&row.name), distance(word, &called(row))));
    let meant = meant.map(called)?;
    Some(format!("No environment is called `{word}`. Did you mean {meant}? Nothing was sent."))
}

/// Whether a word is probably meant as that name: its beginning, its consonants as in `stg`, or a typing mistake.
fn resembles(word: &str, name: &str) -> bool {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    let length = word.chars().count();
    if length < 3 {
        return word == name;
    }
    let tolerance = if length < 4 { 0 } else { length.min(8) / 4 };
    name.starts_with(&word) || distance(&word, &name) <= tolerance || abbreviates(&word, &name)
}

/// Whether a word without vowels has letters of the name in their order, the first one included.
fn abbreviates(word: &str, name: &str) -> bool {
    let mut letters = name.chars();
    word.chars().next() == name.chars().next()
        && !word.contains(['a', 'e', 'i', 'o', 'u'])
        && word.chars().all(|letter| letters.any(|found| found == letter))
}

/// `APPLICATION/NAME`.
fn called(row: &EnvironmentRow) -> String {
    format!("{}/{}", row.application, row.name)
}

/// Whether the first word after a command may say where.
fn aims(command: &Command) -> bool {
    matches!(command.group, Group::Releasing | Group::Guarding) || command.id == "why"
}

/// Completions of what stands after the command, best first.
pub(super) fn complete(store: &Store, command: &Command, typed: &str) -> Vec<Choice> {
    match command.id {
        "environment" => return environments(store, typed.trim_end()),
        "release" => return releases(store, typed.trim_end()),
        "component" => return components_of(store, typed.trim_end()),
        "alerts" => return places(store, command, typed.trim_end()),
        _ => {}
    }
    let (target, left) = aimed(store, command, Some(typed.to_owned()));
    let mut left = left.unwrap_or_default().trim_end().to_owned();
    let before = typed.trim_end().strip_suffix(left.as_str()).unwrap_or_default().trim_end().to_owned();
    // a blank after a word begins the next one
    if typed.ends_with(char::is_whitespace) && !left.is_empty() {
        left.push(' ');
    }
    let (kept, last) = left.rsplit_once(' ').map_or(("", left.as_str()), |(kept, last)| (kept, last));
    let mut choices: Vec<Choice> = words(store, command, &target, &left)
        .into_iter()
        .filter(|(word, _)| rank(last, word) < NO_MATCH && word != last)
        .map(|(word, help)| {
            let parts = [before.as_str(), kept, word.as_str()];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            choice(command, &parts.join(" "), help)
        })
        .collect();
    if aims(command) && before.is_empty() && !typed.contains(char::is_whitespace) {
        let rows = store.rows.environments.iter().filter(|row| rank(typed, &row.name) < NO_MATCH);
        let places = rows.map(|row| choice(command, &row.name, format!("in this {} environment", row.tier)));
        choices.extend(places.filter(|choice| choice.completion != format!("{} {typed}", command.id)));
    }
    choices
}

fn choice(command: &Command, argument: &str, help: String) -> Choice {
    Choice { completion: format!("{} {argument}", command.id), help, unavailable: None }
}

/// Environments by name, for the command that selects one.
pub(super) fn environments(store: &Store, typed: &str) -> Vec<Choice> {
    let rows = store.rows.environments.iter();
    let rows = rows.filter(|row| rank(typed, &row.name).min(rank(typed, &row.application)) < NO_MATCH);
    rows.map(|row| Choice {
        completion: format!("environment {}/{}", row.application, row.name),
        help: format!("{} {}", row.tier, row.health.word()),
        unavailable: None,
    })
    .collect()
}

/// Components of the environment that the screen is about, for the command that shows one of them alone.
fn components_of(store: &Store, typed: &str) -> Vec<Choice> {
    let Some(id) = store.focused_environment() else { return Vec::new() };
    let name = |choice: &Choice| choice.completion.split_once(' ').map(|(_, name)| name.to_owned());
    let ranked = |choice: &Choice| name(choice).map_or(NO_MATCH, |name| rank(typed, &name));
    let mut choices = components::choices(store, &id);
    choices.retain(|choice| ranked(choice) < NO_MATCH);
    choices.sort_by_key(ranked);
    choices
}

/// Whether `enter` takes the chosen completion, because what is typed is only the beginning of one.
pub(in crate::app) fn chooses(command: &Command, palette: &Palette, typed: &str) -> bool {
    let is_whole = palette.choices.iter().any(|choice| choice.completion == typed);
    command.id == "component" && !is_whole && !palette.choices.is_empty()
}

/// Environments by name, for a command that may be about one of them.
fn places(store: &Store, command: &Command, typed: &str) -> Vec<Choice> {
    let rows = store.rows.environments.iter().filter(|row| rank(typed, &row.name) < NO_MATCH);
    rows.map(|row| choice(command, &row.name, format!("{} {}", row.application, row.tier))).collect()
}

/// Releases by name, for the command that opens one.
pub(super) fn releases(store: &Store, typed: &str) -> Vec<Choice> {
    let rows = store.rows.queue.iter();
    let rows = rows.filter(|row| rank(typed, &row.id.key.name).min(rank(typed, &row.to)) < NO_MATCH);
    rows.map(|row| Choice {
        completion: format!("release {}", row.id.key.name),
        help: format!("{} {} {} {}", row.application, row.to, row.environment.key.name, row.phase),
        unavailable: None,
    })
    .collect()
}

type Word = (String, String);

/// Words that mean something to the command where it is aimed; `left` is what is typed of them.
fn words(store: &Store, command: &Command, target: &Target, left: &str) -> Vec<Word> {
    let word = |word: &str, help: &str| (word.to_owned(), help.to_owned());
    let first = !left.contains(char::is_whitespace);
    match command.id {
        "deploy" => target.environment.as_ref().map_or_else(Vec::new, |id| {
            let suggestions = versions::suggestions(store, id, left).into_iter();
            suggestions.map(|suggestion| (suggestion.version, suggestion.seen)).collect()
        }),
        "freeze" if first => {
            vec![
                word("2h", "for two hours; without a time until it is lifted"),
                word("30m", "for half an hour"),
            ]
        }
        "freeze" => [InFlight::Hold, InFlight::RollBack, InFlight::Finish]
            .map(|policy| {
                let help = match policy {
                    InFlight::Hold => "what executes is held where it is",
                    InFlight::RollBack => "what executes is rolled back",
                    InFlight::Finish => "what executes may finish",
                };
                (policy.as_str().to_lowercase(), help.to_owned())
            })
            .to_vec(),
        "drive" if first => vec![word("30m", "for half an hour"), word("2h", "for two hours")],
        "go" | "bookmark" if first => {
            let places = store.history.bookmarks.iter();
            places.map(|(name, place)| (name.clone(), place.words())).collect()
        }
        "theme" if first => THEMES.iter().map(|name| word(name, "a theme that is built in")).collect(),
        "arm" if first => vec![word("15m", "for a quarter of an hour"), word("1h", "for an hour")],
        "scale" | "restart" if first => components(store, target),
        "scale" => vec![word("back", "as many as before"), word("0", "none: it answers nobody")],
        "deny" | "allow" | "review" if first => records(store, command.id, target),
        "override" if first => gates(store, target),
        "override" => vec![word("30m", "for half an hour")],
        "check" => items(store, target),
        _ => Vec::new(),
    }
}

fn components(store: &Store, target: &Target) -> Vec<Word> {
    let environment = target.environment.as_ref().and_then(|id| store.environment(id));
    let components =
        environment.map(|environment| environment.spec.components.as_slice()).unwrap_or_default();
    components.iter().map(|c| (c.name.to_string(), c.workload.kind.to_string())).collect()
}

/// What the environment's status knows by name: digests that run, digests that are denied, debts.
fn records(store: &Store, command: &str, target: &Target) -> Vec<Word> {
    let Some(id) = &target.environment else { return Vec::new() };
    let Some(environment) = store.environment(id) else { return Vec::new() };
    let status = environment.status.as_ref();
    match command {
        "deny" => status
            .map(|status| status.current.as_slice())
            .unwrap_or_default()
            .iter()
            .filter_map(|c| {
                let digest = c.digest.clone()?;
                Some((digest, format!("{} {} runs here", c.component, c.version)))
            })
            .collect(),
        "allow" => environment_act::denied(environment)
            .into_iter()
            .map(|digest| (digest.to_owned(), "is denied here".to_owned()))
            .collect(),
        _ => environment_act::reviewable(store, id)
            .into_iter()
            .map(|debt| (debt.id.clone(), format!("{} by {}", debt.what, debt.by)))
            .collect(),
    }
}

fn gates(store: &Store, target: &Target) -> Vec<Word> {
    let waits = |release: &crate::api::Release| act::fits(release, crate::api::ActionKind::Override).is_ok();
    let Some(release) = subject(store, target, waits).and_then(|id| store.release(&id)) else {
        return Vec::new();
    };
    act::forcible(release).map(|gate| (gate.name.clone(), gate.detail.clone())).collect()
}

fn items(store: &Store, target: &Target) -> Vec<Word> {
    let waits = |release: &crate::api::Release| act::fits(release, crate::api::ActionKind::Check).is_ok();
    let Some(id) = subject(store, target, waits) else { return Vec::new() };
    let environment = store.environment_of(&id).and_then(|id| store.environment(&id));
    let (Some(release), Some(environment)) = (store.release(&id), environment) else { return Vec::new() };
    let open = needs::unticked(environment, release).into_iter();
    open.map(|item| (item.to_owned(), "not ticked yet".to_owned())).collect()
}
