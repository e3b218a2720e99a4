//! Where records come from: the cluster, exports, and the API server's own log.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::output;
use super::super::session::{Session, in_sight, where_else};
use super::Shelf;
use crate::api::{Environment, GROUP};
use crate::domain::audit::{Intent, read_server_log};

/// How often the records are read again because the chain moved meanwhile.
const TRIES: usize = 5;

/// The records in sight, with heads that fit them: heads are read before and after.
pub(super) async fn cluster(session: &Session) -> Result<(Vec<Environment>, Shelf), CliError> {
    let mut environments = session.environments().await?;
    let mut shelf = Shelf::default();
    for _ in 0..TRIES {
        shelf.releases = session.releases().await?;
        shelf.actions = session.cluster.actions().await.map_err(where_else)?;
        shelf.actions.retain(|action| in_sight(session.namespaces(), action.metadata.namespace.as_deref()));
        output::not_understood(&shelf.actions);
        let after = session.environments().await?;
        let is_still = heads(&after).eq(heads(&environments));
        environments = after;
        if is_still {
            break;
        }
    }
    shelf.heads = heads(&environments).collect();
    Ok((environments, shelf))
}

fn heads(
    environments: &[Environment],
) -> impl Iterator<Item = (crate::api::EnvironmentKey, crate::api::ChainHead)> {
    environments.iter().map(|environment| {
        let head = environment.status.as_ref().and_then(|status| status.chain.clone());
        (environment.key(), head.unwrap_or_default())
    })
}

/// The records in these exports.
pub(super) fn exports(paths: &[PathBuf]) -> Result<Shelf, CliError> {
    let mut shelf = Shelf::default();
    for path in paths {
        let mut found = Shelf::default();
        let mut unreadable = 0;
        each_line(path, |line| {
            let object: Value = serde_json::from_str(line).unwrap_or_default();
            match object["kind"].as_str() {
                Some("Release") => match serde_json::from_value(object) {
                    Ok(release) => found.releases.push(release),
                    Err(_) => unreadable += 1,
                },
                Some("ReleaseAction") => match serde_json::from_value(object) {
                    Ok(action) => found.actions.push(action),
                    Err(_) => unreadable += 1,
                },
                _ => unreadable += 1,
            }
        })?;
        complain(path, unreadable, "are no records");
        shelf.add(found);
    }
    Ok(shelf)
}

/// The refused attempts in these logs.
pub(super) fn server_logs(paths: &[PathBuf]) -> Result<Vec<Intent>, CliError> {
    let mut attempts = Vec::new();
    for path in paths {
        let mut unreadable = 0;
        each_line(path, |line| {
            // a log is large and speaks of everything; only lines on our kinds are worth understanding
            if line.contains(GROUP) {
                let mut reading = read_server_log(line);
                attempts.append(&mut reading.attempts);
                unreadable += reading.unreadable;
            }
        })?;
        complain(path, unreadable, "are no events of an API server");
    }
    Ok(attempts)
}

fn complain(path: &Path, unreadable: usize, what: &str) {
    if unreadable > 0 {
        output::remark(&format!("{}: {unreadable} lines {what} and were left out", path.display()));
    }
}

fn each_line(path: &Path, mut take: impl FnMut(&str)) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        let sentence = format!("{} cannot be read: {error}", path.display());
        CliError::new(Exit::Usage, crate::sanitize::line(&sentence))
    };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            take(&text);
        }
        line.clear();
    }
    Ok(())
}
