//! What a message is made of, as far as the law of direct marketing asks.
//!
//! Elements are declared by the sender or found by the classifier; what class follows from
//! them is each rule set's business. This is not a classifier and reads no message.

use serde::{Deserialize, Serialize};

/// How an element weighs before any rule set is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Nature {
    /// Administrative; promotes nothing.
    Neutral,
    /// Promotional everywhere.
    Promotional,
    /// Differs from one rule set to the next.
    Depends,
    /// Not recognised: counts as promotional, because doubt never lowers a class.
    Unclear,
}

macro_rules! elements {
    ($($(#[$doc:meta])* $name:ident = $nature:ident;)*) => {
        /// One element of a message.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Element {
            $($(#[$doc])* $name,)*
        }

        impl Element {
            /// Every element, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How the element weighs before any rule set is asked.
            pub const fn nature(self) -> Nature {
                match self {
                    $(Self::$name => Nature::$nature,)*
                }
            }
        }
    };
}

elements! {
    /// The confirmation of an order.
    OrderConfirmation = Neutral;
    /// An invoice.
    Invoice = Neutral;
    /// News of a delivery.
    Delivery = Neutral;
    /// An appointment.
    Appointment = Neutral;
    /// A warning about the security of an account.
    SecurityNotice = Neutral;
    /// A product recall.
    Recall = Neutral;
    /// An interruption of service.
    Outage = Neutral;
    /// Changed terms.
    TermsChange = Neutral;
    /// A changed privacy notice.
    PrivacyChange = Neutral;
    /// A changed price, told without encouragement.
    PriceChange = Neutral;
    /// A notice the law asks for.
    LegalNotice = Neutral;
    /// A statement of account.
    AccountStatement = Neutral;
    /// Practical facts about an event already booked.
    EventLogistics = Neutral;
    /// A request for data a contract needs.
    DataRequest = Neutral;
    /// The acknowledgement of an opt-out.
    OptoutAck = Neutral;
    /// A bare double opt-in confirmation.
    DoiConfirmNeutral = Neutral;
    /// A quote the person asked for.
    QuoteRequested = Neutral;
    /// Mail within the organisation; counts as such only if it stays there.
    Internal = Depends;
    /// An offer.
    Offer = Promotional;
    /// A discount.
    Discount = Promotional;
    /// Another product suggested.
    CrossSell = Promotional;
    /// A push towards a dearer version.
    UpgradeNudge = Promotional;
    /// A push towards an app.
    AppNudge = Promotional;
    /// A loyalty offer.
    LoyaltyOffer = Promotional;
    /// A competition.
    Competition = Promotional;
    /// A prize draw.
    PrizeDraw = Promotional;
    /// Somebody else's advertisement.
    ThirdPartyAd = Promotional;
    /// An invitation to an event.
    EventPromo = Promotional;
    /// An attempt to win a person back.
    Winback = Promotional;
    /// A request for donations.
    FundraisingAsk = Promotional;
    /// A campaign message.
    CampaignMessage = Promotional;
    /// An editorial newsletter that leads to the sender's own paid content.
    EditorialNewsletterOwnPaidContent = Promotional;
    /// A survey.
    Survey = Depends;
    /// A request for a review.
    ReviewRequest = Depends;
    /// A reminder of a basket left unpaid.
    AbandonedBasket = Depends;
    /// Market research.
    MarketResearch = Depends;
    /// Season's greetings.
    Greeting = Depends;
    /// A reminder that something ends.
    RenewalReminder = Depends;
    /// A request for consent to marketing.
    ConsentRequest = Depends;
    /// An invitation to set preferences.
    PreferenceInvite = Depends;
    /// A line inviting to a newsletter.
    NewsletterSignupLink = Depends;
    /// A friend's recommendation.
    ReferralByFriend = Depends;
    /// A double opt-in confirmation with the sender's branding.
    DoiConfirmBranded = Depends;
    /// A footer with branding.
    BrandFooter = Depends;
    /// A press release.
    PressRelease = Depends;
    /// Not recognised.
    Unclassified = Unclear;
}

#[cfg(test)]
mod tests {
    use super::{Element, Nature};

    #[test]
    fn p7_an_element_nobody_recognised_is_never_neutral() {
        assert_eq!(Element::Unclassified.nature(), Nature::Unclear);
        let unclear = Element::ALL.iter().filter(|e| e.nature() == Nature::Unclear).count();
        assert_eq!(unclear, 1);
    }

    #[test]
    fn names_are_those_of_the_campaign_manifest() {
        let text = serde_json::to_string(&Element::EditorialNewsletterOwnPaidContent).unwrap();
        assert_eq!(text, "\"editorial_newsletter_own_paid_content\"");
        assert_eq!(Element::ALL.len(), 17 + 14 + 14 + 1);
    }
}
