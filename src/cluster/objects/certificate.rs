//! The public certificate of a TLS Secret: for which names, and until when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

/// Days before its end from which a certificate is a matter of concern.
const SOON: i64 = 21;

/// What one must know of a certificate (base64 of PEM, as a Secret holds it): its names and its end.
pub(super) fn sentence(data: &str, now: DateTime<Utc>) -> String {
    let Ok(pem) = STANDARD.decode(data) else { return "certificate not read: it is not base64".to_owned() };
    // The first one is the server's own; those behind it lead to the root.
    let Some(Ok(first)) = Pem::iter_from_buffer(&pem).next() else {
        return "certificate not read: the Secret has no tls.crt in PEM".to_owned();
    };
    match first.parse_x509() {
        Ok(certificate) => told(&certificate, now),
        Err(_) => "certificate not read: tls.crt is no X.509 certificate".to_owned(),
    }
}

fn told(certificate: &X509Certificate<'_>, now: DateTime<Utc>) -> String {
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        for name in &alternative.value.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push((*name).to_owned());
            }
        }
    }
    if names.is_empty() {
        let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        names.extend(common.map(str::to_owned));
    }
    let validity = certificate.validity();
    let instant = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let (from, until) = (instant(validity.not_before.timestamp()), instant(validity.not_after.timestamp()));
    let days = (until - now).num_days();
    let verdict = if until <= now {
        format!("EXPIRED {} days ago, {}", -days, until.format("%Y-%m-%d %H:%MZ"))
    } else if from > now {
        format!("NOT VALID before {}", from.format("%Y-%m-%d %H:%MZ"))
    } else if days < SOON {
        format!("EXPIRES in {days} days, {}", until.format("%Y-%m-%d %H:%MZ"))
    } else {
        format!("valid until {} ({days} days)", until.format("%Y-%m-%d"))
    };
    format!(
        "certificate for {}: {verdict}",
        if names.is_empty() { "no name".to_owned() } else { names.join(", ") }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of planera.app and *.planera.app, from 2026-11-21 to 2036-11-18.
    const PEM: &str = include_str!("../../../tests/fixtures/certificate.pem");

    fn at(day: &str) -> DateTime<Utc> {
        format!("{day}T00:00:00Z").parse().unwrap()
    }

    #[test]
    fn names_and_end_are_told_and_nothing_else() {
        let data = STANDARD.encode(PEM);
        for (day, expected) in [
            ("2027-01-01", "certificate for planera.app, *.planera.app: valid until 2036-11-18 (3609 days)"),
            (
                "2036-11-10",
                "certificate for planera.app, *.planera.app: EXPIRES in 8 days, 2036-11-18 17:08Z",
            ),
            (
                "2036-12-01",
                "certificate for planera.app, *.planera.app: EXPIRED 12 days ago, 2036-11-18 17:08Z",
            ),
            ("2020-01-01", "certificate for planera.app, *.planera.app: NOT VALID before 2026-11-21 17:08Z"),
        ] {
            assert_eq!(sentence(&data, at(day)), expected);
        }
    }

    #[test]
    fn whatever_is_no_certificate_says_so_without_showing_it() {
        let key = STANDARD.encode("-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n");
        for (data, expected) in [
            ("%%%", "certificate not read: it is not base64"),
            ("", "certificate not read: the Secret has no tls.crt in PEM"),
            (&*STANDARD.encode("s3cret"), "certificate not read: the Secret has no tls.crt in PEM"),
            (&*key, "certificate not read: tls.crt is no X.509 certificate"),
        ] {
            let sentence = sentence(data, at("2027-01-01"));
            assert_eq!(sentence, expected);
        }
    }
}
