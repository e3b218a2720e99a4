//! An issue on GitHub: the first news of a release or freeze opens it, more news is a comment, good news closes it. The secret is a token
//! that may write issues of `config.repo`.
//!
//! The issue of an incident is found by a mark in its text among the newest that bear the label `release-cockpit`.

use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::payload::facts;
use super::wire::{self, Request};
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::cluster::secret::SecretValue;
use crate::domain::notice::Notice;
use crate::domain::timeline::cut;

/// Where GitHub's REST interface is.
const ADDRESS: &str = "https://api.github.com";
/// The label by which issues are found again.
const LABEL: &str = "release-cockpit";

/// An issue on GitHub.
pub(super) struct GithubIssue;

#[derive(Deserialize)]
struct Issue {
    number: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    state: String,
}

impl Channel for GithubIssue {
    fn name(&self) -> &'static str {
        "github-issue"
    }

    fn settings(&self) -> &'static [&'static str] {
        &["repo", "labels", "url"]
    }

    fn destination(&self, notify: &Notify) -> Destination {
        Destination::of(notify, "url", ADDRESS)
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        report(message).boxed()
    }
}

async fn report(message: &Message<'_>) -> Result<(), Error> {
    let (notice, repo) = (message.notice, message.needed("repo")?);
    let well_formed = repo.split('/').count() == 2
        && repo.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !repo.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    if !well_formed {
        return Err(Error::Settings(format!("config.repo is {repo}, which is not owner/name")));
    }
    let base = message.url("url", ADDRESS)?;
    let token = message.secret(&base).await?;
    let github = GitHub { message, token };
    let issues = format!("{}/repos/{repo}/issues", base.as_str().trim_end_matches('/'));
    let Some(issue) = github.find(&issues).await? else {
        // good news alone is no issue
        if !notice.ends {
            github.call(Method::POST, &issues, &opened(message)).await?;
        }
        return Ok(());
    };
    let this = format!("{issues}/{}", issue.number);
    github.call(Method::POST, &format!("{this}/comments"), &json!({"body": text(notice)})).await?;
    if notice.ends && issue.state == "open" {
        github.call(Method::PATCH, &this, &json!({"state": "closed", "state_reason": "completed"})).await?;
    }
    Ok(())
}

/// GitHub, with a token that it may see.
struct GitHub<'a> {
    message: &'a Message<'a>,
    token: SecretValue,
}

impl GitHub<'_> {
    /// The issue of this incident, where there is one.
    async fn find(&self, issues: &str) -> Result<Option<Issue>, Error> {
        let url = format!("{issues}?state=all&labels={LABEL}&sort=created&direction=desc&per_page=100");
        let answer = self.call(Method::GET, &url, &Value::Null).await?;
        let found: Vec<Issue> = serde_json::from_slice(&answer)
            .map_err(|_| Error::Broken("what came is no list of issues".to_owned()))?;
        let mark = mark(self.message.notice);
        Ok(found.into_iter().find(|issue| issue.body.as_ref().is_some_and(|body| body.contains(&mark))))
    }

    async fn call(&self, method: Method, url: &str, body: &Value) -> Result<Vec<u8>, Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.reveal()))
            .map_err(|_| Error::Settings("the token has characters that no token has".to_owned()))?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let url = wire::url(self.message, url)?;
        self.message.send(Request { method, url, headers, body, is_secret: true }).await
    }
}

fn mark(notice: &Notice) -> String {
    format!("<!-- release-cockpit: {} -->", notice.incident)
}

fn opened(message: &Message<'_>) -> Value {
    let more = message.setting("labels").unwrap_or_default();
    let more = more.split(',').map(str::trim).filter(|label| !label.is_empty());
    let labels: Vec<&str> = std::iter::once(LABEL).chain(more).collect();
    let notice = message.notice;
    json!({
        "title": cut(notice.title.clone(), 200),
        "body": format!("{}\n\n{}", text(notice), mark(notice)),
        "labels": labels,
    })
}

/// Markdown. Nothing in it addresses anybody or makes a link by itself.
fn text(notice: &Notice) -> String {
    let mut text = format!("**{}** {}\n", notice.event, plain(&notice.sentence));
    for (name, value) in facts(notice)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(notice.contacts.iter().cloned())
    {
        let _ = write!(text, "\n- {}: {}", plain(&name), plain(&value));
    }
    if let Some(command) = &notice.command {
        let _ = write!(text, "\n\n    {command}");
    }
    text
}

fn plain(text: &str) -> String {
    text.replace('@', "@\u{200b}").replace('<', "&lt;")
}
