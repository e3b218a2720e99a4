//! The emergency stop of an environment: everything that was asked for until then is aborted.

use super::Draft;
use crate::api::release::{Phase, ReleaseKind};

impl Draft<'_> {
    /// Aborts the release if its environment was stopped later, or in the same second. Rollbacks continue: aborting one would restore the
    /// version that it leaves.
    pub(super) fn obey_stop(&mut self) {
        let status = self.observed.environment.as_ref().and_then(|environment| environment.status.as_ref());
        let Some(stop) = status.and_then(|status| status.stop.as_ref()) else { return };
        let release = &self.observed.release;
        if release.spec.kind == ReleaseKind::Rollback
            || release.created_at().is_some_and(|asked| asked.timestamp() > stop.at.timestamp())
        {
            return;
        }
        let mut why = format!("{} was stopped by {}: {}", release.spec.environment, stop.by, stop.reason);
        // the server keeps whole seconds: nobody can tell which came first, and what was stopped must not slip through
        if release.created_at().is_some_and(|asked| asked.timestamp() == stop.at.timestamp()) {
            why.push_str(
                "; it was requested in the same second as the stop. If it is still wanted, deploy it again",
            );
        }
        match self.status.phase {
            Phase::Pending => self.enter(Phase::Aborted, &stop.by, "Aborted", &format!("aborted: {why}")),
            Phase::Progressing | Phase::Paused | Phase::Verifying | Phase::Held => {
                self.roll_back(&stop.by, &why, Phase::Aborted);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::environment::Stop;
    use crate::api::release::{Phase, ReleaseKind};
    use crate::domain::fixtures::{at, environment, guarded};
    use crate::domain::rollout::world::World;

    fn stop(world: &mut World, secs: i64) {
        let stop = Stop { by: "erin".into(), at: at(secs), reason: "INC-1".into(), action: "a1".into() };
        world.observed.environment.as_mut().unwrap().status.get_or_insert_default().stop = Some(stop);
    }

    #[test]
    fn what_waits_is_aborted_and_what_runs_is_put_back() {
        for (turns, expected, image) in [(0, Phase::Aborted, ":v1"), (4, Phase::Aborted, ":v1")] {
            let mut world = World::new(environment());
            world.turns(turns);
            let touched = world.image("backend").ends_with(":v2");
            assert_eq!(touched, turns > 0);
            stop(&mut world, 20);
            assert_eq!(world.run(), expected);
            assert!(world.image("backend").ends_with(image) && world.image("frontend").ends_with(image));
            assert!(world.status().message.contains("erin: INC-1"), "{}", world.status().message);
        }
    }

    #[test]
    fn the_second_of_the_stop_belongs_to_the_stop() {
        // the release was requested in second 0
        for (at_secs, expected, same) in
            [(-1, Phase::Succeeded, false), (0, Phase::Aborted, true), (1, Phase::Aborted, false)]
        {
            for millis in [0, 999] {
                let mut world = World::new(environment());
                stop(&mut world, at_secs);
                let status = world.observed.environment.as_mut().unwrap().status.as_mut().unwrap();
                status.stop.as_mut().unwrap().at += chrono::TimeDelta::milliseconds(millis);
                assert_eq!(world.run(), expected, "{at_secs} {millis}");
                let said = &world.status().message;
                assert_eq!(said.contains("same second as the stop"), same, "{said}");
            }
        }
    }

    #[test]
    fn a_later_release_and_any_rollback_go_on() {
        let mut later = World::new(environment());
        stop(&mut later, -5);
        assert_eq!(later.run(), Phase::Succeeded);
        let mut waiting = World::new(guarded());
        waiting.turns(2);
        assert_eq!(waiting.phase(), Phase::Pending);
        waiting.observed.release.spec.kind = ReleaseKind::Rollback;
        stop(&mut waiting, 20);
        waiting.turn();
        assert_ne!(waiting.phase(), Phase::Aborted);
        for turns in [1, 4] {
            let mut rollback = World::new(environment());
            rollback.turns(turns);
            rollback.observed.release.spec.kind = ReleaseKind::Rollback;
            stop(&mut rollback, 20);
            assert_eq!(rollback.run(), Phase::Succeeded);
        }
    }
}
