//! Why a release does not go on: its gates, what we could do, and the API server's own word, asked by a dry run of the very object.

use crate::api::release::GateState;
use crate::api::{ActionKind, Release, ReleaseAction, Verb};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::Outcome;
use crate::app::state::located::{ClusterId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Target};
use crate::app::state::view::{Focus, ServerWord, View, WhyView};
use crate::app::state::view_row::{Enter, ViewRow};
use crate::app::{act, guard, needs, views};
use crate::domain::intent::{self, Act, Author};
use crate::domain::why::{Reason, explain};

/// Gates that the API server judges as well, when a release is asked for.
const ADMISSION: [&str; 3] = ["policy", "frozen", "deny-list"];

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "why",
    is: |view| matches!(view, View::Why(_)),
    panes: &[Focus::Why],
    environment: |store| store.environment_of(&opened(store)?),
    target: |store| Target { environment: store.focused_environment(), release: opened(store), pod: None },
    go: |store, step, _| {
        let Store { ui, clusters, .. } = store;
        let Some(View::Why(view)) = ui.views.last_mut() else { return };
        let gates = clusters
            .get(usize::from(view.id.cluster.0))
            .and_then(|cluster| cluster.releases.get(&view.id.key))
            .and_then(|release| release.status.as_ref())
            .map_or(0, |status| status.gates.len() + 1);
        view.offset = step.scroll(view.offset, gates, 1);
    },
    enter: Some(Enter {
        availability: |_, _| Availability::Ready,
        run: |store, invocation| {
            views::open_subject(store, &invocation.target);
            Vec::new()
        },
    }),
    ..ViewRow::ROW
};

fn opened(store: &Store) -> Option<ReleaseId> {
    let View::Why(view) = store.ui.view() else { return None };
    Some(view.id.clone())
}

/// Opens the view of that release, and asks the server what it would say.
pub(super) fn open(store: &mut Store, id: ReleaseId) -> Vec<Effect> {
    let asked = ask(store, &id);
    let (server, effects) = match asked {
        Ok((what, request, effect)) => (ServerWord::Asked { what, request }, vec![effect]),
        Err(reason) => (ServerWord::NotAsked(reason), Vec::new()),
    };
    let ours = ours(store, &id);
    views::push(store, View::Why(WhyView { id, ours, server, offset: 0 }));
    effects
}

/// Everything that a release waits for, what keeps its pods from getting well before all else.
#[must_use]
pub(crate) fn reasons(store: &Store, id: &ReleaseId) -> Vec<Reason> {
    let Some(release) = store.release(id) else { return Vec::new() };
    let cause = store.rows.causes.get(id).map(|case| Reason {
        gate: "cause".to_owned(),
        state: GateState::Fail,
        detail: case.sentence(case.subject.name()),
        who: None,
        clears_at: None,
        command: Some(case.diagnosis.remedy.clone()),
    });
    cause.into_iter().chain(explain(release, store.now)).collect()
}

/// Why we could not approve it or bring it here ourselves, as far as this terminal can tell; absent when we could.
#[must_use]
pub(crate) fn ours(store: &Store, id: &ReleaseId) -> Option<String> {
    let release = store.release(id)?;
    let environment = store.environment_of(id)?;
    if let Some(frozen) = guard::freeze(store, &environment) {
        return Some(frozen);
    }
    if release.phase() == crate::api::Phase::Pending && needs::waits_for_approval(release) {
        return act::why_not(store, id, ActionKind::Approve);
    }
    None
}

/// What the server is asked about, the question, and the dry run that asks it.
pub(crate) type Asked = (&'static str, RequestId, Effect);

/// The dry run that tells most: of our approval where one is missing, else of the same release asked for by us. Nothing is sent that
/// the server would answer with a lack of permission. Where nothing is asked, one sentence says why.
pub(crate) fn ask(store: &mut Store, id: &ReleaseId) -> Result<Asked, String> {
    let missing = || "the API server was not asked: its Environment or the release was deleted".to_owned();
    let environment_id = store.environment_of(id).ok_or_else(missing)?;
    let release = store.release(id).ok_or_else(missing)?;
    if release.phase().is_final() {
        return Err(format!("the server was not asked: it has ended ({})", release.phase()));
    }
    if release.phase().holds_lane() {
        return Err("the server was not asked: it is being carried out".to_owned());
    }
    let environment = store.environment(&environment_id).cloned().ok_or_else(missing)?;
    let release = release.clone();
    let request = store.next_request();
    let nonce = format!("{}-{}", store.session, request.0);
    let may = |verb| guard::permission(store, &environment_id, verb).is_none();
    // what admission itself judges tells more than an approval, which it would take
    let stopped = act::gates(&release).any(|gate| {
        gate.state != GateState::Pass && ADMISSION.contains(&gate.name.as_str()) && may(Verb::Deploy)
    });
    let approves = !stopped && needs::waits_for_approval(&release) && may(Verb::Approve);
    let identity = store.cluster(id.cluster).and_then(|cluster| cluster.identity.clone()).unwrap_or_default();
    let author = Author { user: &identity.user, groups: &identity.groups };
    if approves
        && let Ok(action) = intent::action(
            &release,
            Some(&environment),
            ActionKind::Approve,
            author,
            (&Act::default(), &nonce),
        )
    {
        return Ok(("your approval", request, dry_action(id.cluster, action, request)));
    }
    if let Some(reason) = guard::permission(store, &environment_id, Verb::Deploy) {
        return Err(format!("the server was not asked: {reason}"));
    }
    Ok(("the same release, asked for by you", request, dry_release(id, (&release, author.user), request)))
}

fn dry_action(cluster: ClusterId, action: ReleaseAction, request: RequestId) -> Effect {
    Effect::Background(BackgroundEffect::CreateAction {
        cluster,
        action: Box::new(action),
        dry_run: true,
        request,
    })
}

/// The same under another name, since its own is taken.
fn dry_release(id: &ReleaseId, (release, user): (&Release, &str), request: RequestId) -> Effect {
    let stem: String = id.key.name.chars().take(50).collect();
    let mut copy = Release::new(&format!("{stem}-why-{}", request.0), release.spec.clone());
    copy.metadata.namespace.clone_from(&release.metadata.namespace);
    user.clone_into(&mut copy.spec.requested_by);
    Effect::Background(BackgroundEffect::CreateRelease {
        cluster: id.cluster,
        release: Box::new(copy),
        dry_run: true,
        request,
    })
}

/// Takes the server's word in; tells whether the answer was to such a question.
pub(super) fn answered(store: &mut Store, request: RequestId, outcome: &Outcome) -> bool {
    let asked = store.ui.views.iter_mut().find_map(|view| match view {
        View::Why(why) => match why.server {
            ServerWord::Asked { what, request: waits } if waits == request => Some((what, why)),
            _ => None,
        },
        _ => None,
    });
    let Some((what, why)) = asked else { return false };
    why.server = match outcome {
        Outcome::WouldPass | Outcome::Accepted { .. } => ServerWord::Accepts(what),
        Outcome::Refused(reason) => ServerWord::Refuses { what, reason: reason.clone() },
        Outcome::Unknown(reason) => ServerWord::NotAsked(format!("the server did not answer: {reason}")),
        Outcome::Text(_) | Outcome::Snapshot(_) | Outcome::Saved(_) => {
            ServerWord::NotAsked("the server did not answer".to_owned())
        }
    };
    true
}
