//! Which kind of network an IP address belongs to, whatever form it is written in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// Reachable from everywhere.
    Public,
    /// Of a private network, such as a cluster's own.
    Private,
    /// The machine itself.
    Loopback,
    /// Link-local, or a cloud's metadata service.
    Metadata,
    /// No address of a single server: unspecified, multicast, broadcast, or reserved.
    Unroutable,
}

impl Range {
    /// The kind of network of an address. An IPv6 address that stands for an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo,
    /// ISATAP) belongs to the stricter of both.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => v4(ip),
            IpAddr::V6(ip) => embedded(ip).into_iter().flatten().map(v4).fold(v6(ip), Self::max),
        }
    }

    /// Whether no setting makes such an address acceptable.
    #[must_use]
    pub const fn is_never_asked(self) -> bool {
        matches!(self, Self::Metadata | Self::Unroutable)
    }

    /// With its article, for sentences.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Loopback => "a loopback address",
            Self::Metadata => "a link-local or metadata address",
            Self::Unroutable => "no address of a single server",
        }
    }
}

const fn v4(ip: Ipv4Addr) -> Range {
    match ip.octets() {
        // Alibaba Cloud, Azure's WireServer, Oracle Cloud
        [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, _] | [169, 254, _, _] => Range::Metadata,
        [0 | 224..=239, ..] | [255, 255, 255, 255] => Range::Unroutable,
        [127, ..] => Range::Loopback,
        [10 | 240..=255, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [100, 64..=127, ..]
        | [198, 18..=19, ..] => Range::Private,
        _ => Range::Public,
    }
}

fn v6(ip: Ipv6Addr) -> Range {
    if ip.is_loopback() {
        return Range::Loopback;
    }
    match ip.segments() {
        // link-local, and metadata of AWS, Oracle Cloud and Google Cloud
        [0xfe80..=0xfebf, ..] | [0xfd00, 0xec2 | 0xc1, ..] | [0xfd20, 0xce, ..] => Range::Metadata,
        [0xff00..=0xffff, ..] | [0, 0, 0, 0, 0, 0, 0, 0] | [0x100, 0, 0, 0, ..] => Range::Unroutable,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Range::Private,
        _ => Range::Public,
    }
}

/// Every IPv4 address that an IPv6 address may stand for.
fn embedded(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 3] {
    let octets = ip.octets();
    let at = |start: usize| {
        let four = octets.get(start..).and_then(|rest| rest.first_chunk::<4>());
        four.map_or(Ipv4Addr::UNSPECIFIED, |four| Ipv4Addr::from(*four))
    };
    let last = Some(at(12));
    match ip.segments() {
        // unspecified and loopback are no IPv4 addresses
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None, None],
        // compatible, mapped, translated, NAT64
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            [last, None, None]
        }
        // NAT64 of local use, with a prefix of 96 or of 48 bits
        [0x64, 0xff9b, 1, 0, 0, 0, ..] => [last, None, None],
        [0x64, 0xff9b, 1, ..] => {
            [Some(Ipv4Addr::from([octets[6], octets[7], octets[9], octets[10]])), None, None]
        }
        // 6to4
        [0x2002, ..] => [Some(at(2)), None, None],
        // Teredo: server, and client with all bits inverted
        [0x2001, 0, ..] => [Some(at(4)), Some(Ipv4Addr::from(!u32::from(at(12)))), None],
        // ISATAP
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => [last, None, None],
        _ => [None, None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_of_an_address_has_the_range_of_what_it_stands_for() {
        for (ip, expected) in [
            ("93.184.216.34", Range::Public),
            ("172.15.0.1", Range::Public),
            ("172.32.0.1", Range::Public),
            ("100.63.255.255", Range::Public),
            ("2606:4700::6810:84e5", Range::Public),
            ("10.96.0.1", Range::Private),
            ("172.16.0.1", Range::Private),
            ("172.31.255.255", Range::Private),
            ("192.168.1.1", Range::Private),
            ("100.64.0.1", Range::Private),
            ("240.10.0.1", Range::Private),
            ("fd12:3456::1", Range::Private),
            ("fec0::1", Range::Private),
            ("127.0.0.1", Range::Loopback),
            ("127.255.255.254", Range::Loopback),
            ("::1", Range::Loopback),
            ("::ffff:127.0.0.1", Range::Loopback),
            ("::ffff:7f00:1", Range::Loopback),
            ("::127.0.0.1", Range::Loopback),
            ("::ffff:0:127.0.0.1", Range::Loopback),
            ("64:ff9b::127.0.0.1", Range::Loopback),
            ("64:ff9b:1::8.8.8.8", Range::Public),
            ("2002:7f00:1::", Range::Loopback),
            ("169.254.169.254", Range::Metadata),
            ("169.254.170.2", Range::Metadata),
            ("100.100.100.200", Range::Metadata),
            ("168.63.129.16", Range::Metadata),
            ("192.0.0.192", Range::Metadata),
            ("::ffff:169.254.169.254", Range::Metadata),
            ("::a9fe:a9fe", Range::Metadata),
            ("::ffff:0:a9fe:a9fe", Range::Metadata),
            ("64:ff9b::a9fe:a9fe", Range::Metadata),
            ("64:ff9b:1::a9fe:a9fe", Range::Metadata),
            ("64:ff9b:1:a9fe:a9:fe00::", Range::Metadata),
            ("2002:a9fe:a9fe::1", Range::Metadata),
            ("2001:0:a9fe:a9fe::1", Range::Metadata),
            ("2001:0:c000:201::5601:5601", Range::Metadata),
            ("2001:db8::5efe:169.254.169.254", Range::Metadata),
            ("fe80::1", Range::Metadata),
            ("febf::1", Range::Metadata),
            ("fd00:ec2::254", Range::Metadata),
            ("fd00:c1::a9fe:a9fe", Range::Metadata),
            ("fd20:ce::254", Range::Metadata),
            ("0.0.0.0", Range::Unroutable),
            ("0.1.2.3", Range::Unroutable),
            ("224.0.0.1", Range::Unroutable),
            ("239.255.255.250", Range::Unroutable),
            ("255.255.255.255", Range::Unroutable),
            ("::", Range::Unroutable),
            ("::ffff:0.0.0.0", Range::Unroutable),
            ("ff02::1", Range::Unroutable),
            ("100::1", Range::Unroutable),
        ] {
            let parsed: IpAddr = ip.parse().unwrap();
            assert_eq!(Range::of(parsed), expected, "{ip}");
            assert_eq!(Range::of(parsed).is_never_asked(), expected >= Range::Metadata, "{ip}");
        }
    }
}
