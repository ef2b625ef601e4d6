//! Messages from files and folders, as SMTP would have brought them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::exit::{Exit, Failure, OrExit as _};
use crate::mail::{Message, RawMessage};

/// The files named, folders opened, in order of their names.
pub(super) fn messages(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in named {
        if path.is_dir() {
            collect(path, &mut found)
                .with_context(|| format!("cannot read {}", path.display()))
                .or_exit(Exit::NoInput)?;
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads a message. Files saved with bare LF get the CRLF that SMTP asks for (RFC 5321
/// §2.3.8); a file with CRLF stays as it is.
pub(super) fn message(file: &Path) -> Result<Message, Failure> {
    let bytes = fs::read(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .or_exit(Exit::NoInput)?;
    let bytes =
        if bytes.windows(2).any(|pair| pair == b"\r\n") { bytes } else { with_crlf(&bytes) };
    // Mailboxes put a separator in front that is no part of the message (RFC 4155).
    let start = match bytes.starts_with(b"From ") {
        true => bytes.iter().position(|b| *b == b'\n').map_or(0, |end| end + 1),
        false => 0,
    };
    Ok(Message::scan(RawMessage::new(bytes::Bytes::from(bytes).slice(start..))))
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for byte in bytes {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}
