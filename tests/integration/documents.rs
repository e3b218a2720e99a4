//! What is printed and what is committed are the same: regenerated here and compared.
//!
//! `RELEASE_COCKPIT_UPDATE=1 cargo test --test integration documents` writes the files anew.

use std::fs;
use std::path::Path;

use release_cockpit::cli::{crds, key_table, sample_keymap};
use release_cockpit::config::registry;

/// Compares a file with what the program prints.
pub(crate) fn same(path: &str, printed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("RELEASE_COCKPIT_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, printed).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let first = committed.lines().zip(printed.lines()).position(|(a, b)| a != b);
    assert!(
        committed == printed,
        "{} is out of date from line {}: run RELEASE_COCKPIT_UPDATE=1 cargo test --test integration documents",
        path.display(),
        first.unwrap_or_else(|| committed.lines().count().min(printed.lines().count())) + 1
    );
}

#[test]
fn the_definitions_are_those_of_the_types() {
    same("assets/manifests/crds.yaml", &crds().unwrap());
}

#[test]
fn the_sample_settings_are_the_registrys() {
    same("config/release-cockpit.toml", &registry::sample());
}

#[test]
fn the_sample_key_map_is_the_registrys() {
    same("config/keymap.toml", &sample_keymap());
}

#[test]
fn the_readmes_keys_are_the_registrys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- keys: begin -->\n", "<!-- keys: end -->");
    let (before, rest) = readme.split_once(begin).expect("the README marks where its key table begins");
    let (_, after) = rest.split_once(end).expect("the README marks where its key table ends");
    same("README.md", &format!("{before}{begin}{}{end}{after}", key_table()));
}
