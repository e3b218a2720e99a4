//! What is printed and what is committed are the same: regenerated here and compared.
//!
//! `RELEASE_COCKPIT_UPDATE=1 cargo test --test integration documents` writes the files anew.

use std::fs;
use std::path::Path;

use release_cockpit::cli::{crds, key_page, sample_keymap};
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
fn the_page_of_keys_is_the_registrys() {
    same("assets/docs/keys.md", &key_page());
}

/// Every relative link in the documentation leads to a file, and the README stays short.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join(".github/CONTRIBUTING.md")];
    pages.extend(fs::read_dir(root.join("assets/docs")).unwrap().map(|entry| entry.unwrap().path()));
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = page.parent().unwrap().join(link);
            assert!(link.starts_with("http") || path.exists(), "{}: {link}", page.display());
        }
    }
    let readme = fs::read_to_string(&pages[0]).unwrap();
    assert!(readme.lines().count() <= 150, "the README is too long");
}
