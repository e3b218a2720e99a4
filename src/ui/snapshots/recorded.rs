//! Recorded pictures: one folder of `tests/snapshots` per kind, and no file that no test writes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{metrics, mono, parted, pictures, toured};

/// The pictures of one folder: names and contents.
#[derive(Default)]
pub(super) struct Pictures(Vec<(String, String)>);

impl Pictures {
    /// Adds a picture under its name, which is its file's name.
    pub(super) fn add(&mut self, name: String, content: String) {
        self.0.push((name, content));
    }

    /// Some picture with that content is there.
    pub(super) fn has(&self, content: &str) -> bool {
        self.0.iter().any(|(_, known)| known == content)
    }
}

/// A folder of pictures is one line: it becomes a test, and the only owner of the files in its folder.
macro_rules! folders {
    ($($folder:ident: $pictures:expr,)+) => {
        $(#[test] fn $folder() { compare(stringify!($folder), $pictures); })+
        const FOLDERS: &[&str] = &[$(stringify!($folder)),+];
    };
}

folders! {
    alone: metrics::alone(),
    ascii: pictures::ascii(),
    metric: metrics::panes(),
    mono: mono::pictures(),
    panes: pictures::panes(),
    screens: pictures::screens(),
    sections: parted::pictures(),
    tour: toured::pictures(),
    tracks: pictures::tracks(),
    windows: pictures::windows(),
    zoom: metrics::zooms(),
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// Names of the files in a directory that insta compares with, without their ending.
fn recorded(directory: PathBuf) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "snap"));
    files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// Compares the pictures with the files of their folder, which holds no other file.
fn compare(folder: &str, pictures: Pictures) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut names = BTreeSet::new();
    for (name, content) in pictures.0 {
        settings.bind(|| insta::assert_snapshot!(name.as_str(), content));
        assert!(names.insert(name.clone()), "two pictures are named {folder}/{name}");
    }
    let unwritten: Vec<String> = recorded(root().join(folder)).difference(&names).cloned().collect();
    assert!(
        unwritten.is_empty(),
        "no test writes these files of tests/snapshots/{folder}; delete them: {unwritten:?}"
    );
}

#[test]
fn every_recorded_file_is_in_a_folder_of_the_table() {
    let found: BTreeSet<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, FOLDERS.iter().map(|folder| (*folder).to_owned()).collect());
}
