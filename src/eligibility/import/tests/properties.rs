//! No bytes make a parser panic, loop, or find permissions where a list has none.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::super::{Choice, ColumnMap, Reader, built_in};
use super::terms;
use crate::eligibility::Fact;

/// Beginnings that lead deep into each parser.
fn beginnings() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just("Email,Global Subscription Status,Shoes\na@x.org,"),
        Just("address,tags,created_at\na@x.org,"),
        Just("Email Address,OPTIN_TIME,CONFIRM_TIME\na@x.org,"),
        Just("{\"Suppressions\":[{\"EmailAddress\":\"a@x.org\",\"SuppressionReason\":\""),
        Just("[{\"emailAddress\":\"a@x.org\",\"unsubscribeAll\":"),
        Just("{\"address\":\"a@x.org\",\"kind\":\"sale\"}\n{"),
        Just("address,kind,at,scope,topics\n"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_a_parser_panic_or_loop(
        start in beginnings(),
        bytes in proptest::collection::vec(any::<u8>(), 0..160),
        marks in "[\\[\\]{}\",:;\n\\\\a@x.]{0,80}",
    ) {
        let text = [start.as_bytes(), &bytes, marks.as_bytes()].concat();
        if let Ok(reader) = Reader::open(text.as_slice(), Choice::Recognise, terms()) {
            assert!(reader.count() <= text.len() + 1);
        }
    }

    #[test]
    fn p7_no_foreign_list_holds_a_permission_beyond_an_unproven_consent(
        at in 0..built_in().len(),
        values in proptest::collection::vec(
            "(TRUE|FALSE|Confirmed Opt-In|Soft Opt-In|SUBSCRIBED|OPT_IN|CONSENT_WITH_NOTICE|2026-01-05|[a-z]{0,5}|)",
            1..12,
        ),
    ) {
        let map = ColumnMap::parse(built_in()[at].text).unwrap();
        let mut columns: Vec<String> = map.known_by.first().cloned().unwrap_or_default();
        columns.extend(["mail", "Shoes", "legalBasis"].map(String::from));
        columns.push(map.address[0].clone());
        let mut row: Vec<&str> = values.iter().map(String::as_str).cycle().take(columns.len()).collect();
        for (place, column) in columns.iter().enumerate() {
            if *column == map.address[0] {
                row[place] = "a@x.org";
            }
        }
        let text = format!("{}\n{}\n", columns.join(","), row.join(","));
        let choice = Choice::Map(Box::new(map));
        for row in Reader::open(text.as_bytes(), choice, terms()).unwrap().flatten() {
            for piece in row.evidence {
                let is_harmless = match &piece.fact {
                    Fact::ConsentGiven(consent) => {
                        consent.mechanism.is_none() && consent.channel.is_none()
                    }
                    fact => fact.is_protective(),
                };
                assert!(is_harmless, "{piece:?}");
            }
        }
    }
}
