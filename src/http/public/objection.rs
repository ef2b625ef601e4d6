//! Making one objection durable: from an opened token to a piece of evidence.
//!
//! Promise P2 hangs here: the result says `Recorded` only after the store has answered that the
//! evidence is durable. GDPR art. 21(3): from then on the data are no longer used for direct
//! marketing. Repeating an objection is harmless, so requests need no memory.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::site::{PublicState, is_kind};
use crate::eligibility::{Evidence, Fact, Level, ObjectionChannel, Provenance, Scope};
use crate::relay::ports::{Evidences, StoreError};
use crate::telemetry::{StoreFailed, StoreOperation, UnsubscribeHandled, UnsubscribeResult};
use crate::unsubscribe::Claims;

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objection {
    /// The opened token.
    pub claims: Claims,
    /// The door the request came through.
    pub channel: ObjectionChannel,
    /// Where the person, or the mailbox provider acting for them, came from.
    pub ip: IpAddr,
    /// When the request arrived.
    pub arrived: Instant,
}

/// Records `objection` and waits for it as long as the settings say.
///
/// The work goes on in a task of its own: a requester who hangs up right after the POST has
/// objected all the same.
pub(super) async fn record<E: Evidences>(
    site: &Arc<PublicState<E>>,
    objection: Objection,
) -> UnsubscribeResult {
    let (decision, arrived) = (Some(objection.claims.decision), objection.arrived);
    let worker = Arc::clone(site);
    let work = tokio::spawn(async move {
        let result = append(&worker, objection).await;
        UnsubscribeHandled { decision, result, took: arrived.elapsed() }.emit(&worker.metrics);
        result
    });
    match tokio::time::timeout(site.settings().store_wait, work).await {
        Ok(Ok(result)) => result,
        // The task panicked: nobody knows whether the objection is durable.
        Ok(Err(_)) => failed(site, &objection, UnsubscribeResult::StoreFailed),
        Err(_) => failed(site, &objection, UnsubscribeResult::StoreTimeout),
    }
}

fn failed<E>(
    site: &PublicState<E>,
    objection: &Objection,
    result: UnsubscribeResult,
) -> UnsubscribeResult {
    let (decision, took) = (Some(objection.claims.decision), objection.arrived.elapsed());
    UnsubscribeHandled { decision, result, took }.emit(&site.metrics);
    result
}

async fn append<E: Evidences>(site: &PublicState<E>, objection: Objection) -> UnsubscribeResult {
    let claims = &objection.claims;
    let scope = match site.evidences.scope(claims.scope_id.number()).await {
        Ok(Some(scope)) if is_kind(&scope, claims.scope_kind) => scope,
        Ok(_) => return UnsubscribeResult::UnknownScope,
        Err(error) => return store_failed(site, StoreOperation::Scope, &error),
    };
    let evidence = evidence_of(site, &objection, scope);
    match site.evidences.append(claims.person, evidence).await {
        Ok(()) => UnsubscribeResult::Recorded,
        Err(error) => store_failed(site, StoreOperation::Append, &error),
    }
}

fn store_failed<E>(
    site: &PublicState<E>,
    operation: StoreOperation,
    error: &StoreError,
) -> UnsubscribeResult {
    StoreFailed { operation, error }.emit(&site.metrics);
    UnsubscribeResult::StoreFailed
}

fn evidence_of<E>(site: &PublicState<E>, objection: &Objection, scope: Scope) -> Evidence {
    let (source, scope) = match objection.channel {
        ObjectionChannel::OneClick => ("one_click", scope),
        // The page offers, and its button says, all marketing of the legal person.
        ObjectionChannel::Link => ("link", Scope::Entity(scope.entity().clone())),
        ObjectionChannel::Preference => ("preference", scope),
        ObjectionChannel::Import => ("import", scope),
        ObjectionChannel::Direct => ("direct", scope),
    };
    let now = site.clock.now();
    Evidence {
        at: now,
        tag: None,
        fact: Fact::Objection { scope, channel: objection.channel },
        level: Level::Recipient,
        provenance: Provenance {
            recorded_at: now,
            source: Some(source.to_owned()),
            actor: None,
            reference: Some(objection.claims.decision.to_string()),
            ip: Some(objection.ip.to_string()),
            ..Provenance::default()
        },
    }
}
