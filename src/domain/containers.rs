//! Which containers of a workload get a component's image: the one that the component names, the further ones that it names, and
//! those that it should name.

use super::rollout_status::WorkloadState;
use super::version;
use crate::api::environment::Component;

/// A container of a pod template, with its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage {
    /// Its name, unique in the template.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether it is an init container.
    pub is_init: bool,
}

impl ContainerImage {
    /// `container NAME` or `init container NAME`.
    #[must_use]
    pub fn told(&self) -> String {
        let kind = if self.is_init { "init container" } else { "container" };
        format!("{kind} {}", self.name)
    }
}

/// What stands for every container of the component's repository.
pub(crate) const ALL: &str = "*";

/// The containers that get the component's image besides its own.
pub(crate) fn further<'a>(
    component: &'a Component,
    workload: &'a WorkloadState,
) -> impl Iterator<Item = &'a ContainerImage> {
    let takes_all = component.containers.iter().any(|name| name == ALL);
    workload.images.iter().filter(move |found| {
        found.name != component.container
            && (component.containers.contains(&found.name)
                || takes_all && is_of_repository(&found.image, component))
    })
}

/// The containers that would keep their old image although it is of the component's repository.
pub(crate) fn left_behind<'a>(
    component: &'a Component,
    workload: &'a WorkloadState,
) -> impl Iterator<Item = &'a ContainerImage> {
    let is_covered = |found: &ContainerImage| {
        found.name == component.container || further(component, workload).any(|one| one.name == found.name)
    };
    workload
        .images
        .iter()
        .filter(move |found| is_of_repository(&found.image, component) && !is_covered(found))
}

/// A container that the component names and the template does not have.
#[must_use]
pub(crate) fn missing<'a>(component: &'a Component, workload: &WorkloadState) -> Option<&'a str> {
    let is_there = |name: &str| workload.images.iter().any(|found| found.name == name);
    component.containers.iter().map(String::as_str).find(|name| *name != ALL && !is_there(name))
}

fn is_of_repository(image: &str, component: &Component) -> bool {
    version::parse(image).repository == version::parse(&component.image).repository
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{deployment, environment};

    fn images(list: &[(&str, &str, bool)]) -> Vec<ContainerImage> {
        let image = |(name, image, is_init): &(&str, &str, bool)| ContainerImage {
            name: (*name).to_owned(),
            image: (*image).to_owned(),
            is_init: *is_init,
        };
        list.iter().map(image).collect()
    }

    #[test]
    fn names_and_the_star_cover_containers_and_init_containers() {
        let mut workload = deployment("backend", "v1");
        workload.images = images(&[
            ("migrate", "ghcr.io/acme/backend:v0", true),
            ("backend", "ghcr.io/acme/backend:v1", false),
            ("worker", "ghcr.io/acme/backend@sha256:00", false),
            ("mesh", "ghcr.io/mesh/proxy:v9", false),
        ]);
        for (named, covered, left, missing_one) in [
            (&[][..], &[][..], &["migrate", "worker"][..], None),
            (&["migrate"], &["migrate"], &["worker"], None),
            (&["worker", "migrate"], &["migrate", "worker"], &[], None),
            (&["*"], &["migrate", "worker"], &[], None),
            (&["*", "mesh"], &["migrate", "worker", "mesh"], &[], None),
            (&["*", "seed"], &["migrate", "worker"], &[], Some("seed")),
        ] {
            let mut component = environment().spec.components.remove(0);
            component.containers = named.iter().map(|name| (*name).to_owned()).collect();
            let names = |found: Vec<&ContainerImage>| -> Vec<String> {
                found.into_iter().map(|one| one.name.clone()).collect()
            };
            assert_eq!(names(further(&component, &workload).collect()), covered, "{named:?}");
            assert_eq!(names(left_behind(&component, &workload).collect()), left, "{named:?}");
            assert_eq!(missing(&component, &workload), missing_one, "{named:?}");
        }
    }
}
