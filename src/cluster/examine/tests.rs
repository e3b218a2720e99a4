//! Objects as API servers return them, and the cause that must be found in each.

use std::collections::BTreeSet;

use super::*;
use crate::cluster::budgets::{Counted, Leaving, Running, hold, is_cordoned, meet};
use crate::domain::diagnosis::{Diagnosis, diagnose};
use crate::domain::disruption_budget::Budget;

/// What was brought about, and what must be said of it.
fn situations() -> Vec<Value> {
    let table: Value =
        serde_saphyr::from_str(include_str!("../../../tests/fixtures/situations.yaml")).unwrap();
    let mut all = table["situations"].as_array().unwrap().clone();
    all.retain(|situation| text(situation, "/by") != "kwok");
    all
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What a situation left behind, as it was recorded.
struct Recording {
    pods: Vec<PodRow>,
    workload: WorkloadRow,
    objects: Vec<Value>,
}

impl Recording {
    fn of(situation: &Value) -> Self {
        let name = text(situation, "/name");
        let path = format!("{}/tests/fixtures/diagnoses/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let recorded = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let objects: Vec<Value> = serde_saphyr::from_str(&recorded).unwrap();
        let of = |kind| objects.iter().filter(move |object| object["kind"] == kind).cloned();
        let pods = of("Pod").map(|pod| pod_row::row(&serde_json::from_value(pod).unwrap())).collect();
        let mut workloads =
            [WorkloadKind::Deployment, WorkloadKind::StatefulSet].into_iter().filter_map(|kind| {
                let workload = serde_json::from_value(of(kind.as_str()).next()?).unwrap();
                Some(workload_row::row(kind, &workload))
            });
        let workload = workloads.next().unwrap_or_else(|| panic!("{name} has a workload"));
        Self { pods, workload, objects }
    }

    fn events(&self, kind: &str, name: &str) -> Vec<Value> {
        let is_about = |event: &&Value| {
            let object = &event["involvedObject"];
            text(event, "/kind") == "Event" && text(object, "/kind") == kind && text(object, "/name") == name
        };
        self.objects.iter().filter(is_about).cloned().collect()
    }

    /// Budgets that hold back pods of the workload, as the adapter finds them.
    fn budgets(&self) -> Box<[Budget]> {
        let of = |kind| self.objects.iter().filter(move |object| object["kind"] == kind);
        let mut counted: Vec<Counted> = of("PodDisruptionBudget").map(Counted::of).collect();
        let read = of("Pod").map(|pod| serde_json::from_value(pod.clone()).unwrap());
        let running: Vec<Running> = read.filter_map(|pod: SlimPod| Running::of(&pod)).collect();
        let cordoned = of("Node").filter(|node| is_cordoned(node));
        let nodes = cordoned.map(|node| text(node, "/metadata/name").to_owned()).collect();
        meet(&mut counted, &running);
        hold(&mut counted, &running, &Leaving { nodes, ..Leaving::default() });
        counted.into_iter().map(|counted| counted.budget).filter(|budget| !budget.held.is_empty()).collect()
    }

    /// What is found as the adapter finds it, and what it is about.
    fn diagnosis(&self, situation: &Value) -> Option<Case<String>> {
        let WorkloadRow { key, .. } = &self.workload;
        let replaced = match text(situation, "/rival") {
            "" => None,
            _ => Some(("ghcr.io/acme/backend:v2.0.0".into(), self.workload.image("backend").unwrap().into())),
        };
        let budgets = self.budgets();
        let mut own = WorkloadFacts { replaced, budgets, ..(*self.workload.facts).clone() };
        if key.kind == WorkloadKind::StatefulSet {
            own.said = since_it_went_well(&self.events(key.kind.as_str(), &key.name));
        }
        let evidence = |pod: &PodRow| Evidence {
            warnings: warnings_of(&self.events("Pod", &pod.key.name)),
            last_line: situation.get("lastLine").and_then(Value::as_str).map(Into::into),
        };
        let evidence: Vec<Evidence> = self.pods.iter().map(evidence).collect();
        let pods = self.pods.iter().zip(&evidence).filter_map(|(pod, evidence)| {
            Some((pod.key.name.to_string(), Facts::of_pod(pod.facts.as_deref()?, Some(evidence))))
        });
        diagnosis::foremost(pods.chain([(key.name.to_string(), Facts::of_workload(&own))]))
    }
}

#[test]
fn every_cause_is_found_in_the_objects_of_a_server() {
    for situation in situations() {
        let (name, says) =
            (text(&situation, "/name"), text(&situation, "/says").replace("$NAMESPACE", "shop"));
        let case =
            Recording::of(&situation).diagnosis(&situation).unwrap_or_else(|| panic!("{name}: {says}"));
        let found = case.diagnosis;
        assert_eq!((found.id, found.sentence), (text(&situation, "/cause"), says), "{name}");
        assert!(found.evidence.contains(text(&situation, "/evidence")), "{name}: {}", found.evidence);
        assert!(!found.remedy.is_empty() && case.subject.starts_with(name), "{name}");
    }
}

#[test]
fn each_recording_belongs_to_a_situation_and_each_cause_has_one() {
    let all = situations();
    let names: BTreeSet<String> = all.iter().map(|situation| text(situation, "/name").to_owned()).collect();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/diagnoses");
    let files =
        std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let recorded: BTreeSet<String> = files.map(|file| file.trim_end_matches(".yaml").to_owned()).collect();
    assert_eq!(recorded, names);
    let told = all.iter().map(|situation| text(situation, "/cause").to_owned());
    let written = cases().iter().map(|case| text(case, "/id").to_owned()).collect::<Vec<_>>();
    let shown: BTreeSet<String> = told.chain(written).filter(|id| !id.is_empty()).collect();
    assert_eq!(shown, diagnosis::ids().map(str::to_owned).collect(), "each cause has a fixture");
}

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
fn every_cause_is_found_in_what_only_a_kubelet_words() {
    for case in cases() {
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let found = found(&case);
        let name = text("name").unwrap();
        assert_eq!(found.as_ref().map(|found| found.id), text("id"), "{name}: {found:?}");
        assert_eq!(found.as_ref().map(|found| found.sentence.as_str()), text("says"), "{name}");
        let Some(found) = found else { continue };
        assert!(!found.remedy.is_empty() && !found.evidence.is_empty(), "{name}");
    }
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
