//! Domains on which anybody can have an address.
//!
//! No firm can object for all who have an address there, and a company that writes from there is
//! not believed to be one. The list is not complete; what is missing is only treated with less
//! caution, never with more permission than evidence gives.

use super::DomainName;

/// Sorted, in A-label form.
#[rustfmt::skip]
const FREE_MAIL: &[&str] = &[
    "163.com", "aol.com", "aon.at", "bluewin.ch", "btinternet.com", "chello.at", "fastmail.com",
    "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.be", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr",
    "hotmail.it", "hotmail.nl", "icloud.com", "interia.pl", "kpnmail.nl", "laposte.net",
    "libero.it", "live.be", "live.co.uk", "live.com", "live.de", "live.fr", "live.nl", "mac.com",
    "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "o2.pl", "onet.pl", "orange.fr",
    "outlook.be", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "posteo.de", "proton.me",
    "protonmail.com", "proximus.be", "qq.com", "seznam.cz", "sfr.fr", "sky.com", "skynet.be",
    "t-online.de", "telenet.be", "tiscali.it", "tuta.com", "tutanota.com", "virgilio.it",
    "virginmedia.com", "wanadoo.fr", "web.de", "wp.pl", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com",
    "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.ru", "ymail.com", "ziggo.nl",
    "zoho.com",
];

impl DomainName {
    /// Whether anybody can have an address there.
    pub fn is_free_mail(&self) -> bool {
        FREE_MAIL.binary_search(&self.as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::FREE_MAIL;
    use crate::base::DomainName;

    #[test]
    fn free_mail_domains_are_sorted_for_searching() {
        assert!(FREE_MAIL.is_sorted());
    }

    #[test]
    fn knows_free_mail_however_it_is_written() {
        assert!(DomainName::parse("GMX.de.").unwrap().is_free_mail());
        assert!(!DomainName::parse("mail.gmx.de").unwrap().is_free_mail());
    }
}
