//! What can be proven to outsiders: checkpoints kept elsewhere, proofs that another program
//! checks, exports, and what a deletion leaves of both.

use std::fs;
use std::process::{Command, Output};

use rusqlite::Connection;

use super::house::{House, eventually, require};
use super::mailer;
use super::newsletter::{newsletter, password_reset};
use super::story::{EVERYBODY, decision_id};
use super::upstream::Upstream;

const CONFIG: &[&str] = &["--config", "consentry.toml"];
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs/check.py");
const TAMPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs/tamper.py");

/// A house that sent one newsletter and one password reset and was stopped in order.
fn sent_and_stopped() -> (Upstream, House) {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.edit(|text| {
        let signing = "checkpoints = \"elsewhere.jsonl\"\ncheckpoint_entries = 100\n[keys]";
        text.replace("[keys]", signing)
    });
    house.import_contacts();
    let serve = house.serve();
    let sent = newsletter("Proven");
    let reply = mailer::send(house.smtp, "bounce@example.com", &EVERYBODY, &sent).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let to = ["objector@example.org"];
    mailer::send(house.smtp, "bounce@example.com", &to, &password_reset()).unwrap();
    serve.stop();
    (upstream, house)
}

fn public_key(house: &House) -> String {
    let told = house.run_ok(&[&["key", "public"], CONFIG].concat());
    told.lines().nth(1).unwrap().to_owned()
}

fn python(script: &str, house: &House, file: &str, key: &str) -> Output {
    Command::new(require("python3"))
        .args(["-B", script, house.path(file).to_str().unwrap(), key])
        .output()
        .unwrap()
}

#[track_caller]
fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
    String::from_utf8_lossy(&text).into_owned()
}

fn prove(house: &House, id: &str) -> serde_json::Value {
    let arguments = [&["journal", "prove"], CONFIG, &[id, "--out", "proof.json"]].concat();
    house.run_ok(&arguments);
    serde_json::from_slice(&fs::read(house.path("proof.json")).unwrap()).unwrap()
}

#[test]
fn p9_a_proof_is_checked_without_our_program_and_no_value_in_it_can_be_changed() {
    let (upstream, house) = sent_and_stopped();
    let copy = super::story::copy_for(&upstream, "buyer@example.org");
    let id = decision_id(&copy.data);
    let proof = prove(&house, &id);
    let key = public_key(&house);
    let told = said(&python(CHECK, &house, "proof.json", &key));
    assert!(told.contains(&id) && told.contains("2 pieces of evidence"), "{told}");
    let body: serde_json::Value =
        serde_json::from_str(proof["decision"]["body"].as_str().unwrap()).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &copy.data);
    let digest = data_encoding::HEXLOWER.encode(digest.as_ref());
    assert_eq!(body["marketing"]["copy"], digest, "the journal names what was sent");
    let kinds: Vec<_> =
        proof["sources"].as_array().unwrap().iter().map(|s| &s["text"]["kind"]).collect();
    assert!(kinds.iter().any(|kind| **kind == "rule_set"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| **kind == "footer"), "{kinds:?}");
    let tampered = said(&python(TAMPER, &house, "proof.json", &key));
    let count: usize = tampered.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 200, "{tampered}");
    let text = proof.to_string();
    assert!(!text.contains("buyer@example.org"), "a proof names nobody in clear");
}

#[test]
fn p9_a_denial_is_proven_too_and_an_unknown_decision_is_not() {
    let (_upstream, house) = sent_and_stopped();
    let store = Connection::open(house.store()).unwrap();
    let body: String = store
        .query_row(
            "SELECT CAST(body AS TEXT) FROM journal JOIN payload USING (chain, seq)
             WHERE kind = 'decision' AND CAST(body AS TEXT) LIKE '%OBJECTED%' LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(body["marketing"]["copy"].is_null(), "nothing was sent");
    prove(&house, body["decision"].as_str().unwrap());
    let told = said(&python(CHECK, &house, "proof.json", &public_key(&house)));
    assert!(told.contains("deny"), "{told}");
    let unknown = [&["journal", "prove"], CONFIG, &["0000000000000"]].concat();
    assert_eq!(house.run(&unknown).status.code(), Some(1));
    let garbled = [&["journal", "prove"], CONFIG, &["nonsense"]].concat();
    assert_eq!(house.run(&garbled).status.code(), Some(64));
}

fn against(house: &House, extra: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["journal", "verify"], CONFIG, &["--against", "elsewhere.jsonl"], extra];
    let output = house.run(&arguments.concat());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn p9_a_chain_that_was_cut_or_written_anew_contradicts_its_checkpoints() {
    let (_upstream, house) = sent_and_stopped();
    let (code, told) = against(&house, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("1 of 1 checkpoints match"), "{told}");
    let (code, told) = against(&house, &["--public-key", &public_key(&house)]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = against(&house, &["--public-key", &"0".repeat(64)]);
    assert!(code == Some(1) && told.contains("unknown key"), "{told}");
    // Somebody with the database and no scruples puts an older, whole one in its place.
    let whole = fs::read(house.store()).unwrap();
    let other = House::new(1, "bounce");
    other.import_contacts();
    fs::copy(other.store(), house.store()).unwrap();
    let (code, told) = against(&house, &[]);
    assert!(code == Some(1) && told.contains("of another store"), "{told}");
    fs::write(house.store(), whole).unwrap();
    let store = Connection::open(house.store()).unwrap();
    let hash = "UPDATE journal SET hash = zeroblob(32) WHERE seq =";
    let signed = fs::read_to_string(house.path("elsewhere.jsonl")).unwrap();
    let signed: serde_json::Value = serde_json::from_str(signed.trim()).unwrap();
    store.execute(&format!("{hash} {}", signed["seq"]), []).unwrap();
    let (code, told) = against(&house, &[]);
    assert!(code == Some(1) && told.contains("it was rewritten"), "{told}");
    store.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    store.execute(&format!("DELETE FROM journal WHERE seq >= {}", signed["seq"]), []).unwrap();
    let (code, told) = against(&house, &[]);
    assert!(code == Some(1) && told.contains("but the chain ends at entry"), "{told}");
    let forged = signed.to_string().replace("\"seq\":", "\"seq\":1");
    fs::write(house.path("elsewhere.jsonl"), forged).unwrap();
    let (code, told) = against(&house, &[]);
    assert!(code == Some(1) && told.contains("signature does not match"), "{told}");
}

#[test]
fn checkpoints_are_made_while_serving_and_on_request() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let signing = "checkpoints = \"elsewhere.jsonl\"\ncheckpoint_every = \"1s\"\n[keys]";
    house.edit(|text| text.replace("[keys]", signing));
    house.import_contacts();
    let _serve = house.serve();
    let lines = || fs::read_to_string(house.path("elsewhere.jsonl")).unwrap_or_default();
    eventually("a checkpoint", || lines().contains("signature").then_some(()));
    eventually("the metric", || {
        house.metric("consentry_journal_unsigned_entries").filter(|entries| *entries < 1.0)
    });
    let now = [&["journal", "checkpoint"], CONFIG, &["--out", "mine.jsonl"]].concat();
    house.run_ok(&now);
    let mine = fs::read_to_string(house.path("mine.jsonl")).unwrap();
    assert!(lines().contains(mine.trim()), "it stands in the configured file too");
}

#[test]
fn an_export_has_every_entry_with_what_it_commits_to() {
    let (_upstream, house) = sent_and_stopped();
    let all = house.run_ok(&[&["journal", "export"], CONFIG].concat());
    let entries: Vec<serde_json::Value> =
        all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry["seq"], at + 1);
        let has = |what: &str| entry.get(what).is_some();
        assert_eq!(has("evidence"), entry["kind"] == "evidence", "{entry}");
        assert_ne!(has("payload"), has("evidence"), "{entry}");
    }
    let later = [&["journal", "export"], CONFIG, &["--from", "5", "--out", "part.jsonl"]].concat();
    house.run_ok(&later);
    let part = fs::read_to_string(house.path("part.jsonl")).unwrap();
    assert_eq!(part.lines().count(), entries.len() - 4);
    assert_eq!(house.run(&later).status.code(), Some(73), "never over a file that is there");
}

#[test]
fn nothing_young_is_deleted_and_a_dry_run_says_so() {
    let (_upstream, house) = sent_and_stopped();
    for extra in [&["--dry-run"][..], &[]] {
        let told = house.run_ok(&[&["journal", "retain"], CONFIG, extra].concat());
        assert!(told.contains("payloads of 0 decisions, 0 outcomes, 0 service"), "{told}");
    }
    let verified = house.run_ok(&[&["journal", "verify"], CONFIG].concat());
    assert!(verified.contains("0 deleted as journalled"), "{verified}");
}
