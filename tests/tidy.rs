//! The house rules as a test: who may import whom, how large things may get, which words are
//! not names. A rule that is not checked here is a wish.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

/// Who may import whom within `src`, as the picture in `src/manual/architecture.md` shows it.
const IMPORTS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("mail", &["base"]),
    ("smtp", &["base", "mail"]),
    ("classify", &["base", "mail"]),
    ("unsubscribe", &["base"]),
    ("eligibility", &["base", "classify", "unsubscribe"]),
    ("rewrite", &["base", "mail", "eligibility", "unsubscribe"]),
    ("pipeline", &["base", "mail", "smtp", "classify", "unsubscribe", "eligibility", "rewrite"]),
    ("telemetry", &["base", "smtp", "pipeline", "eligibility", "classify", "rewrite"]),
    (
        "relay",
        &[
            "base",
            "mail",
            "smtp",
            "classify",
            "unsubscribe",
            "eligibility",
            "rewrite",
            "pipeline",
            "telemetry",
        ],
    ),
    ("store", &["base", "smtp", "eligibility", "pipeline", "relay", "telemetry"]),
    ("outbound", &["base", "mail", "smtp", "pipeline", "relay", "telemetry"]),
    ("inbound", &["base", "mail", "smtp", "pipeline", "relay", "telemetry"]),
    ("http", &["base", "unsubscribe", "eligibility", "pipeline", "relay", "telemetry"]),
    ("config", &["base", "pipeline", "smtp"]),
];

/// Modules below the purity line.
const CORE: &[&str] =
    &["base", "smtp", "mail", "classify", "unsubscribe", "eligibility", "rewrite", "pipeline"];

/// What core modules may not touch: the outside world.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "rusqlite",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "tracing::",
    "aws_lc_rs::rand",
    "prometheus",
];

/// Words that say nothing in a name.
const BANNED_WORDS: &[&str] = &["manager", "helper", "util", "utils", "misc", "info"];
const BANNED_PREFIXES: &[&str] = &["get_", "do_", "process_", "test_"];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 5;
const COLUMNS_MAX: usize = 100;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let relative = path.strip_prefix(root).unwrap().to_path_buf();
                let module = relative.iter().nth(1).unwrap().to_string_lossy();
                let module = module.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: relative, module, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources under {folder}");
    found
}

#[track_caller]
fn none(kind: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{kind}:\n  {}", offences.join("\n  "));
}

/// Every `crate::module` the code names outside its tests.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .map(|(at, found)| {
            let rest = &code[at + found.len()..];
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn imports_point_downwards_only() {
    let allowed: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let mut offences = Vec::new();
    for source in sources("src") {
        let Some(list) = allowed.get(source.module.as_str()) else { continue };
        // Tests may wire rooms together as the daemon does.
        if is_test_file(&source.path) {
            continue;
        }
        for name in imports(&source.text) {
            if name != source.module && !list.contains(&name.as_str()) {
                offences.push(format!("{}: crate::{name}", source.path.display()));
            }
        }
    }
    none("imports that point upwards or sideways", &offences);
}

#[test]
fn core_modules_touch_nothing_outside() {
    let mut offences = Vec::new();
    for source in sources("src").iter().filter(|s| CORE.contains(&s.module.as_str())) {
        if is_test_file(&source.path) {
            continue;
        }
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                offences.push(format!("{}: {word}: {}", source.path.display(), line.trim()));
            }
        }
    }
    none("input or output below the purity line", &offences);
}

#[test]
fn shell_modules_meet_only_through_the_relay() {
    let shell = ["inbound", "outbound", "http", "store"];
    for source in sources("src").iter().filter(|s| shell.contains(&s.module.as_str())) {
        for name in imports(&source.text) {
            let is_other = shell.contains(&name.as_str()) && name != source.module;
            assert!(!is_other, "{} imports crate::{name}", source.path.display());
        }
    }
}

#[test]
fn p1_only_the_store_makes_receipts() {
    for source in sources("src") {
        let makes = source.text.contains("Receipt::committed(");
        let may = source.module == "store"
            || source.path.ends_with("pipeline/receipt.rs")
            || is_test_file(&source.path);
        let in_tests_only = !source
            .text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .contains("Receipt::committed(");
        assert!(!makes || may || in_tests_only, "{} makes a receipt", source.path.display());
    }
}

fn is_test_file(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests") || path.iter().any(|part| part == "tests")
}

#[test]
fn every_file_opens_with_its_purpose_and_stays_small() {
    let mut offences = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            offences.push(format!("{}: {lines} lines", source.path.display()));
        }
        if !source.text.starts_with("//!") {
            offences.push(format!("{}: does not open with //!", source.path.display()));
        }
    }
    none("files too long or without purpose", &offences);
}

#[test]
fn lines_fit_the_page() {
    let mut offences = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        if is_test_file(&source.path) || source.path.starts_with("tests") {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            // Test data and quoted texts may be longer; code and prose may not.
            let is_data = line.contains('"') || line.contains("http") || line.contains("\\r\\n");
            if line.chars().count() > COLUMNS_MAX && !is_data {
                offences.push(format!("{}:{}", source.path.display(), number + 1));
            }
        }
    }
    none("lines too long", &offences);
}

#[derive(Default)]
struct Shape {
    offences: Vec<String>,
}

impl Shape {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let name = signature.ident.to_string();
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.offences.push(format!("fn {name}: {lines} lines"));
        }
        if signature.inputs.len() > PARAMETERS_MAX + 1 {
            self.offences.push(format!("fn {name}: {} parameters", signature.inputs.len()));
        }
        // axum's trait spells it so.
        if name == "connect_info" {
            return;
        }
        if BANNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            self.offences.push(format!("fn {name}: banned prefix"));
        }
        self.name(&name);
    }

    fn name(&mut self, name: &str) {
        let snake: String = name
            .chars()
            .flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase()))
            .collect();
        if snake.split('_').any(|word| BANNED_WORDS.contains(&word)) {
            self.offences.push(format!("{name}: banned word"));
        }
    }
}

impl<'ast> Visit<'ast> for Shape {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.name(&item.ident.to_string());
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.name(&item.ident.to_string());
    }
}

#[test]
fn functions_stay_short_and_names_say_something() {
    let mut offences = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let file = syn::parse_file(&source.text).unwrap();
        let mut shape = Shape::default();
        shape.visit_file(&file);
        let path = source.path.display();
        offences.extend(shape.offences.into_iter().map(|offence| format!("{path}: {offence}")));
    }
    none("functions or names", &offences);
}

#[test]
fn no_test_is_switched_off() {
    for source in sources("src").into_iter().chain(sources("tests")) {
        let is_self = source.path.ends_with("tidy.rs");
        assert!(is_self || !source.text.contains("#[ignore"), "{}", source.path.display());
    }
}

#[test]
fn the_rules_would_notice() {
    assert_eq!(
        imports("use crate::store::X;\n// crate::http\nfn a() { crate::base::b() }"),
        ["store", "base"]
    );
    let file = syn::parse_file(
        "fn get_x(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {} struct JobManager;",
    )
    .unwrap();
    let mut shape = Shape::default();
    shape.visit_file(&file);
    assert_eq!(shape.offences.len(), 3, "{:?}", shape.offences);
}

#[test]
fn every_dependency_has_a_user() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let code: String = sources("src").into_iter().map(|source| source.text).collect();
    let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let unused: Vec<String> = names
        .map(|name| name.replace('-', "_"))
        .filter(|name| !code.contains(&format!("{name}::")))
        .collect();
    none("dependencies without a user", &unused);
}
