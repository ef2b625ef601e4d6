//! Tests of the insertion point: the vectors by name, the oracle, and what strangers send.
//!
//! The oracle is html5ever: the document with a footer must be the document plus a footer that
//! shows. Vector ids (D1 to D24) are those of the project's table of HTML test vectors.

mod corpus;
mod oracle;
mod soup;
mod vectors;
