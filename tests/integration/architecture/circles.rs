//! Circles of files that import each other. A file and the files of its own child modules count as one step: edges between a module
//! and its ancestors or descendants are left out, and re-exports are followed to the file that owns the item.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Files in a circle at most, unless [`UNTIED_LATER`] allows more.
const LARGEST: usize = 3;

/// Layers with a larger circle, and its size. Lower a row when its circle shrinks and drop it at [`LARGEST`]; never raise one.
const UNTIED_LATER: &[(&str, usize)] = &[];

/// Path of a module from the crate's root.
type Module = Vec<String>;

#[test]
fn no_layer_has_a_larger_circle_of_files_than_its_row() {
    let files = super::sources().into_iter().map(|source| (module(&source.inside), source.whole)).collect();
    let mut shown: BTreeMap<String, Vec<Module>> = BTreeMap::new();
    for circle in circles(&files) {
        let layer = circle[0][0].clone();
        if shown.get(&layer).is_none_or(|other| other.len() < circle.len()) {
            shown.insert(layer, circle);
        }
    }
    let mut wrong = String::new();
    for (layer, circle) in &shown {
        let allowed = UNTIED_LATER.iter().find(|(row, _)| row == layer).map_or(LARGEST, |(_, size)| *size);
        if circle.len() > allowed {
            let names: Vec<String> = circle.iter().map(|module| module.join("/")).collect();
            writeln!(wrong, "{layer}: a circle of {} files, allowed {allowed}: {names:?}", circle.len())
                .unwrap();
        }
    }
    for (layer, allowed) in UNTIED_LATER {
        let size = shown.get(*layer).map_or(1, Vec::len);
        if size < *allowed {
            writeln!(wrong, "{layer}: the largest circle has {size} files: lower its row from {allowed}")
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn circles_are_found_across_re_exports_and_not_between_parents_and_children() {
    let found = |files: &[(&str, &str)]| -> Vec<String> {
        let files = files.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect();
        let told = |circle: Vec<Module>| circle.iter().map(|m| m.join("/")).collect::<Vec<_>>().join(" ");
        circles(&files).into_iter().map(told).collect()
    };
    // through a group, a relative path and an inline path
    let three = [
        ("a.rs", "mod one;"),
        ("a/one.rs", "use crate::a::{two::Two, other};"),
        ("a/two.rs", "use super::three;"),
        ("a/three.rs", "fn f() { crate::a::one::g(); }"),
        ("a/other.rs", ""),
    ];
    assert_eq!(found(&three), ["a/one a/three a/two"]);
    // what a re-export names belongs to the file behind it
    let behind = [
        ("a.rs", "mod inner;\npub use inner::Thing as Named;\npub(crate) use self::inner::*;"),
        ("a/inner.rs", "use crate::b::f;"),
        ("b.rs", "use crate::a::Named;"),
    ];
    assert_eq!(found(&behind), ["a/inner b"]);
    // a module and its own children are one step
    let family = [("a.rs", "mod inner;\nuse inner::x;"), ("a/inner.rs", "use super::y;")];
    assert_eq!(found(&family), [""; 0]);
    // tests, comments and texts import nothing
    let tested = [
        ("a.rs", "use crate::b; // crate::c\n#[cfg(test)]\nmod tests {\n use crate::c;\n}"),
        ("b.rs", "fn f() { let _ = \"crate::a\"; }\n#[cfg(test)]\nmod fixtures;"),
        ("b/fixtures.rs", "use crate::a;"),
        ("c.rs", "use crate::a;"),
    ];
    assert_eq!(found(&tested), [""; 0]);
}

/// The module of a file, by its path inside of `src`.
fn module(inside: &str) -> Module {
    inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
}

/// Every circle of two or more files, the largest first, each in the order of its names.
fn circles(files: &BTreeMap<Module, String>) -> Vec<Vec<Module>> {
    let edges = edges(files);
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        edges.keys().map(|module| (*module, reachable(module, &edges))).collect();
    let mut circles: Vec<Vec<Module>> = Vec::new();
    let mut done: BTreeSet<&Module> = BTreeSet::new();
    for (module, from) in &reached {
        if done.contains(module) {
            continue;
        }
        let both = |other: &&&Module| reached.get(*other).is_some_and(|back| back.contains(module));
        let circle: Vec<&Module> = from.iter().filter(both).copied().collect();
        done.extend(&circle);
        if circle.len() > 1 {
            circles.push(circle.into_iter().cloned().collect());
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

type Edges<'a> = BTreeMap<&'a Module, BTreeSet<&'a Module>>;

fn reachable<'a>(from: &'a Module, edges: &Edges<'a>) -> BTreeSet<&'a Module> {
    let mut found = BTreeSet::new();
    let mut left = vec![from];
    while let Some(module) = left.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if found.insert(*next) {
                left.push(next);
            }
        }
    }
    found
}

/// Which files each file imports from, those of its own ancestors and descendants left out.
fn edges(files: &BTreeMap<Module, String>) -> Edges<'_> {
    let tested: BTreeSet<Module> =
        files.iter().flat_map(|(module, text)| test_modules(module, text)).collect();
    let is_tested = |module: &Module| (1..=module.len()).any(|end| tested.contains(&module[..end]));
    let read: BTreeMap<&Module, Imports> = files
        .iter()
        .filter(|(module, _)| !is_tested(module))
        .map(|(module, text)| (module, Imports::of(&code(text))))
        .collect();
    let mut behind: BTreeMap<(&Module, &str), (&Module, String)> = BTreeMap::new();
    for (module, imports) in &read {
        for (path, name) in &imports.again {
            if let Some((target, item)) = resolve(path, module, &read).filter(|(target, _)| target != module)
            {
                behind.insert((module, name), (target, item));
            }
        }
    }
    let mut edges = Edges::new();
    for (module, imports) in &read {
        let found: &mut BTreeSet<&Module> = edges.entry(module).or_default();
        for path in &imports.paths {
            let Some((mut target, mut item)) = resolve(path, module, &read) else { continue };
            while let Some((next, named)) = behind.get(&(target, item.as_str())) {
                (target, item) = (next, named.clone());
            }
            if !target.starts_with(module) && !module.starts_with(target) {
                found.insert(target);
            }
        }
    }
    edges
}

/// The file that a path leads to and the item in it that is named next.
fn resolve<'a>(
    path: &str,
    from: &Module,
    read: &BTreeMap<&'a Module, Imports>,
) -> Option<(&'a Module, String)> {
    let mut names = path.split("::").peekable();
    let mut at: Module = match *names.peek()? {
        "crate" => {
            names.next();
            Module::new()
        }
        "self" => {
            names.next();
            from.clone()
        }
        "super" => {
            let mut at = from.clone();
            while names.next_if_eq(&"super").is_some() {
                at.pop();
            }
            at
        }
        first => {
            let child: Module = from.iter().cloned().chain([first.to_owned()]).collect();
            read.contains_key(&child).then(|| from.clone())?
        }
    };
    let mut found = read.get_key_value(&at).map(|(module, _)| *module);
    let mut item = String::new();
    for name in names {
        at.push(name.to_owned());
        let Some((module, _)) = read.get_key_value(&at) else {
            name.clone_into(&mut item);
            break;
        };
        found = Some(module);
    }
    found.map(|module| (module, item))
}

/// What a file names of other files.
struct Imports {
    /// Paths of its imports, and paths in its code.
    paths: Vec<String>,
    /// Paths that it re-exports, and the name of each.
    again: Vec<(String, String)>,
}

impl Imports {
    fn of(code: &str) -> Self {
        let (mut paths, mut again, mut rest) = (Vec::new(), Vec::new(), String::new());
        for statement in code.split_inclusive(';') {
            let Some(at) = import_at(statement) else {
                rest.push_str(statement);
                continue;
            };
            let (before, import) = statement.split_at(at);
            let is_public = before
                .trim_end()
                .rsplit_once("pub")
                .is_some_and(|(_, left)| left.is_empty() || (left.starts_with('(') && left.ends_with(')')));
            rest.push_str(before);
            for (path, name) in leaves(import.trim_start_matches("use ").trim_end_matches(';').trim()) {
                if is_public {
                    again.push((path.clone(), name));
                }
                paths.push(path);
            }
        }
        paths.extend(inline(&rest));
        Self { paths, again }
    }
}

/// Where a statement begins to import, if it does.
fn import_at(statement: &str) -> Option<usize> {
    let begins = |at: usize| statement[..at].chars().next_back().is_none_or(char::is_whitespace);
    statement.match_indices("use ").map(|(at, _)| at).find(|at| begins(*at))
}

/// The paths of an import, each with the name that it has here.
fn leaves(tree: &str) -> Vec<(String, String)> {
    let Some((base, group)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name)));
        let path = path.trim();
        let path = path.strip_suffix("::self").unwrap_or(path);
        let own = path.rsplit("::").next().unwrap_or_default();
        return vec![(path.to_owned(), name.unwrap_or(own).trim().to_owned())];
    };
    let group = group.trim_end().trim_end_matches('}');
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => members.push(String::new()),
            c => members.last_mut().unwrap().push(c),
        }
    }
    // an inner group at the end has lost its own brace as well, which does not matter
    let members = members.iter().map(|member| member.trim()).filter(|member| !member.is_empty());
    members.flat_map(|member| leaves(&format!("{}{member}", base.trim()))).collect()
}

/// Paths in code that begin at the crate or beside the module.
fn inline(code: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for begin in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(begin) {
            if code[..at].ends_with(|c: char| is_name(c) || c == ':') {
                continue;
            }
            let path: String = code[at..].chars().take_while(|c| is_name(*c) || *c == ':').collect();
            found.push(path.trim_end_matches(':').to_owned());
        }
    }
    found
}

/// The modules that only tests have, as a file declares them.
fn test_modules(module: &Module, text: &str) -> Vec<Module> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        let name = pair[1].split_once("mod ")?.1.strip_suffix(';')?;
        Some(module.iter().cloned().chain([name.to_owned()]).collect())
    });
    declared.collect()
}

/// The code of a file without its tests, comments and texts.
fn code(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens = |next: &&str| next.contains("mod ") && next.trim_end().ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            // modules of tests end their file
            break;
        }
        kept.push(line);
    }
    kept.iter().map(|line| super::without_texts(line)).collect::<Vec<_>>().join("\n")
}
