//! Whether a login is true (RFC 4954), and how often anybody may try.
//!
//! Every failure answers after the same time, whatever was wrong, so that nobody learns which
//! user names exist. Dear passwords are checked off the runtime's workers, two at once in the
//! whole process: 19 MiB and a core each are not for strangers to multiply.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::admission::{Admitted, credential};
use super::failures::Failures;
use super::remembered::Remembered;
use super::{Credential, Settings};
use crate::base::{Cost, PasswordHash};
use crate::smtp::server::{Login, LoginRefusal};

/// Dear checks at once.
const DEAR_CHECKS_MAX: usize = 2;

/// How long a login waits for its turn at a dear check.
const TURN_WAIT: Duration = Duration::from_secs(4);

/// A failure is answered this long after it was asked, and no sooner.
const FAILURE_DELAY: Duration = Duration::from_secs(1);

/// What all listeners of the process know together about logins.
#[derive(Debug)]
pub struct Logins {
    failures: Mutex<Failures>,
    remembered: Mutex<Remembered>,
    /// Who may check a dear password now.
    pub(super) turns: Arc<Semaphore>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            failures: Mutex::default(),
            remembered: Mutex::new(Remembered::new()),
            turns: Arc::new(Semaphore::new(DEAR_CHECKS_MAX)),
        }
    }
}

impl Logins {
    /// Forgets every success: after a reload each login is looked at again.
    pub fn forget(&self) {
        lock(&self.remembered).clear();
    }

    /// Whom `login` from `ip` proves to be. A refusal comes late on purpose.
    pub(super) async fn check(
        &self,
        settings: &Settings,
        ip: IpAddr,
        login: &Login,
    ) -> Result<Admitted, LoginRefusal> {
        let asked = Instant::now();
        let result = self.check_at_once(settings, ip, login).await;
        if result.is_err() {
            sleep_until(asked + FAILURE_DELAY).await;
        }
        result
    }

    async fn check_at_once(
        &self,
        settings: &Settings,
        ip: IpAddr,
        login: &Login,
    ) -> Result<Admitted, LoginRefusal> {
        if lock(&self.failures).is_exhausted(ip, Instant::now()) {
            return Err(LoginRefusal::TooMany);
        }
        let credential = credential(settings, ip, &login.username);
        if let Some(admitted) = credential.and_then(|found| self.check_cheaply(found, login)) {
            return Ok(admitted);
        }
        let dear = Dear::of(settings, credential);
        if dear.hashes.is_empty() {
            lock(&self.failures).add(ip, Instant::now());
            return Err(LoginRefusal::Invalid);
        }
        self.check_dearly(credential, dear, ip, login).await
    }

    /// Looks at what costs nothing: digests of generated passwords, successes remembered.
    fn check_cheaply(&self, credential: &Credential, login: &Login) -> Option<Admitted> {
        let password = login.password.expose().as_bytes();
        let kept = credential.passwords.iter().find(|kept| match kept.cost() {
            Cost::Cheap => kept.matches(password),
            Cost::Dear => self.is_remembered(login, kept),
        });
        kept.map(|kept| Admitted::by_login(credential, kept))
    }

    async fn check_dearly(
        &self,
        credential: Option<&Credential>,
        dear: Dear,
        ip: IpAddr,
        login: &Login,
    ) -> Result<Admitted, LoginRefusal> {
        let turn = timeout(TURN_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(LoginRefusal::Unavailable)?;
        // Others of this client may have got through while this one waited.
        if let Some(admitted) = credential.and_then(|found| self.check_cheaply(found, login)) {
            return Ok(admitted);
        }
        {
            // Taken before the check, or many at once would have one bucket each.
            let (mut failures, now) = (lock(&self.failures), Instant::now());
            if failures.is_exhausted(ip, now) {
                return Err(LoginRefusal::TooMany);
            }
            failures.add(ip, now);
        }
        let matched = dear.check(turn, login).await;
        match (credential, matched) {
            (Some(credential), Ok(Some(kept))) => {
                lock(&self.failures).give_back(ip);
                self.remember(login, &kept);
                Ok(Admitted::by_login(credential, &kept))
            }
            (_, Ok(_)) => Err(LoginRefusal::Invalid),
            (_, Err(refusal)) => {
                lock(&self.failures).give_back(ip);
                Err(refusal)
            }
        }
    }

    fn is_remembered(&self, login: &Login, kept: &PasswordHash) -> bool {
        let remembered = lock(&self.remembered);
        remembered.tag(login, kept).is_some_and(|tag| remembered.holds(tag, Instant::now()))
    }

    fn remember(&self, login: &Login, kept: &PasswordHash) {
        let mut remembered = lock(&self.remembered);
        if let Some(tag) = remembered.tag(login, kept) {
            remembered.add(tag, Instant::now());
        }
    }
}

/// The dear checks of one login.
struct Dear {
    hashes: Vec<PasswordHash>,
    /// Whether these are the client's own: a match of any other is none.
    are_own: bool,
}

impl Dear {
    /// The credential's own, or else somebody's: a login that must fail takes as long as one
    /// that may succeed.
    fn of(settings: &Settings, credential: Option<&Credential>) -> Self {
        let dear = |hash: &&PasswordHash| hash.cost() == Cost::Dear;
        let own = credential.map(|found| found.passwords.iter().filter(dear).cloned().collect());
        let own: Vec<_> = own.unwrap_or_default();
        if !own.is_empty() {
            return Self { hashes: own, are_own: true };
        }
        let all = settings.credentials.iter().flat_map(|other| &other.passwords);
        Self { hashes: all.filter(dear).take(1).cloned().collect(), are_own: false }
    }

    /// The hash that recognises the password, if it is the client's own.
    async fn check(
        self,
        turn: OwnedSemaphorePermit,
        login: &Login,
    ) -> Result<Option<PasswordHash>, LoginRefusal> {
        let password = login.password.clone();
        let work = move || {
            let _turn = turn;
            let password = password.expose().as_bytes();
            let matched = self.hashes.into_iter().find(|hash| hash.matches(password));
            matched.filter(|_| self.are_own)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| LoginRefusal::Unavailable)
    }
}

/// Whoever panicked left whole entries behind: tables are changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
