//! Notices: delivery status notifications about recipients who were not sent to.
//!
//! RFC 3461 and 3464 give the form, RFC 6533 the spelling of non-ASCII addresses. A notice
//! repeats the headers as received, never those of a copy, whose tokens must not leak.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Body as Body7, MultiPart, SinglePart};
use lettre::{Address, Message};
use thiserror::Error;

use super::dispatch::{Dispatch, OnDeferredRecipient};
use crate::base::{DecisionId, Timestamp, TransactionId, limits};
use crate::mail::MailData;
use crate::smtp::{Body, ForwardPath, Path, ReversePath};

/// Why a notice could not be written. It never happens for checked settings; if it does, the
/// message is answered 451 and nobody is sent to.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the notice cannot be written: {0}")]
pub struct NoticeError(String);

/// One recipient a notice is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeEntry {
    /// The recipient.
    pub recipient: ForwardPath,
    /// `5.7.1`, or what the upstream said.
    pub status: String,
    /// Reason code and decision, or the upstream's reply.
    pub diagnostic: String,
    /// The same in a sentence with what to do about it.
    pub explanation: String,
    /// The decision, for `consentry explain`.
    pub decision: DecisionId,
}

/// Everything a notice says.
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    /// The message's transaction.
    pub transaction: TransactionId,
    /// When the message arrived.
    pub received_at: Timestamp,
    /// When the notice is written.
    pub at: Timestamp,
    /// Our host name, which also forms the sender address.
    pub hostname: &'a str,
    /// Whom it goes to.
    pub to: &'a Path,
    /// How many recipients the message had.
    pub total: usize,
    /// The recipients not sent to; never empty.
    pub entries: &'a [NoticeEntry],
    /// The message's header block as received.
    pub headers: &'a [u8],
}

/// Writes `notice` as a dispatch with a null reverse-path (RFC 3464 §2).
///
/// # Errors
/// [`NoticeError`] if the host name cannot stand in an address.
pub fn dispatch(notice: &Notice<'_>) -> Result<Dispatch, NoticeError> {
    let bytes = encode(notice)?;
    Ok(Dispatch {
        reverse_path: ReversePath::Null,
        forward_paths: vec![ForwardPath::Path(notice.to.clone())],
        body: Body::SevenBit,
        smtputf8: notice.to.mailbox().needs_smtputf8(),
        data: MailData::new([bytes.into()]),
        on_deferred: OnDeferredRecipient::SendToOthers,
    })
}

fn encode(notice: &Notice<'_>) -> Result<Vec<u8>, NoticeError> {
    let boundary = format!("=_consentry_{}", notice.transaction);
    let report_type =
        format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
    let report = MultiPart::builder()
        .header(content_type(&report_type)?)
        .build()
        .singlepart(SinglePart::plain(human_text(notice)))
        .singlepart(
            SinglePart::builder()
                .header(content_type("message/delivery-status")?)
                .body(seven_bit(status_fields(notice))?),
        )
        .singlepart(
            SinglePart::builder()
                .header(content_type("text/rfc822-headers")?)
                .body(notice.headers.to_vec()),
        );
    let sender = Address::new("mailer-daemon", notice.hostname)
        .map_err(|error| NoticeError(format!("host name `{}`: {error}", notice.hostname)))?;
    let envelope = lettre::address::Envelope::new(None, vec![sender.clone()])
        .map_err(|error| NoticeError(error.to_string()))?;
    let at = UNIX_EPOCH
        + Duration::from_millis(u64::try_from(notice.at.as_millis()).unwrap_or_default());
    let message = Message::builder()
        .envelope(envelope)
        .from(lettre::message::Mailbox::new(Some("Consentry".to_owned()), sender))
        .raw_header(raw_header("To", format!("<{}>", notice.to.written()))?)
        .subject(format!("Not sent to {} of {} recipients", notice.entries.len(), notice.total))
        .date(at)
        .message_id(Some(format!("<notice.{}@{}>", notice.transaction, notice.hostname)))
        .raw_header(raw_header("Auto-Submitted", "auto-replied".to_owned())?)
        .multipart(report)
        .map_err(|error| NoticeError(error.to_string()))?;
    Ok(message.formatted())
}

/// RFC 3464 §2.1: the machine part is plain US-ASCII, so that machines need no decoder.
fn seven_bit(text: String) -> Result<Body7, NoticeError> {
    if !text.is_ascii() || text.lines().any(|line| line.len() > limits::TEXT_LINE_BYTES_MAX) {
        return Err(NoticeError("the status fields are not plain ASCII lines".to_owned()));
    }
    let encoding = lettre::message::header::ContentTransferEncoding::SevenBit;
    Ok(Body7::dangerous_pre_encoded(text.into_bytes(), encoding))
}

fn content_type(text: &str) -> Result<ContentType, NoticeError> {
    ContentType::parse(text).map_err(|error| NoticeError(error.to_string()))
}

fn raw_header(name: &str, value: String) -> Result<HeaderValue, NoticeError> {
    let name = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|error| NoticeError(error.to_string()))?;
    Ok(HeaderValue::new(name, value))
}

fn human_text(notice: &Notice<'_>) -> String {
    let mut text = format!(
        "This message was not sent to {} of its {} recipients.\r\nEach is listed with the reason and what can be done about it.\r\n",
        notice.entries.len(),
        notice.total
    );
    for entry in notice.entries {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\r\n<{}>\r\n    {}\r\n    {}\r\n    consentry explain {}\r\n",
            entry.recipient.written(),
            entry.diagnostic,
            entry.explanation,
            entry.decision
        );
    }
    let _ = write!(text, "\r\nTransaction {}.\r\n", notice.transaction);
    text
}

fn status_fields(notice: &Notice<'_>) -> String {
    let mut fields = format!(
        "Reporting-MTA: dns; {}\r\nX-Consentry-Transaction: {}\r\nArrival-Date: {}\r\n",
        notice.hostname,
        notice.transaction,
        notice.received_at.to_rfc5322()
    );
    for entry in notice.entries {
        let _ = write!(
            fields,
            "\r\nFinal-Recipient: {}\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: {}\r\n",
            final_recipient(entry.recipient.written()),
            entry.status,
            folded(&format!("x-consentry; {}", ascii(&entry.diagnostic)))
        );
    }
    fields
}

/// RFC 6533 §3: a non-ASCII address takes type `utf-8` and is written in ASCII as xtext.
fn final_recipient(written: &str) -> String {
    if written.is_ascii() {
        return format!("rfc822; {written}");
    }
    let spelt: String = written
        .chars()
        .map(|c| match c {
            '!'..='~' if c != '\\' && c != '+' && c != '=' => c.to_string(),
            _ => format!("\\x{{{:X}}}", u32::from(c)),
        })
        .collect();
    format!("utf-8; {spelt}")
}

/// RFC 5322 §2.2.3: folded at spaces to lines of at most 78 octets where words allow.
fn folded(text: &str) -> String {
    const NAME: usize = "Diagnostic-Code: ".len();
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = NAME;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if column > NAME && column + 1 + word.len() > 78 {
            out.push_str("\r\n");
            column = 0;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        column += 1 + word.len();
    }
    out
}

fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Notice, NoticeEntry, dispatch};
    use crate::base::{DecisionId, Mailbox, Timestamp, TransactionId};
    use crate::smtp::{ForwardPath, Path, ReversePath};

    fn path(address: &str) -> Path {
        Path::new(address, Mailbox::parse(address).unwrap())
    }

    fn notice_text(recipients: &[&str], headers: &[u8]) -> String {
        let entries: Vec<NoticeEntry> = recipients
            .iter()
            .map(|address| NoticeEntry {
                recipient: ForwardPath::Path(path(address)),
                status: "5.7.1".to_owned(),
                diagnostic: "550 5.7.1 OBJECTED decision 0000000000001".to_owned(),
                explanation: "the person objected".to_owned(),
                decision: DecisionId::from_bits(1),
            })
            .collect();
        let to = path("ops@example.com");
        let dispatch = dispatch(&Notice {
            transaction: TransactionId::from_bytes([1; 16]),
            received_at: Timestamp::from_millis(0),
            at: Timestamp::from_millis(1000),
            hostname: "gate.example.com",
            to: &to,
            total: 5,
            entries: &entries,
            headers,
        })
        .unwrap();
        assert_eq!(*dispatch.reverse_path(), ReversePath::Null);
        String::from_utf8(dispatch.data().to_vec()).unwrap()
    }

    #[test]
    fn p4_names_each_recipient_with_reason_and_decision() {
        let text = notice_text(&["a@x.org", "b@x.org"], b"Subject: Hello\r\n");
        for wanted in [
            "Content-Type: multipart/report",
            "report-type=delivery-status",
            "Final-Recipient: rfc822; a@x.org\r\nAction: failed\r\nStatus: 5.7.1",
            "Final-Recipient: rfc822; b@x.org",
            "Diagnostic-Code: x-consentry; 550 5.7.1 OBJECTED decision 0000000000001",
            "consentry explain 0000000000001",
            "Subject: Not sent to 2 of 5 recipients",
            "Auto-Submitted: auto-replied",
            "Subject: Hello",
        ] {
            assert!(text.contains(wanted), "missing {wanted:?} in\n{text}");
        }
    }

    #[test]
    fn stays_seven_bit_with_foreign_addresses_and_broken_headers() {
        let text = notice_text(&["josé@x.org"], b"Subject: \xff\xfe\r\n");
        assert!(text.is_ascii());
        assert!(text.contains("Final-Recipient: utf-8; jos\\x{E9}@x.org"));
        assert!(text.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn lines_end_in_crlf_only() {
        let text = notice_text(&["a@x.org"], b"X: y\r\n");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
    }
}
