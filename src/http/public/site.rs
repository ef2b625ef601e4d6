//! What the public pages stand on: keyring, names, evidence port, clock and metrics.
//!
//! Names are for people; they come from the configuration and are keyed by the ids that scopes
//! carry. A name that is missing falls back to the id, so that a page never hides who sends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;

use crate::base::{BrandId, EntityId, Keyring};
use crate::eligibility::Scope;
use crate::http::pages::{Pages, Sender};
use crate::relay::ports::{Clock, Evidences};
use crate::telemetry::Metrics;
use crate::unsubscribe::{Claims, ScopeKind};

/// How legal persons and brands are called on pages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SenderNames {
    /// Legal persons.
    pub entities: BTreeMap<EntityId, String>,
    /// Brands.
    pub brands: BTreeMap<BrandId, String>,
}

/// What the operator settles for the public pages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The keys that open tokens.
    pub keyring: Arc<Keyring>,
    /// Names for people.
    pub names: SenderNames,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request waits for the store before it is answered 503.
    pub store_wait: Duration,
}

/// Everything the public router needs.
pub struct PublicState<E> {
    settings: watch::Receiver<Arc<Settings>>,
    pub(super) evidences: Arc<E>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pages: Pages,
}

impl<E> fmt::Debug for PublicState<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicState").field("settings", &self.settings()).finish_non_exhaustive()
    }
}

impl<E> PublicState<E> {
    /// The settings of this moment.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }
}

impl<E: Evidences> PublicState<E> {
    /// Puts the parts together and renders the constant pages. Each request is answered under
    /// the settings it finds.
    pub fn new(
        settings: watch::Receiver<Arc<Settings>>,
        evidences: Arc<E>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { settings, evidences, clock, metrics, pages: Pages::new() }
    }

    /// Who sends, as far as the store tells in time. A question without a name is better than
    /// no question, so failures are not told apart here; the POST reports them.
    pub(super) async fn sender(&self, claims: &Claims) -> Option<Sender> {
        let reading = self.evidences.scope(claims.scope_id.number());
        let store_wait = self.settings().store_wait;
        let scope = tokio::time::timeout(store_wait, reading).await.ok()?.ok()??;
        is_kind(&scope, claims.scope_kind).then(|| self.name(&scope))
    }

    fn name(&self, scope: &Scope) -> Sender {
        let settings = self.settings();
        let names = &settings.names;
        let entity = scope.entity();
        let brand = match scope {
            Scope::Brand(_, brand) => {
                Some(names.brands.get(brand).map_or(brand.as_str(), String::as_str).to_owned())
            }
            Scope::Entity(_) | Scope::Topic(..) => None,
        };
        Sender {
            entity: names.entities.get(entity).map_or(entity.as_str(), String::as_str).to_owned(),
            brand,
        }
    }
}

/// Whether a scope is of the kind a token claims; another kind under the same number means
/// that token and store do not belong together.
pub(super) const fn is_kind(scope: &Scope, kind: ScopeKind) -> bool {
    matches!(
        (scope, kind),
        (Scope::Entity(_), ScopeKind::Entity)
            | (Scope::Brand(..), ScopeKind::Brand)
            | (Scope::Topic(..), ScopeKind::Topic)
    )
}
