//! The steps of the tour, and how far a person has come.

/// A step: the commands that end it, the first one being taught, and what is said. `{id}` is the key of that command.
pub struct Step {
    /// Any of these ends it.
    pub ends: &'static [&'static str],
    /// What is said.
    pub text: &'static str,
}

/// Every step, in order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        ends: &["down", "up", "environment", "top", "bottom"],
        text: "Environments stand above, each with what runs there and how it fares. Press {down} for the next one; {environment} goes straight to the first.",
    },
    Step {
        ends: &["next-pane", "previous-pane"],
        text: "Pods and the release queue have lists of their own. Press {next-pane} to go from one to the next.",
    },
    Step {
        ends: &["open"],
        text: "Press {open}: it opens what is selected, a release step by step, a pod with its events. That changes nothing.",
    },
    Step { ends: &["back"], text: "{back} goes back, from everywhere. Press it." },
    Step {
        ends: &["inbox"],
        text: "Press {inbox}: everything that waits for you, in all clusters. Bob's release comes there soon; {approve} approves it, after asking.",
    },
    Step {
        ends: &["rollback"],
        text: "{back}; then, as when a version goes bad, {rollback}: the versions to go back to. It only looks: nothing is done before you typed the phrase.",
    },
    Step {
        ends: &["diff"],
        text: "It worked in staging? Press {diff}: what differs between the two, live: versions, settings, limits, hosts.",
    },
    Step {
        ends: &["help"],
        text: "Press {help}: every key of the place where you are. {palette} takes every command by its name, also those without a key.",
    },
];

/// How far a person has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tour {
    /// Place of the present step in [`STEPS`].
    pub step: usize,
}

impl Tour {
    /// The present step.
    #[must_use]
    pub fn present(self) -> Option<&'static Step> {
        STEPS.get(self.step)
    }
}
