//! Labels, annotations, field managers and the like that appear in objects.

/// Field manager of the controller's server-side applies.
pub const CONTROLLER_FIELD_MANAGER: &str = "release-cockpit-controller";
/// Field manager of whatever is made beside a workload: second Deployments, their Services, routes.
pub const TRACK_FIELD_MANAGER: &str = "release-cockpit-track";
/// Field manager of the seals and of the chain's head, so that nothing else is touched with them.
pub const SEAL_FIELD_MANAGER: &str = "release-cockpit-seal";
/// Field manager of what people were told, likewise.
pub const NOTIFY_FIELD_MANAGER: &str = "release-cockpit-notify";
/// Field manager and user agent of the terminal and of the command line.
pub const CLIENT_FIELD_MANAGER: &str = "release-cockpit";
/// Namespace that the manifests install the controller into.
pub const CONTROLLER_NAMESPACE: &str = "release-cockpit";
/// ServiceAccount of the controller; its user name stands in the admission policies.
pub const CONTROLLER_SERVICE_ACCOUNT: &str = "controller";
/// User name by which the API server knows the controller.
pub const CONTROLLER_USER: &str = "system:serviceaccount:release-cockpit:controller";
/// Name of the Lease that the leading controller holds.
pub const CONTROLLER_LEASE: &str = "release-cockpit-controller";
/// Annotation of a Lease: which process of that identity holds it.
pub const LEASE_PROCESS: &str = "release-cockpit.dev/process";
/// Annotation of a Lease: the namespaces that its holder serves, with commas; empty: all of them.
pub const LEASE_NAMESPACES: &str = "release-cockpit.dev/namespaces";
/// Annotation on a workload: the release (`namespace/name`) that last set its images.
pub const ANNOTATION_RELEASE: &str = "release-cockpit.dev/release";
/// Annotation on a workload: the action that last scaled or restarted it.
pub const ANNOTATION_ACTION: &str = "release-cockpit.dev/action";
/// Annotation on a pod template that starts its pods anew, as `kubectl rollout restart` does.
pub const ANNOTATION_RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Annotation that kubectl shows in `rollout history`.
pub const ANNOTATION_CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// Annotation of Deployments and ReplicaSets that counts revisions.
pub const ANNOTATION_REVISION: &str = "deployment.kubernetes.io/revision";
/// Annotation of Argo Rollouts and their ReplicaSets that counts revisions.
pub const ANNOTATION_ROLLOUT_REVISION: &str = "rollout.argoproj.io/revision";
/// Label by which the ReplicaSets and pods of Argo Rollouts are told from a Deployment's.
pub const LABEL_ROLLOUT_HASH: &str = "rollouts-pod-template-hash";
/// Label of whatever the controller makes beside a workload; its value is [`MANAGED_BY`].
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Who made it.
pub const MANAGED_BY: &str = "release-cockpit";
/// Label of whatever the controller makes: name of the release, as far as a label's value can hold it.
pub const LABEL_RELEASE: &str = "release-cockpit.dev/release";
/// Label of whatever the controller makes, and of the pods of second workloads: canary or green.
pub const LABEL_OWN_TRACK: &str = "release-cockpit.dev/track";
/// Label by which the parts of an application are told apart.
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";
/// Annotation on a Service that finds a second workload: the name of that workload.
pub const ANNOTATION_SECOND: &str = "release-cockpit.dev/second-workload";
/// Annotation on such a Service that was there before: the selector that it had, as JSON.
pub const ANNOTATION_SELECTOR_BEFORE: &str = "release-cockpit.dev/selector-before";
/// Annotation on a canary or green workload: hash of the pod template that it was copied from.
pub const ANNOTATION_TEMPLATE: &str = "release-cockpit.dev/template";
/// Pod label by which a canary tells itself from the stable track.
pub const LABEL_TRACK: &str = "track";
/// Label that the Deployment controller adds to ReplicaSets and pods.
pub const LABEL_POD_TEMPLATE_HASH: &str = "pod-template-hash";
