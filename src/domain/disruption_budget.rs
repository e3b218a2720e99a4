//! What a `PodDisruptionBudget` lets go, and which pods that are to leave it holds back.
//!
//! Rollouts delete pods and ask no budget; drains, autoscalers and deschedulers evict them, and the eviction API answers 429 to those that
//! ask it, and leaves no trace. Numbers as `pkg/controller/disruption/disruption.go` counts them; who is held, as
//! `pkg/registry/core/pod/storage/eviction.go` decides. Must not know how budgets, pods and nodes are read (`cluster::budgets`).

/// A budget as its controller last counted it. All texts are sanitised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Name.
    pub name: Box<str>,
    /// What it demands, in its own words: `minAvailable 2`, `maxUnavailable 25%`.
    pub rule: Box<str>,
    /// `status.desiredHealthy`.
    pub needs: i32,
    /// `status.currentHealthy`.
    pub healthy: i32,
    /// `status.expectedPods`.
    pub pods: i32,
    /// `status.disruptionsAllowed`.
    pub allowed: i32,
    /// Its controller has seen its newest spec.
    pub is_counted: bool,
    /// Reason of the condition `DisruptionAllowed`.
    pub reason: Box<str>,
    /// Why its controller cannot count: message of that condition while its reason is `SyncFailed`.
    pub failed: Option<Box<str>>,
    /// `unhealthyPodEvictionPolicy: AlwaysAllow`.
    pub lets_unhealthy_go: bool,
    /// Names of the workloads whose pods it selects.
    pub workloads: Box<[Box<str>]>,
    /// Other budgets that select pods of this one as well.
    pub rivals: Box<[Box<str>]>,
    /// Pods that are to leave, and that it holds back.
    pub held: Box<[Held]>,
}

/// A pod that is to leave and is not let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub pod: Box<str>,
    /// Where it is.
    pub node: Box<str>,
    /// Why it is to leave.
    pub leaves: Leaves,
}

/// Why a pod is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Its node is cordoned (`spec.unschedulable`), as a drain does before it evicts.
    Cordoned,
    /// The cluster autoscaler tried to evict it and gave up.
    ScaleDown,
}

/// Why nothing is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Another budget selects the same pods, and the eviction API takes one at most.
    Twice,
    /// It cannot be counted, and then allows nothing.
    Uncounted,
    /// It needs every pod that there is: nothing is ever let go.
    Always,
    /// Too few pods are healthy at present.
    Now,
}

impl Budget {
    /// Why it lets none of its pods go; nothing where it lets one go, or has none.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        if !self.rivals.is_empty() {
            return Some(Block::Twice);
        }
        if !self.is_counted {
            return None;
        }
        if self.failed.is_some() {
            return Some(Block::Uncounted);
        }
        match self {
            Self { pods: 0, .. } | Self { allowed: 1.., .. } => None,
            Self { needs, pods, .. } if needs >= pods => Some(Block::Always),
            _ => Some(Block::Now),
        }
    }

    /// Whether a pod of it that runs would be refused to whoever evicts it.
    #[must_use]
    pub fn holds(&self, is_ready: bool) -> bool {
        match self.block() {
            None => false,
            Some(Block::Twice) => true,
            // those that are not ready go where they are not missed
            Some(_) if !is_ready => !self.lets_unhealthy_go && (self.healthy < self.needs || self.needs <= 0),
            Some(_) => true,
        }
    }

    /// Why it lets no pod go, as the end of a sentence.
    #[must_use]
    pub fn sentence(&self, block: Block) -> String {
        let Self { name, needs, healthy, pods, .. } = self;
        match block {
            Block::Twice => format!(
                "disruption budgets {name} and {} both select its pods, and the API server evicts no pod of two budgets",
                self.rivals.join(", ")
            ),
            Block::Uncounted => format!(
                "disruption budget {name} lets no pod go while it cannot be counted: {}",
                self.failed.as_deref().unwrap_or_default()
            ),
            Block::Always if (*needs, *pods) == (1, 1) => {
                format!("disruption budget {name} lets no pod go: it needs its only one")
            }
            Block::Always if needs == pods => {
                format!("disruption budget {name} lets no pod go: it needs all {pods} of them healthy")
            }
            Block::Always => {
                format!(
                    "disruption budget {name} lets no pod go: it needs {needs} healthy, and there are {pods}"
                )
            }
            Block::Now => format!(
                "disruption budget {name} lets no pod go: it needs {needs} of {pods} healthy, and has {healthy}"
            ),
        }
    }

    /// What helps.
    #[must_use]
    pub fn remedy(&self, block: Block) -> String {
        match block {
            Block::Twice => "let only one of the budgets select these pods".to_owned(),
            Block::Uncounted => {
                "let it select only pods whose owner can be scaled, or demand a minAvailable in pods, not in percent".to_owned()
            }
            Block::Always if self.rule.starts_with("maxUnavailable") => {
                "raise maxUnavailable of the PodDisruptionBudget: then the drain goes on by itself".to_owned()
            }
            Block::Always => {
                "run more pods than it needs, or lower its minAvailable: then the drain goes on by itself".to_owned()
            }
            Block::Now => {
                "bring its pods up; with unhealthyPodEvictionPolicy: AlwaysAllow a drain takes those that are not ready".to_owned()
            }
        }
    }

    /// Its numbers on one line: what it demands, what there is, how many may go.
    #[must_use]
    pub fn numbers(&self) -> String {
        let Self { rule, needs, healthy, pods, allowed, .. } = self;
        format!("{rule}, needs {needs}, healthy {healthy} of {pods}, {allowed} may go")
    }

    /// Who waits to leave, as the beginning of a sentence; nothing where nobody does.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        let of = |leaves: Leaves| self.held.iter().filter(move |held| held.leaves == leaves);
        let pods = |count: usize| if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") };
        let cordoned = of(Leaves::Cordoned).count();
        let Some(first) = of(Leaves::Cordoned).next() else {
            let count = of(Leaves::ScaleDown).count();
            return (count > 0).then(|| format!("the cluster autoscaler cannot evict {}", pods(count)));
        };
        let mut nodes: Vec<&str> = of(Leaves::Cordoned).map(|held| &*held.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        Some(match nodes.len() {
            1 => format!("{} is cordoned, and {} cannot leave it", first.node, pods(cordoned)),
            count => format!("{count} nodes are cordoned, and {} cannot leave them", pods(cordoned)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(needs: i32, healthy: i32, pods: i32) -> Budget {
        Budget {
            name: "backend".into(),
            rule: format!("minAvailable {needs}").into(),
            needs,
            healthy,
            pods,
            allowed: if pods > 0 { (healthy - needs).max(0) } else { 0 },
            is_counted: true,
            ..Budget::default()
        }
    }

    #[test]
    fn why_nothing_is_let_go() {
        for (what, budget, expected) in [
            ("one may go", budget(2, 3, 3), None),
            ("no pods", budget(2, 0, 0), None),
            ("all are needed", budget(2, 2, 2), Some(Block::Always)),
            ("more than there are", budget(3, 2, 2), Some(Block::Always)),
            ("one is down", budget(2, 2, 3), Some(Block::Now)),
            ("not counted yet", Budget { is_counted: false, ..budget(2, 2, 2) }, None),
            (
                "not countable",
                Budget { failed: Some("jobs.batch has no scale".into()), ..budget(0, 0, 0) },
                Some(Block::Uncounted),
            ),
            (
                "selected twice, even where both let go",
                Budget { rivals: Box::new(["all".into()]), ..budget(1, 3, 3) },
                Some(Block::Twice),
            ),
        ] {
            assert_eq!(budget.block(), expected, "{what}");
        }
    }

    #[test]
    fn a_pod_that_is_not_ready_goes_where_it_is_not_missed() {
        for (what, budget, ready, not_ready) in [
            ("one may go", budget(2, 3, 3), false, false),
            ("enough without it", budget(2, 2, 3), true, false),
            ("too few", budget(2, 1, 3), true, true),
            ("too few, but let go", Budget { lets_unhealthy_go: true, ..budget(2, 1, 3) }, true, false),
            ("of two", Budget { rivals: Box::new(["all".into()]), ..budget(1, 3, 3) }, true, true),
        ] {
            assert_eq!((budget.holds(true), budget.holds(false)), (ready, not_ready), "{what}");
        }
    }

    #[test]
    fn who_waits_is_counted_by_node() {
        let held = |node: &str, leaves| Held { pod: "backend-a".into(), node: node.into(), leaves };
        let (cordoned, shrinks) = (Leaves::Cordoned, Leaves::ScaleDown);
        for (pods, expected) in [
            (vec![], None),
            (vec![held("node-1", cordoned)], Some("node-1 is cordoned, and 1 pod cannot leave it")),
            (
                vec![held("node-1", cordoned), held("node-2", shrinks), held("node-1", cordoned)],
                Some("node-1 is cordoned, and 2 pods cannot leave it"),
            ),
            (
                vec![held("node-2", cordoned), held("node-1", cordoned)],
                Some("2 nodes are cordoned, and 2 pods cannot leave them"),
            ),
            (vec![held("node-2", shrinks)], Some("the cluster autoscaler cannot evict 1 pod")),
        ] {
            let budget = Budget { held: pods.into(), ..budget(2, 2, 2) };
            assert_eq!(budget.waits().as_deref(), expected);
        }
    }

    proptest! {
        #[test]
        fn what_may_go_is_never_held(needs in 0..6, healthy in 0..6, pods in 0..6) {
            let budget = budget(needs, healthy, pods);
            prop_assert!(budget.allowed == 0 || budget.block().is_none());
            prop_assert!(budget.block().is_some() || !(budget.holds(true) || budget.holds(false)));
            // an unready pod is never held where a ready one is not
            prop_assert!(budget.holds(true) || !budget.holds(false));
        }
    }
}
