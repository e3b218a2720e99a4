//! The contract, against the real API server.

use crate::world;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_api_server_keeps_the_contract() {
    let Some(world) = world::world().await else { return };
    crate::contract::run_all(6, &[], |check| async move { world.backend(check).await }).await;
}
