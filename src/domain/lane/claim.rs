//! The claim on a lane: what keeps two leaders from starting two releases of one environment.
//!
//! Before a release takes the lane, its environment's status names it, written over the version that was read: of two leaders that start
//! something at the same time, one loses that write and looks again. A claim ends with its release. Whoever finds the claim of a release
//! that still waits does not know whether a write that starts it is under way, and waits for [`PATIENCE`] first.

use std::time::Duration;

use crate::api::environment::LaneClaim;
use crate::api::release::Release;

/// For how long the claim of another release counts while that has not started: longer than any write may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a claim allows somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The lane may be claimed.
    Free,
    /// Its release executes.
    Taken,
    /// Its release may be about to start.
    Fresh,
}

/// Whether a lane may be claimed for the release `me`. `holder` is the release of the claim that is found, as the API
/// server has it now; `known_for` is how long this process has known that claim.
#[must_use]
pub fn judge(found: Option<&LaneClaim>, me: &str, holder: Option<&Release>, known_for: Duration) -> Claim {
    let Some(found) = found.filter(|found| found.uid != me) else { return Claim::Free };
    let holder = holder.filter(|holder| holder.metadata.uid.as_deref() == Some(found.uid.as_str()));
    let Some(holder) = holder else { return Claim::Free };
    if holder.phase().holds_lane() {
        return Claim::Taken;
    }
    let finished = holder.status.as_ref().and_then(|status| status.finished_at);
    let is_over = holder.phase().is_final() && finished.is_none_or(|finished| finished >= found.at);
    if is_over || known_for >= PATIENCE { Claim::Free } else { Claim::Fresh }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::Phase;
    use crate::domain::fixtures::{at, release_at, uid};

    fn claim(name: &str, process: &str, secs: i64) -> LaneClaim {
        LaneClaim { release: name.into(), uid: uid(name), process: process.into(), at: at(secs) }
    }

    fn release(name: &str, phase: Phase, finished: Option<i64>) -> Release {
        let mut release = release_at(name, "v1", 0);
        let status = release.status.get_or_insert_default();
        (status.phase, status.finished_at) = (phase, finished.map(at));
        release
    }

    #[test]
    fn a_lane_is_free_unless_its_release_executes_or_may_be_about_to() {
        let me = uid("mine");
        for (text, found, holder, known, expected) in vec![
            ("no claim", None, None, 0, Claim::Free),
            (
                "mine already",
                Some(claim("mine", "other", 5)),
                Some(release("mine", Phase::Pending, None)),
                0,
                Claim::Free,
            ),
            ("gone", Some(claim("a", "other", 5)), None, 0, Claim::Free),
            (
                "another of the name",
                Some(claim("a", "other", 5)),
                Some(release("b", Phase::Progressing, None)),
                0,
                Claim::Free,
            ),
            (
                "executes",
                Some(claim("a", "us", 5)),
                Some(release("a", Phase::Progressing, None)),
                99,
                Claim::Taken,
            ),
            (
                "rolls back",
                Some(claim("a", "us", 5)),
                Some(release("a", Phase::RollingBack, None)),
                99,
                Claim::Taken,
            ),
            (
                "over",
                Some(claim("a", "other", 5)),
                Some(release("a", Phase::Succeeded, Some(9))),
                0,
                Claim::Free,
            ),
            (
                "rolled back anew",
                Some(claim("a", "other", 50)),
                Some(release("a", Phase::Succeeded, Some(9))),
                0,
                Claim::Fresh,
            ),
            (
                "waits",
                Some(claim("a", "other", 5)),
                Some(release("a", Phase::Pending, None)),
                29,
                Claim::Fresh,
            ),
            (
                "waits for too long",
                Some(claim("a", "other", 5)),
                Some(release("a", Phase::Pending, None)),
                30,
                Claim::Free,
            ),
        ] {
            let known = Duration::from_secs(known);
            assert_eq!(judge(found.as_ref(), &me, holder.as_ref(), known), expected, "{text}");
        }
    }

    /// A leader that starts a release: reads the environment, judges its claim, claims it, starts the release.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Step {
        Read,
        Claim { version: u32, free: bool },
        Start,
        Over,
    }

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Model {
        /// Version of the environment, and whose claim it bears.
        environment: (u32, Option<usize>),
        /// Whether each release executes.
        executes: [bool; 2],
        leaders: [Step; 2],
        /// Looks that a leader still makes after a lost write.
        looks: [u8; 2],
    }

    impl Model {
        fn step(&self, who: usize) -> Self {
            let mut next = self.clone();
            next.leaders[who] = match &self.leaders[who] {
                Step::Read => {
                    let found =
                        self.environment.1.map(|owner| claim(["a", "b"][owner], ["a", "b"][owner], 5));
                    let holder = self.environment.1.map(|owner| {
                        let phase = if self.executes[owner] { Phase::Progressing } else { Phase::Pending };
                        release(["a", "b"][owner], phase, None)
                    });
                    let mine = uid(["a", "b"][who]);
                    let verdict = judge(found.as_ref(), &mine, holder.as_ref(), Duration::ZERO);
                    Step::Claim { version: self.environment.0, free: verdict == Claim::Free }
                }
                Step::Claim { version, free: true } if *version == self.environment.0 => {
                    next.environment = (version + 1, Some(who));
                    Step::Start
                }
                Step::Claim { .. } if self.looks[who] == 0 => Step::Over,
                Step::Claim { .. } => {
                    next.looks[who] -= 1;
                    Step::Read
                }
                Step::Start => {
                    next.executes[who] = true;
                    Step::Over
                }
                Step::Over => Step::Over,
            };
            next
        }
    }

    #[test]
    fn two_leaders_never_start_two_releases_however_their_steps_interleave() {
        let begin = Model {
            environment: (1, None),
            executes: [false; 2],
            leaders: [Step::Read, Step::Read],
            looks: [3, 3],
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![begin];
        while let Some(state) = open.pop() {
            assert_ne!(state.executes, [true, true], "{state:?}");
            for who in [0, 1] {
                let next = state.step(who);
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        assert!(seen.len() > 20, "{}", seen.len());
        assert!(seen.iter().any(|state| state.executes[0]) && seen.iter().any(|state| state.executes[1]));
    }
}
