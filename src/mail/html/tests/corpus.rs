//! Real mail and templates, if a folder of them is at hand.
//!
//! `CONSENTRY_CORPUS` names folders, with colons between; every `.html` file below them is read
//! and judged by the oracle. Without the variable the test says so and judges nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::oracle::judge;
use crate::mail::html::insertion_point;

fn html_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the corpus folder can be read");
    for entry in entries {
        let path = entry.expect("a folder entry can be read").path();
        if path.is_dir() {
            html_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push(path);
        }
    }
}

#[test]
fn adds_a_footer_and_changes_nothing_else_in_a_corpus_folder() {
    let Some(folder) = std::env::var_os("CONSENTRY_CORPUS") else {
        println!("CONSENTRY_CORPUS is not set: no corpus was read and nothing was judged");
        return;
    };
    let mut files = Vec::new();
    for folder in std::env::split_paths(&folder) {
        html_files(&folder, &mut files);
    }
    assert!(!files.is_empty(), "no .html file below {}", folder.display());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in &files {
        let html = std::fs::read(file).expect("a corpus file can be read");
        let label = match insertion_point(&html) {
            Ok(insertion) => {
                if let Err(complaint) = judge(&html, &insertion) {
                    wrong.push(format!("{}: {insertion:?}: {complaint}", file.display()));
                }
                if insertion.closers.is_empty() { "placed" } else { "placed_with_closers" }
            }
            Err(refusal) => {
                println!("{}: {}", file.display(), refusal.as_str());
                refusal.as_str()
            }
        };
        *counts.entry(label).or_default() += 1;
    }
    println!("{} files: {counts:?}, {} judged wrong", files.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
