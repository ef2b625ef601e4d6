//! Header fields by which mailers tell their provider what a message is.
//!
//! Anybody can write a header field, so these are claims, not facts: they may always raise a
//! class, and lower it only from a client with the right to claim service. Which tags and
//! stream ids mean what elsewhere is the provider's configuration and is not guessed here.

use serde_json::Value;

use super::signal::{Effect, Signal, SignalSource};
use crate::mail::Message;

/// Fields whose mere presence marks bulk or campaign mail, and who sets them.
const PRESENCE: &[(&str, &str)] = &[
    ("List-Unsubscribe", "a list header (RFC 2369)"),
    ("List-Unsubscribe-Post", "a one-click header (RFC 8058)"),
    ("List-Id", "a list identifier (RFC 2919)"),
    ("Feedback-ID", "a feedback-loop identifier of bulk senders"),
    ("X-CSA-Complaints", "the complaints header of certified bulk senders"),
    ("X-SES-LIST-MANAGEMENT-OPTIONS", "Amazon SES list management"),
    ("X-Mailjet-Campaign", "a Mailjet campaign"),
    ("X-SM-Campaign", "a Sendmachine campaign"),
];

/// Fields with the values that mark bulk or campaign mail.
const VALUES: &[(&str, &[&str], &str)] = &[
    ("Precedence", &["bulk", "list", "junk"], "a bulk precedence"),
    ("X-PM-Message-Stream", &["broadcast", "broadcasts"], "a Postmark broadcast stream"),
    ("IsTransactional", &["false"], "Elastic Email's marketing flag"),
];

/// Fields with the values by which a sender calls its message transactional; no value: any.
const SERVICE: &[(&str, &[&str], &str)] = &[
    ("X-PM-Message-Stream", &["outbound"], "Postmark's default transactional stream"),
    ("IsTransactional", &["true"], "Elastic Email's transactional flag"),
    ("X-SM-Tag", &[], "a Sendmachine tag of transactional mail"),
];

/// Every sign of bulk or campaign mail in the header.
pub(super) fn raising(message: &Message) -> Vec<Signal> {
    let present = PRESENCE.iter().filter(|(name, _)| message.has_header(name));
    let present = present.map(|(name, what)| raises(name, what));
    // X-Campaign, X-Campaign-ID, X-CampaignID: every system has its own.
    let campaign = message.fields().find(|field| field.starts_with("X-Campaign"));
    let campaign = campaign.map(|_| raises("X-Campaign", "a campaign identifier"));
    let valued = VALUES.iter().filter(|(name, values, _)| has_value(message, name, values));
    let valued = valued.map(|(name, _, what)| raises(name, what));
    let json = json_flags(message).into_iter().map(|(name, what)| raises(name, what));
    present.chain(campaign).chain(valued).chain(json).collect()
}

/// Every claim to be transactional in a provider's dialect, believed or only heard.
pub(super) fn lowering(message: &Message, may_claim_service: bool) -> Vec<Signal> {
    let valued = SERVICE.iter().filter(|(name, values, _)| has_value(message, name, values));
    let valued = valued.map(|&(name, _, what)| (name, what));
    let sparkpost = json(message, "X-MSYS-API")
        .is_some_and(|json| json.pointer("/options/transactional") == Some(&Value::Bool(true)));
    let sparkpost = sparkpost.then_some(("X-MSYS-API", "SparkPost's transactional flag"));
    let signal = |(name, what): (&str, &str)| {
        let (rule, effect, right) = if may_claim_service {
            ("provider_claims_service", Effect::Lowers, "has the right to")
        } else {
            ("provider_claims_service_without_right", Effect::Neutral, "has no right to")
        };
        let text = format!(
            "the header field {name} ({what}) claims service mail, which the sender {right} claim"
        );
        Signal::new(rule, SignalSource::Claim, effect, text)
    };
    valued.chain(sparkpost).map(signal).collect()
}

/// Requests to send although a person objected: told, never obeyed.
pub(super) fn overrides(message: &Message) -> Vec<Signal> {
    let asks = |field: &str, pointer: &str| {
        json(message, field).is_some_and(|json| {
            json.pointer(pointer).is_some_and(|flag| *flag == Value::Bool(true) || *flag == 1)
        })
    };
    [
        ("X-MSYS-API", "/options/skip_suppression"),
        ("X-SMTPAPI", "/filters/bypass_list_management/settings/enable"),
    ]
    .into_iter()
    .filter(|(field, pointer)| asks(field, pointer))
    .map(|(field, _)| {
        let text = format!("the header field {field} asks to ignore objections, which is not done");
        Signal::new("override_request", SignalSource::Header, Effect::Neutral, text)
    })
    .collect()
}

fn has_value(message: &Message, name: &str, values: &[&str]) -> bool {
    message.header(name).any(|field| {
        let value = field.unfolded().trim().to_ascii_lowercase();
        values.is_empty() || values.contains(&value.as_str())
    })
}

/// The first field `name` as JSON; providers honour no other.
fn json(message: &Message, name: &str) -> Option<Value> {
    serde_json::from_str(&message.header(name).next()?.unfolded()).ok()
}

/// JSON headers of providers. What cannot be read is no proof of anything, so it raises too:
/// both providers take a message without a readable flag for marketing.
fn json_flags(message: &Message) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    if message.has_header("X-MSYS-API") {
        let json = json(message, "X-MSYS-API").unwrap_or_default();
        if json.pointer("/options/transactional") != Some(&Value::Bool(true)) {
            found.push(("X-MSYS-API", "SparkPost's header without its transactional flag"));
        }
    }
    if message.has_header("X-SMTPAPI") {
        let json = json(message, "X-SMTPAPI");
        if json.is_none_or(|json| json.get("asm_group_id").is_some()) {
            found.push(("X-SMTPAPI", "a SendGrid unsubscribe group"));
        }
    }
    found
}

fn raises(name: &str, what: &str) -> Signal {
    let text = format!("the header field {name} shows {what}");
    Signal::new("bulk_header", SignalSource::Header, Effect::Raises, text)
}
