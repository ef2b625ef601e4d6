//! Framing: where a command line, a reply and the mail data begin and end on the wire.
//!
//! Both sides of the relay share it. Only CRLF ends a line and only CRLF.CRLF ends the mail data
//! (RFC 5321 §2.3.8, §4.1.1.4), because every leniency here is a smuggling hole. Readers take
//! from a slice what belongs to them and leave the rest.

mod data_reader;
mod data_writer;
mod line;
mod reply_reader;
#[cfg(test)]
mod tests;

pub use data_reader::{BareLf, DataFault, DataReader};
pub use data_writer::StuffedData;
pub use line::{LineFault, LineKind, LineReader};
pub use reply_reader::{ReplyFault, ReplyReader};
