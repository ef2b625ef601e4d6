//! The pages people see: templates, their style and the header fields around them.
//!
//! No script, no cookie, nothing loaded from elsewhere, so that opening a page tells nobody and
//! changes nothing. Pages that depend on nothing are rendered once, at the start. The texts are
//! in `pages/*.html`; not here: which page answers what.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use data_encoding::BASE64;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::base::Digest;

/// What the button of our own page sends, so that it can be told from a one-click POST.
pub(super) const PAGE_FIELD: &str = "page";
/// The value that goes with it.
pub(super) const PAGE_VALUE: &str = "button";

const STYLE: &str = include_str!("pages/page.css");
const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("pages/layout.html")),
    ("ask.html", include_str!("pages/ask.html")),
    ("done.html", include_str!("pages/done.html")),
    ("problem.html", include_str!("pages/problem.html")),
];

/// A page that is the same for everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    /// The neutral answer to a POST, whether or not the seal held.
    Done,
    /// There is no such page.
    NotFound,
    /// A request larger than any page of ours sends.
    TooLarge,
    /// A request that broke off.
    Incomplete,
    /// Cannot be done now; nothing was acknowledged.
    Unavailable,
}

/// Whose mail a question is about, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sender {
    /// The legal person.
    pub entity: String,
    /// The brand the token named, if it named one.
    pub brand: Option<String>,
}

/// All pages, ready to be sent.
#[derive(Debug)]
pub(super) struct Pages {
    templates: Environment<'static>,
    done: Bytes,
    not_found: Bytes,
    too_large: Bytes,
    incomplete: Bytes,
    unavailable: Bytes,
}

impl Pages {
    /// Compiles the templates and renders the constant pages.
    pub(super) fn new() -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source).expect("built-in templates compile");
        }
        let problem = |title: &str, text: &str| {
            rendered(&templates, "problem.html", context! { style => STYLE, title, text })
        };
        let not_found = problem(
            "No such page",
            "The link may have been cut or changed on its way. Please open it again from the \
             message, or copy all of it.",
        );
        let too_large = problem("Too much", "This page takes only short requests.");
        let incomplete = problem("Not understood", "The request broke off. Please try again.");
        let unavailable = problem(
            "Not possible right now",
            "Your wish could not be recorded. Please try again in a few minutes: the link stays \
             valid.",
        );
        let done = rendered(&templates, "done.html", context! { style => STYLE });
        Self { templates, done, not_found, too_large, incomplete, unavailable }
    }

    /// One of the constant pages as a response.
    pub(super) fn respond(&self, page: Page) -> Response<Body> {
        let (status, body) = match page {
            Page::Done => (StatusCode::OK, &self.done),
            Page::NotFound => (StatusCode::NOT_FOUND, &self.not_found),
            Page::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, &self.too_large),
            Page::Incomplete => (StatusCode::BAD_REQUEST, &self.incomplete),
            Page::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, &self.unavailable),
        };
        let mut response = html(status, body.clone());
        if page == Page::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
        }
        response
    }

    /// The page with the button; `None` if nothing is known about the sender.
    pub(super) fn ask(&self, sender: Option<&Sender>) -> Response<Body> {
        let body = rendered(
            &self.templates,
            "ask.html",
            context! {
                style => STYLE,
                sender => sender.map(|sender| &sender.entity),
                brand => sender.and_then(|sender| sender.brand.as_ref()),
                field => PAGE_FIELD,
                value => PAGE_VALUE,
            },
        );
        html(StatusCode::OK, body)
    }
}

/// The header fields every public response carries, whatever its status.
pub(super) fn protective_fields() -> Vec<(HeaderName, HeaderValue)> {
    // CSP Level 3 §2.3.1: the one style sheet is allowed by its hash, everything else is not.
    let style = BASE64.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a policy of ASCII words is a field value");
    vec![
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The token is in the path: no other site may learn it.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
    ]
}

fn rendered(templates: &Environment<'static>, name: &str, values: minijinja::Value) -> Bytes {
    templates
        .get_template(name)
        .and_then(|template| template.render(values))
        .expect("built-in templates use only the values they are given: a test renders all")
        .into()
}

fn html(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    fields.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    response
}
