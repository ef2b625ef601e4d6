//! Every case file answered, and every way a file can be wrong.
//!
//! The cases follow published decisions of regulators and courts; a new file in `tests/law/`
//! is found by itself.

use std::fs;
use std::path::{Path, PathBuf};

use super::run;
use crate::classify::Element;
use crate::eligibility::RuleBook;
use crate::eligibility::draft::KINDS;
use crate::eligibility::rules::Text;

/// Every file below `folder` that ends on `.toml`, by name.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false if path.extension().is_some_and(|end| end == "toml") => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rule sets as they lie in the folder, so that writing rules needs no new build.
fn book() -> RuleBook {
    let paths = files_below(&root().join("config/jurisdictions"));
    let read = |path: &PathBuf| {
        let file = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        (file, fs::read_to_string(path).unwrap())
    };
    let files: Vec<(String, String)> = paths.iter().map(read).collect();
    let texts: Vec<Text<'_>> = files.iter().map(|(file, content)| Text { file, content }).collect();
    RuleBook::load(&texts).unwrap_or_else(|errors| {
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    })
}

#[test]
fn the_rule_sets_built_in_are_those_in_the_folder() {
    assert_eq!(book(), RuleBook::builtin());
}

#[test]
fn every_case_file_gets_the_verdict_it_expects() {
    let (book, folder) = (book(), root().join("tests/law"));
    let mut failures = Vec::new();
    let mut count = 0;
    for path in files_below(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        count += 1;
        match run(&fs::read_to_string(&path).unwrap(), &book) {
            Ok(result) if !result.expects => failures.push(format!("{name}: expects nothing")),
            Ok(result) => {
                let reasons = result.verdict.reasons();
                failures.extend(
                    result.differences.iter().map(|d| format!("{name}: {d} ({reasons:?})")),
                );
            }
            Err(errors) => failures.extend(errors.iter().map(|e| format!("{name}: {e}"))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count >= 200, "only {count} case files found");
}

const MINIMAL: &str = r#"
at = 2026-06-01
jurisdictions = ["uk"]
[message]
elements = ["offer"]
sending_entity = "acme"
"#;

#[track_caller]
fn check_error(extra: &str, expected: &[&str]) {
    let errors = run(&format!("{MINIMAL}{extra}"), &RuleBook::builtin()).unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "{shown:?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.contains(expected), "{shown} does not contain {expected}");
    }
}

/// The examples in the manual page about case files.
fn examples() -> Vec<String> {
    let page = fs::read_to_string(root().join("src/manual/cases.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_cases_in_the_manual_get_the_verdicts_they_expect() {
    let whole: Vec<String> = examples().into_iter().filter(|e| e.contains("[then]")).collect();
    assert!(whole.len() >= 3, "only {} whole cases in the page", whole.len());
    for example in whole {
        let result = run(&example, &RuleBook::builtin()).unwrap();
        assert!(result.expects && result.differences.is_empty(), "{:?}", result.differences);
    }
}

/// The keys the reader knows in one place, as its message about an unknown one lists them.
fn keys_at(before: &str) -> Vec<String> {
    let errors = run(&format!("{before}\nno_such_key = 1\n"), &RuleBook::builtin()).unwrap_err();
    let shown = errors[0].to_string();
    let listed = shown.split("expected ").nth(1).unwrap_or_else(|| panic!("{shown}"));
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_and_word_of_a_case_file_stands_in_the_manual() {
    let page = fs::read_to_string(root().join("src/manual/cases.md")).unwrap();
    let tables = [
        "",
        "[message.identity]",
        "[message.unsubscribe]",
        "[message.bulk_counts]",
        "[recipient]",
        "[recipient.published_by_subject]",
        "[[evidence]]",
        "[policy]",
        "[[policy.similar]]",
        "[[policy.collection_point]]",
        "[[policy.accepted_unverified]]",
        "[then]",
    ];
    let in_message = keys_at(MINIMAL);
    let elsewhere = tables.iter().flat_map(|table| match *table {
        "" => keys_at(&format!("no_such_key = 1\n{MINIMAL}")),
        table => keys_at(&format!("{MINIMAL}{table}")),
    });
    let mut keys: Vec<String> = in_message.into_iter().chain(elsewhere).collect();
    keys.extend(
        Element::ALL
            .iter()
            .map(|element| serde_json::to_value(element).unwrap().as_str().unwrap().to_owned()),
    );
    keys.extend(KINDS.iter().flat_map(|(name, short)| {
        [*name].into_iter().chain(short.iter().copied()).map(str::to_owned)
    }));
    assert!(keys.len() > 150, "{keys:?}");
    let missing: Vec<&String> =
        keys.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "not in src/manual/cases.md: {missing:?}");
}

#[test]
fn errors_name_the_line_or_the_piece_of_evidence() {
    check_error("colour = 1\n", &["line 7: unknown field `colour`"]);
    check_error("[[evidence]]\nkind = \"sale\"\nhue = 2\n", &["line 9: unknown field `hue`"]);
    check_error("[then]\nverdict = \"maybe\"\n", &["line 8: unknown variant `maybe`"]);
    check_error(
        "[then]\nverdict = \"deny\"\nreasons = [\"NO_LUCK\"]\n",
        &["line 9: unknown variant"],
    );
    check_error("[[evidence]]\nkind = \"sale\"\nat = \"soon\"\n", &["line 9: expected a date"]);
    check_error(
        "[[evidence]]\nkind = \"sale\"\nentity = \"ACME\"\n",
        &["line 9: `ACME` is not a name"],
    );
    check_error(
        "[[evidence]]\nkind = \"gift\"\nat = 2026-01-01\n\
         [[evidence]]\nkind = \"sale\"\nentity = \"acme\"\n",
        &[
            "evidence number 1: kind: unknown kind `gift`",
            "evidence number 2: at: the moment is missing",
        ],
    );
}

#[test]
fn statutory_values_cannot_be_overridden() {
    check_error(
        "[policy.overrides.uk]\n\"soft.optout_at_collection\" = false\n",
        &["`soft.optout_at_collection` of rule set `uk` is not a policy choice"],
    );
    check_error("[policy.overrides.xx]\n\"soft.available\" = false\n", &["no rule set `xx`"]);
    check_error("[policy.overrides.uk]\n\"soft.colour\" = 1\n", &["has no field `soft.colour`"]);
    check_error(
        "[policy.overrides.uk]\n\"consent.dormancy_months\" = \"long\"\n",
        &["expected a number of months"],
    );
}

#[test]
fn differences_tell_what_was_expected_and_what_was_found() {
    let then = "[then]\nverdict = \"permit\"\nbasis = \"soft_opt_in\"\nreasons = [\"OBJECTED\"]\n\
                not_reasons = [\"NO_BASIS\"]\n";
    let result = run(&format!("{MINIMAL}{then}"), &RuleBook::builtin()).unwrap();
    assert_eq!(
        result.differences,
        [
            "expected verdict permit, found deny",
            "expected basis soft_opt_in, found none",
            "expected reason OBJECTED, which is not given",
            "reason NO_BASIS is given, but should not be",
        ]
    );
}
