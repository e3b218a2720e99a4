//! Names of objects: short, legal, and the same for the same attempt.

use sha2::{Digest, Sha256};

use crate::domain::hex::hex;

/// `<stem>-<middle>-<hash>`, at most 63 characters, with only what an object's name may hold; the hash is never cut.
pub(super) fn object_name(stem: &str, middle: &str, hash: &str) -> String {
    let middle: String = plain(middle).chars().take(24).collect();
    let room = 61_usize.saturating_sub(middle.len()).saturating_sub(hash.len());
    let stem: String = plain(stem).chars().take(room).collect();
    let trim = |text: &str| text.trim_matches('-').to_owned();
    format!("{}-{}-{hash}", trim(&stem), trim(&middle))
}

fn plain(text: &str) -> String {
    let lower = text.chars().map(|c| c.to_ascii_lowercase());
    lower.map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect()
}

/// Eight hexadecimal digits over the parts, each with its length so that no two lists read the same.
pub(super) fn short_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize()[..4])
}
