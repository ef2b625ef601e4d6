//! What a session is at the moment, beside its state: over which channel, and for whom.
//!
//! What is announced, what is understood and what is refused all follow from here, so that they
//! cannot disagree.

use super::session::Channel;
use super::settings::{Admission, AuthOffer, Protocol, Settings, TlsOffer};
use crate::smtp::command::Announced;
use crate::smtp::reply::Reply;
use crate::smtp::{Via, catalogue, via::Dialect};

/// Who the client is held for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Whoever connects from its address.
    Anonymous,
    /// It said who it is, and that was true.
    Authenticated,
}

/// What a command is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub settings: &'a Settings,
    pub channel: Channel,
    pub standing: Standing,
}

impl Context<'_> {
    /// Whether this is the time for STARTTLS.
    pub fn offers_starttls(&self) -> bool {
        self.channel == Channel::Plain && self.settings.tls != TlsOffer::None
    }

    /// Whether the client may say who it is on this channel, or has done so.
    pub fn offers_auth(&self) -> bool {
        let is_safe = match self.settings.auth {
            AuthOffer::None => false,
            AuthOffer::UnderTls => self.channel == Channel::Tls,
            AuthOffer::Always => true,
        };
        is_safe || self.is_authenticated()
    }

    pub fn is_authenticated(&self) -> bool {
        self.standing == Standing::Authenticated
    }

    /// Whether mail must wait for AUTH.
    pub fn waits_for_auth(&self) -> bool {
        self.settings.admission == Admission::AfterAuth && !self.is_authenticated()
    }

    pub fn announced(&self) -> Announced {
        let settings = self.settings;
        Announced {
            extensions: settings.extensions(),
            protocol: settings.protocol,
            starttls: settings.tls != TlsOffer::None || self.channel == Channel::Tls,
            auth: settings.auth != AuthOffer::None || self.is_authenticated(),
            waits_for_tls: settings.tls == TlsOffer::Required && self.channel == Channel::Plain,
        }
    }

    pub fn via(&self, dialect: Dialect) -> Via {
        let is_encrypted = self.channel == Channel::Tls;
        Via { dialect, is_encrypted, is_authenticated: self.is_authenticated() }
    }

    /// The greeting the client has to begin with.
    pub const fn greeting(&self) -> &'static str {
        match self.settings.protocol {
            Protocol::Smtp => "EHLO",
            Protocol::Lmtp => "LHLO",
        }
    }

    pub fn help(&self) -> Reply {
        let mut commands = match self.settings.protocol {
            Protocol::Smtp => "EHLO HELO".to_owned(),
            Protocol::Lmtp => "LHLO".to_owned(),
        };
        if self.offers_starttls() {
            commands.push_str(" STARTTLS");
        }
        if self.offers_auth() {
            commands.push_str(" AUTH");
        }
        catalogue::HELP.reply_with(&[&commands])
    }

    /// The reply to EHLO and LHLO: `first`, and what is offered.
    pub fn hello(&self, first: &Reply) -> Reply {
        let extensions = self.settings.extensions();
        let mut text = first.text();
        text.push_str("\nPIPELINING");
        if extensions.eight_bit_mime {
            text.push_str("\n8BITMIME");
        }
        if extensions.smtputf8 {
            text.push_str("\nSMTPUTF8");
        }
        if self.offers_starttls() {
            text.push_str("\nSTARTTLS");
        }
        if self.offers_auth() {
            text.push_str("\nAUTH PLAIN LOGIN");
        }
        text.push_str(&format!("\nSIZE {}", self.settings.message_bytes_max));
        text.push_str("\nENHANCEDSTATUSCODES");
        Reply::new(first.code(), first.status(), &text)
    }
}
