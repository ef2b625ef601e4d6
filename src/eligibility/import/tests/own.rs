//! Our own columns: as CSV, as JSON lines, with keys in place of addresses.

use super::super::{Choice, ColumnMap, OpenError, Raw, Reader};
use super::{check, check_with, read, terms, told};

#[test]
fn json_lines_mean_what_the_csv_means() {
    check(
        "{\"address\":\"a@x.org\",\"kind\":\"sale\",\"at\":\"2026-03-01\",\"topics\":[\"shoes\",\"hats\"],\"paid\":true}\n\
         {\"address\":\"b@x.org\",\"kind\":\"objection\",\"scope\":\"topic\",\"topics\":\"hats\",\"at\":null}\n\
         {\"address\":\"c@x.org\",\"kind\":\n\
         {\"address\":\"d@x.org\",\"kind\":\"sale\",\"at\":\"2026-03-01\",\"colour\":\"red\"}\n\
         {\"address\":\"e@x.org\",\"kind\":\"consent\",\"at\":\"2026-03-01\",\"topics\":\"shoes\"}\n",
        &[
            "a sale@2026-03-01",
            "b objection:hats@2026-06-01 (undated)",
            "line 3: (row): it cannot be read: EOF while parsing a value at line 2 column 0",
            "line 4: colour: unknown column",
            "e consent_given:shoes@2026-03-01",
        ],
    );
}

#[test]
fn unknown_topics_refuse_a_permission_and_widen_an_objection() {
    check(
        "address,kind,at,scope,brand,topics\n\
         a@x.org,sale,2026-03-01,,,socks\n\
         b@x.org,objection,2026-03-01,topic,,socks\n\
         c@x.org,objection,2026-03-01,brand,nobody,\n\
         d@x.org,objection,2026-03-01,brand,boots,\n",
        &[
            "line 2: topics: `socks` is not in the configuration",
            "b objection:all@2026-03-01 (widened)",
            "c objection:all@2026-03-01 (widened)",
            "d objection:boots@2026-03-01",
        ],
    );
    let rows =
        read("address,kind,at,topics\na@x.org,sale,2026-03-01,socks\n", Choice::Recognise, terms());
    let error = rows.unwrap().remove(0).unwrap_err();
    assert_eq!(error.hint, "one of: shoes, hats");
}

#[test]
fn persons_by_key_need_the_keyring_they_were_written_with() {
    let key = "00112233445566778899aabbccddeeff";
    let text = format!(
        "person,keyring,kind,at,entity\n\
         {key},0123456789abcdef,objection,2026-03-01,acme\n\
         {key},ffffffffffffffff,objection,2026-03-01,acme\n\
         {key},0123456789abcdef,sale,2026-03-01,acme\n\
         {key}00,0123456789abcdef,objection,2026-03-01,acme\n"
    );
    check(
        &text,
        &[
            &format!("key {key} objection:all@2026-03-01"),
            "line 3: keyring: the row was written with another keyring",
            "line 4: address: a permission needs the address it was given for",
            "line 5: person: not a person's key of 32 hexadecimal digits",
        ],
    );
}

#[test]
fn other_delimiters_marks_and_line_ends_are_read() {
    check(
        "\u{feff}address;kind;at\r\na@x.org;complaint;2026-01-01\r\n",
        &["a complaint@2026-01-01"],
    );
    check("address\tkind\tat\na@x.org\tcomplaint\t2026-01-01\n", &["a complaint@2026-01-01"]);
}

#[test]
fn a_bad_row_does_not_end_the_file() {
    check(
        "address,kind,at\nx@y.org\nnobody,sale,2026-01-01\na@x.org,complaint,2026-01-01\n",
        &[
            "line 2: (row): the row has 1 fields, the header 3",
            "line 3: address: an address needs a local part, `@` and a domain",
            "a complaint@2026-01-01",
        ],
    );
}

#[test]
fn an_open_quote_ends_the_file_before_it_eats_the_memory() {
    let text = format!("address,kind\na@x.org,objection\nb@x.org,\"{}", "x,\n".repeat(1 << 20));
    let rows = read(&text, Choice::Recognise, terms()).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(told(&rows[1]).contains("longer than 1 MiB"), "{}", told(&rows[1]));
}

#[test]
fn rows_come_back_as_they_were() {
    let text = "address,kind\n\"a@x.org\",gift\n";
    let mut reader = Reader::open(text.as_bytes(), Choice::Recognise, terms()).unwrap();
    reader.next().unwrap().unwrap_err();
    let Raw::Csv(raw) = reader.raw() else { panic!("a CSV row") };
    assert_eq!(raw.iter().collect::<Vec<_>>(), [b"a@x.org".as_slice(), b"gift"]);
}

#[track_caller]
fn check_open(text: &str, choice: Choice, message: &str) {
    let error = Reader::open(text.as_bytes(), choice, terms()).unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn files_of_no_known_format_are_refused_with_what_to_do() {
    check_open("name,mail\n", Choice::Recognise, "write a column map (--map)");
    check_open("name,mail\n", Choice::Named("carrier-pigeon".into()), "one of own, netsuite");
    check_open("name,mail\n", Choice::Named("postmark".into()), "EmailAddress");
    check_open("name,mail\n", Choice::Named("mailchimp".into()), "belong to no format");
    check_open("address,kind,colour\n", Choice::Recognise, "unknown column");
    check_open("address,kind,kind\n", Choice::Recognise, "the column stands twice");
    check_open("address,at\n", Choice::Named("own".into()), "column kind: the column is missing");
    check_open("", Choice::Recognise, "(none)");
    let error = Reader::open("x\n".as_bytes(), Choice::Recognise, terms()).unwrap_err();
    assert!(matches!(error, OpenError::Unknown(_)));
}

const CLUB: &str = r#"
format = "club"
address = ["Mail"]
at = "Day"
date_format = "%d.%m.%Y"
topics = { "Schuhe" = "shoes" }

[[rule]]
column = "Werbung"
is = ["nein"]
gives = "objection"
topic_column = "Thema"

[[rule]]
column = "Werbung"
is = ["ja"]
gives = "consent_given"
topic_column = "Thema"
set = { mechanism = "tick", wording_version = "club-2024", channel = "email" }
copy = { reference = "No" }
"#;

#[test]
fn an_operators_own_map_says_what_each_value_means() {
    let map = ColumnMap::parse(CLUB).unwrap();
    check_with(
        "Mail,Day,Werbung,Thema,No\n\
         a@x.org,05.02.2026,nein,Schuhe,1\n\
         b@x.org,05.02.2026,ja,schuhe,2\n\
         c@x.org,05.02.2026,nein,Socken,3\n\
         d@x.org,2026-02-05,ja,Schuhe,4\n\
         e@x.org,2026-02-05,nein,Schuhe,4\n\
         f@x.org,05.02.2026,vielleicht,Schuhe,5\n\
         g@x.org,05.02.2026,,Schuhe,5\n",
        Choice::Map(Box::new(map)),
        terms(),
        &[
            "a objection:shoes@2026-02-05",
            "b consent_given:shoes@2026-02-05",
            "c objection:all@2026-02-05 (widened)",
            "line 5: Day: `2026-02-05` is not a date that can be read",
            "e objection:shoes@2026-06-01 (undated)",
            "line 7: Werbung: `vielleicht` is no value club is known to have",
            "g (no_basis)",
        ],
    );
}

#[track_caller]
fn check_map(edit: impl FnOnce(&str) -> String, message: &str) {
    let text = edit(CLUB);
    assert_ne!(text, CLUB, "the edit changes something");
    let error = ColumnMap::parse(&text).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn maps_with_mistakes_are_refused_with_line_and_remedy() {
    check_map(
        |map| map.replace("gives = \"objection\"", "gives = \"gift\""),
        "unknown kind `gift`",
    );
    check_map(
        |map| map.replace("copy = { reference", "copy = { colour"),
        "`colour` is none of our",
    );
    check_map(|map| map.replace("date_format", "date_fromat"), "date_fromat");
    check_map(|map| map.replace("address = [\"Mail\"]", "address = []"), "names no column");
}
