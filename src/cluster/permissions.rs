//! Who we are and what we may do, as the API server's own authenticator and authorizer answer.

use std::collections::BTreeSet;

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, UserInfo};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{ListParams, PostParams};

use super::Cluster;
use super::error::{Error, Kind};
use crate::api::{EnvironmentKey, GROUP, Verb};

/// Us, as the API server knows us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticatedUser {
    /// `userInfo.username`, exactly: policies compare it.
    pub user: String,
    /// `userInfo.groups`, exactly.
    pub groups: Vec<String>,
}

impl Cluster {
    /// Who the API server thinks we are. Servers before 1.28 do not tell: then the user is empty.
    pub async fn identity(&self) -> Result<AuthenticatedUser, Error> {
        let api: Api<SelfSubjectReview> = Api::all(self.clients.requests.clone());
        let review = SelfSubjectReview::default();
        let answer = self.bounded(api.create(&PostParams::default(), &review), "selfsubjectreviews").await;
        match answer {
            Ok(review) => Ok(identity(review.status.and_then(|status| status.user_info).unwrap_or_default())),
            Err(error) if error.kind() == &Kind::NotFound => Ok(AuthenticatedUser::default()),
            Err(error) => Err(error),
        }
    }

    /// `v1.36.2` and the like.
    pub async fn server_version(&self) -> Result<String, Error> {
        let version = self.bounded(self.clients.requests.apiserver_version(), "version").await?;
        Ok(crate::sanitize::line(&version.git_version).into_owned())
    }

    /// Which of our verbs we hold on this environment.
    pub async fn permissions(&self, environment: &EnvironmentKey) -> Result<BTreeSet<Verb>, Error> {
        let asked = Verb::ALL.map(|verb| async move {
            let allowed = self.may(verb.as_str(), environment).await?;
            Ok::<_, Error>(allowed.then_some(verb))
        });
        let answers = futures::future::try_join_all(asked).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn may(&self, verb: &str, environment: &EnvironmentKey) -> Result<bool, Error> {
        self.review(ResourceAttributes {
            group: Some(GROUP.to_owned()),
            resource: Some("environments".to_owned()),
            verb: Some(verb.to_owned()),
            namespace: Some(environment.namespace.to_string()),
            name: Some(environment.name.to_string()),
            ..ResourceAttributes::default()
        })
        .await
    }

    /// Whether we may ask a Service (`name:port`) through the API server.
    pub async fn may_ask_service(&self, namespace: &str, service: &str) -> Result<bool, Error> {
        self.review(ResourceAttributes {
            resource: Some("services".to_owned()),
            subresource: Some("proxy".to_owned()),
            verb: Some("get".to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(service.to_owned()),
            ..ResourceAttributes::default()
        })
        .await
    }

    /// Which of these subresources of pods, such as `pods/exec`, we may create in a namespace.
    pub async fn pod_access(
        &self,
        namespace: &str,
        wanted: &[&'static str],
    ) -> Result<BTreeSet<&'static str>, Error> {
        let asked = wanted.iter().map(|subresource| async move {
            let attributes = ResourceAttributes {
                resource: Some("pods".to_owned()),
                subresource: subresource.split_once('/').map(|(_, sub)| sub.to_owned()),
                verb: Some("create".to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ResourceAttributes::default()
            };
            Ok::<_, Error>(self.review(attributes).await?.then_some(*subresource))
        });
        Ok(futures::future::try_join_all(asked).await?.into_iter().flatten().collect())
    }

    pub(super) async fn review(&self, attributes: ResourceAttributes) -> Result<bool, Error> {
        let api: Api<SelfSubjectAccessReview> = Api::all(self.clients.requests.clone());
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer =
            self.bounded(api.create(&PostParams::default(), &review), "selfsubjectaccessreviews").await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// Namespaces to look into when the whole cluster may not be listed: those that we may see, else the context's own.
    pub async fn candidate_namespaces(&self) -> BTreeSet<String> {
        let api: Api<Namespace> = Api::all(self.clients.requests.clone());
        let listed = self.bounded(api.list_metadata(&ListParams::default()), "namespaces").await;
        let mut names: BTreeSet<String> = listed
            .map(|list| list.items.into_iter().filter_map(|namespace| namespace.metadata.name).collect())
            .unwrap_or_default();
        names.insert(self.clients.namespace.clone());
        names.extend(self.namespaces.iter().cloned());
        names
    }
}

fn identity(user: UserInfo) -> AuthenticatedUser {
    AuthenticatedUser { user: user.username.unwrap_or_default(), groups: user.groups.unwrap_or_default() }
}
