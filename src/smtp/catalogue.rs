//! The one catalogue of replies this program makes itself (RFC 5321 §4.2, RFC 3463).
//!
//! Every reply has a name, a code, an enhanced status code, a text and the occasion it is for;
//! nothing elsewhere spells a code or a text. Replies of the upstream are not here: they pass
//! through as they came.

use super::reply::{Reply, Status};

/// One reply of ours.
#[derive(PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name, as in this file.
    pub name: &'static str,
    /// The reply code.
    pub code: u16,
    /// Subject and detail of the enhanced status code; none on 3xx, greetings and HELP.
    pub status: Option<Status>,
    /// The text; each `{}` is filled by an argument.
    pub text: &'static str,
    /// When it is given.
    pub when: &'static str,
}

/// Characters of one argument at most, so that no peer's text fills a reply line.
const ARGUMENT_CHARS_MAX: usize = 200;

impl Entry {
    /// The reply, for texts without placeholders.
    pub fn reply(&self) -> Reply {
        self.reply_with(&[])
    }

    /// The reply with each `{}` filled by the next of `args`, sanitised; a placeholder
    /// without an argument stays empty.
    pub fn reply_with(&self, args: &[&str]) -> Reply {
        let mut text = String::with_capacity(self.text.len() + 32);
        let mut args = args.iter();
        let mut pieces = self.text.split("{}");
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let arg = args.next().copied().unwrap_or_default();
            // A line end inside an argument would start a reply line of its own.
            text.extend(arg.chars().take(ARGUMENT_CHARS_MAX).map(|c| match c {
                c if c.is_control() => '?',
                c => c,
            }));
            text.push_str(piece);
        }
        Reply::new(self.code, self.status, &text)
    }
}

const fn x(subject: u16, detail: u16) -> Option<Status> {
    Some(Status { subject, detail })
}

macro_rules! entries {
    ($($name:ident: $code:literal, $status:expr, $text:literal, $when:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($code), "`: ", $when, ".")]
            pub static $name: Entry = Entry {
                name: stringify!($name),
                code: $code,
                status: $status,
                text: $text,
                when: $when,
            };
        )*

        /// All entries, in the order of this file.
        pub static ALL: &[&Entry] = &[$(&$name),*];
    };
}

entries! {
    READY: 220, None, "{} ESMTP Consentry ready", "a connection was accepted";
    READY_LMTP: 220, None, "{} LMTP Consentry ready", "a connection that speaks LMTP was accepted";
    STARTTLS_READY: 220, None, "ready to start TLS", "STARTTLS was accepted";
    HELLO: 250, None, "{} greets {}", "HELO, and the first line of the reply to EHLO and LHLO";
    SENDER_OK: 250, x(1, 0), "sender ok", "MAIL was accepted";
    RECIPIENT_OK: 250, x(1, 5), "recipient ok", "RCPT was accepted";
    RESET_OK: 250, x(0, 0), "transaction reset", "RSET";
    NOTHING_DONE: 250, x(0, 0), "nothing done, as asked", "NOOP";
    CANNOT_VERIFY: 252, x(0, 0), "cannot verify, but will take mail for the recipient and try",
        "VRFY";
    HELP: 214, None, "commands: {} MAIL RCPT DATA RSET NOOP VRFY HELP QUIT", "HELP";
    CHALLENGE: 334, None, "{}", "AUTH waits for a response; the text is base64";
    AUTHENTICATED: 235, x(7, 0), "authentication succeeded", "the credentials are right";
    GO_AHEAD: 354, None, "send the mail data, end with <CRLF>.<CRLF>", "DATA was accepted";
    GOODBYE: 221, x(0, 0), "{} closes the connection", "QUIT";

    SHUTTING_DOWN: 421, x(3, 2), "{} is shutting down, try again later", "the server stops";
    CLIENT_GONE: 421, x(3, 2), "the configuration of this relay has changed, connect again",
        "what a session was opened under is no longer configured";
    IDLE: 421, x(4, 2), "{} waited too long for input", "the client was silent too long";
    TOO_MANY_ERRORS: 421, x(7, 0), "{} closes: too many errors", "too many commands were refused";
    TOO_MANY_LOGINS: 421, x(7, 0), "{} closes: too many failed logins",
        "logins failed too often, in this session or from this address";
    TOO_MANY_CONNECTIONS: 421, x(3, 2), "too many connections, try again later",
        "the listener is full";
    CLIENT_NOT_ALLOWED: 554, x(7, 1), "this client address may not use this relay",
        "no client of the configuration covers the peer";

    LINE_TOO_LONG: 500, x(5, 2), "command line too long", "a command line exceeds its limit";
    LINE_BARE_CR: 500, x(5, 2), "bare CR in a command line: lines end in CRLF",
        "a command line holds a CR without LF";
    LINE_BARE_LF: 500, x(5, 2), "bare LF in a command line: lines end in CRLF",
        "a command line holds an LF without CR";
    LINE_NUL: 500, x(5, 2), "NUL in a command line", "a command line holds a NUL";
    COMMAND_UNKNOWN: 500, x(5, 2), "command not recognised", "an unknown verb";
    COMMAND_NOT_IMPLEMENTED: 502, x(5, 1), "command not implemented",
        "a verb of the standards that is not offered";
    BAD_SEQUENCE: 503, x(5, 1), "bad sequence of commands: send {} first",
        "a command came too early";
    TRANSACTION_OPEN: 503, x(5, 1), "a transaction is open already: send RSET first",
        "MAIL, STARTTLS or AUTH after MAIL";
    LHLO_NEEDED: 500, x(5, 1), "this server speaks LMTP: send LHLO", "EHLO or HELO over LMTP";
    NO_RECIPIENTS: 554, x(5, 1), "no valid recipients", "DATA although every RCPT was refused";

    HELLO_SYNTAX: 501, x(5, 4), "the argument must be a domain or an address literal",
        "a greeting without a usable name";
    MAIL_SYNTAX: 501, x(5, 4), "syntax: MAIL FROM:<reverse-path> [parameters]",
        "MAIL without a path in angle brackets";
    RCPT_SYNTAX: 501, x(5, 4), "syntax: RCPT TO:<forward-path>",
        "RCPT without a path in angle brackets";
    ARGUMENT_UNEXPECTED: 501, x(5, 4), "the command takes no argument",
        "an argument to DATA, RSET, QUIT or STARTTLS";
    ARGUMENT_MISSING: 501, x(5, 4), "the command needs an argument", "VRFY without one";
    PARAMETER_SYNTAX: 501, x(5, 4), "bad parameter: expected KEYWORD or KEYWORD=value",
        "a parameter or its value has the wrong form";
    PARAMETER_TWICE: 501, x(5, 4), "a parameter was given twice", "the same keyword again";
    PARAMETER_UNKNOWN: 555, x(5, 4), "a parameter is not recognised or not offered",
        "a keyword or value that EHLO does not announce";
    BAD_SENDER: 501, x(1, 7), "bad reverse-path", "the argument of MAIL is not an address";
    BAD_RECIPIENT: 501, x(1, 3), "bad forward-path", "the argument of RCPT is not an address";
    SMTPUTF8_NEEDED: 553, x(6, 7), "a non-ASCII address needs SMTPUTF8 on MAIL",
        "an internationalised address without SMTPUTF8";
    SENDER_NOT_ALLOWED: 550, x(7, 1), "this client may not send from the domain {}",
        "the reverse-path lies outside the client's domains";
    TOO_MANY_RECIPIENTS: 452, x(5, 3), "too many recipients: send the rest in another transaction",
        "RCPT beyond the limit";

    STARTTLS_NEEDED: 530, x(7, 0), "Must issue a STARTTLS command first",
        "a command that has to wait for TLS";
    TLS_ON_ALREADY: 503, x(5, 1), "TLS is on already", "STARTTLS under TLS";
    BYTES_BEHIND_STARTTLS: 554, x(7, 0), "STARTTLS must be the last command before the handshake",
        "bytes in clear follow STARTTLS, which might be anybody's";
    AUTH_NEEDED: 530, x(7, 0), "authentication required", "MAIL from a client yet unknown";
    AUTH_NEEDS_TLS: 538, x(7, 11), "encryption required for the requested authentication mechanism",
        "AUTH before TLS";
    AUTHENTICATED_ALREADY: 503, x(5, 1), "the session is authenticated already",
        "AUTH after a successful AUTH";
    AUTH_SYNTAX: 501, x(5, 4), "syntax: AUTH mechanism [initial-response]",
        "AUTH without a mechanism, or with too many words";
    MECHANISM_UNKNOWN: 504, x(5, 4), "authentication mechanism not offered: PLAIN and LOGIN are",
        "AUTH by another mechanism";
    AUTH_LINE_TOO_LONG: 500, x(5, 6), "authentication exchange line too long",
        "an AUTH command or a response exceeds its limit";
    RESPONSE_NOT_BASE64: 501, x(5, 2), "cannot decode the response: base64 was expected",
        "an initial response or a response that is no base64";
    RESPONSE_NOT_PLAIN: 501, x(5, 2), "the response is not [authzid] NUL authcid NUL password",
        "a response to PLAIN of another form";
    AUTH_CANCELLED: 501, x(7, 0), "authentication cancelled", "the client cancelled AUTH with `*`";
    LOGIN_INVALID: 535, x(7, 8), "authentication credentials invalid",
        "user name and password do not fit, or not for this address";
    LOGIN_UNAVAILABLE: 454, x(7, 0), "temporary authentication failure, try again later",
        "the credentials cannot be checked now";

    MESSAGE_TOO_LARGE: 552, x(3, 4), "message exceeds {} bytes", "SIZE or the content is too large";
    CONTENT_BARE_CR: 550, x(6, 0), "mail data hold a bare CR: lines end in CRLF",
        "the content holds a CR without LF";
    CONTENT_BARE_LF: 550, x(6, 0), "mail data hold a bare LF: lines end in CRLF",
        "the content holds an LF without CR";
    CONTENT_NUL: 550, x(6, 0), "mail data hold a NUL", "the content holds a NUL";
    LOOP: 554, x(4, 6), "mail loop: more than {} Received fields",
        "the message passed too many hosts";
    INTERNAL_ERROR: 451, x(3, 0), "internal error, try again later", "a fault of this program";

    EIGHT_BIT_NOT_OFFERED: 550, x(6, 3), "8-bit content, but the next host lacks 8BITMIME",
        "the upstream does not take 8-bit content";
    SMTPUTF8_NOT_OFFERED: 553, x(6, 7), "SMTPUTF8 is needed, but the next host lacks it",
        "the upstream does not take internationalised mail";
    SIZE_NOT_OFFERED: 552, x(3, 4), "message exceeds the {} bytes the next host takes",
        "the upstream takes smaller messages only";

    RELAYED: 250, x(0, 0), "relayed as {}",
        "every recipient has the copy, or a notice stands for it";
    RELAYED_TO: 250, x(0, 0), "relayed to {} as {}",
        "some recipients got nothing, and this is where that is said";
    DEFERRED: 451, x(3, 0), "{} deferred by the outbound MTA, try again later",
        "the upstream asked to try some recipients again";
    DEFERRED_TOO_LONG: 554, x(4, 7), "deferred for too long, last reply: {}",
        "a recipient was deferred for longer than the operator allows";
    NOT_TRIED_YET: 451, x(4, 1), "{} not tried yet, try again",
        "the reply was due before every copy was started";
    UPSTREAM_FAILED: 451, x(4, 1),
        "outbound MTA not available ({}), {} not sent to, try again later",
        "the upstream could not be used";
    IN_DOUBT: 451, x(4, 2),
        "connection to the outbound MTA lost after the message, outcome in doubt",
        "the upstream went silent after the final dot";
    ATTEMPT_UNDER_WAY: 451, x(3, 0),
        "another attempt to relay this message is under way, try again later",
        "an earlier attempt is not over";
    STORE_UNAVAILABLE: 451, x(3, 0),
        "evidence store not available, marketing mail is held, try again later",
        "the evidence store does not answer";
    HELD_RESTORED: 451, x(3, 0),
        "HELD_RESTORE evidence store is older than remembered, marketing mail is held, try again later",
        "the database lacks what this node saw in it";
    HELD_CLOCK: 451, x(3, 0),
        "HELD_CLOCK clock is not to be trusted, marketing mail is held, try again later",
        "the clock is behind the journal, or before the program was made";
    CONTENDED: 451, x(3, 0), "evidence changed while deciding, try again later",
        "records kept changing while the decision was made";
    NOTICE_DEFERRED: 451, x(3, 0),
        "notice about denied recipients not accepted by the outbound MTA, nothing sent, try again later",
        "the notice could not be handed over now";
    CLAIM_NOT_ALLOWED: 550, x(7, 1), "CLAIM_NOT_ALLOWED transaction {}: {}",
        "a topic, brand or sender the client may not claim";
    NOT_EDITABLE: 550, x(6, 0),
        "NOT_EDITABLE transaction {}: no footer can be added without harm ({})",
        "no footer fits and the stream demands one";
    DENIED: 550, x(7, 1), "{}: {}", "nobody was sent to; the reason may be told";
    DENIED_UNTOLD: 550, x(7, 1), "marketing mail not permitted{}, decision {}",
        "nobody was sent to; the reason may not be told";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{
        ALL, CHALLENGE, Entry, HELLO, MESSAGE_TOO_LARGE, SENDER_NOT_ALLOWED, TOO_MANY_LOGINS,
    };

    #[test]
    fn p8_every_entry_is_well_formed_and_distinct() {
        let names: HashSet<_> = ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ALL.len(), "names are unique");
        let texts: HashSet<_> = ALL.iter().map(|entry| entry.text).collect();
        assert_eq!(texts.len(), ALL.len(), "texts are unique");
        for entry in ALL {
            let reply = entry.reply_with(&["a", "b"]);
            assert_eq!(reply.code(), entry.code, "{}", entry.name);
            assert!(matches!(entry.code / 100, 2..=5), "{}", entry.name);
            // RFC 2034 §4: every 2xx, 4xx and 5xx but the greetings; HELP is left plain too.
            let plain = matches!(entry.code, 220 | 214 | 334 | 354) || entry.name == HELLO.name;
            assert_eq!(entry.status.is_none(), plain, "{}", entry.name);
            assert!(entry.text.matches("{}").count() <= 2, "{}", entry.name);
            assert!(!entry.text.replace("{}", "").contains(['{', '}']), "{}", entry.name);
            assert!(entry.text.is_ascii() && !entry.when.is_empty(), "{}", entry.name);
            assert!(reply.encode().len() <= 512, "{}", entry.name);
        }
    }

    #[test]
    fn replies_about_logins_have_no_room_for_what_the_client_said() {
        let about = |entry: &&&Entry| {
            let words = ["AUTH", "LOGIN", "RESPONSE", "MECHANISM", "CHALLENGE"];
            words.iter().any(|word| entry.name.contains(word))
        };
        let mut filled: Vec<_> =
            ALL.iter().filter(about).filter(|e| e.text.contains('{')).collect();
        // A prompt of two fixed words, and our own host name.
        let allowed = [&CHALLENGE, &TOO_MANY_LOGINS];
        filled.retain(|entry| !allowed.contains(*entry));
        assert!(filled.is_empty(), "{filled:?}");
        assert!(ALL.iter().filter(about).count() > 10, "the entries are called so");
    }

    #[test]
    fn the_manual_has_a_row_for_every_refusal_and_invents_none() {
        let page = include_str!("../manual/troubleshooting.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows = rows.filter(|row| row.starts_with(['4', '5']));
        let documented: HashSet<&str> = rows.filter_map(|row| row.split("` | ").next()).collect();
        let refusals = ALL.iter().filter(|entry| entry.code >= 400);
        let said: HashSet<String> =
            refusals.map(|entry| entry.reply_with(&["\u{2026}", "\u{2026}"]).to_string()).collect();
        let said: HashSet<&str> = said.iter().map(String::as_str).collect();
        let missing: Vec<_> = said.difference(&documented).collect();
        let invented: Vec<_> = documented.difference(&said).collect();
        assert!(missing.is_empty() && invented.is_empty(), "{missing:#?} {invented:#?}");
    }

    #[test]
    fn fills_placeholders_with_harmless_text() {
        let reply = SENDER_NOT_ALLOWED.reply_with(&["x\r\n250 ok"]);
        assert_eq!(
            reply.to_string(),
            "550 5.7.1 this client may not send from the domain x??250 ok"
        );
        assert_eq!(MESSAGE_TOO_LARGE.reply().text(), "message exceeds  bytes");
        let long = "y".repeat(5000);
        assert!(SENDER_NOT_ALLOWED.reply_with(&[&long]).encode().len() < 300);
    }
}
