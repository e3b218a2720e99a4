//! Changes of second workloads and of traffic, as plain data, and what is seen of traffic.

use crate::api::environment::WorkloadRef;
use crate::api::names::ComponentName;
use crate::api::release::RolloutAsk;
use crate::api::strategy::{Track, TrafficRouting, Weight};

/// Bring a second workload beside a component's own to an image and a size. Creates it as a copy of the component's own workload
/// where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTrack {
    /// The component.
    pub component: ComponentName,
    /// What the second workload is for.
    pub track: Track,
    /// The component's own workload, which is copied.
    pub workload: WorkloadRef,
    /// The container.
    pub container: String,
    /// Further containers that get the same image.
    pub containers: Vec<String>,
    /// The image that the second workload runs.
    pub image: String,
    /// Pods wanted of it.
    pub replicas: i32,
    /// Where a router sends traffic by Service: what is to be known of it. Absent: the second workload's pods bear the labels of the
    /// first one's, so that the same Service finds both.
    pub routing: Option<TrafficRouting>,
    /// Service that selects the second workload before the switch.
    pub preview_service: Option<String>,
    /// A Service of the second workload that somebody removed, and that is made again.
    pub lacks: Option<String>,
    /// Whether requests go to the second workload now: it is then never removed, not even to be made anew.
    pub serves: bool,
}

/// Change the number of pods of a component's own workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleStable {
    /// The component.
    pub component: ComponentName,
    /// The object that runs it.
    pub workload: WorkloadRef,
    /// The number that must still be there.
    pub from: i32,
    /// The number that takes its place.
    pub to: i32,
}

/// Send a share of the traffic to the second workload of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTraffic {
    /// The component.
    pub component: ComponentName,
    /// What the second workload is for.
    pub track: Track,
    /// The component's own workload.
    pub workload: WorkloadRef,
    /// The router and the names of its objects, `{{component}}` in them replaced.
    pub routing: TrafficRouting,
    /// The share that the router's objects must still state.
    pub from: Weight,
    /// The share that takes its place.
    pub to: Weight,
}

/// Remove the second workload of a component and the objects that were made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveTrack {
    /// The component.
    pub component: ComponentName,
    /// What it was for.
    pub track: Track,
    /// The component's own workload.
    pub workload: WorkloadRef,
    /// The router, where there is one: whatever it holds for the second workload is put back first.
    pub routing: Option<TrafficRouting>,
}

/// Ask an Argo Rollout for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutChange {
    /// The component.
    pub component: ComponentName,
    /// The Rollout.
    pub workload: WorkloadRef,
    /// What it is asked, with what was seen of it: a Rollout that has moved on is left alone.
    pub ask: RolloutAsk,
}

/// What a router's objects say of a component's traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficState {
    /// Share that goes to the second workload; nothing when the objects state none that could be understood.
    pub weight: Option<Weight>,
    /// Whether the objects' own controller has accepted what they state, where it says so.
    pub is_accepted: bool,
    /// One sentence: what was read, what keeps it from being read, or what somebody else changed.
    pub detail: String,
    /// A Service that was made for the second workload and is gone: whatever is sent there, nobody answers.
    pub lacks: Option<String>,
    /// The router's object does not exist, or leads to neither of the two Services: nothing is sent by it.
    pub is_gone: bool,
    /// What is left of what was made for the second workload; looked for only where that does not exist.
    pub remains: Option<String>,
}
