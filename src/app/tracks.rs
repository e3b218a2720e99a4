//! Two versions side by side: the pods of each track, their shares, and the three weights in words.

use std::fmt;

use crate::api::environment::Component;
use crate::api::release::{ReleaseStatus, TrackProgress};
use crate::api::strategy::{Strategy, StrategyName, Track};
use crate::api::{Environment, Release};
use crate::app::components;
use crate::app::rows::environments::workload;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::store::Store;

/// How far the observed weight may lie from what is possible before it is said loudly, in points.
const AWAY: f64 = 10.0;

/// One of two workloads of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side<'a> {
    /// The component.
    pub component: &'a str,
    /// Which of the two.
    pub track: Track,
    /// Pods wanted.
    pub wanted: i32,
    /// Pods that are available.
    pub available: i32,
    /// The image; empty where it is not known.
    pub image: &'a str,
    /// Share of the traffic that a router is to send here, in per cent; absent where replicas carry it.
    pub share: Option<i32>,
    /// Share that the router's objects state, where that is known.
    pub stated: Option<i32>,
}

/// The workloads of a release that has second ones: each component's own, then its second one.
#[must_use]
pub(crate) fn sides_in<'a>(store: &'a Store, id: &ReleaseId) -> Vec<Side<'a>> {
    let Some(release) = store.release(id) else { return Vec::new() };
    let environment = store.environment_of(id).and_then(|id| store.environment(&id));
    sides(release, environment.map(|environment| &**environment), |component| {
        own_image(store, id, environment?, component)
    })
}

/// Of a component's two workloads: whether they may be left out where another component is shown alone. What is not well never is.
#[must_use]
pub(crate) fn is_well(pair: &[Side<'_>], status: &ReleaseStatus) -> bool {
    let is_at_rest = |side: &Side<'_>| {
        side.available >= side.wanted
            && side.stated.is_none_or(|stated| side.share.is_none_or(|share| share == stated))
    };
    let drifts = |side: &Side<'_>| drifts(status).any(|(component, _)| component == side.component);
    pair.iter().all(|side| is_at_rest(side) && !drifts(side))
}

/// The workloads that a release's pane shows, two for each component, and how many components are left out, because another one is
/// shown alone and they are well.
#[must_use]
pub(crate) fn shown_in<'a>(store: &'a Store, id: &ReleaseId) -> (Vec<Side<'a>>, usize) {
    let mut sides = sides_in(store, id);
    let status = store.release(id).and_then(|release| release.status.as_ref());
    let (Some(alone), Some(status)) = (components::of_release(store, id), status) else { return (sides, 0) };
    let all = sides.len();
    let is_shown = |pair: &&[Side<'_>]| {
        pair.iter().any(|side| side.component == alone.name.as_str()) || !is_well(pair, status)
    };
    sides = sides.chunks(2).filter(is_shown).flatten().cloned().collect();
    let left_out = (all - sides.len()) / 2;
    (sides, left_out)
}

/// As [`sides_in`]; `own` tells what a component's own workload runs now, where that is known.
pub(crate) fn sides<'a>(
    release: &'a Release,
    environment: Option<&'a Environment>,
    own: impl Fn(&str) -> Option<&'a str>,
) -> Vec<Side<'a>> {
    let Some(status) = &release.status else { return Vec::new() };
    let routed = environment.is_some_and(|environment| is_routed(environment, status));
    let sides = status.tracks.iter().flat_map(|track| {
        let component = track.component.as_str();
        let before = status.before.iter().find(|record| record.component == track.component);
        let new = release.spec.images.iter().find(|image| image.component == track.component);
        let stable = Side {
            component,
            track: Track::Stable,
            wanted: track.stable_desired,
            available: track.stable_available,
            image: own(component).or(before.map(|record| record.image.as_str())).unwrap_or_default(),
            share: routed.then_some(100 - track.traffic),
            stated: track.verified.map(|share| 100 - share),
        };
        let second = Side {
            component,
            track: track.track,
            wanted: track.desired,
            available: track.available,
            image: new.map_or("", |image| &image.image),
            share: routed.then_some(track.traffic),
            stated: track.verified,
        };
        [stable, second]
    });
    sides.collect()
}

/// The second workloads that run in an environment, by the release that has brought them up.
#[must_use]
pub(crate) fn second(store: &Store, id: &EnvironmentId) -> Option<Track> {
    let row = store.rows.environments.iter().find(|row| row.id == *id)?;
    let release = store.release(&row.active.as_ref()?.id)?;
    release.status.as_ref()?.tracks.first().map(|track| track.track)
}

/// What a component's own workload runs now.
fn own_image<'a>(
    store: &'a Store,
    id: &ReleaseId,
    environment: &Environment,
    component: &str,
) -> Option<&'a str> {
    let component: &Component = environment.spec.component(component)?;
    workload(store.cluster(id.cluster)?, environment, component)?.image(&component.container)
}

/// Whether a router carries the weight, and not replicas.
fn is_routed(environment: &Environment, status: &ReleaseStatus) -> bool {
    let Some(plan) = &status.plan else { return false };
    match environment.spec.strategy_of(plan.strategy) {
        Strategy::Rolling(_) => false,
        Strategy::Canary(canary) => canary.traffic_routing.is_some(),
        // its traffic is switched whole, whoever does it
        Strategy::BlueGreen(_) => true,
    }
}

/// What somebody else changed in routers' objects, component by component.
pub(crate) fn drifts(status: &ReleaseStatus) -> impl Iterator<Item = (&str, &str)> {
    status
        .tracks
        .iter()
        .filter_map(|track| track.drift.as_deref().map(|drift| (track.component.as_str(), drift)))
}

/// The three weights of a release as one line: `desired 20% · achievable 33%, 1 of 3 pods · observed 31%`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightWords<'a> {
    status: &'a ReleaseStatus,
    short: bool,
    dot: &'static str,
}

impl<'a> WeightWords<'a> {
    /// Of a release that has weights; none of others.
    #[must_use]
    pub(crate) fn of(release: &'a Release) -> Option<Self> {
        let status = release.status.as_ref()?;
        let sided = status.plan.as_ref().is_some_and(|plan| plan.strategy != StrategyName::Rolling);
        (sided && status.weight.is_some()).then_some(Self { status, short: false, dot: "·" })
    }

    /// In fewer words.
    #[must_use]
    pub(crate) const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    /// With that character between two weights.
    #[must_use]
    pub(crate) const fn dotted(mut self, dot: &'static str) -> Self {
        self.dot = dot;
        self
    }

    /// What is seen lies far from what is possible.
    #[must_use]
    pub(crate) fn is_away(&self) -> bool {
        let Some(weight) = &self.status.weight else { return false };
        let wanted = f64::from(weight.achievable.unwrap_or(weight.desired));
        weight.observed.is_some_and(|observed| (observed - wanted).abs() > AWAY)
    }

    /// Pods of the second workload and pods in all, where whole replicas do not give the weight that was asked for.
    fn rounding(&self) -> Option<(i32, i32)> {
        let weight = self.status.weight.as_ref()?;
        let track: &TrackProgress = self.status.tracks.first()?;
        (weight.achievable? != weight.desired)
            .then_some((track.desired, track.desired + track.stable_desired))
    }
}

impl fmt::Display for WeightWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(weight) = &self.status.weight else { return Ok(()) };
        let dot = self.dot;
        write!(f, "desired {}%", weight.desired)?;
        if let Some(achievable) = weight.achievable {
            let word = if self.short { "possible" } else { "achievable" };
            write!(f, " {dot} {word} {achievable}%")?;
            if let Some((pods, all)) = self.rounding() {
                write!(f, ", {pods} of {all}{}", if self.short { "" } else { " pods" })?;
            }
        }
        match weight.observed {
            Some(observed) if observed.is_finite() => write!(f, " {dot} observed {observed:.0}%"),
            _ => write!(f, " {dot} observed: no data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{canary_paused, environment_id, release_id};

    fn words(change: impl FnOnce(&mut ReleaseStatus)) -> (String, bool) {
        let world = canary_paused();
        let id = release_id("production", "production-v1-8-2-cc");
        let mut release = (**world.store.release(&id).unwrap()).clone();
        change(release.status.as_mut().unwrap());
        let words = WeightWords::of(&release).unwrap();
        (words.to_string(), words.is_away())
    }

    #[test]
    fn the_three_weights_are_always_said() {
        assert_eq!(words(|_| ()), ("desired 10% · achievable 10% · observed 10%".to_owned(), false));
        let rounded = words(|status| {
            let weight = status.weight.as_mut().unwrap();
            (weight.desired, weight.achievable, weight.observed) = (20, Some(33), None);
            (status.tracks[0].desired, status.tracks[0].stable_desired) = (1, 2);
        });
        assert_eq!(
            rounded,
            ("desired 20% · achievable 33%, 1 of 3 pods · observed: no data".to_owned(), false)
        );
        let away = words(|status| status.weight.as_mut().unwrap().observed = Some(49.6));
        assert_eq!(away, ("desired 10% · achievable 10% · observed 50%".to_owned(), true));
    }

    #[test]
    fn both_sides_say_pods_image_and_share() {
        let world = canary_paused();
        let sides = sides_in(&world.store, &release_id("production", "production-v1-8-2-cc"));
        let [stable, canary] = sides.as_slice() else { panic!("{sides:?}") };
        assert_eq!((stable.track, stable.wanted, stable.share), (Track::Stable, 3, Some(90)));
        assert_eq!(stable.image, "ghcr.io/acme/planera-backend:v1.8.1");
        assert_eq!((canary.track, canary.available, canary.share), (Track::Canary, 1, Some(10)));
        assert_eq!(canary.image, "ghcr.io/acme/planera-backend:v1.8.2");
    }

    /// A second component besides the one that the release changes already, its pods and its drift; which are shown where the first is
    /// shown alone, and how many are left out.
    #[test]
    fn a_component_that_is_not_well_is_shown_though_another_one_is_shown_alone() {
        for (available, drift, expected) in [
            (1, None, "backend; 1"),
            (0, None, "backend frontend; 0"),
            (1, Some("10% became 50%"), "backend frontend; 0"),
        ] {
            let mut store = canary_paused().store;
            let id = release_id("production", "production-v1-8-2-cc");
            let mut release = (**store.release(&id).unwrap()).clone();
            let mut image = release.spec.images[0].clone();
            image.component = "frontend".into();
            release.spec.images.push(image);
            let status = release.status.as_mut().unwrap();
            let mut track = status.tracks[0].clone();
            (track.component, track.available, track.drift) =
                ("frontend".into(), available, drift.map(Into::into));
            status.tracks.push(track);
            store.clusters[0].releases.insert(id.key.clone(), std::sync::Arc::new(release));
            let shown = |store: &Store| {
                let (sides, left_out) = shown_in(store, &id);
                let mut names: Vec<&str> = sides.iter().map(|side| side.component).collect();
                names.dedup();
                format!("{}; {left_out}", names.join(" "))
            };
            assert_eq!(shown(&store), "backend frontend; 0");
            store.ui.alone.insert(environment_id("production"), "backend".into());
            assert_eq!(shown(&store), expected, "{available} {drift:?}");
        }
    }
}
