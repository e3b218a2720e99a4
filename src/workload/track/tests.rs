use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::*;

fn first() -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "backend", "namespace": "planera", "uid": "u1", "resourceVersion": "41", "generation": 7,
            "labels": {"app.kubernetes.io/instance": "planera", "argocd.argoproj.io/instance": "planera"},
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}", "deployment.kubernetes.io/revision": "9",
                "argocd.argoproj.io/tracking-id": "planera:apps/Deployment:planera/backend"
            },
            "managedFields": [{"manager": "kubectl"}], "finalizers": ["x/y"]
        },
        "spec": {
            "replicas": 4, "paused": true, "minReadySeconds": 3, "selector": {"matchLabels": {"app": "backend"}},
            "template": {
                "metadata": {
                    "labels": {"app": "backend", "team": "blue"}, "annotations": {"prometheus.io/scrape": "true"},
                    "creationTimestamp": null
                },
                "spec": {"nodeName": "node-1", "containers": [
                    {"name": "sidecar", "image": "proxy:v1"}, {"name": "backend", "image": "backend:v1", "newField": {"kept": true}}
                ]}
            }
        },
        "status": {"replicas": 4}
    }))
    .unwrap()
}

fn target() -> (String, String, String) {
    ("planera".into(), "backend-canary".into(), "backend".into())
}

fn wanted(labels: &[(&str, &str)]) -> Copy {
    Copy {
        track: Track::Canary,
        component: "backend".into(),
        image: "backend:v2".into(),
        containers: Vec::new(),
        replicas: 1,
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        release: "planera/planera-2".into(),
        serves: false,
    }
}

fn copy(wanted: &Copy) -> DynamicObject {
    let (namespace, name, container) = target();
    copied(&first(), &Place { namespace, name, container }, wanted).unwrap()
}

#[test]
fn it_has_nothing_of_the_first_one_that_would_tie_it_to_anybody_else() {
    let copy = copy(&wanted(&[]));
    let metadata = serde_json::to_value(&copy.metadata).unwrap();
    assert_eq!(
        metadata,
        json!({
            "name": "backend-canary", "namespace": "planera",
            "labels": {
                "app.kubernetes.io/managed-by": "release-cockpit", "release-cockpit.dev/release": "planera-2",
                "release-cockpit.dev/track": "canary"
            },
            "annotations": {
                "release-cockpit.dev/release": "planera/planera-2",
                "release-cockpit.dev/template": metadata["annotations"]["release-cockpit.dev/template"]
            }
        }),
        "no owner: the garbage collector must not remove what serves"
    );
    assert!(metadata["annotations"]["release-cockpit.dev/template"].is_string());
    assert!(copy.data.get("status").is_none());
    let spec = &copy.data["spec"];
    assert_eq!(
        (&spec["replicas"], spec.get("paused"), &spec["minReadySeconds"]),
        (&json!(1), None, &json!(3))
    );
    let pod = &spec["template"]["spec"];
    assert_eq!(pod.get("nodeName"), None);
    assert_eq!(
        pod["containers"],
        json!([{"name": "sidecar", "image": "proxy:v1"}, {"name": "backend", "image": "backend:v2", "newField": {"kept": true}}])
    );
    let template = &spec["template"]["metadata"];
    assert_eq!(template["annotations"], json!({"prometheus.io/scrape": "true"}));
    assert!(template.get("creationTimestamp").is_none());
}

#[test]
fn its_pods_are_told_from_the_others_or_found_by_the_same_service() {
    type Case<'a> = (&'a [(&'a str, &'a str)], Value, Value);
    let cases: [Case<'_>; 3] = [
        (
            &[],
            json!({"app": "backend", "team": "blue", "track": "canary", "release-cockpit.dev/track": "canary"}),
            json!({"app": "backend", "release-cockpit.dev/track": "canary"}),
        ),
        (
            &[("app", "backend-canary")],
            json!({"app": "backend-canary", "team": "blue", "app.kubernetes.io/component": "backend", "track": "canary",
                "release-cockpit.dev/track": "canary"}),
            json!({"app": "backend-canary", "release-cockpit.dev/track": "canary"}),
        ),
        (
            &[("track", "next")],
            json!({"app": "backend", "team": "blue", "app.kubernetes.io/component": "backend", "track": "next",
                "release-cockpit.dev/track": "canary"}),
            json!({"app": "backend", "release-cockpit.dev/track": "canary"}),
        ),
    ];
    for (labels, pods, selector) in cases {
        let copy = copy(&wanted(labels));
        let sorted = |value: &Value| text_map(Some(value));
        assert_eq!(sorted(&copy.data["spec"]["template"]["metadata"]["labels"]), sorted(&pods));
        assert_eq!(sorted(&copy.data["spec"]["selector"]["matchLabels"]), sorted(&selector));
    }
}

#[test]
fn only_what_differs_is_written() {
    let mut found = copy(&wanted(&[]));
    found.metadata.resource_version = Some("7".into());
    assert_eq!(changes(&found, &copy(&wanted(&[])), "backend"), Changes::None);
    let test = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"});
    let larger = copy(&Copy { replicas: 2, ..wanted(&[]) });
    assert_eq!(
        changes(&found, &larger, "backend"),
        Changes::Some(json!([test, {"op": "add", "path": "/spec/replicas", "value": 2}]))
    );
    let newer = copy(&Copy { image: "backend:v3".into(), ..wanted(&[]) });
    let path = "/spec/template/spec/containers/1/image";
    assert_eq!(
        changes(&found, &newer, "backend"),
        Changes::Some(json!([test, {"op": "add", "path": path, "value": "backend:v3"}]))
    );
    let Changes::Some(all) =
        changes(&found, &copy(&Copy { release: "planera/three".into(), ..wanted(&[]) }), "backend")
    else {
        panic!("another release's copy is brought up to date")
    };
    let paths: Vec<_> = all.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["/metadata/resourceVersion", "/spec/template", "/metadata/labels", "/metadata/annotations"]
    );
    assert_eq!(changes(&found, &copy(&wanted(&[("app", "backend-canary")])), "backend"), Changes::Unfit);
}

#[test]
fn a_template_that_somebody_changed_is_taken_over_by_the_same_release() {
    let mut found = copy(&wanted(&[]));
    found.metadata.resource_version = Some("7".into());
    let mut first = first();
    first.data["spec"]["template"]["spec"]["containers"][1]["env"] =
        json!([{"name": "FEATURE", "value": "on"}]);
    let (namespace, name, container) = target();
    let newer = copied(&first, &Place { namespace, name, container }, &wanted(&[])).unwrap();
    let Changes::Some(all) = changes(&found, &newer, "backend") else { panic!("it is brought up to date") };
    let paths: Vec<_> = all.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    let annotation = "/metadata/annotations/release-cockpit.dev~1template";
    assert_eq!(paths, ["/metadata/resourceVersion", "/spec/template", annotation]);
    // one that an older controller made says nothing of its template, and stays
    found.metadata.annotations.as_mut().unwrap().remove(ANNOTATION_TEMPLATE);
    assert_eq!(changes(&found, &newer, "backend"), Changes::None);
}

#[test]
fn a_copy_that_an_older_controller_made_loses_its_owner() {
    let mut found = copy(&wanted(&[]));
    found.metadata.owner_references = Some(vec![OwnerReference::default()]);
    let Changes::Some(all) = changes(&found, &copy(&wanted(&[])), "backend") else { panic!("a change") };
    assert_eq!(all[1], json!({"op": "remove", "path": "/metadata/ownerReferences"}));
}

#[test]
fn a_stranger_is_no_second_workload() {
    assert!(is_ours(&copy(&wanted(&[])), Track::Canary));
    assert!(!is_ours(&copy(&wanted(&[])), Track::Green));
    assert!(!is_ours(&first(), Track::Canary));
}

#[test]
fn labels_hold_what_they_can() {
    let release = format!("planera/{}-{}", "a".repeat(62), "b".repeat(40));
    assert_eq!(own_labels(Track::Green, &release)[LABEL_RELEASE], "a".repeat(62));
}

#[test]
fn every_container_that_is_named_runs_the_new_image() {
    let mut first = first();
    let pod = first.data.pointer_mut("/spec/template/spec").unwrap();
    pod["initContainers"] =
        json!([{"name": "migrate", "image": "backend:v1"}, {"name": "fetch", "image": "curl:v8"}]);
    pod["containers"].as_array_mut().unwrap().push(json!({"name": "worker", "image": "backend:v0"}));
    let (namespace, name, container) = target();
    let wanted = Copy { containers: vec!["migrate".into(), "worker".into()], ..wanted(&[]) };
    let copy = copied(&first, &Place { namespace, name, container }, &wanted).unwrap();
    let image = |at: &str| copy.data.pointer(&format!("/spec/template/spec/{at}/image")).cloned().unwrap();
    let found =
        ["initContainers/0", "initContainers/1", "containers/0", "containers/1", "containers/2"].map(image);
    assert_eq!(found, ["backend:v2", "curl:v8", "proxy:v1", "backend:v2", "backend:v2"]);
}
