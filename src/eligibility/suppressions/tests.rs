//! Round trips: what a list says, the import of the same name reads.

use super::{Layout, Reach, Sheet, suppressions};
use crate::base::{BrandId, EntityId, EvidenceId, Timestamp, TopicId};
use crate::eligibility::import::{Choice, Names, Reader, Terms};
use crate::eligibility::{DraftScope, EvidenceDraft, Level, RecipientRecord};

fn entity() -> EntityId {
    EntityId::parse("acme").unwrap()
}

fn topic(id: &str) -> TopicId {
    TopicId::parse(id).unwrap()
}

/// Pieces as (kind, topic or `!brand` or nothing, level).
fn record(pieces: &[(&str, &str, Level)]) -> RecipientRecord {
    let mut record = RecipientRecord::default();
    for (number, (kind, about, level)) in pieces.iter().enumerate() {
        let brand = about.strip_prefix('!');
        let draft = EvidenceDraft {
            kind: (*kind).to_owned(),
            at: Timestamp::parse(&format!("2026-03-0{}", number + 1)),
            entity: vec![entity()],
            brand: brand.map(|brand| BrandId::parse(brand).unwrap()),
            topics: TopicId::parse(about).into_iter().collect(),
            scope: match (about.is_empty(), brand) {
                (true, _) => None,
                (false, Some(_)) => Some(DraftScope::Brand),
                (false, None) => Some(DraftScope::Topic),
            },
            level: Some(*level),
            ..EvidenceDraft::default()
        };
        for piece in draft.into_evidence().unwrap() {
            record.apply(EvidenceId(number as u64 + 1), &piece);
        }
    }
    record
}

fn sheet(layout: Layout) -> Sheet {
    Sheet {
        layout,
        entity: entity(),
        topics: vec![topic("shoes"), topic("hats")],
        list_topic: None,
    }
}

fn terms() -> Terms {
    Terms {
        imported_at: Timestamp::parse("2026-06-01").unwrap(),
        only_entity: Some(entity()),
        names: Names {
            entities: vec![entity()],
            brands: vec![BrandId::parse("boots").unwrap()],
            topics: vec![topic("shoes"), topic("hats")],
        },
        ..Terms::default()
    }
}

/// Writes the list about one person and reads it again into an empty record.
fn there_and_back(sheet: &Sheet, record: &RecipientRecord) -> (RecipientRecord, usize) {
    let told = sheet.tell("a@x.org", record);
    let mut text = csv::Writer::from_writer(Vec::new());
    text.write_record(sheet.header()).unwrap();
    for line in &told.lines {
        text.write_record(line).unwrap();
    }
    let text = text.into_inner().unwrap();
    let reader = Reader::open(text.as_slice(), Choice::Recognise, terms()).unwrap();
    let mut back = RecipientRecord::default();
    let pieces = reader.flat_map(|row| row.unwrap().evidence);
    for (number, piece) in pieces.enumerate() {
        back.apply(EvidenceId(number as u64 + 1), &piece);
    }
    (back, told.left_out)
}

fn reaches(record: &RecipientRecord) -> Vec<Reach> {
    let mut reaches: Vec<Reach> =
        suppressions(record, &entity()).into_iter().map(|one| one.reach).collect();
    reaches.sort();
    reaches.dedup();
    reaches
}

#[test]
fn p2_every_layout_brings_an_objection_to_everything_back() {
    for (name, layout) in Layout::ALL {
        for kind in ["objection", "complaint", "erasure", "consent_withdrawn"] {
            let record = record(&[(kind, "", Level::Import)]);
            let (back, left_out) = there_and_back(&sheet(layout), &record);
            assert_eq!(reaches(&back), [Reach::Everything], "{name} {kind}");
            assert_eq!(left_out, 0, "{name} {kind}");
        }
    }
}

#[test]
fn a_topic_comes_back_as_that_topic_or_is_said_to_be_left_out() {
    let record = record(&[("objection", "shoes", Level::Recipient)]);
    for (name, layout) in Layout::ALL {
        let (back, left_out) = there_and_back(&sheet(layout), &record);
        if left_out == 0 {
            assert_eq!(reaches(&back), [Reach::Topic(topic("shoes"))], "{name}");
        } else {
            assert!(reaches(&back).is_empty() && left_out == 1, "{name}");
            let about_shoes = Sheet { list_topic: Some(topic("shoes")), ..sheet(layout) };
            let (back, left_out) = there_and_back(&about_shoes, &record);
            assert_eq!((reaches(&back), left_out), (vec![Reach::Everything], 0), "{name}");
        }
    }
}

#[test]
fn our_own_layout_brings_back_the_same_facts() {
    let record = record(&[
        ("objection", "", Level::Import),
        ("objection", "shoes", Level::Import),
        ("objection", "!boots", Level::Import),
        ("complaint", "", Level::Import),
        ("bounce", "", Level::Import),
    ]);
    let (back, left_out) = there_and_back(&sheet(Layout::Own), &record);
    assert_eq!(left_out, 0);
    let facts = |record: &RecipientRecord| {
        record.entries().iter().map(|entry| (entry.at, entry.fact.clone())).collect::<Vec<_>>()
    };
    assert_eq!(facts(&back), facts(&record));
}

#[test]
fn bounces_are_left_out_aloud_where_there_is_no_place() {
    let record = record(&[("bounce", "", Level::Import)]);
    for (name, layout) in Layout::ALL {
        let told = sheet(layout).tell("a@x.org", &record);
        let is_told = matches!(layout, Layout::Own | Layout::HubSpot | Layout::Postmark);
        assert_eq!(told.left_out, usize::from(!is_told), "{name}");
    }
}

#[test]
fn only_a_topic_leaves_the_list_by_an_own_consent() {
    let own = Level::Recipient;
    let topic_then_consent =
        record(&[("objection", "shoes", own), ("consent_given", "shoes", own)]);
    assert!(reaches(&topic_then_consent).is_empty());
    let imported =
        record(&[("objection", "shoes", own), ("consent_given", "shoes", Level::Import)]);
    assert_eq!(reaches(&imported), [Reach::Topic(topic("shoes"))]);
    let all = record(&[("objection", "", own), ("consent_given", "shoes", own)]);
    assert_eq!(reaches(&all), [Reach::Everything]);
}

#[test]
fn nobody_is_listed_without_a_reason() {
    let buyer = record(&[("sale", "shoes", Level::Import)]);
    for (name, layout) in Layout::ALL {
        let told = sheet(layout).tell("a@x.org", &buyer);
        let expected = usize::from(layout == Layout::NetSuite);
        assert_eq!(told.lines.len(), expected, "{name}");
    }
    let status = &sheet(Layout::NetSuite).tell("a@x.org", &buyer).lines[0][1];
    assert_eq!(status, "Soft Opt-In");
}
