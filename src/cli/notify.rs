//! `notify --test`: tries every channel of an environment from here, with our own right to its Secrets.

use futures::future::join_all;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Format, Notify};
use super::output;
use super::session::Session;
use super::table::Table;
use crate::config::Settings;
use crate::domain::notice;
use crate::notify::{Sender, tell};
use crate::sanitize;
use crate::time::Clock;

/// `notify --test`.
pub(super) async fn test(settings: &Settings, wanted: &Notify) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let is_meant = |name: &str| wanted.channel.as_ref().is_none_or(|only| only == name);
    let channels: Vec<_> =
        environment.spec.notify.iter().filter(|notify| is_meant(&notify.channel)).collect();
    if channels.is_empty() {
        let which = wanted.channel.as_ref().map_or_else(String::new, |name| format!(" called {name}"));
        let sentence =
            format!("{} names no channel{which} in spec.notify: nobody was told", environment.key());
        return Err(CliError::new(Exit::Error, sanitize::line(&sentence)));
    }
    let clock = Clock::system();
    let notice = notice::trial(&environment, session.author().user, clock.now());
    let sender = Sender::new(session.cluster.watch_client(), clock, session.cluster.outbound().clone());
    let told = join_all(channels.iter().map(|notify| tell(&sender, notify, &notice))).await;
    let is_well = told.iter().all(Result::is_ok);
    let words =
        told.into_iter().map(|told| told.map_or_else(|error| error.to_string(), |()| "told".to_owned()));
    let rows: Vec<(&str, String)> =
        channels.iter().map(|notify| notify.channel.as_str()).zip(words).collect();
    match wanted.output {
        Format::Json => {
            let channels: Vec<Value> = rows
                .iter()
                .map(|(channel, said)| json!({"channel": channel, "told": said == "told", "message": sanitize::line(said)}))
                .collect();
            output::json(&json!({"environment": environment.key().to_string(), "channels": channels}))?;
        }
        Format::Table => {
            let mut table = Table::new(["CHANNEL", "RESULT"]);
            for (channel, said) in &rows {
                table.row([channel, said]);
            }
            output::text(&table.to_string())?;
        }
    }
    Ok(if is_well { Exit::Ok } else { Exit::Error })
}
