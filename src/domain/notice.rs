//! What people are told: which states of a release or an environment are news, in which words, and what was told already.
//!
//! News is read out of the state, never out of the difference between two looks: whoever looks again after a crash finds the same news,
//! less what is remembered as told. A state that passed while nobody looked is not told late. Must not know how a channel is spoken to
//! (`notify`).

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::environment::{Environment, Notify, Tier};
use crate::api::names::EnvironmentKey;
use crate::api::notified::Notified;

mod environment;
mod release;

pub use environment::of_environment;
pub use release::of_release;

/// Every event that a channel can ask for.
pub const EVENTS: [&str; 18] = [
    "AwaitingApproval",
    "Started",
    "Paused",
    "Held",
    "RollingBack",
    "RolledBack",
    "Succeeded",
    "Failed",
    "Errored",
    "Rejected",
    "Superseded",
    "Aborted",
    "Expired",
    "BrokenGlass",
    "Frozen",
    "Unfrozen",
    "Stopped",
    "Disturbed",
];

/// What is over for longer than this is no news: a controller that was away, or a channel that is new, does not tell of last week.
const NEWS: TimeDelta = TimeDelta::minutes(15);
/// Events that an object remembers as told.
pub const REMEMBERED: usize = 32;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be known.
    Info,
    /// To be looked at.
    Warning,
    /// Customers may notice.
    Error,
    /// A person must act.
    Critical,
}

impl Severity {
    /// The word, in small letters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which event, one of [`EVENTS`].
    pub event: &'static str,
    /// A few words: where, which version, what.
    pub title: String,
    /// One sentence: why, and who can do what about it.
    pub sentence: String,
    /// The application.
    pub application: String,
    /// Where.
    pub environment: EnvironmentKey,
    /// How careful everybody must be there.
    pub tier: Tier,
    /// Name of the release, where it is about one.
    pub release: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Who asked, froze or broke the glass.
    pub by: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// What this and other news is about: a pager makes one incident of all that bear the same.
    pub incident: String,
    /// Whether it is good news, which ends the incident.
    pub ends: bool,
    /// What tells this news from every other of the same object.
    pub key: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Where people find the application.
    pub url: Option<String>,
    /// The command that moves it on, where one does.
    pub command: Option<String>,
    /// Whom to call, where it matters.
    pub contacts: Vec<(String, String)>,
}

impl Notice {
    /// What tells this news from all other of this world, for receivers that drop what they know.
    #[must_use]
    pub fn dedup_key(&self) -> String {
        format!("{}/{}", self.incident, self.key)
    }
}

/// Whether a channel wants an event: all of them where it names none.
#[must_use]
pub fn wants(notify: &Notify, event: &str) -> bool {
    notify.events.is_empty() || notify.events.iter().any(|wanted| wanted == event)
}

/// The list of what was told, with one more entry; the oldest go.
#[must_use]
pub fn remember(told: &[Notified], entry: Notified) -> Vec<Notified> {
    let mut all: Vec<Notified> = told.iter().filter(|old| old.key != entry.key).cloned().collect();
    all.push(entry);
    let excess = all.len().saturating_sub(REMEMBERED);
    all.drain(..excess);
    all
}

/// Something to try a channel with.
#[must_use]
pub fn trial(environment: &Environment, by: &str, now: DateTime<Utc>) -> Notice {
    let place = place(environment);
    Notice {
        title: format!("{place}: a test"),
        sentence: format!("{by} tries whether this channel is told. Nothing has happened."),
        by: Some(by.to_owned()),
        ..blank(environment, "Test", format!("Test@{}", now.timestamp()), now)
    }
}

/// `planera production`.
fn place(environment: &Environment) -> String {
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    format!("{} {name}", environment.spec.application)
}

/// A notice that says where and when, and nothing yet.
fn blank(environment: &Environment, event: &'static str, key: String, at: DateTime<Utc>) -> Notice {
    let uid = environment.metadata.uid.as_deref().unwrap_or_default();
    Notice {
        event,
        title: String::new(),
        sentence: String::new(),
        application: environment.spec.application.clone(),
        environment: environment.key(),
        tier: environment.spec.tier,
        release: None,
        version: None,
        by: None,
        severity: Severity::Info,
        incident: format!("environment/{uid}"),
        ends: false,
        key,
        at,
        url: environment.spec.url.clone(),
        command: None,
        contacts: Vec::new(),
    }
}

/// Keeps what somebody wants to hear and has not heard; whoever hears of troubles hears whom to call.
fn fresh(environment: &Environment, told: &[Notified], all: impl Iterator<Item = Notice>) -> Vec<Notice> {
    let spec = &environment.spec;
    let is_wanted = |notice: &Notice| {
        let by_any = |event| spec.notify.iter().any(|notify| wants(notify, event));
        // the end of a freeze is recognised by its beginning
        by_any(notice.event) || (notice.event == "Frozen" && by_any("Unfrozen"))
    };
    let is_told = |notice: &Notice| told.iter().any(|old| old.key == notice.key);
    all.filter(|notice| is_wanted(notice) && !is_told(notice))
        .map(|mut notice| {
            if notice.severity >= Severity::Error {
                notice.contacts = spec.contacts.iter().map(|(who, how)| (who.clone(), how.clone())).collect();
            }
            notice
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded_and_keeps_the_newest() {
        let mut told = Vec::new();
        for number in 0..100 {
            told = remember(&told, Notified { key: number.to_string(), ..Notified::default() });
        }
        assert_eq!(told.len(), REMEMBERED);
        assert_eq!((told[0].key.as_str(), told[31].key.as_str()), ("68", "99"));
        let again = Notified { key: "99".into(), failed: vec!["slack".into()], ..Notified::default() };
        assert_eq!(remember(&told, again).len(), REMEMBERED);
    }

    #[test]
    fn every_key_fits_its_field() {
        let longest = EVENTS.iter().map(|event| event.len()).max().unwrap();
        assert!(longest + 1 + 71 <= 128);
    }
}
