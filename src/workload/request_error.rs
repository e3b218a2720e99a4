//! What a failed request to the API server tells a person.

/// The server's own sentence where it gave one; a status as a whole, with all its fields, helps nobody.
#[must_use]
pub(crate) fn request_error(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_refusal_is_the_servers_sentence_and_no_more() {
        let status = Status::failure("secrets \"app\" is forbidden", "Forbidden").with_code(403);
        assert_eq!(request_error(&kube::Error::Api(status.boxed())), "secrets \"app\" is forbidden");
    }
}
