//! The evidence CSV, row by row.
//!
//! What a row means is tested here; what the law makes of it is tested with `decide`.

use proptest::prelude::{ProptestConfig, proptest};

use super::{Defaults, Reader, Row, RowError};
use crate::base::{EntityId, Timestamp};
use crate::eligibility::evidence::Level;
use crate::eligibility::fact::{Fact, ObjectionChannel, Scope};

fn defaults() -> Defaults {
    Defaults {
        imported_at: Timestamp::parse("2026-06-01").unwrap(),
        entity: Some(EntityId::parse("acme").unwrap()),
    }
}

fn rows(text: &str) -> Vec<Result<Row, RowError>> {
    Reader::new(text.as_bytes(), defaults()).unwrap().collect()
}

#[track_caller]
fn only(text: &str) -> Row {
    let mut rows = rows(text);
    assert_eq!(rows.len(), 1);
    rows.remove(0).unwrap()
}

#[track_caller]
fn check_error(text: &str, column: &str, message: &str) {
    let error = match Reader::new(text.as_bytes(), defaults()) {
        Err(error) => error,
        Ok(mut reader) => reader.next().unwrap().unwrap_err(),
    };
    assert_eq!((error.column.as_str(), error.message.as_str()), (column, message));
    assert!(!error.to_string().contains("jane"), "addresses are not repeated");
}

#[test]
fn a_sale_with_collection_columns_yields_two_pieces() {
    let row = only(
        "address,kind,at,entity,topics,completed,paid,direct,channel,opt_out_offered,reference\n\
         Jane@example.com,sale,2026-03-01,shop,shoes;socks,yes,yes,yes,web,yes,A-17\n",
    );
    assert_eq!((row.line, row.mailbox.to_string().as_str()), (2, "Jane@example.com"));
    let [sale, collected] = row.evidence.as_slice() else { panic!("two pieces") };
    let Fact::Sale(dealing) = &sale.fact else { panic!("a sale") };
    assert_eq!(
        (dealing.completed, dealing.paid, dealing.topics.len()),
        (Some(true), Some(true), 2)
    );
    let Fact::AddressCollected(collection) = &collected.fact else { panic!("a collection") };
    assert_eq!((collection.direct, collection.opt_out_offered), (Some(true), Some(true)));
    assert_eq!(collection.entity.as_str(), "shop");
    assert_eq!((sale.level, sale.provenance.reference.as_deref()), (Level::Import, Some("A-17")));
}

#[test]
fn p7_an_empty_field_is_neither_yes_nor_no() {
    let row = only(
        "address,kind,at,completed,paid,opt_out_offered,direct\na@x.org,sale,2026-03-01,,,,\n",
    );
    let [sale] = row.evidence.as_slice() else { panic!("nothing is known of a collection") };
    let Fact::Sale(dealing) = &sale.fact else { panic!("a sale") };
    assert_eq!((dealing.completed, dealing.paid), (None, None));
    assert_eq!(dealing.entity.as_str(), "acme", "the default");
}

#[test]
fn p2_objection_rows_load_whatever_else_is_wrong_with_them() {
    let rows = rows(
        "address,kind,at,scope,topics,channel,completed\n\
         a@x.org,objection,soon,topic,SHOES!,carrier pigeon,maybe\n\
         b@x.org,unsubscribe,,,,link,\n\
         c@x.org,objection,2026-01-01,topic,shoes,direct,\n",
    );
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let row = row.as_ref().unwrap();
            let [piece] = row.evidence.as_slice() else { panic!("one piece") };
            let Fact::Objection { scope, channel } = &piece.fact else { panic!("an objection") };
            (piece.at.to_string(), matches!(scope, Scope::Entity(_)), *channel)
        })
        .collect();
    let import_day = "2026-06-01T00:00:00Z".to_owned();
    assert_eq!(found[0], (import_day.clone(), true, ObjectionChannel::Direct));
    assert_eq!(found[1], (import_day, true, ObjectionChannel::Link));
    assert_eq!(found[2], ("2026-01-01T00:00:00Z".to_owned(), false, ObjectionChannel::Direct));
}

#[test]
fn errors_name_line_column_value_and_remedy_but_no_address() {
    check_error("address,kind,colour\n", "colour", "unknown column");
    check_error("address,kind,kind\n", "kind", "the column stands twice");
    check_error("address,at\n", "kind", "the column is missing");
    check_error(
        "address,kind,at\njane,sale,2026-01-01\n",
        "address",
        "an address needs a local part, `@` and a domain",
    );
    check_error("address,kind\njane@x.org,gift\n", "kind", "unknown kind `gift`");
    check_error("address,kind\njane@x.org,sale\n", "at", "the moment is missing");
    check_error(
        "address,kind,at\njane@x.org,sale,2027-01-01\n",
        "at",
        "the date lies in the future",
    );
    check_error(
        "address,kind,at,paid\njane@x.org,sale,2026-01-01,perhaps\n",
        "paid",
        "`perhaps` is neither yes nor no",
    );
    check_error(
        "address,kind,at\njane@x.org,sale\n",
        "(row)",
        "the row has 2 fields, the header 3",
    );
}

#[test]
fn a_bad_row_does_not_end_the_file() {
    let rows = rows("address,kind,at\nnobody,sale,2026-01-01\nx@y.org\na@x.org,complaint,\n");
    let outcomes: Vec<bool> = rows.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [false, false, true]);
    assert_eq!(rows[2].as_ref().unwrap().line, 4);
}

#[test]
fn a_byte_order_mark_and_crlf_are_read_over() {
    let row = only("\u{feff}address,kind,at\r\na@x.org,consent,2026-01-01\r\n");
    assert!(matches!(row.evidence[0].fact, Fact::ConsentGiven(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_the_reader_panic_or_loop(
        bytes in proptest::collection::vec(0_u8..=255, 0..200),
    ) {
        let text = [b"address,kind,at,scope,topics\n".as_slice(), &bytes].concat();
        if let Ok(reader) = Reader::new(text.as_slice(), defaults()) {
            assert!(reader.count() <= bytes.len() + 1);
        }
    }
}
