//! What changes what a session is: TLS begun within it, and a client that says who it is.
//!
//! RFC 3207 and RFC 4954. Neither certificates nor passwords are known here; the handshake and
//! the check are asked for as events, and this is what follows from how they end.

use std::mem;
use std::sync::Arc;

use super::context::Standing;
use super::login::{Login, LoginRefusal};
use super::session::{Channel, Event, Session};
use super::settings::Settings;
use super::states::State;
use crate::base::limits::LOGIN_FAILURES_MAX;
use crate::smtp::catalogue;
use crate::smtp::framing::LineReader;
use crate::smtp::reply::Reply;

impl Session {
    /// Accepts STARTTLS with `reply`, unless `behind` holds bytes that came with it.
    pub(super) fn begin_handshake(&mut self, reply: &Reply, behind: &[u8]) {
        // Danger: whoever sits in between could send commands in clear that count as the
        // client's own once TLS is on (CVE-2011-0411). RFC 3207 §4 lets us refuse.
        if !behind.is_empty() {
            self.close_with(&catalogue::BYTES_BEHIND_STARTTLS);
            return;
        }
        self.push(reply);
        self.flush();
        self.events.push_back(Event::StartTls);
    }

    /// Tells that the handshake asked for by [`Event::StartTls`] is done: the client begins
    /// anew, and nothing it said before counts (RFC 3207 §4.2).
    pub fn handle_encrypted(&mut self) {
        if !matches!(self.state, State::Handshaking) {
            return;
        }
        self.channel = Channel::Tls;
        self.state = State::Connected;
        self.standing = Standing::Anonymous;
        self.settings = Arc::clone(&self.anonymous);
        self.lines = LineReader::default();
        self.close_if_due();
    }

    pub(super) fn ask_about(&mut self, login: Login) {
        self.flush();
        self.events.push_back(Event::Login(login));
    }

    /// Takes the answer to the last [`Event::Login`]: the settings of the client it names, for the
    /// same listener. Then the input kept meanwhile.
    pub fn handle_login(&mut self, result: Result<Arc<Settings>, LoginRefusal>) {
        let (hello, pending) = match mem::replace(&mut self.state, State::Closed) {
            State::LoggingIn { hello, pending } => (hello, pending),
            other => {
                self.state = other;
                return;
            }
        };
        self.state = State::Ready(hello);
        match result {
            Ok(settings) => {
                self.settings = settings;
                self.standing = Standing::Authenticated;
                self.push(&catalogue::AUTHENTICATED.reply());
            }
            Err(LoginRefusal::Invalid) => self.refuse_login(),
            Err(LoginRefusal::TooMany) => self.close_with(&catalogue::TOO_MANY_LOGINS),
            Err(LoginRefusal::Unavailable) => self.push(&catalogue::LOGIN_UNAVAILABLE.reply()),
        }
        self.close_if_due();
        self.flush();
        self.handle_bytes(&pending.0);
    }

    pub(super) fn refuse_login(&mut self) {
        self.push(&catalogue::LOGIN_INVALID.reply());
        self.login_failures += 1;
        let is_over = matches!(self.state, State::Closed);
        if self.login_failures >= LOGIN_FAILURES_MAX && !is_over {
            self.close_with(&catalogue::TOO_MANY_LOGINS);
        }
    }
}
