//! Events: whose are followed, what is listed, which warnings belong to a release.

use super::keys::{press, typed};
use crate::app::fixtures::{environment_id, event, planera};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::store::Store;

fn followed(effects: &[Effect]) -> Vec<Vec<String>> {
    let follow = |effect: &Effect| match effect {
        Effect::Background(BackgroundEffect::FollowEvents { namespaces, .. }) => {
            Some(namespaces.iter().map(ToString::to_string).collect())
        }
        _ => None,
    };
    effects.iter().filter_map(follow).collect()
}

fn listed(store: &Store) -> Vec<(&str, u32, usize)> {
    store.rows.events.iter().map(|group| (&*group.reason, group.count, group.objects)).collect()
}

#[test]
fn events_are_followed_while_a_view_wants_them() {
    let (mut store, effects) = typed(planera(), "E");
    let namespace = environment_id("production").key.namespace.to_string();
    assert_eq!(followed(&effects), [vec![namespace.clone()]]);
    assert!(followed(&press(&mut store, "j W W")).is_empty());
    assert_eq!(followed(&press(&mut store, "esc")), [Vec::<String>::new()]);
    // the release's view wants them too, and going from one to the other asks nothing
    assert_eq!(followed(&press(&mut store, "enter")), [vec![namespace]]);
    assert!(followed(&press(&mut store, "E")).is_empty());
}

#[test]
fn they_are_gathered_filtered_and_warnings_come_alone() {
    let mut world = planera();
    for pod in ["backend-7f9c6d-2xk4p", "backend-7f9c6d-9qqlm"] {
        world =
            world.with_event("production", event(20, "BackOff", pod, &format!("Back-off restarting {pod}")));
        world = world.with_event("production", event(60, "Pulled", pod, "Successfully pulled image"));
    }
    world = world.with_event("staging", event(1, "Killing", "backend-1-aaaaa", "Stopping container"));
    let (mut store, _) = typed(world, "E");
    assert_eq!(listed(&store), [("BackOff", 2, 2), ("Pulled", 2, 2)]);
    press(&mut store, "W");
    assert_eq!(listed(&store), [("BackOff", 2, 2)]);
    press(&mut store, "W / pulled enter");
    assert_eq!(listed(&store), [("Pulled", 2, 2)]);
    assert_eq!(store.rows.events_total, 2);
    press(&mut store, "esc / ! warning enter");
    assert_eq!(listed(&store), [("Pulled", 2, 2)]);
    press(&mut store, "esc esc");
    assert!(store.rows.events.is_empty());
}

#[test]
fn warnings_stand_beside_the_release_that_they_belong_to() {
    let world = planera()
        .with_event("production", event(1, "BackOff", "backend-7f9c6d-2xk4p", "now"))
        .with_event("production", event(86_400 * 30, "BackOff", "backend-7f9c6d-2xk4p", "long before it"))
        .with_event("production", event(1, "Unhealthy", "postgres-0", "of something else"))
        .with_event("production", event(1, "Pulled", "backend-7f9c6d-2xk4p", "no warning at all"));
    let (store, _) = typed(world, "enter");
    let told: Vec<&str> = store.rows.warnings.iter().map(|group| &*group.message).collect();
    assert_eq!(told, ["now"]);
}
