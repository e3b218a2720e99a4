//! The world's registry of images, as the OCI distribution specification describes one: an index for two platforms under every tag of
//! the scenario's repositories, content-addressed down to the configuration. Its digests are those that the world's pods show.
//!
//! A version that the scenario cannot pull is not there. Nothing is ever pushed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::scenario::{Fault, Scenario};

use crate::domain::hex::hex;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Content with its type.
type Content = (&'static str, Vec<u8>);

/// A registry; it remembers what it has shown, so that it can be asked for by digest.
#[derive(Debug)]
pub(super) struct Registry {
    scenario: Arc<Scenario>,
    /// Repositories without the registry's name: every registry is this one.
    repositories: BTreeSet<String>,
    shown: Mutex<BTreeMap<String, Content>>,
}

impl Registry {
    /// With every version that the scenario names.
    pub(super) fn new(scenario: Arc<Scenario>) -> Self {
        let repositories =
            scenario.workloads.iter().map(|workload| path(&workload.image).to_owned()).collect();
        let registry = Self { scenario, repositories, shown: Mutex::default() };
        let tags: BTreeSet<String> = registry
            .scenario
            .versions
            .keys()
            .cloned()
            .chain(registry.scenario.workloads.iter().map(|workload| workload.version.clone()))
            .collect();
        for repository in &registry.repositories {
            for tag in tags.iter().filter(|tag| registry.has(tag)) {
                registry.show(repository, tag);
            }
        }
        registry
    }

    fn has(&self, tag: &str) -> bool {
        self.scenario.behaviour(tag).fault != Some(Fault::Pullfail)
    }

    /// Makes everything below a tag known by its digest; the digest of the index.
    fn show(&self, repository: &str, tag: &str) -> String {
        let tree = tree(repository, tag);
        let index = tree.last().map(|(digest, _)| digest.clone()).unwrap_or_default();
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).extend(tree);
        index
    }

    /// Answers one request.
    pub(super) fn answer(&self, request: &Request<Body>) -> Response<Body> {
        let path = request.uri().path().trim_start_matches('/');
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "nothing is pushed here");
        }
        if matches!(path, "v2" | "v2/") {
            return respond(StatusCode::OK, "application/json", None, b"{}".to_vec());
        }
        let split = |kind: &str| {
            let (repository, reference) = path.strip_prefix("v2/")?.rsplit_once(kind)?;
            Some((repository.to_owned(), reference.to_owned()))
        };
        let Some((repository, reference)) = split("/manifests/").or_else(|| split("/blobs/")) else {
            return refusal(StatusCode::NOT_FOUND, "UNSUPPORTED", "there is no such page");
        };
        if !self.repositories.contains(&repository) {
            return refusal(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry");
        }
        let digest = if reference.starts_with("sha256:") {
            reference
        } else if self.has(&reference) {
            self.show(&repository, &reference)
        } else {
            return refusal(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown");
        };
        match self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            Some((kind, bytes)) => respond(StatusCode::OK, kind, Some(&digest), bytes.clone()),
            None => refusal(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }
}

/// The digest of the index that a reference by tag means, in whatever registry.
pub(super) fn digest_of(repository: &str, tag: &str) -> String {
    tree(path(repository), tag).pop().map(|(digest, _)| digest).unwrap_or_default()
}

/// A repository without the name of its registry.
fn path(repository: &str) -> &str {
    match repository.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => rest,
        _ => repository,
    }
}

/// Configurations, manifests and, last, the index of one version, each with its digest.
fn tree(repository: &str, tag: &str) -> Vec<(String, Content)> {
    let mut tree = Vec::new();
    let mut entries = Vec::new();
    for architecture in ARCHITECTURES {
        let config = json!({
            "architecture": architecture, "os": "linux",
            "config": {"Labels": {"org.opencontainers.image.title": repository, "org.opencontainers.image.version": tag}},
            "rootfs": {"type": "layers", "diff_ids": []},
        });
        let (config, size) = add(&mut tree, CONFIG, &config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config, "size": size}, "layers": [],
        });
        let (manifest, size) = add(&mut tree, MANIFEST, &manifest);
        entries.push(json!({
            "mediaType": MANIFEST, "digest": manifest, "size": size,
            "platform": {"architecture": architecture, "os": "linux"},
        }));
    }
    add(&mut tree, INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}));
    tree
}

fn add(tree: &mut Vec<(String, Content)>, kind: &'static str, value: &Value) -> (String, usize) {
    let bytes = value.to_string().into_bytes();
    let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
    let size = bytes.len();
    tree.push((digest.clone(), (kind, bytes)));
    (digest, size)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string().into_bytes();
    respond(status, "application/json", None, body)
}

fn respond(status: StatusCode, kind: &str, digest: Option<&str>, body: Vec<u8>) -> Response<Body> {
    let builder = Response::builder().status(status).header("content-type", kind);
    let builder = match digest {
        Some(digest) => builder.header("docker-content-digest", digest),
        None => builder,
    };
    builder.body(Body::from(body)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_found_under_its_digest() {
        let registry = Registry::new(Arc::new(Scenario::builtin("planera").unwrap()));
        let get = |path: &str| {
            let response = registry.answer(&Request::get(path).body(Body::empty()).unwrap());
            let digest = response.headers().get("docker-content-digest");
            (response.status().as_u16(), digest.map(|digest| digest.to_str().unwrap().to_owned()))
        };
        let digest = digest_of("ghcr.io/acme/planera-backend", "v1.8.2");
        assert_eq!(get("/v2/acme/planera-backend/manifests/v1.8.2"), (200, Some(digest.clone())));
        assert_eq!(get(&format!("/v2/acme/planera-backend/manifests/{digest}")), (200, Some(digest)));
        assert_eq!(get("/v2/"), (200, None));
        assert_eq!(get("/v2/acme/unknown/manifests/v1"), (404, None));
        assert_eq!(
            get(&format!("/v2/acme/planera-backend/manifests/sha256:{}", "0".repeat(64))),
            (404, None)
        );
        let tree = tree("acme/planera-backend", "v1.8.2");
        assert_eq!(tree.len(), 5);
        for (digest, (_, bytes)) in tree {
            assert_eq!(digest, format!("sha256:{}", hex(&Sha256::digest(&bytes))));
        }
    }
}
