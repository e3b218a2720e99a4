//! Objects as API servers return them, and the cause that must be found in each.

use std::collections::BTreeSet;

use super::*;
use crate::domain::diagnosis::{Diagnosis, diagnose};

fn cases() -> Vec<Value> {
    serde_saphyr::from_str(include_str!("../../../tests/fixtures/diagnoses.yaml")).unwrap()
}

fn found(case: &Value) -> Option<Diagnosis> {
    let part = |name: &str| case.get(name).cloned();
    let pod = part("pod").map(|pod| pod_row::row(&serde_json::from_value(pod).unwrap()));
    let workload = part("workload").map(|workload| {
        let row = workload_row::row(WorkloadKind::Deployment, &serde_json::from_value(workload).unwrap());
        let text =
            |at: usize| case.pointer(&format!("/replaced/{at}")).and_then(Value::as_str).map(Into::into);
        WorkloadFacts { replaced: text(0).zip(text(1)), ..(*row.facts).clone() }
    });
    let evidence = Evidence {
        warnings: warnings_of(case.get("events").and_then(Value::as_array).unwrap_or(&Vec::new())),
        last_line: case.get("lastLine").and_then(Value::as_str).map(Into::into),
    };
    diagnose(&Facts {
        pod: pod.as_ref().and_then(|pod| pod.facts.as_deref()),
        evidence: Some(&evidence),
        workload: workload.as_ref(),
    })
}

#[test]
fn every_cause_is_found_in_the_objects_of_a_server() {
    let mut shown = BTreeSet::new();
    for case in cases() {
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let found = found(&case);
        let name = text("name").unwrap();
        assert_eq!(found.as_ref().map(|found| found.id), text("id"), "{name}: {found:?}");
        assert_eq!(found.as_ref().map(|found| found.sentence.as_str()), text("says"), "{name}");
        let Some(found) = found else { continue };
        assert!(!found.remedy.is_empty() && !found.evidence.is_empty(), "{name}");
        shown.insert(found.id);
    }
    let all: BTreeSet<&str> = diagnosis::ids().collect();
    assert_eq!(shown, all, "each cause has a fixture");
}

#[test]
fn a_pod_that_is_well_keeps_nothing_and_one_that_is_not_tells_its_cause_by_itself() {
    for case in cases() {
        let Some(pod) = case.get("pod").cloned() else { continue };
        let mut pod = pod;
        let row = pod_row::row(&serde_json::from_value(pod.clone()).unwrap());
        assert!(row.facts.is_some(), "{case}");
        if let Some(statuses) = pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut) {
            for status in statuses {
                status["ready"] = true.into();
                status["state"] = serde_json::json!({"running": {}});
            }
            pod["status"]["phase"] = "Running".into();
            pod["status"]["initContainerStatuses"] = serde_json::json!([]);
            pod["spec"]["initContainers"] = serde_json::json!([]);
            let row = pod_row::row(&serde_json::from_value(pod).unwrap());
            assert!(row.facts.is_none() && row.cause.is_empty(), "{case}");
        }
    }
}

#[test]
fn the_newest_warning_comes_first_whatever_field_tells_its_time() {
    let events = serde_json::json!([
        {"type": "Warning", "reason": "Old", "message": "a", "lastTimestamp": "2026-03-01T10:00:05Z"},
        {"type": "Normal", "reason": "Pulled", "message": "b", "lastTimestamp": "2026-03-01T10:00:09Z"},
        {"type": "Warning", "reason": "Series", "message": "c", "lastTimestamp": "2026-03-01T10:00:00Z", "series": {"lastObservedTime": "2026-03-01T10:00:08.000000Z"}},
        {"type": "Warning", "reason": "New", "message": "\u{1b}[31md", "eventTime": "2026-03-01T10:00:07.000000Z"},
    ]);
    let warnings = warnings_of(events.as_array().unwrap());
    let told: Vec<_> = warnings.iter().map(|warning| (&*warning.reason, &*warning.message)).collect();
    assert_eq!(told, [("Series", "c"), ("New", "d"), ("Old", "a")]);
}
