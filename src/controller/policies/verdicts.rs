//! The verdicts on the admission policies, by namespace, and what is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Resource};
use tokio::sync::{Notify, OnceCell};

use super::super::lock::locked;
use super::super::shared::Shared;
use super::judge::{Listed, Verdict};
use super::probe::PATIENCE;
use crate::api::condition::ConditionStatus;
use crate::api::labels::CONTROLLER_USER;

/// How long a verdict stands while the API server cannot be asked again.
const STANDS: TimeDelta = TimeDelta::seconds(180);

/// The verdict on each namespace, as far as it has been asked.
#[derive(Default)]
pub(in crate::controller) struct Verdicts {
    held: Mutex<BTreeMap<String, (Verdict, DateTime<Utc>)>>,
    pub(super) wanted: Notify,
    /// What is installed, for all who look at the same time.
    installed: Shared<Arc<Installed>>,
    /// Looks at a namespace, for all who begin something there at the same time.
    looks: Mutex<BTreeMap<String, Arc<Shared<()>>>>,
    /// As which user the API server knows this controller.
    account: OnceCell<String>,
}

impl Verdicts {
    pub(in crate::controller) fn of(&self, namespace: &str) -> Option<Verdict> {
        locked(&self.held).get(namespace).map(|(verdict, _)| verdict.clone())
    }

    /// Asks for a look at once where a namespace has none yet.
    pub(in crate::controller) fn want(&self, namespace: &str) {
        if !locked(&self.held).contains_key(namespace) {
            self.wanted.notify_one();
        }
    }

    /// Keeps a verdict; whether it differs from the one before. One that could not be had again stands for a while, and nothing becomes
    /// in force while it is settling.
    pub(super) fn keep(&self, namespace: &str, mut verdict: Verdict, now: DateTime<Utc>) -> bool {
        let mut held = locked(&self.held);
        let before = held.get(namespace);
        let same = before.filter(|(before, _)| before.status == verdict.status);
        if same.is_none() && is_settling(&verdict, now) {
            return false;
        }
        verdict.seen = same.map_or(Some(now), |(before, _)| before.seen);
        if let Some((held_back, at)) = before
            && verdict.is_passing
            // what was found missing is missing until somebody sees it again
            && (now - *at < STANDS || held_back.status == ConditionStatus::False)
        {
            return false;
        }
        let is_new = before.is_none_or(|(before, _)| *before != verdict);
        held.insert(namespace.to_owned(), (verdict, now));
        is_new
    }

    pub(super) fn forget_all_but(&self, namespaces: &BTreeSet<String>) {
        locked(&self.held).retain(|namespace, _| namespaces.contains(namespace));
        locked(&self.looks).retain(|namespace, _| namespaces.contains(namespace));
    }

    /// What is installed now.
    pub(super) async fn installed(&self, client: &Client) -> Arc<Installed> {
        self.installed.get(async || Arc::new(Installed::list(client).await)).await
    }

    /// The account that the policies may exempt: this controller's own, where it is a ServiceAccount; else the one that the
    /// manifests name.
    pub(super) async fn account(&self, client: &Client) -> String {
        let api: Api<SelfSubjectReview> = Api::all(client.clone());
        let ask = || async {
            let review = SelfSubjectReview::default();
            let params = PostParams::default();
            let answer = tokio::time::timeout(PATIENCE, api.create(&params, &review)).await.map_err(drop)?;
            let user = answer.map_err(drop)?.status.and_then(|status| status.user_info?.username);
            let is_account = |user: &String| user.starts_with("system:serviceaccount:");
            Ok::<_, ()>(user.filter(is_account).unwrap_or_else(|| CONTROLLER_USER.to_owned()))
        };
        self.account.get_or_try_init(ask).await.cloned().unwrap_or_else(|()| CONTROLLER_USER.to_owned())
    }

    pub(super) fn looks(&self, namespace: &str) -> Arc<Shared<()>> {
        locked(&self.looks).entry(namespace.to_owned()).or_default().clone()
    }
}

/// What is installed on the server.
pub(super) struct Installed {
    pub policies: Listed<ValidatingAdmissionPolicy>,
    pub bindings: Listed<ValidatingAdmissionPolicyBinding>,
}

impl Installed {
    async fn list(client: &Client) -> Self {
        let (policies, bindings) = tokio::join!(list(client), list(client));
        Self { policies, bindings }
    }
}

async fn list<K>(client: &Client) -> Listed<K>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let api: Api<K> = Api::all(client.clone());
    match tokio::time::timeout(PATIENCE, api.list(&ListParams::default())).await {
        Ok(Ok(list)) => Listed::Found(list.items),
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => {
            Listed::Closed(if status.code == 403 { "forbidden" } else { "not served" })
        }
        Ok(Err(error)) => Listed::Failed(error.to_string()),
        Err(_) => Listed::Failed("the API server did not answer in time".to_owned()),
    }
}

/// Whether the policies refuse, and were changed so short a time ago that another API server may not refuse yet. To whoever asked for
/// a release now they would be in force, and would attest nothing of it.
pub(super) fn is_settling(verdict: &Verdict, now: DateTime<Utc>) -> bool {
    verdict.is_enforced() && verdict.since.is_some_and(|since| since > now)
}
