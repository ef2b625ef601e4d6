//! The rules as a decision reads them: table by table, with a note of each table read.
//!
//! A decision is a pure function of what it reads, so whatever stands in a table it never read
//! cannot change it. The methods that read are written by the table of fields.

use std::cell::Cell;

use super::fields::{Rules, Table};

/// The tables read so far.
#[derive(Default, Debug)]
pub struct TablesRead(Cell<u32>);

impl TablesRead {
    /// Whether `table` was read.
    pub fn holds(&self, table: Table) -> bool {
        self.0.get() & bit(table) != 0
    }
}

const fn bit(table: Table) -> u32 {
    1 << table as u32
}

/// Rules that note what is read of them.
#[derive(Clone, Copy, Debug)]
pub struct Consulted<'r> {
    pub(super) rules: &'r Rules,
    read: &'r TablesRead,
}

impl<'r> Consulted<'r> {
    /// `rules`, noting in `read`.
    pub const fn new(rules: &'r Rules, read: &'r TablesRead) -> Self {
        Self { rules, read }
    }

    pub(super) fn note(&self, table: Table) {
        self.read.0.set(self.read.0.get() | bit(table));
    }
}
