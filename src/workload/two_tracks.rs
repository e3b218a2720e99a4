//! Whether two copies of a Deployment can run at once: a canary or green workload is a second one beside the stable one.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{Api, ResourceExt};

use super::{Error, Target, patch};
use crate::api::environment::WorkloadKind;

const ROLLING: &str = "release it with the strategy rolling";

/// Why no second copy may run beside a Deployment; nothing where one may, or where there is no such Deployment.
pub async fn unfit(own: &Target) -> Result<Option<String>, Error> {
    let kind = WorkloadKind::Deployment;
    let api: Api<Deployment> = patch::api(own);
    let found = api.get_opt(&own.name).await.map_err(|source| patch::failed(kind, own, source))?;
    let Some(deployment) = found else { return Ok(None) };
    if let Some(why) = by_its_spec(&deployment) {
        return Ok(Some(why));
    }
    let claims: Api<PersistentVolumeClaim> = patch::api(own);
    for name in claims_of(&deployment) {
        let claim = claims.get_opt(&name).await.map_err(|source| patch::failed(kind, own, source))?;
        if let Some(why) = claim.and_then(|claim| by_its_claim(&deployment, &claim)) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// What the Deployment itself says.
fn by_its_spec(deployment: &Deployment) -> Option<String> {
    let (name, spec) = (deployment.name_any(), &deployment.spec);
    let strategy = spec.strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
        return Some(format!(
            "Deployment {name} has the strategy Recreate, so that two versions must never run at once: {ROLLING}"
        ));
    }
    let surge = strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_surge.as_ref());
    let adds_none = surge.is_some_and(|surge| match surge {
        IntOrString::Int(number) => *number == 0,
        IntOrString::String(text) => text.trim_end_matches('%').parse() == Ok(0),
    });
    if adds_none && spec.replicas.unwrap_or(1) == 1 {
        return Some(format!(
            "Deployment {name} has one replica and maxSurge 0, so that two of its pods must never run at once: {ROLLING}"
        ));
    }
    let pod = spec.template.spec.as_ref()?;
    if pod.host_network == Some(true) {
        return Some(format!(
            "the pods of Deployment {name} use the network of their node, where two copies would bind the same ports: {ROLLING}"
        ));
    }
    let containers = pod.init_containers.iter().flatten().chain(&pod.containers);
    let port = containers.flat_map(|one| one.ports.iter().flatten()).find_map(|port| port.host_port);
    let port = port.filter(|port| *port > 0)?;
    Some(format!(
        "the pods of Deployment {name} bind port {port} of their node, which two copies cannot share: {ROLLING}"
    ))
}

/// Claims of persistent volumes that every copy would mount.
fn claims_of(deployment: &Deployment) -> Vec<String> {
    let pod = deployment.spec.template.spec.as_ref();
    let volumes = pod.and_then(|pod| pod.volumes.as_ref()).into_iter().flatten();
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect()
}

fn by_its_claim(deployment: &Deployment, claim: &PersistentVolumeClaim) -> Option<String> {
    let modes = claim.spec.as_ref().and_then(|spec| spec.access_modes.clone()).unwrap_or_default();
    let is_shared = modes.iter().any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany");
    (!is_shared).then(|| {
        format!(
            "Deployment {} mounts PersistentVolumeClaim {} ({}), to which two copies must not write: {ROLLING}",
            deployment.name_any(),
            claim.name_any(),
            modes.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(edit: impl Fn(&mut Value)) -> Deployment {
        let mut value = json!({"metadata": {"name": "api"}, "spec": {"selector": {}, "template": {"spec": {
            "containers": [{"name": "api", "image": "api:v1", "ports": [{"containerPort": 8080}]}],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        }}}});
        edit(&mut value["spec"]);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_must_not_run_twice_is_refused_with_a_sentence() {
        type Edit = fn(&mut Value);
        let cases: [(Edit, Option<&str>); 9] = [
            (|_| {}, None),
            (|spec| spec["strategy"] = json!({"type": "RollingUpdate"}), None),
            (|spec| spec["strategy"] = json!({"type": "Recreate"}), Some("strategy Recreate")),
            (
                |spec| spec["strategy"] = json!({"rollingUpdate": {"maxSurge": 0}}),
                Some("one replica and maxSurge 0"),
            ),
            (
                |spec| spec["strategy"] = json!({"rollingUpdate": {"maxSurge": "0%"}}),
                Some("one replica and maxSurge 0"),
            ),
            (
                |spec| {
                    (spec["replicas"], spec["strategy"]) =
                        (3.into(), json!({"rollingUpdate": {"maxSurge": 0}}));
                },
                None,
            ),
            (|spec| spec["template"]["spec"]["hostNetwork"] = true.into(), Some("network of their node")),
            (
                |spec| spec["template"]["spec"]["containers"][0]["ports"][0]["hostPort"] = 8080.into(),
                Some("port 8080"),
            ),
            (
                |spec| {
                    spec["template"]["spec"]["initContainers"] =
                        json!([{"name": "i", "ports": [{"containerPort": 1, "hostPort": 9}]}]);
                },
                Some("port 9"),
            ),
        ];
        for (index, (edit, expected)) in cases.iter().enumerate() {
            let why = by_its_spec(&deployment(edit));
            let fits =
                expected.map_or(why.is_none(), |words| why.as_ref().is_some_and(|why| why.contains(words)));
            assert!(fits, "{index}: {why:?}");
            assert!(why.is_none_or(|why| why.contains("strategy rolling")));
        }
    }

    #[test]
    fn a_volume_for_one_writer_is_not_shared() {
        let deployment = deployment(|_| {});
        assert_eq!(claims_of(&deployment), ["data"]);
        for (modes, is_fit) in [
            (json!(["ReadWriteOnce"]), false),
            (json!(["ReadWriteOncePod"]), false),
            (json!([]), false),
            (json!(["ReadWriteMany"]), true),
            (json!(["ReadOnlyMany"]), true),
            (json!(["ReadWriteOnce", "ReadWriteMany"]), true),
        ] {
            let claim =
                serde_json::from_value(json!({"metadata": {"name": "data"}, "spec": {"accessModes": modes}}));
            let why = by_its_claim(&deployment, &claim.unwrap());
            assert_eq!(why.is_none(), is_fit, "{modes}: {why:?}");
        }
    }
}
