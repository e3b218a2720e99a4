//! The steps of a plan in a few words.

use std::fmt;

use crate::api::names::ComponentName;
use crate::api::release::PlanStep;
use crate::api::strategy::Step;

/// What a step does, in a few words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepWords<'a>(pub &'a PlanStep);

impl fmt::Display for StepWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PlanStep::Roll(roll) => {
                f.write_str("roll ")?;
                list(f, roll.components.iter().map(ComponentName::as_str))
            }
            PlanStep::Part(part) => {
                write!(f, "roll {}% of ", part.percent)?;
                list(f, part.components.iter().map(ComponentName::as_str))
            }
            PlanStep::Smoke(smoke) if smoke.probes == 1 => f.write_str("smoke test"),
            PlanStep::Smoke(smoke) => write!(f, "{} smoke tests", smoke.probes),
            PlanStep::Bake(bake) => write!(f, "watch for {}", bake.duration),
            PlanStep::Canary(step) => canary(f, step),
            PlanStep::Raise(raise) => write!(f, "bring up {}", raise.track),
            PlanStep::Switch(switch) => write!(f, "switch to {}", switch.track),
            PlanStep::Keep(keep) => write!(f, "keep the way back for {}", keep.duration),
            PlanStep::Settle(settle) => write!(f, "move in and remove {}", settle.track),
        }
    }
}

fn canary(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    match step {
        Step::SetWeight(weight) => write!(f, "weight {weight}"),
        Step::Pause(pause) => match pause.duration {
            Some(duration) => write!(f, "pause {duration}"),
            None => f.write_str("pause until promoted"),
        },
        Step::Analysis(analysis) if analysis.names.is_empty() => f.write_str("analysis"),
        Step::Analysis(analysis) => {
            f.write_str("analysis ")?;
            list(f, analysis.names.iter().map(String::as_str))
        }
        Step::Approval(approval) if approval.slots.is_empty() => f.write_str("approval"),
        Step::Approval(approval) => {
            f.write_str("approval ")?;
            list(f, approval.slots.iter().map(String::as_str))
        }
        Step::Checklist(checklist) if checklist.items.is_empty() => f.write_str("checklist"),
        Step::Checklist(checklist) => write!(f, "checklist of {}", checklist.items.len()),
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, words: impl Iterator<Item = &'a str>) -> fmt::Result {
    for (at, word) in words.enumerate() {
        write!(f, "{}{word}", if at > 0 { ", " } else { "" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_are_said_in_a_few_words() {
        for (step, expected) in [
            (json!({"roll": {"components": ["backend", "frontend"], "wave": 0}}), "roll backend, frontend"),
            (json!({"canary": {"setWeight": 10}}), "weight 10%"),
            (json!({"canary": {"pause": {"duration": "5m"}}}), "pause 5m"),
            (json!({"canary": {"pause": {}}}), "pause until promoted"),
            (json!({"canary": {"analysis": {"names": ["errors"]}}}), "analysis errors"),
            (json!({"canary": {"approval": {"slots": ["leads", "any"]}}}), "approval leads, any"),
            (json!({"canary": {"checklist": {"items": ["a", "b"]}}}), "checklist of 2"),
            (json!({"switch": {"track": "green", "components": []}}), "switch to green"),
        ] {
            let step: PlanStep = serde_json::from_value(step).unwrap();
            assert_eq!(StepWords(&step).to_string(), expected);
        }
    }
}
