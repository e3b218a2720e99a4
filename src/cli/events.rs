//! `events`: what Kubernetes tells around an environment, gathered, the newest last.

use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Events, Format};
use super::output;
use super::session::Session;
use super::table::Table;
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::event_row::group;
use crate::time::Clock;

/// `events`.
pub(super) async fn events(settings: &Settings, wanted: &Events) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let rows = session.cluster.events(&environment.key().namespace).await?;
    let mut groups = group(rows.iter().filter(|event| event.warning || !wanted.warnings));
    groups.reverse();
    if wanted.output == Format::Json {
        let items: Vec<Value> = groups
            .iter()
            .map(|group| {
                json!({"at": group.at, "warning": group.warning, "reason": &*group.reason, "kind": &*group.kind,
                    "name": &*group.name, "objects": group.objects, "count": group.count, "message": &*group.message})
            })
            .collect();
        return output::json(&json!({"events": items})).map(|()| Exit::Ok);
    }
    if groups.is_empty() {
        output::remark(
            "nothing has happened there lately: a cluster forgets its events, mostly after an hour",
        );
        return Ok(Exit::Ok);
    }
    let now = Clock::system().now();
    let mut table = Table::new(["AGE", "WHAT", "REASON", "COUNT", "OBJECT", "MESSAGE"]);
    for group in &groups {
        table.row([
            &group.at.map_or_else(|| "?".to_owned(), |at| Age::between(at, now).to_string()),
            if group.warning { "Warning" } else { "Normal" },
            &group.reason,
            &group.count.to_string(),
            &format!("{}/{}", group.kind, group.name),
            &group.message,
        ]);
    }
    output::text(&table.to_string())?;
    Ok(Exit::Ok)
}
