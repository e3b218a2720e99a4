//! A notice as JSON for machines.

use serde_json::{Map, Value, json};

use crate::domain::notice::Notice;

/// Everything that a notice says; the form is part of the interface.
pub(super) fn payload(notice: &Notice) -> Value {
    let release = notice.release.as_ref().map(|name| json!({"name": name, "version": notice.version}));
    let contacts: Map<String, Value> =
        notice.contacts.iter().map(|(who, how)| (who.clone(), how.as_str().into())).collect();
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1",
        "kind": "Notice",
        "event": notice.event,
        "title": notice.title,
        "sentence": notice.sentence,
        "severity": notice.severity.as_str(),
        "application": notice.application,
        "environment": {
            "namespace": notice.environment.namespace,
            "name": notice.environment.name,
            "tier": notice.tier.as_str(),
            "url": notice.url,
        },
        "release": release,
        "by": notice.by,
        "at": notice.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "incident": notice.incident,
        "ends": notice.ends,
        "dedupKey": notice.dedup_key(),
        "command": notice.command,
        "contacts": contacts,
    })
}

/// The facts that people look for, by name.
pub(super) fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Environment", format!("{} ({})", notice.environment, notice.tier))];
    facts.extend(notice.version.clone().map(|version| ("Version", version)));
    facts.extend(notice.release.clone().map(|release| ("Release", release)));
    facts.extend(notice.by.clone().map(|by| ("By", by)));
    facts
}
