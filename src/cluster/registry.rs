//! Registries of images, as the OCI distribution specification and Docker's token protocol describe them: whether an image is there,
//! under which digest, and for which platforms.
//!
//! Owns the requests. Must not know what an answer means for a release (`gate`). Credentials are handed in for one question and go to
//! the registry that they are for, and to the token service that it names over TLS.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::outbound::Outbound;
use super::web;

use crate::domain::hex::hex;

mod address;
mod credentials;
mod manifest;
mod token;

pub use address::{Address, Mirrors};
pub use credentials::{Credentials, OLD_PULL_SECRET_KEY, PULL_SECRET_KEY};
pub use manifest::Platform;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest manifest or configuration that is read, in bytes.
const LIMIT: usize = 4 << 20;
/// Redirects that are followed: blobs often lie in a store of their own.
const REDIRECTS: usize = 5;
/// Where a registry says which content it sends.
const DIGEST_HEADER: &str = "docker-content-digest";

/// Why nothing is known of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The reference cannot be asked for.
    #[error("{0}")]
    Reference(String),
    /// The registry knows no such image.
    #[error("{registry} has no {image}")]
    NotThere {
        /// The registry.
        registry: String,
        /// Repository with tag or digest.
        image: String,
    },
    /// It does not answer strangers, or not this one.
    #[error("{0}")]
    Credentials(String),
    /// It asks for patience.
    #[error("{0} asks for patience: too many requests")]
    Busy(String),
    /// Nobody answers.
    #[error("{registry}: {why}")]
    Silent {
        /// The registry.
        registry: String,
        /// What went wrong.
        why: String,
    },
    /// What answers does not answer as a registry does.
    #[error("{registry} {why}")]
    Strange {
        /// The registry.
        registry: String,
        /// What it does.
        why: String,
    },
}

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `sha256:…` of what the reference names: of the index, where there is one.
    pub digest: String,
    /// Digests of what an index lists, one for each platform.
    pub children: Vec<String>,
    /// What it runs on; empty where nobody asked, or where it is no image that runs.
    pub platforms: Vec<Platform>,
}

/// Asks registries. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registries {
    outbound: Outbound,
    /// For mirrors, which are named by settings. Built when it is first needed: certificates are read for it.
    trusted: Arc<OnceLock<Result<reqwest::Client, String>>>,
    mirrors: Mirrors,
    patience: Duration,
}

impl Registries {
    /// With the usual patience. Needs an installed TLS provider when it is asked.
    #[must_use]
    pub fn new(mirrors: Mirrors) -> Self {
        Self { outbound: Outbound::default(), trusted: Arc::default(), mirrors, patience: PATIENCE }
    }

    /// Asking only servers that this admits; images are named by Environments.
    #[must_use]
    pub fn with_outbound(self, outbound: Outbound) -> Self {
        Self { outbound, ..self }
    }

    /// With another patience for each request.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The digest that a reference means now.
    pub async fn digest(&self, image: &str, credentials: &Credentials) -> Result<String, Error> {
        let mut asking = self.ask(image, credentials)?;
        let path = format!("manifests/{}", asking.address.reference);
        match asking.get(Method::HEAD, &path).await {
            Ok(answer) => {
                if let Some(digest) = stated_digest(answer.headers()) {
                    return Ok(digest);
                }
            }
            // Without a body nobody knows whether a registry says so; the same question with one tells.
            Err(Error::NotThere { .. }) => {}
            Err(error) => return Err(error),
        }
        asking.manifest().await.map(|(digest, _)| digest)
    }

    /// What there is under a reference, and for which platforms.
    pub async fn look(&self, image: &str, credentials: &Credentials) -> Result<Found, Error> {
        let mut asking = self.ask(image, credentials)?;
        let (digest, manifest) = asking.manifest().await?;
        let manifest =
            manifest::parse(&manifest).ok_or_else(|| asking.strange("answers with no manifest"))?;
        let (children, platforms) = match manifest {
            manifest::Manifest::Index { digests, platforms } => (digests, platforms),
            manifest::Manifest::Single { config } => {
                let blob = asking.get(Method::GET, &format!("blobs/{config}")).await?;
                let blob = asking.read(blob).await?;
                if sha256(&blob) != config {
                    return Err(asking.strange("sends a configuration that is not what its digest says"));
                }
                (Vec::new(), manifest::platform_of(&blob).into_iter().collect())
            }
        };
        Ok(Found { digest, children, platforms })
    }

    fn ask<'a>(&'a self, image: &str, credentials: &'a Credentials) -> Result<Asking<'a>, Error> {
        let address = Address::parse(image, &self.mirrors).map_err(Error::Reference)?;
        Ok(Asking { registries: self, address, credentials, authorization: None })
    }

    /// A client for that URL. Servers of mirrors are trusted, others must be admitted.
    async fn client(&self, url: &Url) -> Result<reqwest::Client, String> {
        if !self.mirrors.is_of(url) {
            return self.outbound.client(url).await.map_err(|refused| refused.to_string());
        }
        self.trusted.get_or_init(web::trusted).clone()
    }
}

/// One question to one registry.
struct Asking<'a> {
    registries: &'a Registries,
    address: Address,
    credentials: &'a Credentials,
    /// What the registry wants to see from now on.
    authorization: Option<token::Authorization>,
}

impl Asking<'_> {
    /// The manifest with its digest, which is computed from what came.
    async fn manifest(&mut self) -> Result<(String, Vec<u8>), Error> {
        let answer = self.get(Method::GET, &format!("manifests/{}", self.address.reference)).await?;
        let stated = stated_digest(answer.headers());
        let body = self.read(answer).await?;
        let digest = sha256(&body);
        let wanted = self.address.reference.starts_with("sha256:").then_some(&self.address.reference);
        if stated.iter().chain(wanted).any(|other| *other != digest) {
            return Err(self.strange("sends a manifest that is not what its digest says"));
        }
        Ok((digest, body))
    }

    /// Asks, and asks again with what the registry wants to see.
    async fn get(&mut self, method: Method, path: &str) -> Result<Response, Error> {
        let mut answer = self.send(method.clone(), path).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.authorization.is_none() {
            let challenge = token::challenge(&answer.headers().get_all(WWW_AUTHENTICATE));
            answer = self.authorized(challenge.as_ref(), &method, path).await?;
        }
        let registry = &self.address.registry;
        match answer.status().as_u16() {
            200..=299 => Ok(answer),
            401 | 403 => Err(Error::Credentials(if self.accounts().is_empty() {
                let remedy = self.credentials.remedy(registry);
                format!("{registry} does not show {} without credentials: {remedy}", self.address.repository)
            } else {
                format!("{registry} refuses the pull secret's account for {}", self.address.repository)
            })),
            404 => Err(self.absent(method, answer).await),
            429 => Err(Error::Busy(registry.clone())),
            status => Err(self.strange(&format!("answers with status {status}"))),
        }
    }

    /// The accounts that are tried, in order.
    fn accounts(&self) -> Vec<&credentials::Account> {
        self.credentials.of(&self.address.host, &self.address.repository)
    }

    /// Asks with each account in turn until one is accepted; what the last one got otherwise.
    async fn authorized(
        &mut self,
        challenge: Option<&token::Challenge>,
        method: &Method,
        path: &str,
    ) -> Result<Response, Error> {
        let mut accounts: Vec<Option<credentials::Account>> =
            self.accounts().into_iter().cloned().map(Some).collect();
        if accounts.is_empty() {
            accounts.push(None);
        }
        let mut last = Err(self.strange("asks for credentials"));
        for account in accounts {
            match token::authorize(self, challenge, account.as_ref()).await {
                Ok(authorization) => self.authorization = Some(authorization),
                Err(refused @ Error::Credentials(_)) => {
                    last = Err(refused);
                    continue;
                }
                Err(error) => return Err(error),
            }
            let answer = self.send(method.clone(), path).await?;
            if !matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok(answer);
            }
            last = Ok(answer);
        }
        last
    }

    /// Only a registry's own words say that something is not there.
    async fn absent(&self, method: Method, answer: Response) -> Error {
        let is_ours =
            method == Method::HEAD || self.read(answer).await.is_ok_and(|body| manifest::is_refusal(&body));
        if !is_ours {
            return self.strange("answers with status 404, but not as a registry does");
        }
        let separator = if self.address.reference.starts_with("sha256:") { '@' } else { ':' };
        let image = format!("{}{separator}{}", self.address.repository, self.address.reference);
        Error::NotThere { registry: self.address.registry.clone(), image }
    }

    async fn send(&self, method: Method, path: &str) -> Result<Response, Error> {
        let url = format!("{}/v2/{}/{path}", self.address.base, self.address.repository);
        let mut url: Url = url.parse().map_err(|_| self.strange("cannot be asked for"))?;
        let mut authorization = self.authorization.as_ref();
        for _ in 0..=REDIRECTS {
            let request = self.request(method.clone(), &url).await?.header(ACCEPT, manifest::ACCEPTED);
            let request = authorization
                .map_or_else(|| request.try_clone(), |with| request.try_clone().map(|it| with.on(it)));
            let request = request.ok_or_else(|| self.strange("cannot be asked twice"))?;
            let answer = request.send().await.map_err(|error| self.silent(web::why(error)))?;
            let Some(next) = web::redirected(&url, &answer) else { return Ok(answer) };
            // only the registry itself sees who asks, and nothing that came by TLS goes on without
            if next.host() != url.host() || next.port_or_known_default() != url.port_or_known_default() {
                authorization = None;
            }
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(self.strange("redirects to an address without TLS"));
            }
            url = next;
        }
        Err(self.strange("redirects too often"))
    }

    /// A request to that URL, if it may be asked.
    async fn request(&self, method: Method, url: &Url) -> Result<reqwest::RequestBuilder, Error> {
        let client = self.registries.client(url).await.map_err(|why| self.silent(why))?;
        Ok(client.request(method, url.clone()).timeout(self.registries.patience))
    }

    async fn read(&self, answer: Response) -> Result<Vec<u8>, Error> {
        web::body(answer, LIMIT).await.map_err(|why| self.silent(why))
    }

    fn silent(&self, why: String) -> Error {
        Error::Silent { registry: self.address.registry.clone(), why }
    }

    fn strange(&self, why: &str) -> Error {
        Error::Strange { registry: self.address.registry.clone(), why: why.to_owned() }
    }
}

fn stated_digest(headers: &HeaderMap) -> Option<String> {
    let digest = headers.get(DIGEST_HEADER)?.to_str().ok()?;
    let hex = digest.strip_prefix("sha256:")?;
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then(|| digest.to_owned())
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}
