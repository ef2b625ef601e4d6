//! Other systems' lists through the real binary: imported, exported, undone.

use std::fs;

use super::house::{House, days_ago};

const CONFIG: [&str; 2] = ["--config", "consentry.toml"];

/// Imports `text`; what was said, whatever the exit code.
fn import(house: &House, text: &str, extra: &[&str]) -> (Option<i32>, String) {
    fs::write(house.path("rows.txt"), text).unwrap();
    let output = house.run(&[&["import"], &CONFIG[..], extra, &["rows.txt"]].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The netsuite status of each address, and the columns behind it.
fn statuses(house: &House, addresses: &[&str]) -> Vec<String> {
    let _ = fs::remove_file(house.path("statuses.csv"));
    fs::write(house.path("ask.txt"), addresses.join("\n")).unwrap();
    let arguments = ["--format", "netsuite", "--addresses", "ask.txt", "--out", "statuses.csv"];
    house.run_ok(&[&["export"], &CONFIG[..], &arguments].concat());
    let text = fs::read_to_string(house.path("statuses.csv")).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

#[track_caller]
fn check_format(text: &str, extra: &[&str], format: &str, addresses: &[&str], expected: &[&str]) {
    let house = House::new(1, "bounce");
    let (code, said) = import(&house, text, extra);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("format {format}:")), "{said}");
    let found = statuses(&house, addresses);
    for (line, wanted) in found.iter().zip(expected) {
        assert!(line.contains(wanted), "{format}: {found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{format}: {found:?}");
    house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
}

#[test]
fn p2_every_format_is_read_by_the_binary_and_its_opt_outs_hold() {
    let both = ["a@example.org", "b@example.org"];
    let out = "Confirmed Opt-Out";
    check_format(
        "Email,Global Subscription Status\na@example.org,Confirmed Opt-Out\nb@example.org,Confirmed Opt-In\n",
        &[],
        "netsuite",
        &both,
        &[out, "Soft Opt-In"],
    );
    check_format(
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce,Shoe news\n\
         a@example.org,FALSE,TRUE,FALSE,FALSE,FALSE\nb@example.org,FALSE,FALSE,FALSE,FALSE,TRUE\n",
        &["--topic", "Shoe News=footwear"],
        "hubspot",
        &both,
        &[out, ",Unsubscribed,"],
    );
    check_format(
        "Email Address,UNSUB_TIME,UNSUB_REASON\na@example.org,2026-01-05 10:00:00,NORMAL\n",
        &[],
        "mailchimp",
        &both,
        &[out],
    );
    check_format("email,created\na@example.org,1443651141\n", &[], "sendgrid", &both, &[out]);
    check_format(
        "emailAddress,unsubscribeAll,attributesData,topicPreferences.footwear\n\
         a@example.org,true,,\nb@example.org,false,,OPT_OUT\n",
        &[],
        "ses",
        &both,
        &[out, ",Unsubscribed,"],
    );
    check_format(
        "address,tags,created_at\na@example.org,*,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n",
        &[],
        "mailgun",
        &both,
        &[out],
    );
    check_format(
        "{\"Suppressions\":[{\"EmailAddress\":\"a@example.org\",\"SuppressionReason\":\"SpamComplaint\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-10T08:58:33-05:00\"},\
         {\"EmailAddress\":\"b@example.org\",\"SuppressionReason\":\"HardBounce\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-10T08:58:33-05:00\"}]}",
        &[],
        "postmark",
        &both,
        &[out, "Soft Opt-Out"],
    );
    check_format("Email\na@example.org\n", &["--format", "list"], "list", &both, &[out]);
    check_format(
        "{\"address\":\"a@example.org\",\"kind\":\"objection\",\"entity\":\"acme-ltd\"}\n",
        &[],
        "own",
        &both,
        &[out],
    );
}

#[test]
fn what_had_to_be_supposed_is_said() {
    let house = House::new(1, "bounce");
    let list = "Email,Global Subscription Status,Wool\n\
                a@example.org,Soft Opt-In,\n\
                b@example.org,Soft Opt-Out,Unsubscribed\n\
                c@example.org,Confirmed Opt-In,\n";
    let (code, said) = import(&house, list, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 rows say nothing that permits or forbids"), "{said}");
    assert!(said.contains("2 rows had no readable date"), "{said}");
    assert!(said.contains("1 rows object to something that is no topic"), "{said}");
    assert!(said.contains("1 rows are consents without act or wording"), "{said}");
    assert!(said.contains("rows, ") && said.contains("/s)"), "the rate: {said}");
}

#[test]
fn a_map_of_ones_own_reads_any_table() {
    let house = House::new(1, "bounce");
    let map = "format = \"club\"\naddress = \"Mail\"\nat = \"Tag\"\ndate_format = \"%d.%m.%Y\"\n\
               [[rule]]\ncolumn = \"Post\"\nis = [\"nein\"]\ngives = \"objection\"\n\
               [[rule]]\ncolumn = \"Post\"\nis = [\"ja\"]\ngives = \"no_basis\"\n";
    fs::write(house.path("club.toml"), map).unwrap();
    let list = "Mail;Tag;Post\na@example.org;05.02.2026;nein\nb@example.org;05.02.2026;ja\n";
    let (code, said) = import(&house, list, &["--map", "club.toml", "--by", "ann"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        statuses(&house, &["a@example.org", "b@example.org"]),
        ["a@example.org,Confirmed Opt-Out,2026-02-05T00:00:00Z,,"]
    );
    let listed = house.run_ok(&["import", "list", "--config", "consentry.toml"]);
    assert!(listed.contains("rows.txt (club) by ann: 1 new, 0 known"), "{listed}");
    let json = house.run_ok(&["import", "list", "--config", "consentry.toml", "--json"]);
    let row: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(row["source"]["sha256"].as_str().unwrap().len(), 64);
    fs::write(house.path("club.toml"), map.replace("nein", "ja").replace("gives", "gvies"))
        .unwrap();
    let (code, said) = import(&house, list, &["--map", "club.toml"]);
    assert!(code == Some(65) && said.contains("gvies"), "{said}");
}

#[test]
fn exports_come_back_as_the_same_objections() {
    let (day, later) = (days_ago(50), days_ago(20));
    let own = format!(
        "address,kind,at,entity,topics,scope,channel\n\
         all@example.org,objection,{day},acme-ltd,,,one_click\n\
         shoes@example.org,objection,{day},acme-ltd,footwear,topic,link\n\
         angry@example.org,complaint,{later},acme-ltd,,,\n\
         buyer@example.org,sale,{day},acme-ltd,footwear,,\n"
    );
    let everybody =
        ["all", "shoes", "angry", "buyer", "stranger"].map(|n| format!("{n}@example.org"));
    let everybody: Vec<&str> = everybody.iter().map(String::as_str).collect();
    let house = House::new(1, "bounce");
    assert_eq!(import(&house, &own, &[]).0, Some(0));
    let before = statuses(&house, &everybody);
    assert_eq!(before.len(), 4, "strangers are on no list: {before:?}");
    for format in ["own", "hubspot", "ses", "mailgun", "netsuite"] {
        let file = format!("{format}.out");
        let arguments = ["--format", format, "--addresses", "ask.txt", "--out", &file];
        house.run_ok(&[&["export"], &CONFIG[..], &arguments].concat());
        let other = House::new(1, "bounce");
        let list = fs::read_to_string(house.path(&file)).unwrap();
        let (code, said) = import(&other, &list, &[]);
        assert_eq!(code, Some(0), "{format}: {said}");
        let after = statuses(&other, &everybody);
        for (line, other) in before.iter().zip(&after).take(3) {
            let gist = |line: &str| {
                let fields: Vec<&str> = line.split(',').collect();
                [fields[0], fields[1], fields[3]].join(" ")
            };
            assert_eq!(gist(line), gist(other), "{format}: {after:?}");
        }
    }
    let refused =
        house.run(&["export", "--config", "consentry.toml", "--format", "mailgun", "--out", "x"]);
    assert_eq!(refused.status.code(), Some(64));
    let again = ["--format", "own", "--addresses", "ask.txt", "--out", "own.out"];
    assert_eq!(house.run(&[&["export"], &CONFIG[..], &again].concat()).status.code(), Some(73));
    let said = ["--format", "sendgrid", "--addresses", "ask.txt", "--out", "sendgrid.out"];
    let said = house.run_ok(&[&["export"], &CONFIG[..], &said].concat());
    assert!(said.contains("1 objections or bounces have no place"), "{said}");
}

#[test]
fn keys_are_exported_without_addresses_and_only_the_same_keyring_reads_them() {
    let house = House::new(1, "bounce");
    let own = "address,kind,at,entity\na@example.org,objection,2026-01-05,acme-ltd\n";
    assert_eq!(import(&house, own, &[]).0, Some(0));
    house.run_ok(&["export", "--config", "consentry.toml", "--out", "keys.csv"]);
    let keys = fs::read_to_string(house.path("keys.csv")).unwrap();
    assert!(!keys.contains('@') && keys.lines().count() == 2, "{keys}");
    let other = House::new(1, "bounce");
    let (code, said) = import(&other, &keys, &[]);
    assert!(code == Some(65) && said.contains("another keyring"), "{said}");
    fs::copy(house.path("keyring.toml"), other.path("keyring.toml")).unwrap();
    let _ = fs::remove_file(other.store());
    let (code, said) = import(&other, &keys, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(statuses(&other, &["A+tag@example.org"])[0].contains("Confirmed Opt-Out"));
}

#[test]
fn undo_takes_permissions_and_needs_a_right_for_objections() {
    let house = House::new(1, "bounce");
    let said = house.import_contacts();
    let batch = said.lines().find_map(|line| line.strip_prefix("batch ")).unwrap();
    let batch = batch.split(' ').next().unwrap();
    let people = ["buyer@example.org", "objector@example.org"];
    assert!(statuses(&house, &people)[0].contains("Soft Opt-In"));
    house.edit(|text| {
        text + "[[operator]]\nname = \"ann\"\nrights = [\"undo_import\"]\n\
                [[operator]]\nname = \"eve\"\nrights = [\"undo_import\", \"lift_objection\"]\n"
    });
    let undo = |extra: &[&str]| {
        let act = ["import", "undo", "--config", "consentry.toml", "--reason", "wrong file"];
        house.run(&[&act[..], extra, &[batch]].concat())
    };
    assert_eq!(undo(&["--by", "mallory"]).status.code(), Some(64));
    assert_eq!(undo(&["--by", "ann", "--objections-too"]).status.code(), Some(64));
    let done = undo(&["--by", "ann"]);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && text.contains("its objections stay"), "{text}");
    let after = statuses(&house, &people);
    assert!(
        after[0].contains("Soft Opt-Out") && after[1].contains("Confirmed Opt-Out"),
        "{after:?}"
    );
    assert!(undo(&["--by", "eve", "--objections-too"]).status.success());
    assert!(statuses(&house, &people)[1].contains("Soft Opt-Out"));
    house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
    let missing = ["import", "undo", "--config", "consentry.toml", "--by", "eve", "--reason", "x"];
    assert_eq!(house.run(&[&missing[..], &["nothing"]].concat()).status.code(), Some(65));
}

#[test]
fn p2_an_import_never_lifts_an_objection() {
    let house = House::new(1, "bounce");
    let objection =
        format!("address,kind,at,entity\na@example.org,objection,{},acme-ltd\n", days_ago(90));
    assert_eq!(import(&house, &objection, &[]).0, Some(0));
    let consent = format!(
        "Email,Global Subscription Status,Global Subscription Status Date,mechanism,wording_version,channel,footwear\n\
         a@example.org,Confirmed Opt-In,{},tick,form-3,email,Subscribed\n",
        days_ago(5)
    );
    let (code, said) = import(&house, &consent, &["--topic", "footwear=footwear"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(statuses(&house, &["a@example.org"])[0].contains("Confirmed Opt-Out"));
}

#[test]
fn a_dry_run_compares_with_the_store_and_leaves_it_alone() {
    let house = House::new(1, "bounce");
    let list = "email,created\na@example.org,1443651141\nb@example.org,1443651141\n";
    assert_eq!(import(&house, list, &[]).0, Some(0));
    let more = format!("{list}b@example.org,1443651199\nc@example.org,1443651141\n");
    let (code, said) = import(&house, &more, &["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("1 pieces about new people, 1 new about people who are known, 2 already"),
        "{said}"
    );
    assert_eq!(statuses(&house, &["c@example.org"]).len(), 0);
}

#[test]
fn rejected_json_rows_come_back_as_json() {
    let house = House::new(1, "bounce");
    let list = "{\"address\":\"a@example.org\",\"kind\":\"gift\"}\n\
                {\"address\":\"b@example.org\",\"kind\":\"objection\",\"entity\":\"acme-ltd\"}\n";
    let (code, said) = import(&house, list, &["--rejects", "back.json"]);
    assert_eq!(code, Some(0), "{said}");
    let back = fs::read_to_string(house.path("back.json")).unwrap();
    let row: serde_json::Value = serde_json::from_str(back.trim()).unwrap();
    assert!(row["reason"].as_str().unwrap().contains("unknown kind `gift`"), "{row}");
    let mended = back.replace("\"gift\"", "\"complaint\",\"entity\":\"acme-ltd\"");
    assert_eq!(import(&house, &mended, &[]).0, Some(0));
}
