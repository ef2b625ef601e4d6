//! JSON as rows: one object a line, an array of them, or an object that holds such an array.
//!
//! Streaming: a scanner cuts the text into objects and holds one at a time. Nested values become
//! columns (`topicPreferences.Sports`). RFC 8259.

use std::io::{self, BufRead, Read};

use serde_json::{Map, Value};

/// Members whose array holds the rows.
const WRAPPERS: &[&str] =
    &["suppressions", "suppresseddestinationsummaries", "contacts", "results", "items", "result"];

/// Bytes one row may have.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;

/// How the rows stand in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layout {
    /// One object a line: a bad line ends with its line.
    Lines,
    /// Anything else.
    Nested,
}

/// Cuts a text into objects.
pub(super) struct Objects<R> {
    input: R,
    layout: Option<Layout>,
    line: u64,
    scan: Scan,
    is_over: bool,
}

/// One object's text and the line it begins on.
pub(super) type Cut = (u64, Vec<u8>);

impl<R: BufRead> Objects<R> {
    /// Rows of `input`, whose first line is number `line`.
    pub(super) fn new(input: R, line: u64) -> Self {
        Self { input, layout: None, line, scan: Scan::default(), is_over: false }
    }

    /// The next object, not yet parsed. An error ends the file.
    pub(super) fn next(&mut self) -> Option<io::Result<Cut>> {
        if self.is_over {
            return None;
        }
        let layout = match self.layout {
            Some(layout) => layout,
            None => match self.input.fill_buf().map(layout_of) {
                Ok(layout) => *self.layout.insert(layout),
                Err(error) => return self.end(error),
            },
        };
        let cut = match layout {
            Layout::Lines => self.next_line(),
            Layout::Nested => self.next_nested(),
        };
        match cut {
            Ok(cut) => cut.map(Ok),
            Err(error) => self.end(error),
        }
    }

    fn end(&mut self, error: io::Error) -> Option<io::Result<Cut>> {
        self.is_over = true;
        Some(Err(error))
    }

    fn next_line(&mut self) -> io::Result<Option<Cut>> {
        loop {
            let mut text = Vec::new();
            let limit = ROW_BYTES_MAX as u64 + 1;
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(None);
            }
            if text.len() > ROW_BYTES_MAX {
                return Err(too_long());
            }
            let line = self.line;
            self.line += 1;
            if !text.trim_ascii().is_empty() {
                return Ok(Some((line, text)));
            }
        }
    }

    fn next_nested(&mut self) -> io::Result<Option<Cut>> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return match self.scan.is_between() {
                    true => Ok(None),
                    false => Err(broken("it ends within a value")),
                };
            }
            let mut used = 0;
            let mut found = None;
            for byte in chunk {
                used += 1;
                if *byte == b'\n' {
                    self.line += 1;
                }
                found = self.scan.push(*byte, self.line)?;
                if found.is_some() {
                    break;
                }
            }
            self.input.consume(used);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

/// Where the scanner stands.
#[derive(Default)]
struct Scan {
    open: Vec<u8>,
    /// Containers around the rows.
    around: usize,
    row: Vec<u8>,
    row_line: u64,
    string: Option<Vec<u8>>,
    is_escaped: bool,
    last_string: Vec<u8>,
    /// Whether the outermost object held the rows and is none itself.
    is_wrapper: bool,
}

impl Scan {
    fn is_between(&self) -> bool {
        self.open.is_empty() && self.string.is_none()
    }

    fn push(&mut self, byte: u8, line: u64) -> io::Result<Option<Cut>> {
        if self.open.len() > self.around {
            self.row.push(byte);
            if self.row.len() > ROW_BYTES_MAX {
                return Err(too_long());
            }
        }
        if self.in_string(byte) {
            return Ok(None);
        }
        match byte {
            b'{' | b'[' => self.enter(byte, line),
            b'}' | b']' => self.leave(byte),
            b'"' => {
                self.string = Some(Vec::new());
                Ok(None)
            }
            _ if self.open.is_empty() && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',') => {
                Err(broken("something stands between the objects"))
            }
            _ => Ok(None),
        }
    }

    fn in_string(&mut self, byte: u8) -> bool {
        let Some(string) = &mut self.string else { return false };
        if self.is_escaped {
            self.is_escaped = false;
        } else if byte == b'\\' {
            self.is_escaped = true;
        } else if byte == b'"' {
            self.last_string = self.string.take().unwrap_or_default();
            return true;
        }
        // Only names of wrappers are looked for, and those are short.
        if string.len() < 64 {
            string.push(byte);
        }
        true
    }

    fn enter(&mut self, byte: u8, line: u64) -> io::Result<Option<Cut>> {
        let names_rows = || {
            let name = String::from_utf8_lossy(&self.last_string).to_ascii_lowercase();
            WRAPPERS.contains(&name.as_str())
        };
        if self.open.is_empty() {
            self.around = usize::from(byte == b'[');
            self.is_wrapper = false;
        } else if self.around == 0 && self.open == [b'{'] && byte == b'[' && names_rows() {
            self.around = 2;
            self.is_wrapper = true;
            self.row.clear();
        }
        self.open.push(byte);
        if self.open.len() > 128 {
            return Err(broken("it is nested too deeply"));
        }
        if self.open.len() == self.around + 1 {
            self.row_line = line;
            self.row = vec![byte];
        }
        Ok(None)
    }

    fn leave(&mut self, byte: u8) -> io::Result<Option<Cut>> {
        let opened = self.open.pop();
        if !matches!((opened, byte), (Some(b'{'), b'}') | (Some(b'['), b']')) {
            return Err(broken("a bracket is closed that was not opened"));
        }
        if self.open.len() == 1 && self.is_wrapper && self.around == 2 {
            // What follows the rows inside the wrapper is no row.
            self.around = 0;
            self.row.clear();
            return Ok(None);
        }
        if self.open.len() != self.around || self.row.is_empty() {
            return Ok(None);
        }
        let row = std::mem::take(&mut self.row);
        let is_rest_of_wrapper = self.is_wrapper && self.open.is_empty();
        Ok((!is_rest_of_wrapper).then_some((self.row_line, row)))
    }
}

fn layout_of(start: &[u8]) -> Layout {
    let mut lines = start.split_inclusive(|byte| *byte == b'\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let is_row = match serde_json::from_slice::<Map<String, Value>>(first) {
        Ok(object) => first.ends_with(b"\n") && !object.keys().any(|key| is_wrapper(key)),
        // A first row cut short, or the beginning of something larger?
        Err(_) => {
            let goes_on = matches!(first.trim_ascii_end().last(), Some(b'[' | b'{' | b',' | b':'));
            !goes_on && second.trim_ascii_start().starts_with(b"{")
        }
    };
    if is_row && first.trim_ascii_start().starts_with(b"{") {
        Layout::Lines
    } else {
        Layout::Nested
    }
}

fn is_wrapper(key: &str) -> bool {
    WRAPPERS.contains(&key.to_ascii_lowercase().as_str())
}

fn too_long() -> io::Error {
    broken("a row is longer than 1 MiB; is a quote or a bracket left open?")
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// An object as columns and values.
pub(super) fn flatten(text: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
    let object: Map<String, Value> =
        serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut flat = (Vec::new(), Vec::new());
    flatten_into(&mut flat, "", object);
    Ok(flat)
}

fn flatten_into(flat: &mut (Vec<String>, Vec<String>), before: &str, object: Map<String, Value>) {
    for (key, value) in object {
        let name = if before.is_empty() { key } else { format!("{before}.{key}") };
        match value {
            Value::Object(inner) => flatten_into(flat, &name, inner),
            Value::Array(items) => flatten_list(flat, name, items),
            scalar => put(flat, name, text_of(&scalar)),
        }
    }
}

/// A list of words is one value; a list of `{…name, …}` objects is one column for each name.
fn flatten_list(flat: &mut (Vec<String>, Vec<String>), name: String, items: Vec<Value>) {
    let mut words = Vec::new();
    for item in items {
        let Value::Object(inner) = item else {
            words.push(text_of(&item));
            continue;
        };
        let is_name = |key: &String| key.to_ascii_lowercase().ends_with("name");
        let named = inner.iter().find(|(key, _)| is_name(key)).map(|(_, value)| text_of(value));
        let other = inner.iter().find(|(key, _)| !is_name(key)).map(|(_, value)| text_of(value));
        if let (Some(named), Some(other)) = (named, other) {
            put(flat, format!("{name}.{named}"), other);
        }
    }
    if !words.is_empty() {
        put(flat, name, words.join(";"));
    }
}

fn put(flat: &mut (Vec<String>, Vec<String>), name: String, value: String) {
    flat.0.push(name);
    flat.1.push(value);
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
