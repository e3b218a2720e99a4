//! What a component's next move means for the status, or as an effect on the world.

use chrono::TimeDelta;

use super::progress::Running;
use super::shift::Move;
use super::tracks::TrackOutcome;
use super::{Draft, Effect, RemoveTrack, ScaleStable, SetTrack, SetTraffic};
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, TrackProgress};
use crate::api::strategy::{TrafficRouting, Weight};
use crate::domain::timeline::{CONTROLLER, cut};
use crate::domain::track;
use crate::domain::weight::Split;

impl Draft<'_> {
    /// Stores what is meant next, or does what is meant already.
    pub(super) fn take(&mut self, index: usize, next: Move, routing: Option<TrafficRouting>) -> TrackOutcome {
        match next {
            Move::Reached => TrackOutcome::Reached,
            Move::Wait(why) => TrackOutcome::Underway(why),
            Move::Drifted(why) => {
                self.status.tracks[index].drift = Some(cut(why.clone(), 512));
                TrackOutcome::Drifted(why)
            }
            Move::Intend(split) => {
                let entry = &mut self.status.tracks[index];
                entry.desired = split.second;
                entry.stable_desired = split.own;
                entry.traffic = split.traffic;
                let said = told(&entry.workload, split);
                self.look_again();
                TrackOutcome::Underway(said)
            }
            effect => {
                let entry = self.status.tracks[index].clone();
                self.carry_out_move(&entry, &effect, routing)
            }
        }
    }

    fn carry_out_move(
        &mut self,
        entry: &TrackProgress,
        effect: &Move,
        routing: Option<TrafficRouting>,
    ) -> TrackOutcome {
        let component = self.component(&entry.component);
        let place = entry.place.as_ref().map(|place| (place.workload.clone(), place.container.clone()));
        let place = place.or_else(|| component.map(|one| (one.workload.clone(), one.container.clone())));
        let Some((workload, container)) = place else {
            return TrackOutcome::Underway(format!(
                "the environment has no component {} any more",
                entry.component
            ));
        };
        if self.is_shifting() || self.status.undo.is_some() {
            let own = self.observed.workloads.get(entry.component.as_str());
            self.freshen_step(own.map_or(TimeDelta::MAX, |own| own.progress_deadline));
        }
        if self.status.undo.is_some() {
            // what was changed at all is said to have been put back
            self.mark_undone(&entry.component);
        }
        let name = entry.component.clone();
        let (effect, said) = match *effect {
            Move::SetSecond => {
                let settings = self.settings().unwrap_or_default();
                let image = self.target(&name).unwrap_or_default().to_owned();
                let lacks = self.observed.traffic.get(name.as_str()).and_then(|state| state.lacks.clone());
                let said = match &lacks {
                    Some(service) => format!("making Service {service} again, which somebody removed"),
                    None if self.is_outdated(&name) => self.note_template(entry, &workload.name),
                    None => format!("bringing {} to {} pods", entry.workload, entry.desired),
                };
                let serves = entry.traffic > 0
                    || entry.verified.is_some_and(|verified| verified > 0)
                    || (routing.is_none() && entry.available > 0);
                let preview_service = track::preview_service(&settings, &name);
                let (track, replicas) = (entry.track, entry.desired);
                let component = name;
                let containers = self.further_containers(&component);
                let set = SetTrack {
                    component,
                    track,
                    workload,
                    container,
                    containers,
                    image,
                    replicas,
                    routing,
                    preview_service,
                    lacks,
                    serves,
                };
                (Effect::SetTrack(set), said)
            }
            Move::SetOwn(from) => {
                let said = format!("bringing {} from {from} to {} pods", workload.name, entry.stable_desired);
                let set = ScaleStable { component: name, workload, from, to: entry.stable_desired };
                (Effect::ScaleStable(set), said)
            }
            Move::SetTraffic(from) => {
                let Some(routing) = routing else {
                    return TrackOutcome::Underway("no router is named".to_owned());
                };
                let to = u8::try_from(entry.traffic).ok().and_then(Weight::new).unwrap_or_default();
                let said = format!("sending {to} of the traffic to {} instead of {from}", entry.workload);
                let set = SetTraffic { component: name, track: entry.track, workload, routing, from, to };
                (Effect::SetTraffic(set), said)
            }
            _ => {
                let said = format!("removing {}", entry.workload);
                let remove = RemoveTrack { component: name, track: entry.track, workload, routing };
                (Effect::RemoveTrack(remove), said)
            }
        };
        self.do_after(effect);
        TrackOutcome::Underway(said)
    }

    /// Somebody changed the pod template of the own workload: the second one is brought to it, pod by pod.
    fn note_template(&mut self, entry: &TrackProgress, own: &str) -> String {
        let said = format!(
            "somebody changed the pod template of {own} in the middle of this release: {} is made anew from it",
            entry.workload
        );
        self.note(CONTROLLER, "TemplateChanged", &said);
        self.do_after(Effect::EmitEvent {
            reason: "TemplateChanged".into(),
            message: said.clone(),
            is_warning: true,
        });
        said
    }

    fn mark_undone(&mut self, name: &ComponentName) {
        // what somebody else brought to the new version is still to be put back
        let is_new = matches!(self.sight(name), Running::New(_));
        if self.state_of(name) == Some(ComponentState::Waiting) && !is_new {
            self.set_state(name, ComponentState::RolledBack);
            self.note(
                CONTROLLER,
                "ComponentRolledBack",
                &format!("{name} goes back to its previous version"),
            );
        }
    }
}

fn told(name: &str, split: Split) -> String {
    if split.traffic > 0 {
        format!("{name}: {} pods and {}% of the traffic are meant", split.second, split.traffic)
    } else {
        format!("{name}: {} pods are meant, beside {}", split.second, split.own)
    }
}
