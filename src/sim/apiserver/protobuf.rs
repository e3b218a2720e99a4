//! The little of Kubernetes' protobuf that kubectl insists on: the reviews about oneself, which its typed clients send in that
//! form. Answers are JSON always, which every client accepts.

use serde_json::{Value, json};

/// What stands before every Kubernetes protobuf.
const MAGIC: &[u8] = b"k8s\0";

/// A review out of its protobuf; nothing when it is none.
pub(super) fn review(body: &[u8]) -> Option<Value> {
    let envelope = fields(body.strip_prefix(MAGIC)?)?;
    let kind = fields(bytes(&envelope, 1)?)?;
    let (api_version, kind) = (text(&kind, 1), text(&kind, 2));
    let raw = fields(bytes(&envelope, 2).unwrap_or_default())?;
    let mut review = json!({"apiVersion": api_version, "kind": kind, "metadata": {}});
    let spec = fields(bytes(&raw, 2).unwrap_or_default())?;
    match kind.as_str() {
        "SelfSubjectAccessReview" => {
            review["spec"] = json!({});
            if let Some(attributes) = bytes(&spec, 1) {
                let attributes = fields(attributes)?;
                let names = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
                for (number, name) in (1..).zip(names) {
                    review["spec"]["resourceAttributes"][name] = text(&attributes, number).into();
                }
            } else if let Some(attributes) = bytes(&spec, 2) {
                let attributes = fields(attributes)?;
                review["spec"]["nonResourceAttributes"] =
                    json!({"path": text(&attributes, 1), "verb": text(&attributes, 2)});
            }
        }
        "SelfSubjectRulesReview" => review["spec"] = json!({"namespace": text(&spec, 1)}),
        "SelfSubjectReview" => {}
        _ => return None,
    }
    Some(review)
}

/// Number and content of each length-delimited field; nothing for a malformed message.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => {
                varint(&mut message)?;
            }
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (content, rest) = message.split_at_checked(length)?;
                found.push((tag >> 3, content));
                message = rest;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn bytes<'a>(fields: &[(u64, &'a [u8])], number: u64) -> Option<&'a [u8]> {
    fields.iter().find(|(known, _)| *known == number).map(|(_, content)| *content)
}

fn text(fields: &[(u64, &[u8])], number: u64) -> String {
    String::from_utf8_lossy(bytes(fields, number).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        field.extend_from_slice(content);
        field
    }

    #[test]
    fn an_access_review_is_read() {
        let attributes = [field(1, b"prod"), field(2, b"approve"), field(5, b"environments")].concat();
        let spec = field(1, &attributes);
        let kind = [field(1, b"authorization.k8s.io/v1"), field(2, b"SelfSubjectAccessReview")].concat();
        let body = [MAGIC.to_vec(), field(1, &kind), field(2, &field(2, &spec))].concat();
        let review = review(&body).unwrap();
        assert_eq!(review["spec"]["resourceAttributes"]["verb"], "approve");
        assert_eq!(review["spec"]["resourceAttributes"]["namespace"], "prod");
    }

    #[test]
    fn what_is_cut_short_is_no_review() {
        assert!(review(b"k8s\0\x0a\x7f").is_none());
        assert!(review(b"{}").is_none());
    }
}
