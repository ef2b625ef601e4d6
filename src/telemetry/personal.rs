//! What log lines say about persons: by default a first letter, a domain, a network.
//!
//! A setting of the process, as logging itself is: the operator asks for more in `[log]`.
//! Bodies, subjects and display names are logged in neither case.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;

use crate::base::Mailbox;
use crate::smtp::{ForwardPath, ReversePath};

/// What log lines say about persons.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PersonalData {
    /// Addresses are masked.
    #[default]
    Masked,
    /// Addresses stand in clear.
    Shown,
}

static IS_SHOWN: AtomicBool = AtomicBool::new(false);

impl PersonalData {
    /// Makes this the setting of the process.
    pub(super) fn set(self) {
        IS_SHOWN.store(self == Self::Shown, Ordering::Relaxed);
    }

    /// The setting of the process.
    pub(super) fn current() -> Self {
        if IS_SHOWN.load(Ordering::Relaxed) { Self::Shown } else { Self::Masked }
    }
}

/// An argument of MAIL or RCPT as log lines may show it.
pub(super) struct Address<'a> {
    written: &'a str,
    mailbox: Option<&'a Mailbox>,
    personal_data: PersonalData,
}

impl<'a> Address<'a> {
    pub(super) fn of_sender(path: &'a ReversePath, personal_data: PersonalData) -> Self {
        let (written, mailbox) = match path {
            ReversePath::Null => ("<>", None),
            ReversePath::Path(path) => (path.written(), Some(path.mailbox())),
        };
        Self { written, mailbox, personal_data }
    }

    pub(super) fn of_recipient(path: &'a ForwardPath, personal_data: PersonalData) -> Self {
        Self { written: path.written(), mailbox: path.mailbox(), personal_data }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.personal_data, self.mailbox) {
            // Neither `<>` nor a bare postmaster says who somebody is.
            (PersonalData::Shown, _) | (_, None) => f.write_str(self.written),
            (PersonalData::Masked, Some(mailbox)) => {
                let mut letters = mailbox.local_part().chars();
                match (letters.next(), letters.next()) {
                    // With a single letter the first one would be the whole.
                    (Some(first), Some(_)) if first.is_alphanumeric() => {
                        write!(f, "{first}…@{}", mailbox.domain())
                    }
                    _ => write!(f, "…@{}", mailbox.domain()),
                }
            }
        }
    }
}

/// A client's address as log lines may show it: masked, it is the network around it.
pub(super) struct ClientIp {
    pub(super) ip: IpAddr,
    pub(super) personal_data: PersonalData,
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.ip.is_ipv4() { 24 } else { 48 };
        match (self.personal_data, IpNet::new(self.ip, prefix)) {
            (PersonalData::Masked, Ok(network)) => network.trunc().fmt(f),
            (PersonalData::Shown, _) | (_, Err(_)) => self.ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, ClientIp, PersonalData};
    use crate::base::Mailbox;
    use crate::smtp::{ForwardPath, Path, ReversePath};

    #[track_caller]
    fn check(address: &str, masked: &str) {
        let mailbox = Mailbox::parse(address).unwrap();
        let path = ForwardPath::Path(Path::new(address, mailbox));
        for (personal_data, expected) in
            [(PersonalData::Masked, masked), (PersonalData::Shown, address)]
        {
            let shown = Address::of_recipient(&path, personal_data).to_string();
            assert_eq!(shown, expected, "{personal_data:?}");
        }
    }

    #[test]
    fn addresses_keep_their_first_letter_and_domain() {
        check("jane.doe@example.com", "j…@example.com");
        check("j@example.com", "…@example.com");
        check("\"jane doe\"@example.com", "…@example.com");
    }

    #[test]
    fn a_null_reverse_path_is_shown_as_it_is_written() {
        let shown = Address::of_sender(&ReversePath::Null, PersonalData::Masked).to_string();
        assert_eq!(shown, "<>");
    }

    #[test]
    fn clients_are_shown_as_their_network() {
        for (ip, masked) in [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::7", "2001:db8:1::/48")]
        {
            let ip = ip.parse().unwrap();
            let shown = |personal_data| ClientIp { ip, personal_data }.to_string();
            assert_eq!(shown(PersonalData::Masked), masked);
            assert_eq!(shown(PersonalData::Shown), ip.to_string());
        }
    }
}
