//! Every protocol bound in one place, each with the section that sets it.

use std::time::Duration;

/// Octets of a command line including CRLF. RFC 5321 §4.5.3.1.4, raised by the extensions
/// we offer: RFC 1870 §3 (+26), RFC 6152 §7 (+16), RFC 6531 §3.4 (+10).
pub const COMMAND_LINE_BYTES_MAX: usize = 512 + 26 + 16 + 10 + 1024;

/// Octets of an AUTH command line, and of a response to a challenge, including CRLF. RFC 4954 §4.
pub const AUTH_LINE_BYTES_MAX: usize = 12288;

/// Logins refused in one session before it ends; RFC 4954 §9 asks for a limit and names none.
pub const LOGIN_FAILURES_MAX: usize = 3;

/// Octets of a local part. RFC 5321 §4.5.3.1.1.
pub const LOCAL_PART_BYTES_MAX: usize = 64;

/// Octets of a domain. RFC 5321 §4.5.3.1.2.
pub const DOMAIN_BYTES_MAX: usize = 255;

/// Octets of a path including punctuation. RFC 5321 §4.5.3.1.3.
pub const PATH_BYTES_MAX: usize = 256;

/// Octets of one reply line including CRLF. RFC 5321 §4.5.3.1.5.
pub const REPLY_LINE_BYTES_MAX: usize = 512;

/// Lines of one upstream reply we are willing to read; the RFC sets none, a bound must be.
pub const REPLY_LINES_MAX: usize = 128;

/// Octets of a text line without CRLF. RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1.
pub const TEXT_LINE_BYTES_MAX: usize = 998;

/// Recipients a server must be ready to take. RFC 5321 §4.5.3.1.8.
pub const RECIPIENTS_MIN: usize = 100;

/// Received fields that mean a loop. RFC 5321 §6.3.
pub const RECEIVED_FIELDS_MAX: usize = 100;

/// Server wait for the next command. RFC 5321 §4.5.3.2.7.
pub const SERVER_COMMAND_WAIT: Duration = Duration::from_mins(5);

/// Client wait for the banner. RFC 5321 §4.5.3.2.1.
pub const BANNER_WAIT: Duration = Duration::from_mins(5);

/// Client wait for the reply to MAIL. RFC 5321 §4.5.3.2.2.
pub const MAIL_REPLY_WAIT: Duration = Duration::from_mins(5);

/// Client wait for the reply to RCPT. RFC 5321 §4.5.3.2.3.
pub const RCPT_REPLY_WAIT: Duration = Duration::from_mins(5);

/// Client wait for 354. RFC 5321 §4.5.3.2.4.
pub const DATA_REPLY_WAIT: Duration = Duration::from_mins(2);

/// Client wait for each block of content to be taken. RFC 5321 §4.5.3.2.5.
pub const DATA_BLOCK_WAIT: Duration = Duration::from_mins(3);

/// Client wait for the reply to the final dot. RFC 5321 §4.5.3.2.6.
pub const FINAL_REPLY_WAIT: Duration = Duration::from_mins(10);

/// No store call may delay service mail by more than this (promise P5).
pub const SERVICE_STORE_BUDGET: Duration = Duration::from_millis(50);
