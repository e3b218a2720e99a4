//! The export: one JSON object per line, appended to one file per environment and month, on the disk before anything is removed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::{EnvironmentKey, Release, ReleaseAction};

/// The file of an environment and a month such as `2026-11`. Kubernetes' names hold no underscore.
pub(super) fn path(directory: &Path, key: &EnvironmentKey, month: &str) -> PathBuf {
    directory.join(format!("{}_{}_{month}.jsonl", key.namespace, key.name))
}

/// These objects in this order, as the API server has them.
pub(super) fn lines(releases: &[Release], actions: &[ReleaseAction], uids: &[String]) -> String {
    let mut text = String::new();
    for uid in uids {
        let uid = Some(uid);
        let release = releases.iter().find(|release| release.metadata.uid.as_ref() == uid).map(line);
        let action = actions.iter().find(|action| action.metadata.uid.as_ref() == uid).map(line);
        for line in release.into_iter().chain(action) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn line(object: &impl Serialize) -> String {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    value.to_string()
}

/// Appends, and returns when it is on the disk. A line that an earlier crash tore is ended first.
pub(super) fn append(path: &Path, lines: &str) -> io::Result<()> {
    let is_new = !path.try_exists()?;
    let is_torn = !is_new && !ends_with_a_line(path)?;
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let text = if is_torn { format!("\n{lines}") } else { lines.to_owned() };
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if is_new && let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn ends_with_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::domain::fixtures;

    #[test]
    fn lines_are_appended_for_the_owner_only_and_torn_ones_are_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = path(directory.path(), &EnvironmentKey::new("shop", "production"), "2026-11");
        assert!(path.ends_with("shop_production_2026-11.jsonl"));
        append(&path, "{\"a\":1}\n").unwrap();
        append(&path, "{\"b\":2}\n").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"torn").unwrap();
        append(&path, "{\"c\":3}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"b\":2}\n{\"torn\n{\"c\":3}\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(append(&directory.path().join("nowhere/x"), "x\n").is_err());
    }

    #[test]
    fn objects_come_in_the_order_asked_for_and_can_be_read_back() {
        let releases = [fixtures::release_at("r1", "v1", 0), fixtures::release_at("r2", "v2", 0)];
        let uids = [fixtures::uid("r2"), fixtures::uid("gone"), fixtures::uid("r1")];
        let text = lines(&releases, &[], &uids);
        let read: Vec<Release> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, [releases[1].clone(), releases[0].clone()]);
    }
}
