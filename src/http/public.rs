//! The public pages: `/u/{token}` shows a question on GET and records an objection on POST.
//!
//! GET and HEAD never change anything, for programs open links too. A POST is the person's act,
//! whichever form encoding it uses (RFC 8058 §3.2): it is answered 200 only once the objection
//! is durable. Whoever has the token may object; nobody is asked for an address, a login or a
//! cookie.

mod objection;
mod peer;
mod site;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use super::pages::{self, PAGE_FIELD, PAGE_VALUE, Page};
use super::server::PeerAddress;
use crate::eligibility::ObjectionChannel;
use crate::relay::ports::Evidences;
use crate::telemetry::{UnsubscribeHandled, UnsubscribeResult};
use crate::unsubscribe::{OpenError, Purpose, open};
use objection::{Objection, record};
use peer::client_address;
pub use site::{PublicState, SenderNames, Settings};

/// Octets of a request body; a one-click body has 26, or some 200 as multipart.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// The public router; it needs to be run by [`super::serve`], which tells it who calls.
pub fn router<E: Evidences>(state: PublicState<E>) -> Router {
    let fields = pages::protective_fields();
    Router::new()
        .route("/u/{token}", get(show::<E>).post(unsubscribe::<E>))
        .fallback(missing::<E>)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(move |mut response: Response| {
            response.headers_mut().extend(fields.clone());
            std::future::ready(response)
        }))
        .with_state(Arc::new(state))
}

async fn missing<E: Evidences>(State(site): State<Arc<PublicState<E>>>) -> Response {
    site.pages.respond(Page::NotFound)
}

async fn show<E: Evidences>(State(site): State<Arc<PublicState<E>>>, uri: Uri) -> Response {
    match open(&site.settings().keyring, Purpose::Unsubscribe, token_of(&uri)) {
        Ok(claims) => site.pages.ask(site.sender(&claims).await.as_ref()),
        // The same question as for a genuine token, only without a name.
        Err(OpenError::BadSeal) => site.pages.ask(None),
        Err(error) => site.pages.respond(page_for(refusal(error))),
    }
}

async fn unsubscribe<E: Evidences>(
    State(site): State<Arc<PublicState<E>>>,
    ConnectInfo(PeerAddress(peer)): ConnectInfo<PeerAddress>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let arrived = Instant::now();
    let settings = site.settings();
    let result = match (body, open(&settings.keyring, Purpose::Unsubscribe, token_of(&uri))) {
        (Err(rejection), _) => refused(&site, unread(&rejection), arrived),
        (Ok(_), Err(error)) => refused(&site, refusal(error), arrived),
        (Ok(body), Ok(claims)) => {
            let channel = channel_of(&headers, &body);
            let ip = client_address(peer, &headers, &settings.trusted_proxies);
            record(&site, Objection { claims, channel, ip, arrived }).await
        }
    };
    site.pages.respond(page_for(result))
}

fn refused<E>(
    site: &PublicState<E>,
    result: UnsubscribeResult,
    arrived: Instant,
) -> UnsubscribeResult {
    UnsubscribeHandled { decision: None, result, took: arrived.elapsed() }.emit(&site.metrics);
    result
}

/// The characters behind `/u/` as they were sent: no character of a token needs escaping, so
/// an escaped one is not decoded but not a token.
fn token_of(uri: &Uri) -> &str {
    uri.path().strip_prefix("/u/").unwrap_or_default()
}

/// Our own page sends its field; everything else is a program's one-click POST. The token is
/// what counts: a body that is empty, multipart (RFC 7578) or unheard of objects all the same.
fn channel_of(headers: &HeaderMap, body: &[u8]) -> ObjectionChannel {
    let is_form = headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        value[..end].trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    let own = format!("{PAGE_FIELD}={PAGE_VALUE}");
    if is_form && body.split(|&b| b == b'&').any(|pair| pair == own.as_bytes()) {
        ObjectionChannel::Link
    } else {
        ObjectionChannel::OneClick
    }
}

fn unread(rejection: &BytesRejection) -> UnsubscribeResult {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UnsubscribeResult::TooLarge
    } else {
        UnsubscribeResult::Incomplete
    }
}

const fn refusal(error: OpenError) -> UnsubscribeResult {
    match error {
        OpenError::BadSeal => UnsubscribeResult::BadSeal,
        OpenError::Malformed => UnsubscribeResult::Malformed,
        OpenError::WrongPurpose => UnsubscribeResult::WrongPurpose,
        OpenError::UnknownKey(_) => UnsubscribeResult::UnknownKey,
        OpenError::UnknownVersion => UnsubscribeResult::UnknownVersion,
    }
}

/// The one table of answers. Only a seal that failed under a key we have shares the 200 of
/// what was recorded: everything else may be an objection that this node could not read or
/// keep, and must not look acknowledged (RFC 9110 §15.3.1).
const fn page_for(result: UnsubscribeResult) -> Page {
    match result {
        UnsubscribeResult::Recorded | UnsubscribeResult::BadSeal => Page::Done,
        UnsubscribeResult::Malformed | UnsubscribeResult::WrongPurpose => Page::NotFound,
        UnsubscribeResult::TooLarge => Page::TooLarge,
        UnsubscribeResult::Incomplete => Page::Incomplete,
        UnsubscribeResult::UnknownKey
        | UnsubscribeResult::UnknownVersion
        | UnsubscribeResult::UnknownScope
        | UnsubscribeResult::StoreFailed
        | UnsubscribeResult::StoreTimeout => Page::Unavailable,
    }
}
