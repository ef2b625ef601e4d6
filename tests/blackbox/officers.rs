//! Acts of officers from outside: approved notices, mergers, objections lifted, people's rights.

use std::fs;

use super::house::{House, days_ago};
use super::http;
use super::mailer;
use super::newsletter::newsletter;
use super::story::one_click_path;
use super::upstream::Upstream;

const OFFICER: [&str; 4] = ["--by", "jane.roe", "--reason", "letter of today"];
const CONFIG: [&str; 2] = ["--config", "consentry.toml"];

fn by_officer<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &CONFIG, &OFFICER].concat()
}

fn ok(house: &House, arguments: &[&str]) -> String {
    house.run_ok(&[arguments, &CONFIG].concat())
}

fn send(house: &House, recipient: &str, message: &[u8]) -> (u16, String) {
    let reply = mailer::send(house.smtp, "bounce@example.com", &[recipient], message).unwrap();
    (reply.code, reply.text)
}

#[track_caller]
fn check_newsletter(house: &House, recipient: &str, subject: &str, expected: u16) -> String {
    let (code, text) = send(house, recipient, &newsletter(subject));
    assert_eq!(code, expected, "{recipient}: {text}\n{}", house.log());
    text
}

fn verify(house: &House) {
    ok(house, &["journal", "verify"]);
}

fn breach(name: &str, more: &str) -> Vec<u8> {
    format!(
        "From: Acme <news@example.com>\r\nTo: <{name}@example.org>\r\nSubject: Your data, {name}\r\n\
         Message-ID: <breach-{}@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Dear {name},\r\n\r\nstrangers saw your order. Read on at https://example.com/breach\r\n{more}",
        name.len() + more.len()
    )
    .into_bytes()
}

fn house_with_approvals(upstream: &Upstream) -> House {
    let house = House::new(upstream.port, "reject");
    house.edit(|text| format!("[rules]\napprovals = \"approvals\"\n{text}"));
    fs::create_dir(house.path("approvals")).unwrap();
    fs::write(house.path("breach.eml"), breach("{{name}}", "")).unwrap();
    house.import_contacts();
    house
}

fn in_days(days: i64) -> String {
    days_ago(-days)
}

#[test]
fn p5_an_approved_notice_reaches_objectors_until_it_is_revoked() {
    let upstream = Upstream::start();
    let house = house_with_approvals(&upstream);
    let _serve = house.serve();
    assert_eq!(send(&house, "objector@example.org", &breach("Jane", "")).0, 550);
    let until = in_days(30);
    let what = ["approve", "breach.eml", "--as", "service", "--entity", "acme-ltd"];
    let approve = by_officer(&[&what[..], &["--until", until.as_str()]].concat());
    let approved = house.run_ok(&approve);
    let digest = approved.lines().next().unwrap().strip_prefix("approved ").unwrap().to_owned();
    assert!(approved.contains("slots    name"), "{approved}");
    assert_eq!(send(&house, "objector@example.org", &breach("Joan", "")).0, 550, "no reload yet");
    ok(&house, &["reload"]);
    let (code, text) = send(&house, "objector@example.org", &breach("Jane D.", ""));
    assert_eq!(code, 250, "{text}\n{}", house.log());
    let sent = upstream.accepted().pop().unwrap();
    let sent = String::from_utf8(sent.data).unwrap();
    assert!(sent.contains("Dear Jane D.,") && !sent.contains("List-Unsubscribe"), "{sent}");
    let id = sent.split("\tid ").nth(1).unwrap().split(';').next().unwrap().trim();
    let told = ok(&house, &["explain", id]);
    assert!(told.contains("jane.roe approved this content") && told.contains(&digest), "{told}");

    for message in [breach("Jane", "Shoes at half price!\r\n"), breach("see www.shop.example", "")]
    {
        let (code, text) = send(&house, "objector@example.org", &message);
        assert_eq!(code, 550, "{text}");
    }
    assert!(ok(&house, &["approve", "list"]).contains(&digest));
    house.run_ok(&by_officer(&["approve", "revoke", &digest[..12]]));
    ok(&house, &["reload"]);
    assert_eq!(send(&house, "objector@example.org", &breach("Jo", "")).0, 550);
    assert_eq!(ok(&house, &["approve", "list"]), "");
    verify(&house);
}

#[test]
fn p7_approvals_that_are_too_long_changed_or_open_to_all_are_refused() {
    let upstream = Upstream::start();
    let house = house_with_approvals(&upstream);
    let what = ["approve", "breach.eml", "--as", "service", "--entity", "acme-ltd", "--until"];
    for (days, expected) in [(91, 64), (-1, 64), (90, 0)] {
        let until = in_days(days);
        let output = house.run(&by_officer(&[&what[..], &[until.as_str()]].concat()));
        assert_eq!(output.status.code(), Some(expected), "{days}: {output:?}");
    }
    ok(&house, &["check"]);
    let file = fs::read_dir(house.path("approvals")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("strangers", "everybody")).unwrap();
    let refused = house.run(&["check", "--config", "consentry.toml"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(78) && said.contains("was changed"), "{said}");
    fs::write(&file, &text).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&file, everybody).unwrap();
    let refused = house.run(&["check", "--config", "consentry.toml"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(78) && said.contains("chmod o-w"), "{said}");
}

const OLD_ENTITY: &str = "[[entity]]\nid = \"old-ltd\"\nname = \"Old Shoes Ltd\"\n\
    jurisdiction = \"uk\"\npostal_address = \"2 High Street, London EC1A 1AA\"\n";

fn record(house: &House, fields: &[&str]) {
    ok(house, &[&["record"], fields].concat());
}

#[test]
fn p2_a_merger_carries_permissions_and_a_purchase_only_objections() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.edit(|text| format!("{text}\n{OLD_ENTITY}"));
    house.import_contacts();
    let at = format!("at={}", days_ago(60));
    record(
        &house,
        &[
            "address=heir@example.org",
            "kind=sale",
            &at,
            "entity=old-ltd",
            "topics=footwear",
            "opt_out_offered=yes",
            "completed=yes",
            "paid=yes",
            "direct=yes",
            "channel=web",
            "jurisdictions=uk",
            "subject_kind=natural",
            "source=shop",
            "reference=order-9",
        ],
    );
    let objects = [
        "address=buyer@example.org",
        "kind=objection",
        "entity=old-ltd",
        "scope=entity",
        "channel=direct",
    ];
    record(&house, &objects);
    let _serve = house.serve();
    check_newsletter(&house, "heir@example.org", "One", 550);
    check_newsletter(&house, "buyer@example.org", "Two", 250);
    let yesterday = days_ago(1);
    let what = ["succession", "old-ltd", "acme-ltd", "--at", yesterday.as_str(), "--deal"];
    let with = |deal| by_officer(&[&what[..], &[deal, "--document", "deed 4"]].concat());
    house.run_ok(&with("universal"));
    check_newsletter(&house, "heir@example.org", "Three", 250);
    assert!(check_newsletter(&house, "buyer@example.org", "Four", 550).contains("OBJECTED"));
    house.run_ok(&by_officer(&["succession", "withdraw", "1"]));
    check_newsletter(&house, "heir@example.org", "Five", 550);
    check_newsletter(&house, "buyer@example.org", "Six", 250);
    house.run_ok(&with("asset_deal"));
    check_newsletter(&house, "heir@example.org", "Seven", 550);
    assert!(check_newsletter(&house, "buyer@example.org", "Eight", 550).contains("OBJECTED"));
    let listed = ok(&house, &["succession", "list"]);
    assert!(listed.contains("withdrawn") && listed.contains("asset_deal"), "{listed}");
    let unknown = ["succession", "gone-ltd", "acme-ltd", "--at", yesterday.as_str()];
    let deed = ["--deal", "universal", "--document", "deed 5"];
    let unknown = house.run(&by_officer(&[&unknown[..], &deed].concat()));
    assert_eq!(unknown.status.code(), Some(64), "{unknown:?}");
    verify(&house);
}

#[test]
fn p9_people_see_what_is_held_and_have_it_erased_for_good() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    let _serve = house.serve();
    check_newsletter(&house, "consenter@example.org", "One", 250);
    let told = ok(&house, &["subject", "show", "Consenter@Example.ORG"]);
    for wanted in [
        "consent given for footwear; held for acme-ltd; counts",
        "number signup-55",
        "wording newsletter-2",
        "sent: permit for acme-ltd",
        "decisions: 36 months",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
    let shown = ok(&house, &["subject", "show", "consenter@example.org", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["decisions"].as_array().unwrap().len(), 1);
    let foreign =
        ok(&house, &["subject", "show", "consenter@example.org", "--json", "--entity", "x"]);
    let foreign: serde_json::Value = serde_json::from_str(&foreign).unwrap();
    assert!(foreign["decisions"].as_array().unwrap().is_empty(), "{foreign}");
    let receipts = ok(&house, &["subject", "receipts", "consenter@example.org"]);
    let receipts: serde_json::Value = serde_json::from_str(&receipts).unwrap();
    let receipt = &receipts["consents"][0];
    assert_eq!(receipt["kantara"]["version"], "KI-CR-v1.1.0");
    assert_eq!(receipt["kantara"]["piiControllers"][0]["piiController"], "Acme Shoes Ltd");
    assert_eq!(receipt["iso_27560"]["events"][0]["event_state"], "given");
    let sold = ok(&house, &["subject", "receipts", "buyer@example.org"]);
    let sold: serde_json::Value = serde_json::from_str(&sold).unwrap();
    let purpose = &sold["soft_opt_in"][0]["pii_processing"]["purposes"][0];
    assert_eq!(purpose["opt_out_offered"], true, "{sold}");
    ok(&house, &["subject", "export", "consenter@example.org", "--out", "them.json"]);
    assert!(fs::read_to_string(house.path("them.json")).unwrap().contains("signup-55"));

    let erase = ["subject", "erase", "consenter@example.org", "--entity", "acme-ltd"];
    let proof = house.run_ok(&by_officer(&erase));
    assert!(proof.contains("evidence             1") && proof.contains("journalled as"), "{proof}");
    let (_, text) = send(&house, "consenter@example.org", &newsletter("Two"));
    assert!(text.contains("OBJECTED"), "{text}");
    let told = ok(&house, &["subject", "show", "consenter@example.org"]);
    assert!(!told.contains("signup-55") && told.contains("erasure"), "{told}");
    verify(&house);
    house.import_contacts();
    let (code, text) = send(&house, "consenter@example.org", &newsletter("Three"));
    assert_eq!(code, 550, "an old list revives nothing: {text}");
    verify(&house);
}

#[test]
fn p2_staff_lift_their_own_mistakes_and_never_a_persons_click() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    let _serve = house.serve();
    let number = |address: &str, kind: &str| {
        let told = ok(&house, &["subject", "show", address]);
        let line = told.lines().find(|line| line.contains(kind)).unwrap().to_owned();
        line.split_whitespace().next().unwrap().to_owned()
    };
    check_newsletter(&house, "objector@example.org", "One", 550);
    let mistake = number("objector@example.org", "objection to everything");
    house.run_ok(&by_officer(&["objection", "lift", &mistake]));
    check_newsletter(&house, "objector@example.org", "Two", 250);
    let twice = house.run(&by_officer(&["objection", "lift", &mistake]));
    assert_eq!(twice.status.code(), Some(1), "{twice:?}");

    let copy = upstream.accepted().pop().unwrap();
    let path = one_click_path(&copy.data);
    assert_eq!(http::one_click(house.public, &path).status, 200);
    let told = ok(&house, &["subject", "show", "objector@example.org"]);
    let line = told.lines().rfind(|line| line.contains("objection to everything; held"));
    let click = line.unwrap().split_whitespace().next().unwrap().to_owned();
    assert_ne!(click, mistake);
    let refused = house.run(&by_officer(&["objection", "lift", &click]));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("own act"), "{said}");
    assert!(
        check_newsletter(&house, "objector@example.org", "Three", 550).contains("UNSUBSCRIBED")
    );
    verify(&house);
}
