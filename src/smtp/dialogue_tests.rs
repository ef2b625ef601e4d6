//! Dialogues as text files, for the tests of both sessions.
//!
//! A line is a mark, a colon, a space and text with the escapes `\r \n \0 \\ \xHH` and `{x*9}`
//! (repeat). `C:` and `S:` are what client and server send, CRLF added; `c:` and `s:` add
//! nothing. Other marks belong to the test that reads the file. `#` starts a comment.

use std::path::Path;

/// One line of a dialogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub mark: char,
    pub bytes: Vec<u8>,
}

impl Line {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("dialogues are UTF-8 here")
    }
}

/// All dialogues of a folder under `src/smtp/dialogues`, by file name.
pub fn read_all(folder: &str) -> Vec<(String, Vec<Line>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/smtp/dialogues").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(&root)
        .expect("the folder is in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable dialogue");
            (path.file_name().unwrap().to_string_lossy().into_owned(), parse(&text))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(found.len() > 3, "{folder} holds the dialogues");
    found
}

fn parse(text: &str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mark = line.chars().next().expect("a line has a mark");
            let rest = line[1..].strip_prefix(':').unwrap_or_else(|| panic!("no colon: {line}"));
            let mut bytes = unescape(rest.strip_prefix(' ').unwrap_or(rest));
            if matches!(mark, 'C' | 'S') {
                bytes.extend_from_slice(b"\r\n");
            }
            Line { mark: mark.to_ascii_uppercase(), bytes }
        })
        .collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => unescape_one(rest, &mut out),
            '{' => repeat(rest, &mut out),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            out.extend_from_slice(c.to_string().as_bytes());
            c.len_utf8()
        });
        rest = &rest[taken..];
    }
    out
}

fn unescape_one(text: &str, out: &mut Vec<u8>) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'r' => out.push(b'\r'),
        b'n' => out.push(b'\n'),
        b'0' => out.push(0),
        b'\\' => out.push(b'\\'),
        b'x' => {
            out.push(u8::from_str_radix(text.get(2..4)?, 16).ok()?);
            return Some(4);
        }
        _ => return None,
    }
    Some(2)
}

fn repeat(text: &str, out: &mut Vec<u8>) -> Option<usize> {
    let end = text.find('}')?;
    let (what, count) = text[1..end].rsplit_once('*')?;
    for _ in 0..count.parse::<usize>().ok()? {
        out.extend_from_slice(&unescape(what));
    }
    Some(end + 1)
}
