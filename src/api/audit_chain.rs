//! A record's place in the chain of an environment's records: whoever changes, removes or inserts one breaks the chain behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A record's place in the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Seal {
    /// Number of the record in its environment, from 1, without gaps.
    pub sequence: i64,
    /// Hash of the record before it; of the first: of nothing.
    #[schemars(length(max = 71))]
    pub previous: String,
    /// `sha256:` and the hash over `previous` and this record.
    #[schemars(length(max = 71))]
    pub hash: String,
}

/// How far the chain of an environment has come, and where it begins after old records were removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChainHead {
    /// Number of the newest record.
    pub sequence: i64,
    /// Its hash.
    #[schemars(length(max = 71))]
    pub hash: String,
    /// Number of the newest record that retention has removed; 0: none.
    pub removed: i64,
    /// The hash of that record, on which the oldest kept one stands.
    #[schemars(length(max = 71))]
    pub removed_hash: String,
}
