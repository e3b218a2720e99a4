//! `since`.

use super::prelude::*;
use crate::api::Duration;
use crate::app::log_view;
use crate::domain::log::LogReach;

pub(super) const COMMAND: Command = Command {
    id: "since",
    title: "since",
    help: "How far back the log reaches: 0 its end, then 1m 5m 15m 30m 1h 6h 24h all; `:since 2h`",
    keys: &[
        KeyChord::char('0'),
        KeyChord::char('1'),
        KeyChord::char('2'),
        KeyChord::char('3'),
        KeyChord::char('4'),
        KeyChord::char('5'),
        KeyChord::char('6'),
        KeyChord::char('7'),
        KeyChord::char('8'),
    ],
    scope: Scope::Logs,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let reach = match (invocation.argument.as_deref(), invocation.key) {
        (Some("all"), _) => Some(LogReach::All),
        (Some(text), _) => text.parse::<Duration>().ok().and_then(|span| {
            let seconds = u32::try_from(span.to_std().as_secs()).ok()?;
            (seconds > 0).then_some(LogReach::Seconds(seconds))
        }),
        (None, key) => LogReach::CHOICES.get(key.unwrap_or_default()).copied(),
    };
    match reach {
        Some(reach) => log_view::again(store, |view| view.what.reach = reach),
        None => store.say(Level::Warning, "that is no span of time: write 90s, 15m, 2h or all"),
    }
    Vec::new()
}
