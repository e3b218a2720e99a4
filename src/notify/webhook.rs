//! Any HTTP endpoint that takes JSON. Its address is `config.url`, or the secret where it is one.
//!
//! Where `config.signatureKey` names another key of the same Secret, what is under it signs: `X-Release-Cockpit-Signature` is `sha256=`
//! and the HMAC-SHA-256, in hexadecimal, over the seconds in `X-Release-Cockpit-Timestamp`, a dot, and the body. A receiver that
//! looks at the seconds cannot be fooled by a message that was sent before; one that keeps `dedupKey` hears nothing twice.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method};
use ring::hmac;

use super::payload::payload;
use super::wire::{self, Request};
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::cluster::secret::SecretValue;
use crate::domain::hex::hex;

/// Any endpoint that takes JSON.
pub(super) struct Webhook;

impl Channel for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn settings(&self) -> &'static [&'static str] {
        &["url", "signatureKey"]
    }

    fn destination(&self, notify: &Notify) -> Destination {
        match (notify.config.get("url"), notify.config.get("signatureKey")) {
            (None, _) => Destination::InSecret,
            (Some(_), Some(_)) => Destination::of(notify, "url", ""),
            (Some(_), None) => Destination::None,
        }
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        send(message).boxed()
    }
}

async fn send(message: &Message<'_>) -> Result<(), Error> {
    let body = payload(message.notice).to_string().into_bytes();
    let (url, is_secret) = match message.setting("url") {
        Some(url) => (wire::url(message, url)?, false),
        None => (message.secret_url().await?, true),
    };
    let mut headers = HeaderMap::new();
    let signer = match message.setting("signatureKey") {
        Some(key) => Some(message.secret_under(key, &url).await?),
        None => None,
    };
    if let Some(signer) = &signer {
        let seconds = message.sender.clock.now().timestamp();
        let signature = HeaderValue::from_str(&signature(signer, seconds, &body));
        let signature = signature.map_err(|error| Error::Settings(error.to_string()))?;
        headers.insert("x-release-cockpit-timestamp", HeaderValue::from(seconds));
        headers.insert("x-release-cockpit-signature", signature);
    }
    let is_secret = is_secret || signer.is_some();
    message.send(Request { method: Method::POST, url, headers, body, is_secret }).await.map(drop)
}

fn signature(key: &SecretValue, seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.reveal().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    format!("sha256={}", hex(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_anybody_else_computes() {
        // printf '1800000000.{}' | openssl dgst -sha256 -hmac hunter2
        let signature = signature(&SecretValue::from("hunter2"), 1_800_000_000, b"{}");
        assert_eq!(signature, "sha256=7239e2d1c1f3491b9a6ab52790e9ef5793dac9fccbfbbded40996f2c35d75f88");
    }
}
