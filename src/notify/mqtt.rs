//! MQTT 3.1.1: one message on `config.topic`, with quality of service 1, for dashboards and home automation. The secret is the password of
//! `config.user`.
//!
//! A connection is made for each message: news is rare, and nothing has to be kept alive in between.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use super::payload::payload;
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::cluster::outbound::ConnectError;
use crate::cluster::secret::SecretValue;

/// Packet that acknowledges a connection.
const CONNACK: u8 = 0x20;
/// Packet that acknowledges a message.
const PUBACK: u8 = 0x40;
/// Longest packet that a broker may send us here.
const LONGEST: usize = 256;
/// Seconds without a word after which a broker may forget us.
const KEEP_ALIVE: u16 = 60;
/// Number of the only message of a connection.
const PACKET: u16 = 1;

/// A broker of MQTT.
pub(super) struct Mqtt;

impl Channel for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn settings(&self) -> &'static [&'static str] {
        &["broker", "topic", "user", "clientId", "retain"]
    }

    fn destination(&self, notify: &Notify) -> Destination {
        Destination::of(notify, "broker", "")
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let said = tokio::time::timeout(message.sender.patience, publish(message)).await;
            said.unwrap_or_else(|_| Err(Error::Silent("no answer in time".to_owned())))
        }
        .boxed()
    }
}

async fn publish(message: &Message<'_>) -> Result<(), Error> {
    let broker = message.needed("broker")?;
    let topic = message.needed("topic")?;
    if topic.is_empty() || topic.contains(['#', '+', '\0']) {
        return Err(Error::Settings("config.topic is no topic to speak on".to_owned()));
    }
    let wrong =
        || Error::Settings("config.broker is neither mqtt://host:1883 nor mqtts://host:8883".to_owned());
    let url: url::Url = broker.parse().map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let user = message.setting("user");
    let password = match (&message.notify.secret, user, url.scheme()) {
        (None, ..) => None,
        (Some(_), None, _) => return Err(Error::Settings("mqtt with a secret needs config.user".to_owned())),
        (Some(_), Some(_), "mqtts") => Some(message.secret(&url).await?),
        (Some(_), Some(_), _) => {
            return Err(Error::Settings("a password is only sent over TLS: write mqtts://".to_owned()));
        }
    };
    let client = message.setting("clientId").unwrap_or_default();
    let connect = connect_packet(client, user, password.as_ref())?;
    let publish = publish_packet(topic, message)?;
    let open = async |port| match message.sender.outbound.connect(&bare, url.port().unwrap_or(port)).await {
        Ok(stream) => Ok(stream),
        Err(ConnectError::Refused(refused)) => Err(Error::Settings(refused.to_string())),
        Err(ConnectError::Io(error)) => Err(silent(&error)),
    };
    match url.scheme() {
        "mqtt" => converse(open(1883).await?, &connect, &publish).await,
        "mqtts" => {
            let stream = open(8883).await?;
            let name = ServerName::try_from(bare).map_err(|_| wrong())?;
            let stream = connector()?.connect(name, stream).await.map_err(|error| silent(&error))?;
            converse(stream, &connect, &publish).await
        }
        _ => Err(wrong()),
    }
}

fn connector() -> Result<TlsConnector, Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Silent(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn silent(error: &std::io::Error) -> Error {
    Error::Silent(error.to_string())
}

/// Connects, publishes, waits until the broker has it, and leaves.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connect: &[u8],
    publish: &[u8],
) -> Result<(), Error> {
    stream.write_all(connect).await.map_err(|error| silent(&error))?;
    stream.flush().await.map_err(|error| silent(&error))?;
    let answer = expect(&mut stream, CONNACK).await?;
    match answer.get(1) {
        Some(0) => {}
        Some(3) => return Err(Error::Broken("the broker is not available".to_owned())),
        Some(2) => return Err(Error::Refused("the broker refuses config.clientId".to_owned())),
        Some(4 | 5) => return Err(Error::Refused("the broker refuses the user or the password".to_owned())),
        _ => return Err(Error::Refused("the broker does not speak MQTT 3.1.1".to_owned())),
    }
    stream.write_all(publish).await.map_err(|error| silent(&error))?;
    stream.flush().await.map_err(|error| silent(&error))?;
    let answer = expect(&mut stream, PUBACK).await?;
    if answer.get(..2) != Some(&PACKET.to_be_bytes()) {
        return Err(Error::Broken("the broker acknowledges another message".to_owned()));
    }
    // it has the message, however the farewell ends
    let _ = stream.write_all(&[0xe0, 0]).await;
    let _ = stream.shutdown().await;
    Ok(())
}

/// The next packet, which must be of that kind; without its head.
async fn expect(stream: &mut (impl AsyncRead + Unpin), kind: u8) -> Result<Vec<u8>, Error> {
    let head = stream.read_u8().await.map_err(|error| silent(&error))?;
    let length = usize::from(stream.read_u8().await.map_err(|error| silent(&error))?);
    if head & 0xf0 != kind || length >= LONGEST / 2 {
        return Err(Error::Refused("the broker does not speak MQTT 3.1.1".to_owned()));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(|error| silent(&error))?;
    Ok(body)
}

fn connect_packet(
    client: &str,
    user: Option<&str>,
    password: Option<&SecretValue>,
) -> Result<Vec<u8>, Error> {
    const CLEAN: u8 = 0b0000_0010;
    const USER: u8 = 0b1000_0000;
    const PASSWORD: u8 = 0b0100_0000;
    let mut flags = CLEAN;
    flags |= if user.is_some() { USER } else { 0 };
    flags |= if password.is_some() { PASSWORD } else { 0 };
    let mut body = field("MQTT")?;
    body.extend([4, flags]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    body.extend(field(client)?);
    if let Some(user) = user {
        body.extend(field(user)?);
    }
    if let Some(password) = password {
        body.extend(field(password.reveal())?);
    }
    Ok(packet(0x10, body))
}

fn publish_packet(topic: &str, message: &Message<'_>) -> Result<Vec<u8>, Error> {
    const AT_LEAST_ONCE: u8 = 0b0010;
    let retain = match message.setting("retain") {
        None | Some("false") => 0,
        Some("true") => 1,
        Some(_) => return Err(Error::Settings("config.retain is \"true\" or \"false\"".to_owned())),
    };
    let mut body = field(topic)?;
    body.extend(PACKET.to_be_bytes());
    body.extend(payload(message.notice).to_string().into_bytes());
    Ok(packet(0x30 | AT_LEAST_ONCE | retain, body))
}

/// A text with its length before it.
fn field(text: &str) -> Result<Vec<u8>, Error> {
    let length = u16::try_from(text.len())
        .map_err(|_| Error::Settings("a setting of mqtt is longer than MQTT can say".to_owned()))?;
    Ok([&length.to_be_bytes()[..], text.as_bytes()].concat())
}

/// A packet: its kind, its length in groups of seven bits, its body.
fn packet(kind: u8, body: Vec<u8>) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut rest = body.len();
    loop {
        let group = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        packet.push(if rest > 0 { group | 0x80 } else { group });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_behind_its_user() {
        let packet = connect_packet("", Some("ha"), Some(&SecretValue::from("hunter2"))).unwrap();
        assert_eq!(packet[2..], *b"\x00\x04MQTT\x04\xc2\x00\x3c\x00\x00\x00\x02ha\x00\x07hunter2");
        let packet = connect_packet("cockpit", None, None).unwrap();
        assert_eq!(packet[2..], *b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x07cockpit");
    }

    #[test]
    fn a_length_is_told_in_groups_of_seven_bits() {
        for (length, head) in
            [(0, &[0][..]), (127, &[127]), (128, &[0x80, 1]), (321, &[0xc1, 2]), (16_384, &[0x80, 0x80, 1])]
        {
            let packet = packet(0x30, vec![7; length]);
            assert_eq!(&packet[1..=head.len()], head, "{length}");
            assert_eq!(packet.len(), 1 + head.len() + length);
        }
    }
}
