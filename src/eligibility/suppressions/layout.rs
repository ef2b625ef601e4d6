//! The lists other systems read, row by row.
//!
//! Each layout can be imported again by the format of the same name. What a layout cannot say is
//! told, never dropped in silence.

use super::super::netsuite::{Status, status};
use super::{Cause, Reach, Suppression, bounced_at, suppressions};
use crate::base::{EntityId, Timestamp, TopicId};
use crate::eligibility::fact::ObjectionChannel;
use crate::eligibility::record::RecipientRecord;

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Layout {
    /// Our own columns.
    Own,
    /// NetSuite's statuses and categories.
    NetSuite,
    /// HubSpot's export of unsubscribes and bounces.
    HubSpot,
    /// Mailchimp's file of unsubscribed people.
    Mailchimp,
    /// SendGrid's global unsubscribes.
    SendGrid,
    /// Amazon SES contacts.
    Ses,
    /// Mailgun's unsubscribes.
    Mailgun,
    /// Postmark's suppression dump (JSON).
    Postmark,
}

impl Layout {
    /// Every layout and its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("own", Self::Own),
        ("netsuite", Self::NetSuite),
        ("hubspot", Self::HubSpot),
        ("mailchimp", Self::Mailchimp),
        ("sendgrid", Self::SendGrid),
        ("ses", Self::Ses),
        ("mailgun", Self::Mailgun),
        ("postmark", Self::Postmark),
    ];

    /// The layout called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, layout)| *layout)
    }

    /// Whether it has a place for an objection to one topic.
    const fn knows_topics(self) -> bool {
        !matches!(self, Self::Mailchimp | Self::SendGrid | Self::Postmark)
    }

    /// Whether it has a place for a bounce.
    const fn knows_bounces(self) -> bool {
        matches!(self, Self::Own | Self::HubSpot | Self::Postmark)
    }
}

/// One row.
pub type Line = Vec<String>;

/// A list being written: for one legal person, in one layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// The layout.
    pub layout: Layout,
    /// Whose list it is.
    pub entity: EntityId,
    /// The topics of that legal person, each a column where the layout has such.
    pub topics: Vec<TopicId>,
    /// The topic the list is about, where the layout knows no topics.
    pub list_topic: Option<TopicId>,
}

/// What a list says about a person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// The rows; none if nothing stands against writing.
    pub lines: Vec<Line>,
    /// Suppressions the layout has no place for.
    pub left_out: usize,
}

impl Sheet {
    /// The names of the columns.
    pub fn header(&self) -> Line {
        let columns: &[&str] = match self.layout {
            Layout::Own => {
                &["address", "kind", "at", "entity", "brand", "topics", "scope", "channel"]
            }
            Layout::NetSuite => {
                &["Email", "Global Subscription Status", "Global Subscription Status Date"]
            }
            Layout::HubSpot => &[
                "Email",
                "Date",
                "Portal Bounce",
                "Portal Unsubscribe",
                "Portal Spam Report",
                "Global Bounce",
            ],
            Layout::Mailchimp => &["Email Address", "UNSUB_TIME", "UNSUB_REASON"],
            Layout::SendGrid => &["email", "created"],
            Layout::Ses => &["emailAddress", "unsubscribeAll", "attributesData"],
            Layout::Mailgun => &["address", "tags", "created_at"],
            Layout::Postmark => &["EmailAddress", "SuppressionReason", "Origin", "CreatedAt"],
        };
        let topics = self.topics.iter().map(|topic| match self.layout {
            Layout::NetSuite | Layout::HubSpot => topic.to_string(),
            Layout::Ses => format!("topicPreferences.{topic}"),
            _ => String::new(),
        });
        let named = columns.iter().map(|name| (*name).to_owned());
        named.chain(topics.filter(|name| !name.is_empty())).collect()
    }

    /// What the list says about the person `who` names.
    pub fn tell(&self, who: &str, record: &RecipientRecord) -> Told {
        let all = suppressions(record, &self.entity);
        let (said, left_out): (Vec<Suppression>, Vec<Suppression>) =
            all.into_iter().partition(|suppression| self.has_place(suppression));
        let bounced = bounced_at(record);
        let mut left_out = left_out.len();
        if bounced.is_some() && !self.layout.knows_bounces() {
            left_out += 1;
        }
        let bounced = bounced.filter(|_| self.layout.knows_bounces());
        let is_silent = said.is_empty() && bounced.is_none();
        let lines = match self.layout {
            Layout::NetSuite => self.netsuite(who, record, &said),
            _ if is_silent => Vec::new(),
            Layout::Own => self.own(who, &said, bounced),
            Layout::HubSpot => self.hubspot(who, &said, bounced),
            Layout::Ses => self.ses(who, &said),
            Layout::Mailgun => said.iter().map(|one| mailgun(who, one)).collect(),
            Layout::Postmark => postmark(who, &said, bounced),
            Layout::Mailchimp | Layout::SendGrid => self.once(who, &said),
        };
        Told { lines, left_out }
    }

    fn has_place(&self, suppression: &Suppression) -> bool {
        match &suppression.reach {
            Reach::Everything => true,
            Reach::Brand(_) => self.layout == Layout::Own,
            Reach::Topic(topic) => {
                let is_column = self.topics.contains(topic);
                match self.layout {
                    Layout::Own | Layout::Mailgun => true,
                    layout if layout.knows_topics() => is_column,
                    _ => self.list_topic.as_ref() == Some(topic),
                }
            }
        }
    }

    fn own(&self, who: &str, said: &[Suppression], bounced: Option<Timestamp>) -> Vec<Line> {
        let line = |kind: &str, at: Timestamp, parts: [&str; 4]| {
            let [brand, topics, scope, channel] = parts;
            let entity = self.entity.as_str();
            [who, kind, &at.to_string(), entity, brand, topics, scope, channel]
                .map(str::to_owned)
                .to_vec()
        };
        let mut lines: Vec<Line> = said
            .iter()
            .map(|one| {
                let (brand, topic, scope) = match &one.reach {
                    Reach::Everything => ("", "", "entity"),
                    Reach::Brand(brand) => (brand.as_str(), "", "brand"),
                    Reach::Topic(topic) => ("", topic.as_str(), "topic"),
                };
                match one.cause {
                    Cause::Objection(door) => {
                        line("objection", one.at, [brand, topic, scope, channel(door)])
                    }
                    Cause::Withdrawal => {
                        line("consent_withdrawn", one.at, [brand, topic, scope, ""])
                    }
                    Cause::Complaint => line("complaint", one.at, ["", "", "", ""]),
                }
            })
            .collect();
        lines.extend(bounced.map(|at| line("bounce", at, ["", "", "", ""])));
        lines
    }

    fn netsuite(&self, who: &str, record: &RecipientRecord, said: &[Suppression]) -> Vec<Line> {
        let found = status(record, &self.entity);
        let date = match found {
            Status::ConfirmedOptOut => said.iter().rev().find(|one| one.reach == Reach::Everything),
            _ => said.last(),
        };
        let date = date.map(|one| one.at.to_string()).unwrap_or_default();
        let mut line = vec![who.to_owned(), found.label().to_owned(), date];
        line.extend(self.by_topic(said, "Unsubscribed", ""));
        vec![line]
    }

    fn hubspot(&self, who: &str, said: &[Suppression], bounced: Option<Timestamp>) -> Vec<Line> {
        let is = |yes: bool| if yes { "TRUE" } else { "FALSE" }.to_owned();
        let has = |wanted: fn(&Suppression) -> bool| said.iter().any(wanted);
        let complained = has(|one| one.cause == Cause::Complaint);
        let all = has(|one| one.reach == Reach::Everything && one.cause != Cause::Complaint);
        let date = said.last().map(|one| one.at).or(bounced);
        let date = date.map(|at| at.to_string()).unwrap_or_default();
        let mut line = vec![who.to_owned(), date, is(bounced.is_some()), is(all), is(complained)];
        line.push(is(false));
        line.extend(self.by_topic(said, "TRUE", "FALSE"));
        vec![line]
    }

    fn ses(&self, who: &str, said: &[Suppression]) -> Vec<Line> {
        let all = said.iter().any(|one| one.reach == Reach::Everything);
        let mut line = vec![who.to_owned(), all.to_string(), String::new()];
        line.extend(self.by_topic(said, "OPT_OUT", ""));
        vec![line]
    }

    /// For each topic's column, `yes` if the person objects to it.
    fn by_topic(&self, said: &[Suppression], yes: &str, no: &str) -> Vec<String> {
        let objects = |topic: &TopicId| {
            said.iter().any(|one| matches!(&one.reach, Reach::Topic(named) if named == topic))
        };
        let word = |topic| if objects(topic) { yes } else { no }.to_owned();
        self.topics.iter().map(word).collect()
    }

    /// One row: the latest of what covers the list.
    fn once(&self, who: &str, said: &[Suppression]) -> Vec<Line> {
        let Some(last) = said.last() else { return Vec::new() };
        let line = match self.layout {
            Layout::SendGrid => {
                vec![who.to_owned(), (last.at.as_millis().div_euclid(1000)).to_string()]
            }
            _ => {
                let complained = said.iter().any(|one| one.cause == Cause::Complaint);
                let reason = if complained { "SPAM" } else { "NORMAL" };
                vec![who.to_owned(), last.at.to_string(), reason.to_owned()]
            }
        };
        vec![line]
    }
}

fn mailgun(who: &str, one: &Suppression) -> Line {
    let tag = match &one.reach {
        Reach::Topic(topic) => topic.to_string(),
        Reach::Everything | Reach::Brand(_) => String::from("*"),
    };
    vec![who.to_owned(), tag, one.at.to_rfc5322()]
}

fn postmark(who: &str, said: &[Suppression], bounced: Option<Timestamp>) -> Vec<Line> {
    let line = |reason: &str, at: Timestamp| {
        [who, reason, "Recipient", &at.to_string()].map(str::to_owned).to_vec()
    };
    let mut lines: Vec<Line> = said
        .iter()
        .map(|one| match one.cause {
            Cause::Complaint => line("SpamComplaint", one.at),
            Cause::Objection(_) | Cause::Withdrawal => line("ManualSuppression", one.at),
        })
        .collect();
    lines.extend(bounced.map(|at| line("HardBounce", at)));
    lines
}

const fn channel(door: ObjectionChannel) -> &'static str {
    match door {
        ObjectionChannel::Link => "link",
        ObjectionChannel::OneClick => "one_click",
        ObjectionChannel::Preference => "preference",
        ObjectionChannel::Import => "import",
        ObjectionChannel::Direct => "direct",
    }
}
