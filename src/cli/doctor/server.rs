//! The kubeconfig, the server, and whether it knows our kinds in this version.

use std::collections::BTreeSet;

use futures::future::join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt as _, ResourceExt as _};
use serde_json::Value;

use super::Finding;
use super::examined_context::ExaminedContext;
use crate::api::{Environment, GROUP, Release, ReleaseAction, VERSION};
use crate::cluster;

pub(super) fn kubeconfig(examined: &ExaminedContext) -> Vec<Finding> {
    let mut findings = vec![match &examined.cluster {
        Ok(cluster) => Finding::ok(cluster.context(), format!("readable; namespace {}", cluster.namespace())),
        Err(error) => Finding::fail(&*examined.context, error, examined.remedy),
    }];
    let source = super::super::session::source(&examined.settings);
    findings.extend(cluster::skipped_kubeconfigs(&source).unwrap_or_default().into_iter().map(|path| {
        let evidence = format!("{} does not exist and is skipped", path.display());
        Finding::warn("KUBECONFIG", evidence, "remove it from KUBECONFIG, or create it")
    }));
    findings
}

pub(super) async fn reachable(examined: &ExaminedContext) -> Vec<Finding> {
    if examined.cluster.is_err() {
        return vec![Finding::skipped("there is no usable kubeconfig")];
    }
    vec![match examined.server().await {
        Ok(version) => Finding::ok("", format!("answers, {version}")),
        Err(error) => Finding::fail(
            "",
            error,
            "check the address in the kubeconfig, the network (VPN, bastion) and your credentials",
        ),
    }]
}

/// The server serves our kinds, with every field that this program knows.
pub(super) async fn definitions(examined: &ExaminedContext) -> Vec<Finding> {
    const APPLY: &str = "release-cockpit manifests crds | kubectl apply -f -";
    let Ok(cluster) = &examined.cluster else { return Vec::new() };
    let get = |path: String| async move {
        let request = http::Request::get(path).body(Vec::new()).map_err(|_| None)?;
        match cluster.client().request::<Value>(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => Err(Some(status.code)),
            Err(_) => Err(None),
        }
    };
    let served = match get(format!("/apis/{GROUP}/{VERSION}")).await {
        Ok(list) => list,
        Err(Some(404)) => {
            return vec![Finding::fail("", format!("{GROUP}/{VERSION} is not installed"), APPLY)];
        }
        Err(_) => {
            return vec![Finding::warn(
                "",
                "what the server serves cannot be read",
                "ask for the role release-cockpit-viewer",
            )];
        }
    };
    let names: BTreeSet<&str> = served
        .pointer("/resources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|resource| resource.get("name").and_then(Value::as_str))
        .collect();
    let ours = [Environment::crd(), Release::crd(), ReleaseAction::crd()];
    let looked = ours.iter().map(|ours| {
        let (get, names) = (&get, &names);
        async move {
            let name = ours.name_any();
            if !names.contains(ours.spec.names.plural.as_str()) {
                return Finding::fail(name, "is not installed", APPLY);
            }
            match get(format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")).await {
                Ok(theirs) => compared(ours, &theirs, APPLY),
                Err(_) => Finding::ok(
                    name,
                    "is served; its definition may not be read, so that its version is unknown",
                ),
            }
        }
    });
    join_all(looked).await
}

fn compared(ours: &CustomResourceDefinition, theirs: &Value, remedy: &str) -> Finding {
    let name = ours.name_any();
    let (mut known, mut there) = (BTreeSet::new(), BTreeSet::new());
    fields(&serde_json::to_value(ours).unwrap_or_default(), "", &mut known);
    fields(theirs, "", &mut there);
    let missing: Vec<&String> = known.difference(&there).collect();
    match missing.as_slice() {
        [] => Finding::ok(name, "is of this version"),
        [first, ..] => Finding::fail(
            name,
            format!("is older than this program: it lacks {} fields, among them {first}", missing.len()),
            remedy,
        ),
    }
}

/// The paths of every property in a schema.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if let ("properties", Value::Object(properties)) = (key.as_str(), value) {
                    for (name, schema) in properties {
                        let path = format!("{path}.{name}");
                        fields(schema, &path, found);
                        found.insert(path);
                    }
                } else {
                    fields(value, path, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_definition_is_told_by_the_fields_that_it_lacks() {
        let ours = Environment::crd();
        let mut theirs = serde_json::to_value(&ours).unwrap();
        assert_eq!(compared(&ours, &theirs, "apply").verdict, super::super::Verdict::Ok);
        let spec =
            theirs.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties").unwrap();
        spec.as_object_mut().unwrap().remove("windows");
        let finding = compared(&ours, &theirs, "apply");
        assert_eq!(finding.verdict, super::super::Verdict::Fail);
        assert!(finding.evidence.contains(".spec.windows"), "{}", finding.evidence);
    }
}
