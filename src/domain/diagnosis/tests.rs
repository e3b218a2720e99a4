//! The registry's order, and what happens to texts that nobody expected. The causes' own fixtures stand beside the adapter that reads
//! objects (`cluster::examine`).

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn container(waiting: &str, message: &str) -> ContainerFacts {
    ContainerFacts {
        name: "backend".into(),
        image: "ghcr.io/acme/backend:v2".into(),
        waiting: Some(Waiting { reason: waiting.into(), message: message.into() }),
        ..ContainerFacts::default()
    }
}

fn pod(container: ContainerFacts) -> PodFacts {
    PodFacts { containers: Box::new([container]), ..PodFacts::default() }
}

#[test]
fn names_are_unique_and_in_kebab_case() {
    let ids: Vec<&str> = ids().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
}

#[test]
fn the_cause_that_most_pods_show_stands_for_all_and_among_equals_the_one_that_explains_the_others() {
    let missing = pod(container("CreateContainerConfigError", "secret \"app\" not found"));
    let pulls = pod(container("ErrImagePull", "x: not found"));
    let deadline = WorkloadFacts {
        name: "backend".into(),
        conditions: vec![Condition {
            kind: "Progressing".into(),
            reason: "ProgressDeadlineExceeded".into(),
            ..Condition::default()
        }],
        ..WorkloadFacts::default()
    };
    let of = |pod| Facts::of_pod(pod, None);
    let case = foremost([("a", of(&missing)), ("b", of(&pulls)), ("c", of(&missing))]).unwrap();
    assert_eq!((case.subject, case.diagnosis.id, case.others), ("a", "config-missing", 1));
    assert_eq!(case.sentence("a"), "a and 1 more: Secret app does not exist");
    let case = foremost([("w", Facts::of_workload(&deadline)), ("b", of(&pulls))]).unwrap();
    assert_eq!((case.subject, case.others), ("b", 0));
    assert!(foremost::<&str>([]).is_none());
}

proptest! {
    #[test]
    fn no_text_of_a_cluster_breaks_it(
        reason in "(ErrImagePull|ImagePullBackOff|CrashLoopBackOff|CreateContainerConfigError|ContainerCreating|RunContainerError|\\PC{0,8})",
        message in "(\\PC|exceeded quota: |is forbidden: |0/3 nodes are available: |webhook \"|desc = |secret |\", |couldn't find key ){0,12}",
        event in "(Failed|FailedMount|Unhealthy|FailedAttachVolume|FailedToRetrieveImagePullSecret)",
    ) {
        let evidence = Evidence {
            warnings: vec![Warning { reason: event.as_str().into(), message: message.as_str().into() }],
            last_line: Some(message.as_str().into()),
        };
        let mut facts = pod(container(&reason, &message));
        facts.unscheduled = (message.len() % 2 == 0).then(|| message.as_str().into());
        let workload = WorkloadFacts {
            said: vec![Warning { reason: "FailedCreate".into(), message: message.as_str().into() }],
            replaced: Some(("a".into(), "b".into())),
            written_by: Some(message.as_str().into()),
            ..WorkloadFacts::default()
        };
        let found = diagnose(&Facts { pod: Some(&facts), evidence: Some(&evidence), workload: Some(&workload) });
        prop_assert!(found.is_none_or(|found| !found.sentence.is_empty() && !found.remedy.is_empty()));
    }
}
