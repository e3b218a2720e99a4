//! What people have to say: approvals, an earlier no, and what break-glass has left to review.

use super::{APPROVAL, Case, Gate};
use crate::api::release::{ApprovalState, ComponentImage, Phase, Release, ReleaseKind};
use crate::domain::approval::Tally;
use crate::domain::{debt, governing, identity, image_version, lane};

/// The slots of the review.
pub(super) fn approval(case: &Case<'_>, no_self_approval: bool, tally: Option<&Tally>) -> Gate {
    let Some(tally) = tally else {
        return Gate::no_data(APPROVAL, "approvals are not counted yet").cleared_by("the controller");
    };
    let (taken, needed) = tally.count();
    if tally.is_enough() {
        return Gate::pass(APPROVAL, format!("{taken} of {needed} people"));
    }
    let missing = tally.missing().join(", ");
    let mut who = case.someone_with("approve");
    if no_self_approval {
        who = format!("{who}, not {}", case.person(&case.release().spec.requested_by));
    }
    let is_stale = tally.records.iter().any(|record| record.state == ApprovalState::Stale);
    let changed = case.plan.changed.as_ref().filter(|_| is_stale);
    let changed = changed.map_or(String::new(), |change| format!("; {}", governing::sentence(change)));
    let requester = &case.release().spec.requested_by;
    let is_automation =
        requester.starts_with("system:serviceaccount:") && case.person(requester) == requester;
    let automation = if no_self_approval && is_automation {
        "; requested by automation: spec.identity.people names nobody behind it, so its author may approve"
    } else {
        ""
    };
    Gate::wait(APPROVAL, format!("{taken} of {needed} people; open: {missing}{changed}{automation}"))
        .cleared_by(who)
        .command(case.on_release("approve", ""))
}

/// A person has said no to these very images here. Nothing where nobody has.
///
/// Whoever said no may think better of it, by approving this release.
pub(super) fn rejected(case: &Case<'_>, tally: Option<&Tally>) -> Option<Gate> {
    const NAME: &str = "rejected";
    let me = case.release();
    let no = case
        .observed
        .others
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| other.phase() == Phase::Rejected && other.spec.environment == me.spec.environment)
        .filter(|other| repeats(case, other))
        .max_by_key(|other| other.status.as_ref().and_then(|status| status.finished_at))?;
    let status = no.status.as_ref()?;
    let name = no.metadata.name.as_deref().unwrap_or_default();
    let entry = status.timeline.iter().rev().find(|entry| entry.reason == "Rejected");
    let by = entry.map_or("someone", |entry| entry.by.as_str());
    let person = case.person(by);
    let is_theirs = |actor: &str| identity::is_same_in(Some(case.environment), actor, by);
    let thought_better = tally.is_some_and(|tally| {
        tally.records.iter().any(|r| r.state == ApprovalState::Counted && is_theirs(&r.actor))
    });
    if thought_better {
        return Some(Gate::pass(NAME, format!("{person} rejected {name}, and has approved this release")));
    }
    let who = format!(
        "{person}, by approving this release; a release with other images; {}",
        case.someone_with("override")
    );
    let detail = format!("{name} with the same images was {}", status.message);
    Some(Gate::fail(NAME, detail).cleared_by(who).command(case.by_force(NAME)))
}

/// Whether this release brings what `other` brought: of the components that both name, nothing but what may be the same content.
/// One more component, one less, or a digest in place of a tag make no other release of it.
fn repeats(case: &Case<'_>, other: &Release) -> bool {
    let me = case.release();
    let versions = case.environment.spec.versions.as_ref();
    let mut common = me.spec.images.iter().filter_map(|mine| {
        let theirs = other.spec.images.iter().find(|image| image.component == mine.component)?;
        Some((mine, theirs))
    });
    let is_same = |(mine, theirs): (&ComponentImage, &ComponentImage)| {
        let (mine, theirs) = (mine.image.as_str(), theirs.image.as_str());
        image_version::may_be_same(versions, (mine, &me.spec.version), (theirs, &other.spec.version))
    };
    let Some(first) = common.next() else { return false };
    is_same(first) && common.all(is_same)
}

/// What break-glass has left behind waits for another person. Nothing where nothing is owed.
pub(super) fn post_review(case: &Case<'_>) -> Option<Gate> {
    const NAME: &str = super::POST_REVIEW;
    let debts = case.environment.status.as_ref().map_or(&[][..], |status| status.debts.as_slice());
    let open: Vec<_> = debts.iter().filter(|debt| !debt::is_own(case.release(), case.status, debt)).collect();
    let first = open.first()?;
    let more = match open.len() {
        1 => String::new(),
        several => format!(", and {} more", several.saturating_sub(1)),
    };
    let incident = first.incident.as_ref().map_or(String::new(), |incident| format!(" ({incident})"));
    let debtor = case.person(&first.by);
    let detail = format!("{} by {debtor}{incident} has not been reviewed{more}", first.what);
    let who = format!("{}, not {debtor}", case.someone_with("approve"));
    let command = case.on_environment("review", &format!("{} --reason '…'", first.id));
    Some(Gate::wait(NAME, detail).cleared_by(who).command(command))
}

/// Whether there is room for what this release would leave to review. Nothing where it leaves nothing, or where there is room.
///
/// No debt is ever dropped: beyond the bound no further glass is broken. Rollbacks have room of their own.
pub(super) fn break_glass(case: &Case<'_>) -> Option<Gate> {
    let new = debt::would_owe(case.release(), case.status, case.now);
    let debts = case.environment.status.as_ref().map_or(&[][..], |status| status.debts.as_slice());
    let open = debts.iter().filter(|debt| !debt::is_own(case.release(), case.status, debt)).count();
    let is_rollback = case.release().spec.kind == ReleaseKind::Rollback;
    let most = if is_rollback { debt::ROOM } else { debt::MOST };
    if new == 0 || open.saturating_add(new) <= most {
        return None;
    }
    let first = debts.first().map_or("", |debt| debt.id.as_str());
    let detail =
        format!("{open} emergencies and forced gates wait for a review; {most} is the most that may");
    let without = if is_rollback { "; or the same rollback without emergency" } else { "" };
    Some(
        Gate::fail(super::BREAK_GLASS, detail)
            .cleared_by(format!("reviews of them{without}"))
            .command(case.on_environment("review", &format!("{first} --reason '…'"))),
    )
}

/// Whose turn it is, as a release that waits sees it.
pub(super) fn turn(case: &Case<'_>) -> Gate {
    let (me, others) = (case.release(), &case.observed.others);
    let ahead = lane::ahead(me, others);
    let place = lane::ordinal(ahead.len().saturating_add(1));
    match lane::turn(me, others) {
        lane::Turn::Free => Gate::pass(lane::GATE, "free"),
        lane::Turn::Taken { name, since } => {
            let since =
                since.map_or(String::new(), |at| format!(" since {}", at.format("%Y-%m-%d %H:%M:%SZ")));
            Gate::wait(lane::GATE, format!("queued: {place} behind {name}, which executes{since}"))
                .cleared_by(format!("the end of {name}"))
        }
        lane::Turn::Behind(name) => {
            let detail = format!("queued: {place}, behind {name}, which is older and ready as well");
            Gate::wait(lane::GATE, detail).cleared_by(format!("the end of {name}"))
        }
    }
}
