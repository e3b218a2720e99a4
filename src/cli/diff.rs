//! `diff`: what differs between two environments, which may be in different clusters.

use futures::future::join_all;
use serde_json::json;

use super::choose;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Diff, Format};
use super::output;
use super::session::{connect, in_sight, where_else};
use super::table::Table;
use crate::api::{Environment, EnvironmentKey};
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::domain::difference::{Counts, Row, Verdict, compare, narrow};

/// `diff`.
pub(super) async fn diff(settings: &Settings, wanted: &Diff) -> Result<Exit, CliError> {
    // 1 says that they differ, and nothing else does
    Box::pin(difference(settings, wanted)).await.map_err(|error| match error.exit() {
        Exit::Error => CliError::new(Exit::Usage, error.to_string()),
        _ => error,
    })
}

async fn difference(settings: &Settings, wanted: &Diff) -> Result<Exit, CliError> {
    let given = [Given::of(&wanted.left), Given::of(&wanted.right)];
    let places = places(settings, &given).await?;
    let [left, right] = [find(&places, &given[0])?, find(&places, &given[1])?];
    if (left.place.context(), &left.key) == (right.place.context(), &right.key) {
        let sentence = format!("both are {} in {}: name two environments", left.key, left.place.context());
        return Err(CliError::new(Exit::Usage, sentence));
    }
    if let Some(component) = &wanted.component {
        choose::component(&[left.environment, right.environment], component)?;
    }
    let (one, other) = tokio::join!(
        Box::pin(left.place.cluster.snapshot(&left.key)),
        Box::pin(right.place.cluster.snapshot(&right.key))
    );
    let said = |side: &Side<'_>, error: crate::cluster::Error| {
        let sentence = format!("{} in {}: {error}", side.key, side.place.context());
        let exit = CliError::from(error).exit();
        CliError::new(if exit == Exit::Error { Exit::Unreachable } else { exit }, sentence)
    };
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(error), other) => {
            if let Err(second) = other {
                output::remark(&said(&right, second).to_string());
            }
            return Err(said(&left, error));
        }
        (_, Err(error)) => return Err(said(&right, error)),
    };
    let mut rows = compare(&one, &other);
    let hidden = match &wanted.component {
        Some(component) => narrow(&mut rows, [&one, &other], component),
        None => Vec::new(),
    };
    let hidden = hidden.iter().filter(|row| row.verdict != Verdict::Same).count();
    let counts = Counts::of(&rows);
    rows.retain(|row| wanted.all || row.verdict != Verdict::Same);
    let is_same = counts.differ + counts.unknown == 0;
    if wanted.output == Format::Json {
        let side = |side: &Side<'_>| json!({"context": side.place.context(), "namespace": &*side.key.namespace, "environment": &*side.key.name});
        output::json(
            &json!({"left": side(&left), "right": side(&right), "same": is_same, "counts": counts, "settings": rows,
                "ofOtherComponents": hidden}),
        )?;
    } else {
        print(&rows, [&left, &right])?;
        output::remark(&summary(counts));
        if hidden > 0 {
            output::remark(&format!("{hidden} of other components not shown"));
        }
    }
    Ok(if is_same { Exit::Ok } else { Exit::Error })
}

/// How many settings compare in which way, in words.
fn summary(counts: Counts) -> String {
    let unknown = match counts.unknown {
        0 => String::new(),
        unknown => format!(", {unknown} not known"),
    };
    format!("{} differ{unknown}, {} are the same", counts.differ, counts.same)
}

fn print(rows: &[Row], [left, right]: [&Side<'_>; 2]) -> Result<(), CliError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (left, right) = if left.key.name == right.key.name {
        (format!("{}@{}", left.key, left.place.context()), format!("{}@{}", right.key, right.place.context()))
    } else {
        (left.key.name.to_string(), right.key.name.to_string())
    };
    let [left, right] = [left, right].map(|name| crate::sanitize::line(&name).to_uppercase());
    let mut table = Table::new(["", "WHERE", "SETTING", &left, &right]);
    for row in rows {
        let where_ = row.section.to_string();
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.row([row.verdict.sign(), &where_, &row.what, &side(&row.left), &side(&row.right)]);
    }
    output::text(&table.to_string())
}

/// An environment as a person names it.
struct Given<'a> {
    name: &'a str,
    context: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// `name@context`: no environment's name has an @, contexts may.
    fn of(text: &'a str) -> Self {
        match text.split_once('@') {
            Some((name, context)) => Self { name, context: Some(context) },
            None => Self { name: text, context: None },
        }
    }
}

/// A cluster that is looked into, and what it said.
struct Place {
    cluster: Cluster,
    environments: Result<Vec<Environment>, CliError>,
}

impl Place {
    fn context(&self) -> &str {
        self.cluster.context()
    }
}

/// An environment that was found.
struct Side<'a> {
    place: &'a Place,
    environment: &'a Environment,
    key: EnvironmentKey,
}

/// Every cluster that may hold one of them; one that does not answer is none's business but its own environments'.
async fn places(settings: &Settings, given: &[Given<'_>; 2]) -> Result<Vec<Place>, CliError> {
    let mut contexts: Vec<Option<String>> = settings.contexts.iter().cloned().map(Some).collect();
    let named = given.iter().map(|given| given.context.map(str::to_owned));
    for context in named.filter(|named| named.is_some() || settings.contexts.is_empty()) {
        if !contexts.contains(&context) {
            contexts.push(context);
        }
    }
    let mut clusters = Vec::new();
    for context in &contexts {
        let namespaces =
            given.iter().filter_map(|given| given.name.split_once('/')).map(|(namespace, _)| namespace);
        let namespaces = settings.namespaces.iter().map(String::as_str).chain(namespaces);
        let cluster = connect(settings, context.as_ref()).await?;
        clusters.push(cluster.with_namespaces(namespaces.map(str::to_owned)));
    }
    let asked = clusters.into_iter().map(|cluster| async move {
        let environments = cluster.environments().await.map_err(where_else).map(|mut all| {
            all.retain(|one| in_sight(&settings.namespaces, one.metadata.namespace.as_deref()));
            all
        });
        Place { cluster, environments }
    });
    Ok(join_all(asked).await)
}

/// The one environment of that name.
fn find<'a>(places: &'a [Place], given: &Given<'_>) -> Result<Side<'a>, CliError> {
    let looked: Vec<&Place> = places
        .iter()
        .filter(|place| given.context.is_none_or(|context| place.context() == context))
        .collect();
    let mut found = Vec::new();
    let mut refused = None;
    for place in looked {
        let chosen = match &place.environments {
            Ok(all) => choose::environment(all, given.name),
            Err(error) => Err(CliError::new(error.exit(), format!("{}: {error}", place.context()))),
        };
        match chosen {
            Ok(environment) => found.push(Side { place, environment, key: environment.key() }),
            // a cluster that has not answered weighs more than one that does not have it
            Err(error) if refused.is_none() || place.environments.is_err() => refused = Some(error),
            Err(_) => {}
        }
    }
    match found.len() {
        0 => Err(refused.unwrap_or_else(|| CliError::new(Exit::Usage, "no cluster is looked into"))),
        1 => Ok(found.remove(0)),
        _ => {
            let places: Vec<String> =
                found.iter().map(|side| format!("{}@{}", given.name, side.place.context())).collect();
            let sentence = format!("`{}` could be any of {}", given.name, places.join(", "));
            Err(CliError::new(Exit::Usage, crate::sanitize::line(&sentence)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_stands_behind_the_first_at() {
        for (text, name, context) in [
            ("production", "production", None),
            ("shop/production@prod-eu", "shop/production", Some("prod-eu")),
            ("production@admin@kubernetes", "production", Some("admin@kubernetes")),
        ] {
            let given = Given::of(text);
            assert_eq!((given.name, given.context), (name, context), "{text}");
        }
    }

    #[test]
    fn the_summary_says_what_is_not_known() {
        let counts = Counts { differ: 2, unknown: 0, same: 9 };
        assert_eq!(summary(counts), "2 differ, 9 are the same");
        assert_eq!(summary(Counts { unknown: 1, ..counts }), "2 differ, 1 not known, 9 are the same");
    }
}
