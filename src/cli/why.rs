//! `why`: what a release waits for, and the API server's own word by a dry run of the very object.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::follow::line;
use super::grammar::{Format, Why};
use super::inbox::look;
use super::session::Session;
use super::{causes, choose, output};
use crate::api::Release;
use crate::api::release::GateState;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::located::{ClusterId, ReleaseId};
use crate::app::why;
use crate::cluster::{Cluster, Outcome};
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::why::Reason;
use crate::sanitize;
use crate::time::Clock;

/// `why`.
pub(super) async fn why(settings: &Settings, wanted: &Why) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.target]).await?;
    let mut store = look(std::slice::from_ref(&session.cluster), &settings.namespaces).await?;
    let (environments, releases) = (session.environments().await?, session.releases().await?);
    let alive = (|release: &Release| !release.phase().is_final(), "is under way or waits");
    let release = choose::release(&environments, &releases, &wanted.target, alive)?;
    let id = ReleaseId::new(ClusterId(0), release.key());
    let ours = why::ours(&store, &id);
    if release.phase().holds_lane() {
        causes::look_into(&mut store, (ClusterId(0), &session.cluster), &release.environment_key()).await;
    }
    let reasons = why::reasons(&store, &id);
    let cause =
        store.rows.causes.get(&id).map(
            |case| json!({"of": case.subject.name(), "alike": case.others, "diagnosis": case.diagnosis}),
        );
    let (accepts, server) = match why::ask(&mut store, &id) {
        Ok((what, _, effect)) => verdict(&session.cluster, what, effect).await,
        Err(reason) => (None, reason),
    };
    if wanted.output == Format::Json {
        let reasons: Vec<Value> = reasons.iter().map(as_json).collect();
        output::json(&json!({
            "release": release.key().to_string(), "phase": release.phase(), "reasons": reasons,
            "cause": cause, "server": {"accepts": accepts, "message": server}, "terminal": ours,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("release {}: {}\n", release.key(), sanitize::line(&line(release)));
    for reason in &reasons {
        text.push_str(&told(reason));
    }
    let _ = writeln!(text, "server: {}", sanitize::line(&server));
    if let Some(ours) = ours.filter(|ours| !server.contains(ours.as_str())) {
        let _ = writeln!(text, "you: {}", sanitize::line(&ours));
    }
    output::text(&text)?;
    Ok(Exit::Ok)
}

/// Whether the server would accept it, and its own sentence.
async fn verdict(cluster: &Cluster, what: &str, effect: Effect) -> (Option<bool>, String) {
    let outcome = match effect {
        Effect::Background(BackgroundEffect::CreateAction { action, .. }) => {
            cluster.create_action(&action, true).await
        }
        Effect::Background(BackgroundEffect::CreateRelease { release, .. }) => {
            cluster.create_release(&release, true).await
        }
        _ => return (None, "the server was not asked".to_owned()),
    };
    match outcome {
        Outcome::WouldPass | Outcome::Accepted { .. } => (Some(true), format!("would accept {what}")),
        Outcome::Refused(error) => (Some(false), format!("would refuse {what}: {error}")),
        Outcome::Unknown(sentence) => (None, format!("did not answer: {sentence}")),
    }
}

fn as_json(reason: &Reason) -> Value {
    json!({
        "gate": reason.gate, "state": reason.state, "detail": reason.detail, "clearedBy": reason.who,
        "clearsAt": reason.clears_at, "command": reason.command,
    })
}

/// What it waits for in a line; then who can clear it, when, and by which command.
fn told(reason: &Reason) -> String {
    let word = match reason.state {
        GateState::Pass => "pass",
        GateState::Wait => "wait",
        GateState::Fail => "FAIL",
        GateState::NoData => "no data",
    };
    let (gate, detail) = (sanitize::line(&reason.gate), sanitize::line(&reason.detail));
    let mut text = format!("  {word:<8} {gate}: {detail}\n");
    if !reason.holds() {
        return text;
    }
    if let Some(who) = &reason.who {
        let _ = writeln!(text, "           cleared by {}", sanitize::line(who));
    }
    if let Some(at) = reason.clears_at {
        let left = Age::between(Clock::system().now(), at);
        let _ = writeln!(text, "           in {left}, at {}Z", at.format("%Y-%m-%d %H:%M"));
    }
    if let Some(command) = &reason.command {
        let _ = writeln!(text, "           {}", sanitize::line(command));
    }
    text
}
