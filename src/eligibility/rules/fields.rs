//! The one list of what a rule set can set: TOML path, place, strictest value.
//!
//! Reading, inheritance, overrides, marks, citations and the test for unverified rules all walk
//! this table. The strictest value is what an unset field has, and what an unverified one is
//! replaced by to see whether a permission rests on it.

use serde::{Deserialize, Serialize};

use super::consulted::Consulted;
use super::schema::{
    AgeAnchor, BusinessRule, Deadline, DeadlineUnit, DoubleOptIn, Duty, ElementRule, InferredRule,
    LabelWhen, MixedRule, MonthLimit, NoncommercialRule, Proof, Protected, ReferralCondition,
    Regime, RegisterRule, RegulatedPurpose, Similarity, StartDate, UnsubscribeIn,
};
use crate::classify::Element;
use crate::eligibility::relationship::RelationshipKind;

macro_rules! path {
    ($table:ident $field:ident) => {
        concat!(stringify!($table), ".", stringify!($field))
    };
    ($table:ident $field:ident $key:literal) => {
        concat!(stringify!($table), ".", $key)
    };
}

macro_rules! rule_fields {
    ($($(#[$table_doc:meta])* $table:ident: $Table:ident {
        $($(#[$doc:meta])* $field:ident $(as $key:literal)?: $Type:ty = $strictest:expr;)*
    })*) => {
        /// Everything one rule set says.
        #[derive(Clone, PartialEq, Debug)]
        pub struct Rules {
            $($(#[$table_doc])* pub $table: $Table,)*
        }

        $(
            $(#[$table_doc])*
            #[derive(Clone, PartialEq, Debug)]
            pub struct $Table {
                $($(#[$doc])* pub $field: $Type,)*
            }
        )*

        /// The tables of a rule set.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Table {
            $($(#[$table_doc])* $Table,)*
        }

        impl<'r> Consulted<'r> {
            $($(#[$table_doc])* pub fn $table(&self) -> &'r $Table {
                self.note(Table::$Table);
                &self.rules.$table
            })*
        }

        impl Rules {
            /// The rules with every value in its strictest form.
            pub fn strictest() -> Self {
                Self { $($table: $Table { $($field: $strictest,)* },)* }
            }
        }

        /// Every field, in the order of the table.
        pub static FIELDS: &[Field] = &[$($(
            Field {
                path: path!($table $field $($key)?),
                table: Table::$Table,
                set: |rules, value| {
                    rules.$table.$field = <$Type>::deserialize(value)?;
                    Ok(())
                },
                tighten: |rules| rules.$table.$field = $strictest,
                shown: |rules| shown(&rules.$table.$field),
            },
        )*)*];
    };
}

/// One field of a rule set.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its path in the TOML file.
    pub path: &'static str,
    /// The table it stands in.
    pub table: Table,
    /// Sets it to a value read from a file.
    pub set: fn(&mut Rules, toml::Value) -> Result<(), toml::de::Error>,
    /// Sets it to its strictest value.
    pub tighten: fn(&mut Rules),
    /// Its value as it would be written.
    pub shown: fn(&Rules) -> String,
}

impl Field {
    /// The field at `path`.
    pub fn find(path: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.path == path)
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({})", self.path)
    }
}

fn shown<T: Serialize>(value: &T) -> String {
    toml::Value::try_from(value).map_or_else(|_| String::from("?"), |value| value.to_string())
}

rule_fields! {
    /// Whom and what the set regulates.
    scope: ScopeRules {
        /// Whom the consent rule protects.
        protected: Protected = Protected::NaturalAndLegal;
        /// The purposes the statute regulates; what holds for the others is said below.
        purposes: Vec<RegulatedPurpose> = vec![
            RegulatedPurpose::Commercial, RegulatedPurpose::Charity, RegulatedPurpose::Political,
        ];
        /// Whether a basis is needed at all.
        default_regime: Regime = Regime::OptIn;
        /// The largest offset from UTC in the territory; dates are counted there.
        utc_offset_hours: i8 = 14;
    }
    /// What counts as marketing.
    classify: ClassifyRules {
        /// How mixed messages weigh.
        mixed_rule: MixedRule = MixedRule::AnyPromoTaints;
        /// Whether what the links lead to counts as content.
        linked_content_counts: bool = true;
        /// Surveys.
        survey: ElementRule = ElementRule::Marketing;
        /// Requests for reviews.
        review_request: ElementRule = ElementRule::Marketing;
        /// Reminders of unpaid baskets.
        abandoned_basket: ElementRule = ElementRule::Marketing;
        /// Market research.
        market_research: ElementRule = ElementRule::Marketing;
        /// Greetings.
        greeting: ElementRule = ElementRule::Marketing;
        /// Renewal reminders.
        renewal_reminder: ElementRule = ElementRule::Marketing;
        /// Requests for consent and invitations to set preferences.
        consent_request: ElementRule = ElementRule::Marketing;
        /// Lines inviting to a newsletter.
        newsletter_signup_link: ElementRule = ElementRule::Marketing;
        /// Recommendations by friends.
        referral: ElementRule = ElementRule::Marketing;
        /// Double opt-in mails with branding.
        doi_branded: ElementRule = ElementRule::Marketing;
        /// Branded footers.
        brand_footer: ElementRule = ElementRule::Marketing;
        /// Press releases.
        press_release: ElementRule = ElementRule::Marketing;
    }
    /// Recommendations by friends, where they are not marketing.
    referral: ReferralRules {
        /// What must be shown.
        conditions: Vec<ReferralCondition> = vec![
            ReferralCondition::OwnInitiative, ReferralCondition::NoReward,
            ReferralCondition::InitiatorShown, ReferralCondition::TextSeen,
            ReferralCondition::UsedOnce,
        ];
        /// Whether the message must say who sends it and offer a way to unsubscribe.
        keeps: Vec<Duty> = vec![Duty::Identity, Duty::Unsubscribe, Duty::HonestHeaders];
    }
    /// What a consent needs.
    consent: ConsentRules {
        /// What must be shown.
        evidence_required: Vec<Proof> = vec![
            Proof::Who, Proof::When, Proof::How, Proof::TextVersion, Proof::Entity,
            Proof::Channel, Proof::SourceIpOrForm,
        ];
        /// Whether one act may cover one channel only.
        per_channel: bool = true;
        /// Whether every legal person must be named.
        named_entities: bool = true;
        /// Whether every topic must be named.
        named_topics: bool = true;
        /// After how many months without use a consent is dormant.
        dormancy_months: MonthLimit = MonthLimit::Months(0);
        /// After how many months a consent given through somebody else is stale.
        indirect_max_age_months: MonthLimit = MonthLimit::Months(0);
        /// Whether a double opt-in must be completed.
        doi_required: DoubleOptIn = DoubleOptIn::Always;
        /// Whether a minor's consent must be their guardian's.
        guardian_for_minors: bool = true;
    }
    /// The existing-customer exception.
    soft: SoftRules {
        /// Whether there is one.
        available: bool = false;
        /// Which relations count.
        relationship_kinds: Vec<RelationshipKind> = Vec::new();
        /// Whether a sale must have been carried through.
        require_completed_sale: bool = true;
        /// Whether a sale must have been paid.
        require_paid_sale: bool = true;
        /// Whether a free account counts only for mail about a paid tier of the same service.
        free_account_needs_paid_tier: bool = true;
        /// How long a sale counts.
        max_age_months_sale as "max_age_months.sale_paid": MonthLimit
            = MonthLimit::Months(0);
        /// How long a free account counts.
        max_age_months_free_account as "max_age_months.sale_free_account": MonthLimit
            = MonthLimit::Months(0);
        /// How long a contract counts after its end.
        max_age_months_contract_ended as "max_age_months.contract_ended": MonthLimit
            = MonthLimit::Months(0);
        /// How long negotiations count.
        max_age_months_negotiation as "max_age_months.negotiation": MonthLimit
            = MonthLimit::Months(0);
        /// How long a request for a quote counts.
        max_age_months_quote_request as "max_age_months.quote_request": MonthLimit
            = MonthLimit::Months(0);
        /// Beyond which no policy may go.
        max_age_cap_months: MonthLimit = MonthLimit::Months(0);
        /// From when the age counts.
        age_anchor: AgeAnchor = AgeAnchor::LastSale;
        /// Whether collector and sender must be the same legal person.
        same_legal_person: bool = true;
        /// Whether the address must come from the person in the dealing itself.
        direct_collection: bool = true;
        /// Whether only the sender's own products may be promoted.
        own_products_only: bool = true;
        /// Whether the products must be similar.
        similar_required: bool = true;
        /// How similarity is judged.
        similarity: Similarity = Similarity::SameCategory;
        /// Whether a refusal must have been offered at collection.
        optout_at_collection: bool = true;
        /// Whether a refusal must be offered in each message.
        optout_each_message: bool = true;
        /// Whether it extends to minors.
        minors: bool = false;
    }
    /// A charity's own supporters.
    charity: CharityRules {
        /// Whether there is an exception for them.
        soft: bool = false;
        /// Whether the message must serve charitable purposes alone.
        sole_purpose: bool = true;
        /// From when on addresses must have been collected.
        not_before: StartDate = StartDate(jiff::civil::Date::MAX);
    }
    /// Consent the law reads out of a relation or a publication.
    implied: ImpliedRules {
        /// Relations that make an existing business relationship.
        ebr_kinds: Vec<RelationshipKind> = Vec::new();
        /// How long a purchase or a contract that has ended counts.
        ebr_purchase_months: MonthLimit = MonthLimit::Months(0);
        /// How long an inquiry counts.
        ebr_inquiry_months: MonthLimit = MonthLimit::Months(0);
        /// Relations that make an existing relationship without business.
        enbr_kinds: Vec<RelationshipKind> = Vec::new();
        /// How long such a relation counts.
        enbr_months: MonthLimit = MonthLimit::Months(0);
        /// From which relations consent is inferred.
        inferred: InferredRule = InferredRule::Never;
        /// Which of them count.
        inferred_kinds: Vec<RelationshipKind> = Vec::new();
        /// How long they count.
        inferred_months: MonthLimit = MonthLimit::Months(0);
        /// Whether the message must be related to the relation.
        inferred_related: bool = true;
        /// Whether a card handed over counts as well.
        card: bool = false;
        /// Whether an address the person published for work may be written to.
        published: bool = false;
        /// Whether the message must then be tied to the role.
        published_relevance: bool = true;
    }
    /// Mail to businesses.
    business: BusinessRules {
        /// A legal person's address of unknown kind.
        legal_person: BusinessRule = BusinessRule::Consent;
        /// A legal person's impersonal address.
        impersonal: BusinessRule = BusinessRule::Consent;
        /// A named address at a legal person.
        named_work: BusinessRule = BusinessRule::Consent;
        /// A sole trader's address.
        sole_trader: BusinessRule = BusinessRule::Consent;
        /// Whether public bodies are treated as legal persons.
        public_body: BusinessRule = BusinessRule::Consent;
        /// Whether mail must be tied to the person's role.
        role_relevance: bool = true;
        /// Whether the person must have been told when the address was collected.
        informed_at_collection: bool = true;
        /// Whether organisations that have a relationship may write to each other.
        org_relationship: bool = false;
    }
    /// Mail without a commercial purpose.
    noncommercial: NoncommercialRules {
        /// Fundraising and other charity mail.
        charity: NoncommercialRule = NoncommercialRule::Consent;
        /// Whether only registered charities profit from being out of scope.
        charity_registered: bool = true;
        /// Political mail.
        political: NoncommercialRule = NoncommercialRule::Consent;
        /// Mail of public bodies for their task.
        public_task: NoncommercialRule = NoncommercialRule::Consent;
    }
    /// How opting out must be possible.
    optout: OptoutRules {
        /// Within which time it takes effect by statute.
        deadline: Deadline = Deadline { n: 0, unit: DeadlineUnit::Immediate };
        /// Whether it must be acknowledged by mail.
        ack_required: bool = true;
        /// How many days the way to opt out must work.
        mechanism_valid_days: u16 = u16::MAX;
        /// In how many steps it must be possible.
        max_steps: u8 = 1;
        /// Whether a log-in may be asked for.
        login_allowed: bool = false;
        /// Whether more than the address may be asked for.
        extra_data_allowed: bool = false;
        /// Whether it may cost a fee.
        fee_allowed: bool = false;
        /// Whether it must be possible by the medium of the message.
        same_medium: bool = true;
    }
    /// What a marketing message must say.
    message: MessageRules {
        /// Whether it must name the sender and a contact.
        identity: bool = true;
        /// Whether it must carry a postal address.
        postal_address: bool = true;
        /// Whether it must name those on whose behalf it is sent.
        on_behalf_of: bool = true;
        /// Where the way to unsubscribe must be found.
        unsubscribe: UnsubscribeIn = UnsubscribeIn::Body;
        /// Whether it must be identifiable as advertising.
        ad_identifiable: bool = true;
        /// Words that mark it as advertising, parted by `/`; empty if there is none.
        label: String = String::new();
        /// When the label is needed.
        label_when: LabelWhen = LabelWhen::Always;
        /// How many alike in 24 hours are not yet bulk.
        bulk_day: u32 = 0;
        /// How many alike in 30 days are not yet bulk.
        bulk_month: u32 = 0;
        /// How many alike in a year are not yet bulk.
        bulk_year: u32 = 0;
    }
    /// Public opt-out registers.
    registers: RegisterRules {
        /// Registers to consult or to heed.
        consulted: Vec<RegisterRule> = vec![RegisterRule::strictest()];
    }
    /// Messages that are not marketing.
    exempt: ExemptRules {
        /// The duties that stay for them.
        keeps: Vec<Duty> = vec![Duty::Identity, Duty::Unsubscribe, Duty::HonestHeaders];
        /// Elements for which they do not stay, if the message has no others.
        free: Vec<Element> = Vec::new();
    }
}
