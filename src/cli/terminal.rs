//! Without a command: the cockpit itself.

use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::TimeDelta;

use super::error::CliError;
use super::exit::Exit;
use super::logging::{self, Otherwise};
use super::output;
use super::session::{allowed, mirrors_asked};
use crate::app::keymap::default_keymap;
use crate::app::state::arming::ArmingPolicy;
use crate::app::state::attention::Ways;
use crate::app::state::keymap::Keymap;
use crate::app::state::preferences::Preferences;
use crate::cluster::registry::Mirrors;
use crate::cluster::watch::on_clock;
use crate::cluster::{self, ConnectOptions, Source};
use crate::config::keymap::KeymapFile;
use crate::config::{Settings, state, theme};
use crate::domain::address::Allowed;
use crate::metrics::Address;
use crate::time::Clock;
use crate::tui::reader::Reread;
use crate::tui::{self, Reader};
use crate::ui::theme::Theme;

/// Opens the cockpit on the settings' clusters.
pub(super) async fn open(settings: &Settings) -> Result<Exit, CliError> {
    let source = settings.kubeconfig.clone().map_or(Source::Standard, Source::File);
    let asked = (mirrors_asked(settings)?, allowed(settings, &[])?);
    let clusters = clusters(&source, &settings.contexts, &asked)?;
    let options = options(settings, clusters, Clock::system())?;
    // an embedded world is another one each time: only here is there something to come back to
    run(settings, tui::Options { state: state::default_path(), ..options }).await
}

/// The session's options, as far as the settings say them.
pub(super) fn options(
    settings: &Settings,
    clusters: Vec<(String, ConnectOptions)>,
    clock: Clock,
) -> Result<tui::Options, CliError> {
    Ok(tui::Options {
        clusters,
        namespaces: settings.namespaces.clone(),
        controller_namespace: settings.controller_namespace.clone(),
        prometheus: Address {
            url: settings.prometheus_url.clone(),
            service: settings.prometheus_service.clone(),
        },
        alertmanager: super::doctor::alertmanager(settings),
        range: settings.range.to_std(),
        refresh_metrics: settings.refresh_metrics.to_std(),
        queries_at_once: settings.prometheus_at_once,
        refresh_permissions: settings.refresh_permissions.to_std(),
        theme: drawn_theme(settings, &settings.theme)?,
        preferences: preferences(settings, &clock)?,
        reader: reader(settings, &clock),
        mouse: settings.mouse,
        toured: None,
        state: None,
        clock,
    })
}

/// What may change while a session runs.
fn preferences(settings: &Settings, clock: &Clock) -> Result<Preferences, CliError> {
    Ok(Preferences {
        theme: settings.theme.as_str().into(),
        keymap: keymap(settings)?,
        // the API server is asked at intervals of the wall
        stale_after: TimeDelta::from_std(on_clock(clock, settings.stale_after.to_std())).ok(),
        arming: ArmingPolicy {
            production: settings.arming_production,
            idle: settings.arming_idle.to_delta(),
        },
        sections: settings.sections.clone(),
        attention: Ways::of(settings.attention.iter().map(String::as_str)),
    })
}

/// Reads the same layers again: the file may have changed, variables and flags are what they were.
fn reader(settings: &Settings, clock: &Clock) -> Reader {
    let (before, at_hand, clock) = (settings.clone(), settings.clone(), clock.clone());
    let again = move || {
        let now = before.again().map_err(|error| error.to_string())?;
        let said = |error: CliError| error.to_string();
        let file =
            now.file.as_ref().map_or("no file: defaults".to_owned(), |file| file.display().to_string());
        let later = if before.needs_restart(&now) {
            "; what else has changed in it is in force at the next start"
        } else {
            ""
        };
        Ok(Reread {
            theme: drawn_theme(&now, &now.theme).map_err(said)?,
            preferences: preferences(&now, &clock).map_err(said)?,
            sentence: format!("settings read again from {file}{later}"),
        })
    };
    Reader::new(again, move |choice| {
        drawn_theme(&at_hand, choice).map_err(|error| error.to_string()).and_then(|theme| {
            let plain = !at_hand.draws_colours(term().as_deref()) && choice != "mono";
            let why =
                "colours are off here (NO_COLOR, --no-color, or a terminal without them): only mono is drawn";
            if plain { Err(why.to_owned()) } else { Ok(theme) }
        })
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn term() -> Option<String> {
    variable("TERM")
}

/// Runs a session on a terminal, and only there.
pub(super) async fn run(settings: &Settings, options: tui::Options) -> Result<Exit, CliError> {
    if settings.plain {
        let _log = logging::start(settings, Otherwise::Nowhere)?;
        let ended = tui::run_plain(options).await;
        return ended.map(|()| Exit::Ok).map_err(|error| CliError::new(Exit::Error, error.to_string()));
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            "the cockpit needs a terminal; --plain needs none, and for scripts there are `status`, `queue`, `deploy` and the like \
             (--help)",
        ));
    }
    if term().is_none_or(|term| term == "dumb") {
        output::remark("this terminal says that it cannot draw (TERM=dumb): --plain prints lines instead");
    }
    let _log = logging::start(settings, Otherwise::Nowhere)?;
    tui::run(options).await.map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
    Ok(Exit::Ok)
}

/// The contexts asked for, or the current one; each must exist.
fn clusters(
    source: &Source,
    wanted: &[String],
    (mirrors, allowed): &(Option<Mirrors>, Allowed),
) -> Result<Vec<(String, ConnectOptions)>, CliError> {
    let known = cluster::contexts(source)?;
    if let Some(stranger) = wanted.iter().find(|context| !known.contains(context)) {
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let sentence = format!(
            "the kubeconfig has no context {}: it has {}",
            crate::sanitize::line(stranger),
            crate::sanitize::line(&has)
        );
        return Err(CliError::new(Exit::Usage, sentence));
    }
    let connect = |context: Option<String>| ConnectOptions {
        source: source.clone(),
        context,
        interactive: false,
        mirrors: mirrors.clone(),
        allowed: allowed.clone(),
    };
    Ok(match (wanted, known.first()) {
        ([], Some(current)) => vec![(current.clone(), connect(None))],
        ([], None) => vec![("in-cluster".to_owned(), connect(None))],
        (several, _) => {
            several.iter().map(|context| (context.clone(), connect(Some(context.clone())))).collect()
        }
    })
}

/// The registry's keys, patched by the user's file.
pub(super) fn keymap(settings: &Settings) -> Result<Keymap, CliError> {
    let Some(path) = &settings.keymap else { return Ok(default_keymap()) };
    let file = KeymapFile::read(path)?;
    let patched = default_keymap().with(file.overrides());
    patched.map_err(|error| file.blame(error.command(), error.to_string()).into())
}

/// That theme as this terminal can draw it.
fn drawn_theme(settings: &Settings, choice: &str) -> Result<Theme, CliError> {
    let term = term();
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let chosen = theme::Theme::load(choice)?;
    let chosen = if settings.draws_colours(term.as_deref()) { chosen } else { theme::Theme::load("mono")? };
    let drawn = Theme::of(&chosen);
    Ok(if settings.draws_ascii(term.as_deref(), locale.as_deref()) { drawn.ascii() } else { drawn })
}

/// How long the pieces of a demo may take to end.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);
