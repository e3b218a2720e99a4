//! `demo` and `sim`: the embedded world. Its seam is the wire: cockpit and controller are the same as on any other cluster, and
//! speak to it by its URLs.

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::controller::until_told;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Demo, Sim};
use super::output;
use super::terminal::{self, GOODBYE};
use crate::api::labels::{CONTROLLER_NAMESPACE, CONTROLLER_USER};
use crate::cluster::registry::Mirrors;
use crate::cluster::{Cluster, ConnectOptions, Source};
use crate::config::{Settings, state};
use crate::controller::{self, ControllerOptions, Deadlines, LeaseOptions};
use crate::domain::address::Allowed;
use crate::sim::scenario::Scenario;
use crate::sim::server::{self, Running, StartOptions};
use crate::time::Clock;
use crate::tui;

/// `demo`: world, controller and cockpit in one process.
pub(super) async fn demo(settings: &Settings, wanted: &Demo) -> Result<Exit, CliError> {
    if wanted.list {
        return list();
    }
    let scenario = scenario(wanted.scenario.as_deref())?;
    let user = user(&scenario, wanted.user.as_ref())?;
    let clock = clock(wanted.speed.unwrap_or(scenario.clock));
    let world = start(scenario, clock.clone(), StartOptions::default()).await?;
    let mut settings = settings.clone();
    // whatever cluster the settings name, this is the one that is meant
    settings.namespaces.clear();
    CONTROLLER_NAMESPACE.clone_into(&mut settings.controller_namespace);
    settings.prometheus_url = Some(world.prometheus_url.to_string());
    settings.prometheus_service = None;
    settings.alertmanager_url = Some(world.alertmanager_url.to_string());
    settings.alertmanager_service = None;

    let player = ConnectOptions { mirrors: Some(mirrors(&world)?), ..by(&world, &user) };
    let shutdown = CancellationToken::new();
    let controlling = tokio::spawn(controller::run(
        connect(&world, CONTROLLER_USER).await?.watch_client(),
        ControllerOptions {
            identity: "demo".to_owned(),
            namespace: CONTROLLER_NAMESPACE.to_owned(),
            namespaces: Vec::new(),
            clock: clock.clone(),
            lease: LeaseOptions::default(),
            deadlines: Deadlines::default(),
            http: None,
            concurrency: 4,
            mirrors: mirrors(&world)?,
            allowed: Allowed::default(),
            audit_export: None,
        },
        shutdown.clone(),
    ));
    let options = terminal::options(&settings, vec![("demo".to_owned(), player)], clock);
    let ended = match options {
        // who names a scenario has been here before
        Ok(options) => {
            let toured = state::default_path().filter(|_| wanted.scenario.is_none());
            let toured = toured.map(|path| path.with_file_name("demo.json"));
            terminal::run(&settings, tui::Options { toured, ..options }).await
        }
        Err(error) => Err(error),
    };
    shutdown.cancel();
    let _ = timeout(GOODBYE, controlling).await;
    let _ = timeout(GOODBYE, world.stop()).await;
    ended
}

/// `sim`: the world alone, until it is told to end.
pub(super) async fn sim(wanted: &Sim) -> Result<Exit, CliError> {
    if wanted.list {
        return list();
    }
    let options = StartOptions { port: wanted.port, ..StartOptions::default() };
    let scenario = scenario(wanted.scenario.as_deref())?;
    let clock = clock(wanted.speed.unwrap_or(scenario.clock));
    let user = user(&scenario, wanted.user.as_ref())?;
    let world = start(scenario, clock, options).await?;
    output::remark(&format!("Kubernetes API: {}", world.kube_url));
    output::remark(&format!("Prometheus API: {}", world.prometheus_url));
    output::remark(&format!("Alertmanager API: {}", world.alertmanager_url));
    output::remark(&format!(
        "registry of its images: {0}; with RELEASE_COCKPIT_REGISTRY_MIRRORS='*={0}' it is the one that is asked",
        world.registry_url.as_str().trim_end_matches('/')
    ));
    output::remark(&format!(
        "a kubeconfig for {} follows; it ends with ctrl-c",
        crate::sanitize::line(&user)
    ));
    output::text(&world.kubeconfig_yaml(&user))?;
    until_told().await?;
    let _ = timeout(GOODBYE, world.stop()).await;
    Ok(Exit::Ok)
}

fn list() -> Result<Exit, CliError> {
    let mut table = super::table::Table::new(["SCENARIO", "WHAT HAPPENS"]);
    for name in Scenario::names() {
        let description = Scenario::builtin(name).map(|scenario| scenario.description).unwrap_or_default();
        table.row([name, &description]);
    }
    output::text(&table.to_string()).map(|()| Exit::Ok)
}

/// A scenario by its name, or out of a file.
fn scenario(wanted: Option<&str>) -> Result<Scenario, CliError> {
    let wanted = wanted.unwrap_or("planera");
    if let Some(scenario) = Scenario::builtin(wanted) {
        return Ok(scenario);
    }
    let usage = |sentence: String| CliError::new(Exit::Usage, sentence);
    if !wanted.contains('/') && !wanted.contains('.') {
        let names = Scenario::names().join(", ");
        return Err(usage(format!(
            "there is no scenario {}; there are {names}",
            crate::sanitize::line(wanted)
        )));
    }
    let text = std::fs::read_to_string(wanted).map_err(|error| usage(format!("{wanted}: {error}")))?;
    Scenario::from_toml(&text, wanted).map_err(|error| usage(error.to_string()))
}

/// Who plays: the one asked for, else the scenario's own choice.
fn user(scenario: &Scenario, wanted: Option<&String>) -> Result<String, CliError> {
    let name = wanted.unwrap_or(&scenario.default_user);
    if scenario.user(name).is_some() {
        return Ok(name.clone());
    }
    let known: Vec<&str> = scenario.users.iter().map(|user| user.name.as_str()).collect();
    let sentence = format!("nobody is called {name} in that world; there are {}", known.join(", "));
    Err(CliError::new(Exit::Usage, crate::sanitize::line(&sentence)))
}

fn clock(speed: f64) -> Clock {
    let system = Clock::system();
    if (speed - 1.0).abs() < f64::EPSILON { system } else { Clock::scaled(system.now(), speed) }
}

async fn start(scenario: Scenario, clock: Clock, options: StartOptions) -> Result<Running, CliError> {
    server::start_with(scenario, clock, options)
        .await
        .map_err(|error| CliError::new(Exit::Error, format!("the embedded world cannot be started: {error}")))
}

fn by(world: &Running, user: &str) -> ConnectOptions {
    ConnectOptions {
        source: Source::Yaml(world.kubeconfig_yaml(user)),
        context: None,
        interactive: false,
        mirrors: None,
        allowed: Allowed::default()
            .with_given([world.prometheus_url.to_string(), world.alertmanager_url.to_string()]),
    }
}

/// Every image of that world is in its own registry.
fn mirrors(world: &Running) -> Result<Mirrors, CliError> {
    Mirrors::parse(&[format!("*={}", world.registry_url)])
        .map_err(|sentence| CliError::new(Exit::Error, sentence))
}

async fn connect(world: &Running, user: &str) -> Result<Cluster, CliError> {
    Ok(Cluster::connect(&by(world, user)).await?)
}
