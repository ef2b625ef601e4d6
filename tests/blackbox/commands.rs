//! Commands as operators run them: exit codes, what they print, what they leave alone.

use std::fs;

use super::house::House;
use super::newsletter::newsletter;

const HEADER: &str = "address,kind,at,entity,topics,completed,paid,direct,opt_out_offered\n";
const SALE: &str = "jane@example.org,sale,2026-08-20,acme-ltd,footwear,yes,yes,yes,yes\n";

fn import(house: &House, csv: &str, extra: &[&str]) -> (Option<i32>, String) {
    fs::write(house.path("rows.csv"), csv).unwrap();
    let arguments = [&["import", "--config", "consentry.toml"], extra, &["rows.csv"]].concat();
    let output = house.run(&arguments);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_bad_row_keeps_permissions_out_and_lets_objections_in() {
    let house = House::new(1, "bounce");
    let bad = "joan@example.org,sale,2026-08-20,nobody,footwear,yes,yes,yes,yes\n";
    let objection = "ann@example.org,objection,2026-08-20,acme-ltd,,,,,\n";
    let (code, said) = import(&house, &[HEADER, SALE, bad, objection].concat(), &[]);
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("line 3") && said.contains("`nobody`"), "{said}");
    assert!(said.contains("1 rows, 1 pieces"), "only the objection: {said}");
    let (code, said) =
        import(&house, &[HEADER, SALE, bad, objection].concat(), &["--rejects", "back.csv"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 rows") && said.contains("1 already known"), "{said}");
    let back = fs::read_to_string(house.path("back.csv")).unwrap();
    assert!(back.contains("joan@example.org") && back.contains("not in the configuration"));
    let (code, said) = import(&house, &back.replace("nobody", "acme-ltd"), &[]);
    assert_eq!(code, Some(0), "mended, the file comes back as it is: {said}");
}

#[test]
fn a_dry_run_writes_nothing_and_rejects_never_overwrite() {
    let house = House::new(1, "bounce");
    let (code, said) = import(&house, &[HEADER, SALE].concat(), &["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("dry run") && !house.store().exists(), "{said}");
    let (code, said) = import(&house, &[HEADER, SALE].concat(), &["--rejects", "rows.csv"]);
    assert_eq!(code, Some(73), "{said}");
    assert_eq!(fs::read_to_string(house.path("rows.csv")).unwrap(), [HEADER, SALE].concat());
}

#[test]
fn unknown_columns_and_files_are_named() {
    let house = House::new(1, "bounce");
    let (code, said) = import(&house, "address,kind,favourite\n", &[]);
    assert!(code == Some(65) && said.contains("favourite"), "{said}");
    let missing = house.run(&["import", "--config", "consentry.toml", "nowhere.csv"]);
    assert_eq!(missing.status.code(), Some(66));
    let config = house.run(&["check", "--config", "nowhere.toml"]);
    assert_eq!(config.status.code(), Some(66));
}

#[test]
fn a_recorded_piece_counts_at_once() {
    let house = House::new(1, "bounce");
    let fields = ["address=jane@example.org", "kind=objection", "entity=acme-ltd"];
    let said = house.run_ok(&[&["record", "--config", "consentry.toml"], &fields[..]].concat());
    assert!(said.contains("recorded objection"), "{said}");
    let unknown = [
        "record",
        "--config",
        "consentry.toml",
        "address=j@x.org",
        "kind=objection",
        "entity=nobody",
    ];
    assert_eq!(house.run(&unknown).status.code(), Some(65));
}

#[test]
fn rewrite_previews_and_never_overwrites() {
    let house = House::new(1, "bounce");
    fs::write(house.path("letter.eml"), newsletter("Preview")).unwrap();
    let shown = house.run_ok(&["rewrite", "--json", "--out", "out", "letter.eml"]);
    let line: serde_json::Value = serde_json::from_str(shown.trim()).unwrap();
    assert_eq!(line["outcome"], "edited", "{line}");
    assert_eq!((&line["footers"]["html"], &line["footers"]["text"]), (&1.into(), &1.into()));
    let preview = fs::read_to_string(house.path("out/letter.eml")).unwrap();
    assert!(preview.contains("https://example.invalid/u/"));
    let again = house.run(&["rewrite", "--out", ".", "letter.eml"]);
    assert_eq!(again.status.code(), Some(73));
    assert_eq!(fs::read(house.path("letter.eml")).unwrap(), newsletter("Preview"));
}

#[test]
fn classify_prints_one_json_line_per_file() {
    let house = House::new(1, "bounce");
    fs::write(house.path("letter.eml"), newsletter("Class")).unwrap();
    let shown = house.run_ok(&["classify", "--json", "letter.eml"]);
    let line: serde_json::Value = serde_json::from_str(shown.trim()).unwrap();
    assert_eq!(line["class"], "marketing");
    assert!(line["marketing_probability"].is_null());
    assert!(!line["signals"].as_array().unwrap().is_empty());
}

#[test]
fn a_keyring_is_never_overwritten() {
    let house = House::new(1, "bounce");
    let before = fs::read(house.path("keyring.toml")).unwrap();
    let again = house.run(&["key", "new", "--out", "keyring.toml"]);
    assert_eq!(again.status.code(), Some(73));
    assert_eq!(fs::read(house.path("keyring.toml")).unwrap(), before);
}

#[test]
fn the_demo_plays_the_story_and_exits() {
    let house = House::new(1, "bounce");
    let told = house.run_ok(&["demo", "--once"]);
    for wanted in [
        "a copy for buyer@",
        "a copy for consenter@",
        "the notice for mail-ops@",
        "550 5.7.1 UNSUBSCRIBED",
        "soft_opt_in",
        "the journal is whole",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
}
