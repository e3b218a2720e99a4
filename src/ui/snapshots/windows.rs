//! Worlds for the snapshots of windows and of screens in trouble.

use crate::api::condition::{Condition, ConditionStatus};
use crate::api::environment::{Debt, Frozen, Gates, InFlight};
use crate::api::release::Driver;
use crate::api::{Duration, Phase};
use crate::app::fixtures::{World, ago, canary_paused, environment_id, planera, release};
use crate::app::state::toast::{Level, Toast};
use crate::app::state::ui_state::Overlay;

/// Windows above the home screen, opened by their keys.
pub(super) fn windows() -> Vec<(&'static str, World)> {
    let calm = || {
        let mut world = planera();
        world.store.ui.environments.selected = Some(environment_id("production"));
        world
    };
    let mut message = calm();
    message.store.ui.overlays.push(Overlay::Message {
        title: "Refused".into(),
        text: "SelfApproval: you asked for this release yourself; somebody else must approve it. The admission policy \
               of the API server says so, and no setting of this terminal changes it."
            .into(),
    });
    let mut sealed = calm();
    sealed.store.arming.production = true;
    let mut shell = calm();
    let namespace: Box<str> = "planera-production".into();
    shell.store.clusters[0].pod_access.insert(namespace, ["pods/exec", "pods/portforward"].into());
    let shell = shell.typing("tab f 0 tab deploy-to");
    let mut toast = calm();
    toast.store.toasts.push_back(Toast {
        level: Level::Error,
        text: "refused: needs approve on environments/production".into(),
        at: ago(1),
    });
    vec![
        ("help", calm().typing("?")),
        ("palette", calm().typing(": ap")),
        ("filter", calm().typing("tab / backend-")),
        ("deploy", calm().typing("n")),
        ("deploy-typed", calm().typing("n v1.8.3")),
        ("approve", calm().typing("v")),
        ("approve-typed", calm().typing("v deploy-to-prod")),
        ("reject", calm().typing("x")),
        ("freeze", calm().typing(": freeze space production space 2h space hold space INC-1 enter")),
        ("freeze-completion", calm().typing(": freeze space production space 2h space")),
        ("scale-to-nothing", calm().typing(": scale space backend space 0 enter")),
        ("emergency", calm().typing("R e INC-441")),
        ("weight", canary_paused().typing("+")),
        ("weight-refused", canary_paused().typing("+ backspace backspace 75")),
        ("weight-confirm", canary_paused().typing(": weight space 50 space good enter")),
        ("next-step", canary_paused().typing(">")),
        ("banners", troubled()),
        ("driven", driven()),
        ("inbox-of-many-kinds", inbox()),
        ("shell", shell),
        ("wide-columns", calm().typing("tab o")),
        ("read-only", sealed),
        ("message", message),
        ("toast", toast),
    ]
}

pub(super) fn changed(world: World, name: &str, change: impl Fn(&mut crate::api::Environment)) -> World {
    let mut environment = (**world.store.environment(&environment_id(name)).unwrap()).clone();
    change(&mut environment);
    world.with(environment)
}

fn debt() -> Debt {
    Debt {
        id: "production-rollback-1".into(),
        by: "bob".into(),
        at: ago(4_000),
        what: "emergency rollback to v1.8.1".into(),
        reason: "customers cannot pay".into(),
        incident: Some("INC-7".into()),
    }
}

/// Frozen, with a debt, and nobody attests identities.
fn troubled() -> World {
    changed(planera(), "production", |environment| {
        let status = environment.status.get_or_insert_default();
        status.debts = vec![debt()];
        status.frozen = Some(Frozen {
            by: "carol".into(),
            at: Some(ago(60)),
            until: Some(ago(-7_140)),
            reason: "the database is full".into(),
            in_flight: InFlight::Hold,
            incident: Some("INC-1".into()),
        });
        status.conditions.push(Condition {
            type_: "PoliciesEnforced".into(),
            status: ConditionStatus::False,
            reason: "Missing".into(),
            message: "2 of 5 admission policies are not installed: no approval counts".into(),
            last_transition_time: ago(600),
            observed_generation: None,
        });
    })
}

/// A release that somebody else drives, opened.
fn driven() -> World {
    let mut driven = release("production", "production-v1-8-2-cc")
        .version("v1.8.2", &["backend", "frontend"])
        .waiting_for_approval()
        .happened(240, "bob", "Requested", "asked for v1.8.2")
        .happened(70, "carol", "Paused", "looks at the logs");
    driven.0.status.get_or_insert_default().driver = Some(Driver {
        by: "bob".into(),
        since: ago(60),
        until: Some(ago(-245)),
        note: Some("the canary is odd: watch p99".into()),
    });
    planera().with_release(driven).typing("enter")
}

/// A review, a checklist, an approval and a decision.
fn inbox() -> World {
    let world = changed(troubled(), "production", |environment| {
        environment.spec.gates = Some(Gates {
            checklist: vec!["Team notified".into(), "Migrations tested".into()],
            ..Gates::default()
        });
        if let Some(approval) = &mut environment.spec.approval {
            approval.expires_after = Some(Duration::from_mins(60));
        }
    });
    let held = release("staging", "staging-v1-9-0-dd").version("v1.9.0", &["backend"]);
    let held = held.planned().phase(Phase::Held).says("error rate 11% for 5m").asked(90);
    world.with_release(held).typing("i")
}
