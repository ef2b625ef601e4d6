//! Header fields that mailers set on campaigns. They may raise a class, never lower it: a field
//! anybody can write is no proof that a message is administrative.

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
    ("X-Campaign", "a campaign identifier"),
    ("X-Campaign-Id", "a campaign identifier"),
    ("X-CampaignID", "a campaign identifier"),
];

/// Fields with the values that mark bulk or campaign mail.
const VALUES: &[(&str, &[&str], &str)] = &[
    ("Precedence", &["bulk", "list", "junk"], "a bulk precedence"),
    ("X-PM-Message-Stream", &["broadcast", "broadcasts"], "a Postmark broadcast stream"),
    ("IsTransactional", &["false"], "Elastic Email's marketing flag"),
];

/// Every sign of bulk or campaign mail in the header.
pub(super) fn raising(message: &Message) -> Vec<Signal> {
    let present = PRESENCE.iter().filter(|(name, _)| message.has_header(name));
    let present = present.map(|(name, what)| signal(name, what));
    let valued = VALUES.iter().filter(|(name, values, _)| {
        message.header(name).any(|field| {
            let value = field.unfolded().trim().to_ascii_lowercase();
            values.contains(&value.as_str())
        })
    });
    let valued = valued.map(|(name, _, what)| signal(name, what));
    let json = json_flags(message).into_iter().map(|(name, what)| signal(name, what));
    present.chain(valued).chain(json).collect()
}

/// JSON headers of providers. What cannot be read is no proof of anything, so it raises too:
/// both providers take a message without a readable flag for marketing.
fn json_flags(message: &Message) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    if let Some(field) = message.header("X-MSYS-API").next() {
        let json: Option<serde_json::Value> = serde_json::from_str(&field.unfolded()).ok();
        let flag = json.as_ref().and_then(|json| json.pointer("/options/transactional")?.as_bool());
        if flag != Some(true) {
            found.push(("X-MSYS-API", "SparkPost's header without its transactional flag"));
        }
    }
    if let Some(field) = message.header("X-SMTPAPI").next() {
        let json: Option<serde_json::Value> = serde_json::from_str(&field.unfolded()).ok();
        if json.is_none_or(|json| json.get("asm_group_id").is_some()) {
            found.push(("X-SMTPAPI", "a SendGrid unsubscribe group"));
        }
    }
    found
}

fn signal(name: &str, what: &str) -> Signal {
    let text = format!("the header field {name} shows {what}");
    Signal::new("bulk_header", SignalSource::Header, Effect::Raises, text)
}
