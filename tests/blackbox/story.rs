//! The story: five people, one newsletter, a password reset, an opt-out, and the proof of it.

use super::house::{House, eventually};
use super::http;
use super::mailer;
use super::newsletter::{newsletter, password_reset};
use super::upstream::{Accepted, Upstream};

pub const EVERYBODY: [&str; 5] = [
    "buyer@example.org",
    "objector@example.org",
    "insured@example.org",
    "consenter@example.org",
    "stranger@example.org",
];

pub fn copy_for(upstream: &Upstream, recipient: &str) -> Accepted {
    let copies: Vec<Accepted> = upstream
        .accepted()
        .into_iter()
        .filter(|message| message.to == [recipient.to_owned()])
        .collect();
    assert_eq!(copies.len(), 1, "copies for {recipient}");
    copies.into_iter().next().unwrap()
}

/// The one-click path in a copy's `List-Unsubscribe`.
pub fn one_click_path(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let header = text.lines().find(|line| line.starts_with("List-Unsubscribe: ")).unwrap();
    let url = header.split('<').nth(1).unwrap().split('>').next().unwrap();
    format!("/u/{}", url.rsplit("/u/").next().unwrap())
}

/// The id in a copy's `X-Consentry-Decision`.
pub fn decision_id(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let header = text.lines().find(|line| line.starts_with("X-Consentry-Decision: ")).unwrap();
    header["X-Consentry-Decision: ".len()..].trim().to_owned()
}

#[test]
fn p1_p4_one_newsletter_to_five_people_reaches_two_and_accounts_for_three() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let report = house.import_contacts();
    assert!(report.contains("5 rows"), "{report}");
    let _serve = house.serve();
    let sent = newsletter("New soles");
    let reply = mailer::send_with_lettre(house.smtp, "bounce@example.com", &EVERYBODY, &sent);
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());

    let accepted = upstream.accepted();
    assert_eq!(
        accepted.len(),
        3,
        "two copies and one notice: {:?}",
        accepted.iter().map(|m| &m.to).collect::<Vec<_>>()
    );
    let buyer = copy_for(&upstream, "buyer@example.org");
    let consenter = copy_for(&upstream, "consenter@example.org");
    for copy in [&buyer, &consenter] {
        is_a_lawful_copy(&sent, copy);
    }
    assert_ne!(one_click_path(&buyer.data), one_click_path(&consenter.data));
    let other = one_click_path(&consenter.data);
    assert!(!String::from_utf8_lossy(&buyer.data).contains(&other[3..]), "tokens do not leak");

    let notice = copy_for(&upstream, "mail-ops@example.com");
    assert_eq!(notice.from, "");
    let text = String::from_utf8(notice.data).unwrap();
    for (person, reason) in [
        ("objector@example.org", "OBJECTED"),
        ("insured@example.org", "NOT_SIMILAR"),
        ("stranger@example.org", "NO_BASIS"),
    ] {
        let block = text.split("Final-Recipient: rfc822; ").find(|part| part.starts_with(person));
        let block = block.unwrap_or_else(|| panic!("no entry for {person}:\n{text}"));
        assert!(block.contains(reason), "{person} wants {reason}:\n{block}");
    }
    assert!(!text.contains("buyer@example.org\r\nAction"), "only the denied are named");
    for copy in [&buyer, &consenter] {
        assert!(!text.contains(&one_click_path(&copy.data)[3..]), "tokens do not leak");
    }
}

/// Header pair, one footer in the HTML and one in the text, everything else as it came.
fn is_a_lawful_copy(sent: &[u8], copy: &Accepted) {
    let text = String::from_utf8(copy.data.clone()).unwrap();
    assert_eq!(text.matches("\r\nList-Unsubscribe: <http").count(), 1);
    assert_eq!(
        text.matches("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n").count(),
        1
    );
    assert_eq!(text.matches("\r\nX-Consentry-Decision: ").count(), 1);
    assert!(!text.contains("X-Consentry-Topic"), "request headers are removed");
    let path = one_click_path(&copy.data);
    let (_, html) = text.split_once("Content-Type: text/html").unwrap();
    let (plain, _) = text.split_once("Content-Type: text/html").unwrap();
    let (_, plain) = plain.split_once("Content-Type: text/plain").unwrap();
    assert_eq!(plain.matches(&path).count(), 1, "one footer in the text");
    let shown = decoded(html);
    assert_eq!(shown.matches(&path).count(), 1, "one footer in the HTML");
    assert_eq!(shown.matches("1 High Street").count(), 1, "it names the sender");
    is_sent_plus_insertions(sent, &copy.data);
}

/// RFC 2045 §6.7, the other way round; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    for (index, piece) in text.replace("=\r\n", "").split('=').enumerate() {
        let byte = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|_| index > 0) {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(&piece[2..]);
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// P6: the sent bytes, less the request header, are a subsequence made of few long runs.
fn is_sent_plus_insertions(sent: &[u8], received: &[u8]) {
    let sent = String::from_utf8(sent.to_vec()).unwrap();
    let sent = sent.replace("X-Consentry-Topic: footwear\r\n", "");
    let mut rest = received;
    let mut runs = 0;
    let mut left = sent.as_bytes();
    while !left.is_empty() {
        let longest = longest_run_found(left, rest);
        let (length, at) = longest.expect("the sent bytes are there, in order");
        assert!(length > 20 || length == left.len(), "a run of {length} bytes");
        left = &left[length..];
        rest = &rest[at + length..];
        runs += 1;
    }
    assert!(runs <= 6, "{runs} runs: more edits than header block, text and HTML need");
}

/// The longest prefix of `needle` that occurs in `hay`, and where.
fn longest_run_found(needle: &[u8], hay: &[u8]) -> Option<(usize, usize)> {
    let find = |length: usize| memchr::memmem::find(hay, &needle[..length]).map(|at| (length, at));
    let (mut low, mut high) = (0, needle.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if find(middle).is_some() { low = middle } else { high = middle - 1 }
    }
    if low == 0 { None } else { find(low) }
}

#[test]
fn p5_a_password_reset_reaches_an_objector_unchanged() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    let sent = password_reset();
    let reply =
        mailer::send(house.smtp, "bounce@example.com", &["objector@example.org"], &sent).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let copy = copy_for(&upstream, "objector@example.org");
    let received = String::from_utf8(copy.data).unwrap();
    let (trace, rest) = received.split_at(received.find("From: Acme").unwrap());
    assert!(
        trace.starts_with("Received: from shop.example.com") && trace.matches("\r\n").count() == 3
    );
    let expected = String::from_utf8(sent).unwrap().replace("X-Consentry-Class: service\r\n", "");
    assert_eq!(rest, expected);
}

#[test]
fn p2_one_click_stops_the_next_campaign() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    let first = newsletter("First");
    let reply =
        mailer::send(house.smtp, "bounce@example.com", &["buyer@example.org"], &first).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let path = one_click_path(&copy_for(&upstream, "buyer@example.org").data);

    assert_eq!(http::get(house.public, &path).status, 200, "a page, for people");
    let again = newsletter("Second");
    let reply =
        mailer::send(house.smtp, "bounce@example.com", &["buyer@example.org"], &again).unwrap();
    assert_eq!(reply.code, 250, "GET changed nothing: {reply:?}");

    assert_eq!(http::one_click(house.public, &path).status, 200);
    let third = newsletter("Third");
    let reply =
        mailer::send(house.smtp, "bounce@example.com", &["buyer@example.org"], &third).unwrap();
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text.starts_with("5.7.1 UNSUBSCRIBED"), "{reply:?}");
    let id = reply.text.split("decision ").nth(1).unwrap().split(':').next().unwrap();
    assert_eq!(id.len(), 13, "{reply:?}");
    assert_eq!(upstream.copies_to("buyer@example.org"), 2, "nothing reached the upstream");
    assert_eq!(upstream.accepted().len(), 2, "no notice either: the 550 says it");
    let told = house.run_ok(&["explain", "--config", "consentry.toml", id]);
    assert!(told.contains("UNSUBSCRIBED"), "{told}");
}

#[test]
fn p9_metrics_explain_and_verify_tell_the_story() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    let sent = newsletter("Told");
    let reply = mailer::send(house.smtp, "bounce@example.com", &EVERYBODY, &sent).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    for (sample, count) in [
        (
            "consentry_recipients_total{class=\"marketing\",mode=\"bounce\",reason=\"none\",stream=\"newsletter\",verdict=\"permit\"}",
            2.0,
        ),
        (
            "consentry_recipients_total{class=\"marketing\",mode=\"bounce\",reason=\"OBJECTED\",stream=\"newsletter\",verdict=\"deny\"}",
            1.0,
        ),
    ] {
        let found = eventually(sample, || house.metric(sample));
        assert!((found - count).abs() < f64::EPSILON, "{sample}: {found}");
    }
    super::tools::promtool_is_content(&http::get(house.operations, "/metrics").body);

    let buyer = copy_for(&upstream, "buyer@example.org");
    let told = house.run_ok(&["explain", "--config", "consentry.toml", &decision_id(&buyer.data)]);
    let sold = super::house::days_ago(90);
    for wanted in ["soft_opt_in", "22(3)", "uk", sold.as_str()] {
        assert!(told.contains(wanted), "explain does not say {wanted}:\n{told}");
    }
    assert!(!told.contains("buyer@example.org"), "the store knows no addresses");

    let verified = house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
    assert!(verified.contains("whole"), "{verified}");
}

#[test]
fn p9_a_changed_byte_in_any_table_is_found_and_named() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let mut serve = house.serve();
    upstream.answer_rcpt("consenter@example.org", "450 4.2.1 busy");
    let sent = newsletter("Flipped");
    let reply = mailer::send(house.smtp, "bounce@example.com", &EVERYBODY, &sent).unwrap();
    assert_eq!(reply.code, 451, "{reply:?}: the ledger keeps its rows");
    serve.kill();
    super::keys::link(&house, &["a@example.net", "b@example.net"]);
    super::keys::import_register(&house, "addresses", "c@example.net\n");
    let verify = ["journal", "verify", "--config", "consentry.toml"];
    assert!(house.run_ok(&verify).contains("whole"));
    let store = rusqlite::Connection::open(house.store()).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut statement = store.prepare(names).unwrap();
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() >= 8, "{tables:?}");
    drop(statement);
    for table in tables {
        flip_and_find(&house, &store, &table);
    }
}

/// Changes the last column of a table's first row, looks, and puts it back.
fn flip_and_find(house: &House, store: &rusqlite::Connection, table: &str) {
    let columns = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid DESC");
    let column: String = store.query_row(&columns, [], |row| row.get(0)).unwrap();
    let read = format!("SELECT {column} FROM {table} LIMIT 1");
    let Ok(old) = store.query_row(&read, [], |row| row.get::<_, rusqlite::types::Value>(0)) else {
        let may_be_empty = ["pending", "locator", "recount", "retained", "succession", "erased"];
        assert!(may_be_empty.contains(&table), "{table} is empty");
        return;
    };
    let new = match &old {
        rusqlite::types::Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            bytes[0] ^= 1;
            rusqlite::types::Value::Blob(bytes)
        }
        rusqlite::types::Value::Text(text) => rusqlite::types::Value::Text(format!("{text} ")),
        rusqlite::types::Value::Integer(number) => rusqlite::types::Value::Integer(number ^ 1),
        other => panic!("{table}.{column} holds {other:?}"),
    };
    let write = format!("UPDATE {table} SET {column} = ?1 WHERE {column} IS ?2");
    store.execute(&write, (&new, &old)).unwrap();
    let output = house.run(&["journal", "verify", "--config", "consentry.toml"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{table}.{column}: {said}");
    assert!(said.contains("broken: "), "{table}.{column}: {said}");
    store.execute(&write, (&old, &new)).unwrap();
}
