//! The program's command line, as people type it.

use std::path::Path;

use serde_json::Value;

use crate::world::{Ended, PROGRAM, World, run};

/// Runs the program as one person.
pub async fn cli(world: &World, who: &str, arguments: &[&str]) -> Ended {
    let kubeconfig = world.kubeconfig_of(who).display().to_string();
    let mut all = arguments.to_vec();
    all.extend(["--kubeconfig", &kubeconfig]);
    run(Path::new(PROGRAM), &all, "").await
}

/// The same with `-o json`, what it printed as such.
pub async fn told(world: &World, who: &str, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["-o", "json"]);
    let printed = cli(world, who, &all).await.ok();
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}
