//! `release-cockpit`: hooks, TLS provider, arguments, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // one TLS provider for the whole process, before any client is built
    rustls::crypto::ring::default_provider().install_default().ok();
    if color_eyre::install().is_err() {
        return ExitCode::FAILURE;
    }
    release_cockpit::cli::run(std::env::args_os())
}
