//! The first room: which stream a message fits, what class it has, which lane it takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::Frame;
use super::house::{House, Sender, Stream};
use super::marketing::{Addressee, MarketingDraft};
use super::modes::Enforce;
use super::record::{ClassRecord, DecisionRecord};
use super::replies;
use super::service::{Raw, ServiceDraft};
use super::stream::Sighting;
use crate::base::{Mailbox, TopicId};
use crate::classify::{self, Classification, MessageClass};
use crate::eligibility::{Form, Identity, MessageFacts, UnsubscribeForm, Validity};
use crate::mail::Message;
use crate::rewrite;
use crate::smtp::{ForwardPath, Reply, ReversePath, Transaction};

/// Where a message goes.
#[derive(Debug)]
pub enum Lane {
    /// Nowhere: it claims what it may not, or cannot be edited where it must be.
    Refused(Refused),
    /// On, unchanged, to everybody.
    Service(ServiceDraft),
    /// To those who may be sent to.
    Marketing(Box<MarketingDraft>),
}

impl Lane {
    /// Envelope, ids and ledger keys, whichever lane it is.
    pub fn frame(&self) -> &Frame {
        match self {
            Self::Refused(refused) => &refused.frame,
            Self::Service(draft) => &draft.frame,
            Self::Marketing(draft) => &draft.frame,
        }
    }
}

/// A message refused before anybody was looked up.
#[derive(Debug)]
pub struct Refused {
    /// Envelope, ids and ledger keys.
    pub frame: Arc<Frame>,
    /// The class it would have had.
    pub class: MessageClass,
    /// The reason, as metrics name it.
    pub reason: &'static str,
    /// What is in the way of a footer, if that is why.
    pub unedited: Option<&'static str>,
    /// The reply.
    pub reply: Reply,
}

impl Refused {
    /// What the journal keeps: one row per message.
    pub fn decision_record(&self) -> DecisionRecord {
        DecisionRecord {
            decision: self.frame.decision(0),
            transaction: self.frame.transaction_id(),
            at: self.frame.transaction.received_at,
            stream: self.frame.stream_id().clone(),
            class: ClassRecord {
                class: self.class.as_str().to_owned(),
                elements: Vec::new(),
                signals: Vec::new(),
            },
            marketing: None,
            refused: Some(self.reply.to_string()),
            config: self.frame.house.config_digest,
        }
    }
}

/// Sorts and classifies a message, and prepares it if it is marketing.
pub fn examine(house: &Arc<House>, mut transaction: Transaction) -> Lane {
    let named = each_recipient_once(&mut transaction.envelope.forward_paths);
    let message = Arc::new(Message::scan(transaction.content.clone()));
    let from = sole_from(&message);
    let stream = Arc::clone(sort(house, &transaction, &message, from.as_ref()));
    let Some(client) = house.client(&transaction.peer.client) else {
        let frame = Frame::new(Arc::clone(house), stream, transaction, message, named);
        return refuse(frame, MessageClass::Marketing, "CLIENT_GONE", replies::client_gone());
    };
    let is_observing = stream.enforcement(transaction.received_at) == Enforce::Observe;
    let input = classify::Input {
        message: &message,
        stream: stream.class,
        claims: Some(&client.claims),
        recipients: transaction.envelope.forward_paths.len(),
        has_null_reverse_path: transaction.envelope.reverse_path == ReversePath::Null,
    };
    let classified = classify::classify(&input).or_else(|error| match is_observing {
        // Everybody is sent to; a claim beyond the rights is then simply not honoured.
        true => classify::classify(&classify::Input { claims: None, ..input }),
        false => Err(error),
    });
    let may_use = client.streams.is_empty() || client.streams.contains(&stream.id);
    let frame = Frame::new(Arc::clone(house), Arc::clone(&stream), transaction, message, named);
    if !may_use && !is_observing {
        return refuse_claim(frame, MessageClass::Marketing, "this client may not use the stream");
    }
    let classification = match classified {
        Ok(classification) => classification,
        Err(error) => {
            return refuse_claim(frame, MessageClass::Marketing, &error.to_string());
        }
    };
    let classification = unless_approved(&frame, classification);
    if classification.class() == MessageClass::Service {
        return Lane::Service(ServiceDraft::new(Arc::new(frame), classification, Raw::Service));
    }
    if is_observing {
        return observe(frame, classification);
    }
    let Some(sender) = stream.sender_for(classification.brand()).cloned() else {
        let text = "the stream carries service mail only, or another entity's brands";
        return refuse_claim(frame, classification.class(), text);
    };
    if !from.as_ref().is_some_and(|from| belongs_to(from, &sender)) {
        let text = "From does not belong to the stream's brand";
        return refuse_claim(frame, classification.class(), text);
    }
    draft(frame, classification, sender)
}

/// A content an officer approved goes to everybody, as far as the stream's entity is the one it
/// was approved for.
fn unless_approved(frame: &Frame, classification: Classification) -> Classification {
    let Some(sender) = frame.stream.sender.as_ref() else { return classification };
    if classification.class() == MessageClass::Service {
        return classification;
    }
    let approvals = &frame.house.approvals;
    match approvals.covering(&frame.message, &sender.entity, frame.transaction.received_at) {
        Some(approval) => classification.approved(approval),
        None => classification,
    }
}

/// A recipient named twice gets one copy, as with every MTA; and one fate in the ledger. Tells
/// for each path at which position its recipient stands now.
fn each_recipient_once(paths: &mut Vec<ForwardPath>) -> Vec<usize> {
    let mut seen = BTreeMap::new();
    let mut named = Vec::with_capacity(paths.len());
    paths.retain(|path| {
        let next = seen.len();
        let position = *seen.entry(path.ledger_form()).or_insert(next);
        named.push(position);
        position == next
    });
    named
}

/// A stream that only observes sends to everybody, whatever would be wrong with the message:
/// what can be judged is judged, the rest goes out as service mail does, journalled as it is.
fn observe(frame: Frame, classification: Classification) -> Lane {
    let raw = || ServiceDraft::new(Arc::new(frame.clone()), classification.clone(), Raw::Service);
    let sender = frame.stream.sender_for(classification.brand()).cloned();
    let Some(sender) = sender else { return Lane::Service(raw()) };
    match draft(frame.clone(), classification.clone(), sender) {
        Lane::Refused(_) => Lane::Service(raw()),
        lane @ (Lane::Marketing(_) | Lane::Service(_)) => lane,
    }
}

fn draft(frame: Frame, classification: Classification, sender: Sender) -> Lane {
    let prepared = match rewrite::prepare(&frame.message, &sender.rewriting) {
        Ok(prepared) => prepared,
        Err(rejected) => {
            let reply = replies::not_editable(rejected.as_str(), frame.transaction_id());
            return Lane::Refused(Refused {
                frame: Arc::new(frame),
                class: classification.class(),
                reason: "NOT_EDITABLE",
                unedited: Some(rejected.as_str()),
                reply,
            });
        }
    };
    let topics = topics_of(&classification, &frame.stream);
    let facts = MessageFacts {
        elements: classification.elements().to_vec(),
        brand: Some(sender.brand.clone()),
        promoted_entities: vec![sender.entity.clone()],
        topics: topics.clone(),
        purpose: frame.stream.purpose,
        roles: frame.stream.roles.clone(),
        form: Form { label: leading_word(&frame.message), ..form_of(prepared.form()) },
        ..MessageFacts::of(sender.entity.clone())
    };
    let addressees = addressees(&frame);
    let enforce = frame.stream.enforcement(frame.transaction.received_at);
    let frame =
        Arc::new(frame.with_persons(addressees.iter().map(|a| a.keys.newest.person).collect()));
    Lane::Marketing(Box::new(MarketingDraft {
        frame,
        sender,
        classification,
        topics,
        prepared,
        facts,
        addressees,
        enforce,
    }))
}

/// The form of the copies as they will really be sent (law.md asks for nothing less): what
/// the footer shows, and the page of ours its link leads to.
fn form_of(facts: rewrite::FormFacts) -> Form {
    Form {
        identity: Identity {
            legal_name: Some(facts.identity),
            contact: Some(facts.postal_address),
            postal_address: Some(facts.postal_address),
            on_behalf_of: Some(facts.identity),
        },
        unsubscribe: UnsubscribeForm {
            visible: Some(facts.visible_unsubscribe),
            header: Some(facts.header_unsubscribe),
            login_required: Some(false),
            extra_data_required: Some(false),
            fee: Some(false),
            steps: Some(1),
            validity: Validity::Unlimited,
        },
        // The footer names the sender and says that this is marketing e-mail.
        ad_identifiable: Some(facts.identity && facts.visible_unsubscribe),
        label: None,
        subject_misleading: false,
        header_false: false,
    }
}

/// The first word of the subject, where labels such as `<ADV>` stand.
fn leading_word(message: &Message) -> Option<String> {
    let subject = message.header("Subject").next()?.unfolded();
    let word = subject.split_whitespace().next()?.trim_matches([':', '[', ']', '(', ')']);
    (!word.is_empty()).then(|| word.to_owned())
}

fn refuse(frame: Frame, class: MessageClass, reason: &'static str, reply: Reply) -> Lane {
    Lane::Refused(Refused { frame: Arc::new(frame), class, reason, unedited: None, reply })
}

fn refuse_claim(frame: Frame, class: MessageClass, text: &str) -> Lane {
    let reply = replies::claim_not_allowed(text, frame.transaction_id());
    refuse(frame, class, "CLAIM_NOT_ALLOWED", reply)
}

/// The stream a message fits; the last fits everything.
fn sort<'h>(
    house: &'h House,
    transaction: &Transaction,
    message: &Message,
    from: Option<&Mailbox>,
) -> &'h Arc<Stream> {
    let header = |name: &str| -> Vec<String> {
        message.header(name).map(|field| field.unfolded()).collect()
    };
    let seen = Sighting {
        peer: &transaction.peer,
        reverse_path: &transaction.envelope.reverse_path,
        from,
        header: &header,
    };
    let fitting = house.streams.iter().find(|stream| stream.matcher.fits(&seen));
    fitting
        .or(house.streams.last())
        .expect("a checked configuration ends with the stream `unmatched`")
}

/// The address in From, if there is exactly one: two leave open who sends.
fn sole_from(message: &Message) -> Option<Mailbox> {
    match message.from_addresses().as_slice() {
        [address] => Mailbox::parse(address).ok(),
        _ => None,
    }
}

fn belongs_to(from: &Mailbox, sender: &Sender) -> bool {
    sender.from_domains.iter().any(|domain| from.domain().is_within(domain))
}

fn topics_of(classification: &Classification, stream: &Stream) -> Vec<TopicId> {
    match classification.topics() {
        [] => stream.topics.clone(),
        claimed => claimed.to_vec(),
    }
}

/// The recipients as the store knows people. A bare postmaster is the one of our host.
fn addressees(frame: &Frame) -> Vec<Addressee> {
    let house = &frame.house;
    let postmaster = Mailbox::parse(&format!("postmaster@{}", house.hostname));
    let paths = &frame.transaction.envelope.forward_paths;
    paths
        .iter()
        .filter_map(|path| path.mailbox().or(postmaster.as_ref().ok()))
        .map(|mailbox| Addressee {
            keys: house.keyring.address_keys(mailbox),
            domain: mailbox.domain().clone(),
        })
        .collect()
}

impl MarketingDraft {
    /// Whether the stream only watches for now: everybody is sent to, unedited.
    pub fn is_observed(&self) -> bool {
        self.enforce == Enforce::Observe
    }

    /// The class of the message.
    pub const fn class(&self) -> MessageClass {
        self.classification.class()
    }

    /// The same message as a stream that only observes lets it go: raw, to everybody. `None`
    /// for every other stream.
    pub fn into_observed(self) -> Option<ServiceDraft> {
        self.is_observed()
            .then(|| ServiceDraft::new(self.frame, self.classification, Raw::Observed))
    }
}
