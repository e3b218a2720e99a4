//! What a container writes: a pure function of its pod, its run and the present instant, so that a log that is read twice is the same.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::World;
use crate::sim::kinds::{at, list, text};
use crate::sim::rng::Seed;
use crate::sim::scenario::{Behaviour, Fault};

/// Seconds between two requests that a container logs.
const BEAT: f64 = 0.7;
/// Requests that are remembered at most: older lines were rotated away.
const KEPT: i64 = 20_000;

/// One run of a container.
#[derive(Clone, Debug)]
pub(crate) struct LogRun {
    container: String,
    image: String,
    started: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
    behaviour: Behaviour,
    seed: Seed,
}

/// Why there is no log, in the words of a kubelet.
pub(crate) type NoLog = String;

impl World {
    /// The run of a container that its log is read from, the one before it where `previous` is wanted.
    ///
    /// # Errors
    /// A sentence where there is no such run.
    pub(crate) fn log_run(&self, pod: &Value, container: &str, previous: bool) -> Result<LogRun, NoLog> {
        let name = text(pod, &["metadata", "name"]);
        let statuses = list(pod, &["status", "containerStatuses"]);
        let status = statuses.iter().find(|status| text(status, &["name"]) == container);
        let waiting = |reason: &str| {
            format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}")
        };
        let Some(status) = status else { return Err(waiting("ContainerCreating")) };
        let running = at(status, &["state", "running"]);
        let last = at(status, &["state", "terminated"]).or_else(|| at(status, &["lastState", "terminated"]));
        let (run, over) = match (previous, running, last) {
            (false, Some(run), _) => (run, false),
            (true, Some(_), _) | (true, None, None) if at(status, &["lastState", "terminated"]).is_none() => {
                return Err(format!(
                    "previous terminated container \"{container}\" in pod \"{name}\" not found"
                ));
            }
            (_, _, Some(run)) => (run, true),
            _ => return Err(waiting(text(status, &["state", "waiting", "reason"]))),
        };
        let stamp =
            |field: &str| DateTime::parse_from_rfc3339(text(run, &[field])).ok().map(|at| at.to_utc());
        let image = text(status, &["image"]).to_owned();
        Ok(LogRun {
            container: container.to_owned(),
            behaviour: self.scenario.behaviour(super::pod::version_of(pod)),
            started: stamp("startedAt").unwrap_or(self.now),
            ended: if over { Some(stamp("finishedAt").unwrap_or(self.now)) } else { None },
            seed: self.seed.child("log").child(name).child(container),
            image,
        })
    }
}

impl LogRun {
    /// Whether these are the same run.
    #[must_use]
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.started == other.started
    }

    /// Nothing more is written.
    #[must_use]
    pub(crate) const fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The lines written after one instant and until another, with their stamps.
    #[must_use]
    pub(crate) fn lines(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<(DateTime<Utc>, String)> {
        let until = self.ended.map_or(until, |ended| ended.min(until));
        let listening = self.started + seconds(self.behaviour.startup_seconds.min(2.0));
        let begun = [
            (self.started, format!("level=info msg=\"starting {}\" image={}", self.container, self.image)),
            (listening, "level=info msg=\"listening on :8080\"".to_owned()),
        ];
        let mut lines: Vec<(DateTime<Utc>, String)> = Vec::new();
        let beat = |at: DateTime<Utc>| ((at - listening).num_milliseconds() as f64 / 1_000.0 / BEAT) as i64;
        let last = beat(until);
        let first = beat(after).max(last - KEPT).max(0);
        if last <= KEPT {
            lines.extend(begun);
        }
        for nth in first..=last {
            let seed = self.seed.nth(nth.unsigned_abs());
            let at = listening + seconds((nth as f64 + 0.1 + 0.8 * seed.child("at").unit()) * BEAT);
            lines.push((at, self.request(seed, at - listening)));
        }
        if let (Some(ended), Some(Fault::Crash)) = (self.ended, self.behaviour.fault) {
            lines.retain(|(at, _)| *at < ended);
            lines.push((ended, "level=error msg=\"heap out of memory: cannot allocate 64 MiB\"".to_owned()));
        }
        lines.retain(|(at, _)| *at > after && *at <= until);
        lines
    }

    fn request(&self, seed: Seed, up: TimeDelta) -> String {
        let (after, ramp) =
            (self.behaviour.errors_after.as_secs_f64(), self.behaviour.errors_ramp.as_secs_f64());
        let grown = (up.num_milliseconds() as f64 / 1_000.0 - after) / ramp.max(1.0);
        let base = self.behaviour.error_rate.min(0.002);
        let share = base + (self.behaviour.error_rate - base) * grown.clamp(0.0, 1.0);
        let (path, id) =
            (["orders", "customers", "invoices"], (seed.child("id").unit() * 9_000.0) as u32 + 1_000);
        let path = path[(seed.child("path").unit() * 3.0) as usize % 3];
        let latency = self.behaviour.latency_p50 * seed.child("latency").between(0.4, 2.2) * 1_000.0;
        let request = format!("method=GET path=/api/{path}/{id} duration={latency:.0}ms");
        if seed.child("fate").unit() < share {
            return format!(
                "level=error {request} status=503 error=\"upstream answered too late, giving up\""
            );
        }
        if latency > self.behaviour.latency_p50 * 2_000.0 {
            return format!("level=warn {request} status=200 msg=\"slow answer from the database\"");
        }
        format!("level=info {request} status=200")
    }
}

fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::microseconds((seconds * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ended: Option<i64>) -> LogRun {
        LogRun {
            container: "backend".into(),
            image: "b:v1".into(),
            started: DateTime::from_timestamp(1_000, 0).unwrap(),
            ended: ended.and_then(|at| DateTime::from_timestamp(at, 0)),
            behaviour: Behaviour { fault: ended.map(|_| Fault::Crash), ..Behaviour::default() },
            seed: Seed(7),
        }
    }

    #[test]
    fn a_log_read_in_pieces_is_the_log() {
        let (run, at) = (run(None), |second: i64| DateTime::from_timestamp(second, 0).unwrap());
        let whole = run.lines(at(0), at(1_100));
        assert!(whole.len() > 100 && whole[0].1.contains("starting backend"), "{whole:?}");
        assert!(whole.iter().map(|(at, _)| at).is_sorted());
        let pieces: Vec<_> = (0..22).flat_map(|n| run.lines(at(990 + n * 5), at(995 + n * 5))).collect();
        assert_eq!(pieces, whole);
    }

    #[test]
    fn a_crash_has_the_last_word() {
        let run = run(Some(1_003));
        let at = DateTime::from_timestamp(2_000, 0).unwrap();
        let lines = run.lines(DateTime::UNIX_EPOCH, at);
        assert!(lines.last().unwrap().1.contains("heap out of memory"), "{lines:?}");
        assert!(run.is_over());
    }
}
