//! Mistyped durations and environments in commands.

use super::*;

#[test]
fn a_misread_duration_becomes_no_reason() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (words, is_asked) in [
        ("freeze 2hours INC-1 the database is full".to_owned(), false),
        ("freeze stagin 2h the database is full".to_owned(), false),
        ("freeze 2h retries within 5m fail".to_owned(), true),
        ("freeze the database is full".to_owned(), true),
        (format!("deny {digest} 2days it leaks"), false),
        (format!("deny {digest} 2d leaks within 5m"), true),
    ] {
        let world = planera().typing(&line(&words));
        assert_eq!(world.store().ui.overlay().is_some(), is_asked, "{words}");
    }
}

#[test]
fn no_command_takes_a_misread_duration() {
    let waiting = || {
        let frozen = release("production", "production-v1-8-2-cc").planned().waiting_for_approval();
        planera().with_release(frozen).typing("2")
    };
    for words in [
        "drive 2hours",
        "drive 2 h",
        "drive -5m",
        "drive 0",
        "drive 9h",
        "drive soon 2h",
        "override approval 2hours INC-1 it burns",
        "override approval 2 h INC-1 it burns",
        "override approval -5m INC-1 it burns",
        "override approval 0s INC-1 it burns",
        "override approval 5h INC-1 it burns",
        "override approval INC-1 2h it burns",
        "freeze -5m it burns",
        "freeze 0s it burns",
        "freeze 2 h it burns",
    ] {
        let mut store = waiting().store();
        let effects = press(&mut store, &line(words));
        assert_eq!((effects, store.ui.overlay().is_some()), (Vec::new(), false), "{words}");
        let said = said(&store);
        let command = words.split(' ').next().unwrap();
        assert!(
            said.starts_with(&format!("{command}: `")) && said.contains(&format!(":{command} ")),
            "{words}: {said}"
        );
    }
    // what is read right is asked
    for words in ["drive 2h", "drive", "freeze 2h it burns"] {
        let store = waiting().typing(&line(words)).store();
        assert!(store.ui.overlay().is_some(), "{words}: {}", said(&store));
    }
}

/// A mistyped environment is not read as a reason to stop the selected one.
#[test]
fn a_mistyped_environment_is_refused() {
    for (words, said_of_it) in [
        ("stop stagin all of it off", "Did you mean planera/staging?"),
        ("unfreeze prodution drill is over", "Did you mean planera/production?"),
        ("pause production2 hold it now", "Did you mean planera/production?"),
        ("abort prod it burns", "Did you mean planera/production?"),
        ("freeze planera/stagng 2h INC-1", "Did you mean planera/staging?"),
        ("stop Staging it burns", "Did you mean planera/staging?"),
        ("pause stg it burns", "Did you mean planera/staging?"),
        ("stop production/planera it burns", "Did you mean planera/production?"),
        ("stop planera/prd it burns", "Did you mean planera/production?"),
        ("unfreeze production: done", "Did you mean planera/production?"),
        ("stop planera it burns", "could be any of planera/"),
    ] {
        let release = release("production", "production-v1-8-2-cc").planned().waiting_for_approval();
        let mut store = planera().with_release(release).typing("2").store();
        let effects = press(&mut store, &line(words));
        assert_eq!((effects, store.ui.overlay().is_some()), (Vec::new(), false), "{words}");
        let said = said(&store);
        assert!(said.contains(said_of_it) && said.ends_with("Nothing was sent."), "{words}: {said}");
    }
    for words in [
        "stop it burns",
        "stop the release is bad",
        "stop pod crashes",
        "stop and/or freeze",
        "stop staging it burns",
    ] {
        let release = release("staging", "staging-v1-8-2-cc").planned().waiting_for_approval();
        let mut store = planera().with_release(release).typing("1").store();
        press(&mut store, &line(words));
        assert!(store.ui.overlay().is_some(), "{words}: {}", said(&store));
    }
}
