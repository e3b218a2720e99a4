//! Stops are judged within seconds, whatever else hangs, fails or panics.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::faulty::{Fault, faulty};
use super::*;

/// Within which a stop is judged on a machine that does much else; the deadline itself is far below.
const SOON: Duration = Duration::from_secs(20);

/// Deadlines that pass while a test waits.
const SHORT: Deadlines = Deadlines {
    request: Duration::from_secs(4),
    reconcile: Duration::from_secs(10),
    stop: Duration::from_secs(5),
    watch: Duration::from_secs(30),
};

impl Stage {
    fn short(&self, client: Client, faults: Faults) -> JoinHandle<Result<(), controller::Error>> {
        self.replica(client, ControllerOptions { deadlines: SHORT, ..self.options("one") }, faults)
    }

    async fn judged_soon(&self, user: &str, namespace: &str, action: &str) -> (ActionResult, String) {
        let ordered = tokio::time::timeout(SOON, self.order(user, namespace, action, json!({}))).await;
        ordered.unwrap_or_else(|_| panic!("{action} was not judged within {SOON:?}"))
    }
}

fn is_deployment(path: &str) -> bool {
    path.contains("/deployments/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_do_not_wait_for_an_answer_that_never_comes() {
    let stage = Stage::open().await;
    let hangs = Arc::new(AtomicBool::new(false));
    let rule = hangs.clone();
    let client = faulty(&stage.client("controller"), move |method, path| {
        let is_lost = rule.load(Ordering::Relaxed) && method == "GET" && is_deployment(path);
        if is_lost { Fault::Hang } else { Fault::Pass }
    });
    let controller = stage.short(client, Faults::default());
    stage.pause_between_waves().await;
    let running = stage.ask("ci", STAGING, "v1.8.2").await;
    stage.when(&running, |release| release.phase() == Phase::Paused).await;
    let waiting = stage.ask("ci", STAGING, "v1.8.3").await;
    stage.when(&waiting, |release| release.status.is_some()).await;
    hangs.store(true, Ordering::Relaxed);
    let (result, message) = stage.judged_soon("carol", STAGING, "Freeze").await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    for (release, action, phase) in
        [(&waiting, "Abort", Phase::Aborted), (&running, "Abort", Phase::RollingBack)]
    {
        let acted = tokio::time::timeout(SOON, stage.act("alice", release, action, json!({}))).await;
        assert_eq!(acted.expect("it was not judged soon").0, ActionResult::Applied);
        stage.when(release, |release| release.phase() == phase).await;
    }
    hangs.store(false, Ordering::Relaxed);
    // what was to be put back is put back once there are answers again
    assert_eq!(stage.when_final(&running).await.phase(), Phase::Aborted);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lost_answer_delays_a_release_and_does_not_end_it() {
    let stage = Stage::open().await;
    let lost = Arc::new(AtomicUsize::new(0));
    let rule = lost.clone();
    // the first answer of each kind is lost, a write after it took effect
    let client =
        faulty(&stage.client("controller"), move |method, path| match (method, is_deployment(path)) {
            ("GET", true) if rule.fetch_or(1, Ordering::Relaxed) & 1 == 0 => Fault::Hang,
            ("PATCH", true) if rule.fetch_or(2, Ordering::Relaxed) & 2 == 0 => Fault::Lose,
            ("PATCH", false)
                if path.contains("/releases/") && rule.fetch_or(4, Ordering::Relaxed) & 4 == 0 =>
            {
                Fault::Lose
            }
            _ => Fault::Pass,
        });
    let controller = stage.short(client, Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let done = stage.when_final(&asked).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    assert_eq!(lost.load(Ordering::Relaxed), 7, "some answer was not lost");
    assert_eq!(reasons(&done).iter().filter(|reason| **reason == "Started").count(), 1);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_restart_is_refused_and_keeps_no_stop_waiting() {
    let stage = Stage::open().await;
    let code = Arc::new(AtomicUsize::new(503));
    let rule = code.clone();
    let client = faulty(&stage.client("controller"), move |method, path| {
        let code = rule.load(Ordering::Relaxed);
        let code = u16::try_from(code).unwrap();
        if method == "PATCH" && is_deployment(path) { Fault::Refuse(code) } else { Fault::Pass }
    });
    let controller = stage.short(client, Faults::default());
    let restart = json!({"component": "backend"});
    let waiting = stage.order_quietly("carol", STAGING, "Restart", restart.clone()).await;
    // why it waits stands on it
    let actions: Api<ReleaseAction> = Api::namespaced(stage.client("carol"), STAGING);
    let says_why = |action: Option<&ReleaseAction>| {
        action.and_then(|action| action.status.as_ref()).is_some_and(|status| {
            status.result.is_none()
                && status.message.as_deref().is_some_and(|why| why.contains("no more changes today"))
        })
    };
    tokio::time::timeout(PATIENCE, await_condition(actions, &waiting, says_why)).await.unwrap().unwrap();
    for action in ["Freeze", "AbortAll"] {
        let (result, message) = stage.judged_soon("carol", STAGING, action).await;
        assert_eq!(result, ActionResult::Applied, "{message}");
    }
    code.store(403, Ordering::Relaxed);
    let (result, message) = stage.answer("carol", STAGING, &waiting).await;
    assert_eq!(result, ActionResult::Refused);
    assert!(message.contains("no more changes today"), "{message}");
    let (result, message) = stage.order("carol", STAGING, "Restart", restart).await;
    assert_eq!(result, ActionResult::Refused, "{message}");
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_one_release_as_errored_and_nothing_else() {
    let stage = Stage::open().await;
    let faults = Faults::kill_when(|cut| {
        assert!(cut.object != "planera-v1-8-2" || cut.phase != Phase::Progressing, "no such step");
        false
    });
    let controller = stage.controller(faults);
    let broken = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(broken.phase(), Phase::Errored);
    let status = broken.status.as_ref().unwrap();
    assert!(status.message.contains("no such step") && status.finished_at.is_some(), "{}", status.message);
    assert!(reasons(&broken).contains(&"ReconcilePanicked"));
    let next = stage.when_final(&stage.ask("ci", STAGING, "v1.8.3").await).await;
    assert_ne!(next.phase(), Phase::Errored, "{:#?}", next.status);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_hangs_at_the_start_is_asked_again() {
    let stage = Stage::open().await;
    let lists = Arc::new(AtomicUsize::new(0));
    let rule = lists.clone();
    let client = faulty(&stage.client("controller"), move |method, path| {
        let is_list = method == "GET" && path.contains("/releaseactions?") && !path.contains("watch=");
        if is_list && rule.fetch_add(1, Ordering::Relaxed) == 0 { Fault::Hang } else { Fault::Pass }
    });
    let controller = stage.short(client, Faults::default());
    let done = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    assert!(lists.load(Ordering::Relaxed) > 1);
    stage.close(controller).await;
}
