//! Whether GitHub's check runs and commit statuses of a version are green. The version is asked for as what it is called in the
//! repository: a tag, a branch, or a commit.
//!
//! Without a token GitHub answers sixty requests an hour, of which a waiting release needs four a minute.

use chrono::DateTime;
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Answered, Gate, Scope, Verdict};
use crate::api::environment::{GithubChecks, Preflight};
use crate::api::release::GateState;
use crate::cluster::secret::{Opened, SecretValue};
use crate::cluster::web;
use crate::domain::health::{PreflightQuestion, Question};
use crate::domain::secret_use::{self, SecretUse};

/// Where GitHub's REST interface is.
const ADDRESS: &str = "https://api.github.com";
/// How long one request may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(8);
/// Largest answer that is read, in bytes.
const LIMIT: usize = 8 << 20;
/// Checks of one page, and pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 30;
/// Names that a sentence holds.
const NAMED: usize = 5;

/// The commit's check runs are green.
pub(super) struct GithubChecksGate;

impl Gate for GithubChecksGate {
    fn name(&self) -> &'static str {
        "github-checks"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Preflight(PreflightQuestion { wanted, revision, .. }) = question else { return None };
        let Preflight::GithubChecks(wanted) = wanted else { return None };
        let answer = look(scope, wanted, revision);
        Some(answer.map(|found| found.unwrap_or_else(|verdict| verdict).into()).boxed())
    }

    fn secret_use(&self, wanted: &Preflight) -> Option<SecretUse> {
        let Preflight::GithubChecks(wanted) = wanted else { return None };
        let reference = wanted.token.as_ref()?;
        let url = crate::domain::address::named_base(wanted.api_url.as_deref().unwrap_or(ADDRESS)).ok()?;
        Some(SecretUse {
            secret: reference.name.clone(),
            kind: secret_use::GITHUB_CHECKS.to_owned(),
            host: Some(secret_use::host_of(&url)?),
        })
    }
}

/// A check run or a commit status.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    name: String,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Green,
    /// Not decided yet.
    Open,
    /// How it ended.
    Red(String),
}

/// Checks of one kind, page by page.
trait Page: DeserializeOwned {
    /// The last part of the address.
    const WHAT: &'static str;
    /// How many there are on all pages; absent where the server does not count.
    fn total(&self) -> Option<usize>;
    fn checks(self) -> Vec<Check>;
}

#[derive(Deserialize)]
struct Runs {
    #[serde(default)]
    total_count: Option<usize>,
    check_runs: Vec<Run>,
}

impl Page for Runs {
    const WHAT: &'static str = "check-runs";

    fn total(&self) -> Option<usize> {
        self.total_count
    }

    fn checks(self) -> Vec<Check> {
        self.check_runs.into_iter().map(Check::from).collect()
    }
}

#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(default)]
    total_count: Option<usize>,
    statuses: Vec<Status>,
}

impl Page for Statuses {
    const WHAT: &'static str = "status";

    fn total(&self) -> Option<usize> {
        self.total_count
    }

    fn checks(self) -> Vec<Check> {
        self.statuses.into_iter().map(Check::from).collect()
    }
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

/// A failure to find out is a verdict too.
async fn look(scope: &Scope, wanted: &GithubChecks, version: &str) -> Result<Verdict, Verdict> {
    let unknown = |why: String| (GateState::NoData, format!("the checks of {version} are not known: {why}"));
    let token = match &wanted.token {
        Some(reference) => {
            let url = address(wanted, version, "status").map_err(&unknown)?;
            if !secret_use::is_protected(&url) {
                return Err(unknown("a token is only sent over https".to_owned()));
            }
            let host = secret_use::host_of(&url).unwrap_or_default();
            let opened = Opened::read(&scope.client, &scope.namespace, &reference.name).await;
            let value =
                opened.and_then(|secret| secret.value(&reference.key, secret_use::GITHUB_CHECKS, &host));
            Some(value.map_err(|error| unknown(error.to_string()))?)
        }
        None => None,
    };
    let asking = Asking { scope, wanted, version, token };
    let runs = asking.all::<Runs>().await?;
    let statuses = asking.all::<Statuses>().await?;
    let unread = [&runs, &statuses].into_iter().find_map(Read::unread);
    let mut checks = runs.checks;
    checks.extend(statuses.checks);
    let verdict = judge(wanted, version, &checks);
    // What is red among a part is red; nothing else follows from a part.
    Ok(match unread {
        Some(why) if verdict.0 != GateState::Fail => unknown(why),
        _ => verdict,
    })
}

/// What was read of one kind of check.
struct Read {
    checks: Vec<Check>,
    /// How many there are; absent where the server does not count.
    total: Option<usize>,
    /// The last page that was read was not the last one.
    is_cut: bool,
}

impl Read {
    /// Why this is not everything.
    fn unread(&self) -> Option<String> {
        let read = self.checks.len();
        match self.total {
            Some(total) if read < total => Some(format!("only {read} of {total} checks were read")),
            None if self.is_cut => Some(format!("only {read} checks were read, and there are more")),
            _ => None,
        }
    }
}

impl From<Run> for Check {
    fn from(run: Run) -> Self {
        let state = match run.conclusion {
            _ if run.status != "completed" => State::Open,
            Some(conclusion) if matches!(conclusion.as_str(), "success" | "neutral" | "skipped") => {
                State::Green
            }
            Some(conclusion) => State::Red(conclusion),
            None => State::Open,
        };
        Self { name: run.name, state }
    }
}

impl From<Status> for Check {
    fn from(status: Status) -> Self {
        let state = match status.state.as_str() {
            "success" => State::Green,
            "pending" => State::Open,
            _ => State::Red(status.state),
        };
        Self { name: status.context, state }
    }
}

struct Asking<'a> {
    scope: &'a Scope,
    wanted: &'a GithubChecks,
    version: &'a str,
    token: Option<SecretValue>,
}

impl Asking<'_> {
    /// Every page, up to a bound.
    async fn all<P: Page>(&self) -> Result<Read, Verdict> {
        let mut read = Read { checks: Vec::new(), total: None, is_cut: true };
        for page in 1..=PAGES {
            let found: P = self.get(P::WHAT, page).await?;
            // The newest count: checks may appear while pages are read.
            read.total = found.total().or(read.total);
            let checks = found.checks();
            let is_short = checks.len() < PAGE;
            let is_empty = checks.is_empty();
            read.checks.extend(checks);
            let is_whole = read.total.map_or(is_short, |total| read.checks.len() >= total);
            if is_whole || is_empty {
                read.is_cut = false;
                break;
            }
        }
        Ok(read)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str, page: usize) -> Result<T, Verdict> {
        let url = address(self.wanted, self.version, what).map_err(|why| self.unknown(&why))?;
        let client = self.scope.outbound.client(&url).await.map_err(|why| self.unknown(&why.to_string()))?;
        let asked = self.request(&client, url.clone()).query(&[("per_page", PAGE), ("page", page)]);
        let answer = asked.send().await.map_err(|error| self.unknown(&web::why(error)))?;
        if answer.status().is_redirection() {
            return Err(self.moved(&client, &url, &answer).await);
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let body = web::body(answer, LIMIT).await.map_err(|why| self.unknown(&why))?;
        serde_json::from_slice(&body).map_err(|_| self.unknown("what answers is not GitHub's REST interface"))
    }

    fn request(&self, client: &reqwest::Client, url: url::Url) -> RequestBuilder {
        let request = client
            .get(url)
            .timeout(PATIENCE)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    /// A repository that was renamed or transferred, with its new name where the same server tells it.
    async fn moved(&self, client: &reqwest::Client, asked: &url::Url, answer: &Response) -> Verdict {
        #[derive(Deserialize)]
        struct Repository {
            full_name: String,
        }
        let repo = &self.wanted.repo;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| asked.join(location).ok());
        let Some(target) = target.filter(|target| target.origin() == asked.origin()) else {
            return self.unknown(&format!("{repo} has moved to another server: correct `repo` or `apiUrl`"));
        };
        // …/repositories/ID/commits/… of which …/repositories/ID is the repository itself
        let path = target.path().split_once("/commits/").map(|(path, _)| path.to_owned());
        let mut whole = target.clone();
        whole.set_query(None);
        whole.set_path(path.as_deref().unwrap_or_default());
        let found = async {
            let answer = self
                .request(client, whole)
                .send()
                .await
                .ok()
                .filter(|answer| answer.status().is_success())?;
            let body = web::body(answer, LIMIT).await.ok()?;
            serde_json::from_slice::<Repository>(&body).ok()
        };
        match (path.is_some(), found.await) {
            (true, Some(Repository { full_name })) if is_repository(&full_name) => {
                let name = crate::sanitize::line(&full_name).into_owned();
                self.unknown(&format!("{repo} is now called {name}: set `repo: {name}` in the gate"))
            }
            _ => self.unknown(&format!("{repo} was renamed or transferred: set its new name in `repo`")),
        }
    }

    async fn refused(&self, answer: Response) -> Verdict {
        let repo = &self.wanted.repo;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let may_be_limit = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::FORBIDDEN);
        // A secondary limit may show in nothing but the text.
        let text = if may_be_limit { web::body(answer, LIMIT).await.unwrap_or_default() } else { Vec::new() };
        let is_limited = status == StatusCode::TOO_MANY_REQUESTS
            || header("x-ratelimit-remaining") == Some("0")
            || header("retry-after").is_some()
            || String::from_utf8_lossy(&text).to_lowercase().contains("rate limit");
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::FORBIDDEN if is_limited => {
                let now = self.scope.clock.now();
                let reset = header("x-ratelimit-reset").and_then(|text| text.parse().ok());
                let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                let patience =
                    web::retry_after(&headers, now).and_then(|wait| chrono::TimeDelta::from_std(wait).ok());
                let until = patience.and_then(|wait| now.checked_add_signed(wait)).or(reset);
                let until = until
                    .map_or_else(String::new, |at| format!(" until {}", at.format("%Y-%m-%d %H:%M:%SZ")));
                self.unknown(&format!("GitHub's limit of requests is used up{until}"))
            }
            StatusCode::UNPROCESSABLE_ENTITY => (GateState::Fail, format!("{repo} has no {}", self.version)),
            StatusCode::NOT_FOUND => self.unknown(&format!("{repo} is not there, or not for this token")),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                self.unknown(&format!("GitHub does not let this token read the checks of {repo}"))
            }
            status => self.unknown(&format!("GitHub answers with status {}", status.as_u16())),
        }
    }

    fn unknown(&self, why: &str) -> Verdict {
        (GateState::NoData, format!("the checks of {} are not known: {why}", self.version))
    }
}

/// Whether that may be the name of a repository; no other text of an answer is repeated.
fn is_repository(name: &str) -> bool {
    let is_one = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    is_one && name.len() <= 140 && name.matches('/').count() == 1
}

/// `…/repos/OWNER/NAME/commits/VERSION/WHAT`.
fn address(wanted: &GithubChecks, version: &str, what: &str) -> Result<url::Url, String> {
    let base = wanted.api_url.as_deref().unwrap_or(ADDRESS);
    let mut url = crate::domain::address::named_base(base).map_err(|why| format!("apiUrl: {why}"))?;
    let wrong = || "apiUrl: it is no http(s) URL".to_owned();
    let parts: Vec<&str> = wanted.repo.split('/').collect();
    let [owner, name] = parts[..] else { return Err(format!("{} is not owner/name", wanted.repo)) };
    if [owner, name, version].iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
        return Err(format!("{} is not owner/name", wanted.repo));
    }
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(["repos", owner, name, "commits", version, what]);
    Ok(url)
}

fn judge(wanted: &GithubChecks, version: &str, checks: &[Check]) -> Verdict {
    let repo = &wanted.repo;
    let counts = |check: &&Check| wanted.required.is_empty() || wanted.required.contains(&check.name);
    let checks: Vec<&Check> = checks.iter().filter(counts).collect();
    let red: Vec<String> = checks
        .iter()
        .filter_map(|check| match &check.state {
            State::Red(how) => Some(format!("{} ({})", check.name, how.replace('_', " "))),
            _ => None,
        })
        .collect();
    if !red.is_empty() {
        return (GateState::Fail, format!("{version} is not green in {repo}: {}", listed(&red)));
    }
    let is_there = |name: &&String| checks.iter().any(|check| check.name == **name);
    let open = checks.iter().filter(|check| check.state == State::Open).map(|check| check.name.clone());
    let open: Vec<String> =
        open.chain(wanted.required.iter().filter(|name| !is_there(name)).cloned()).collect();
    if !open.is_empty() {
        return (GateState::Wait, format!("not decided yet for {version} in {repo}: {}", listed(&open)));
    }
    match checks.len() {
        0 => (GateState::NoData, format!("nothing has checked {version} in {repo}")),
        count => (GateState::Pass, format!("{count} checks of {version} are green in {repo}")),
    }
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first}, and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, status: &str, conclusion: Option<&str>) -> Check {
        Run { name: name.into(), status: status.into(), conclusion: conclusion.map(Into::into) }.into()
    }

    fn status(context: &str, state: &str) -> Check {
        Status { context: context.into(), state: state.into() }.into()
    }

    #[test]
    fn one_red_check_fails_one_open_check_waits_and_none_is_no_data() {
        let green = || run("build", "completed", Some("success"));
        for (checks, required, state, sentence) in [
            (
                vec![green(), status("lint", "success")],
                &[][..],
                GateState::Pass,
                "2 checks of v1 are green in acme/planera",
            ),
            (vec![green(), run("docs", "completed", Some("skipped"))], &[], GateState::Pass, "2 checks"),
            (
                vec![green(), run("scan", "in_progress", None)],
                &[],
                GateState::Wait,
                "not decided yet for v1 in acme/planera: scan",
            ),
            (
                vec![green(), status("lint", "pending")],
                &[],
                GateState::Wait,
                "not decided yet for v1 in acme/planera: lint",
            ),
            (
                vec![
                    run("scan", "in_progress", None),
                    run("test", "completed", Some("timed_out")),
                    status("lint", "error"),
                ],
                &[],
                GateState::Fail,
                "v1 is not green in acme/planera: test (timed out), lint (error)",
            ),
            (vec![], &[], GateState::NoData, "nothing has checked v1"),
            (
                vec![run("other", "completed", Some("failure")), green()],
                &["build"],
                GateState::Pass,
                "1 checks",
            ),
            (
                vec![green()],
                &["build", "scan"],
                GateState::Wait,
                "not decided yet for v1 in acme/planera: scan",
            ),
        ] {
            let wanted = GithubChecks {
                repo: "acme/planera".into(),
                required: required.iter().map(ToString::to_string).collect(),
                ..GithubChecks::default()
            };
            let (found, said) = judge(&wanted, "v1", &checks);
            assert_eq!(found, state, "{said}");
            assert!(said.starts_with(sentence), "{said}");
        }
    }

    #[test]
    fn an_address_stays_below_the_repository() {
        let wanted = |repo: &str, api: &str| GithubChecks {
            repo: repo.into(),
            api_url: Some(api.into()),
            ..GithubChecks::default()
        };
        let url =
            address(&wanted("acme/planera", "https://ghe.example.com/api/v3/"), "v1+a/b", "status").unwrap();
        assert_eq!(url.as_str(), "https://ghe.example.com/api/v3/repos/acme/planera/commits/v1+a%2Fb/status");
        for (repo, version) in [("acme", "v1"), ("acme/../x", "v1"), ("a/b/c", "v1"), ("acme/planera", "..")]
        {
            assert!(address(&wanted(repo, "https://x"), version, "status").is_err(), "{repo} {version}");
        }
        assert!(address(&wanted("a/b", "file:///etc"), "v1", "status").is_err());
    }
}
