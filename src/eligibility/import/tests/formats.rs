//! The built-in maps on samples in each system's own words.

use super::super::formats::maps;
use super::super::{Choice, built_in};
use super::{check, check_with, read, terms, topic};
use crate::eligibility::Fact;

#[test]
fn every_built_in_map_can_be_read() {
    assert_eq!(maps(None).len(), built_in().len());
    for (map, built) in maps(None).iter().zip(built_in()) {
        assert_eq!(map.format, built.format);
        assert!(!map.about.is_empty());
    }
}

#[test]
fn netsuite_statuses_are_not_what_their_names_say() {
    check(
        "Internal ID,Name,Email,Global Subscription Status,Shoes,Wool socks,Inactive\n\
         1,A,a@x.org,Confirmed Opt-In,Subscribed,Subscribed,No\n\
         2,B,b@x.org,Soft Opt-In,Subscribed,,No\n\
         3,C,c@x.org,Soft Opt-Out,,,No\n\
         4,D,d@x.org,Confirmed Opt-Out,,,No\n\
         5,E,e@x.org,Soft Opt-In,Unsubscribed,,No\n\
         6,F,f@x.org,_softOptIn,,Unsubscribed,No\n\
         7,G,g@x.org,Perhaps,,,No\n\
         8,H,h@x.org,Perhaps,Unsubscribed,,No\n",
        &[
            "a consent_given:shoes@2026-06-01 (undated) (unproven)",
            "b (no_basis)",
            "c (no_basis)",
            "d objection:all@2026-06-01 (undated)",
            "e objection:shoes@2026-06-01 (undated)",
            "f objection:all@2026-06-01 (undated) (widened)",
            "line 8: Global Subscription Status: `Perhaps` is no value netsuite is known to have",
            "h objection:shoes@2026-06-01 (undated) (dropped)",
        ],
    );
}

#[test]
fn netsuite_categories_of_mapped_columns_may_be_yes_or_no() {
    let mut mapped = terms();
    mapped.topics.insert("Wool Socks".into(), topic("hats"));
    check_with(
        "Email,Global Subscription Status,wool socks\n\
         a@x.org,Soft Opt-In,F\n\
         b@x.org,Confirmed Opt-In,T\n",
        Choice::Recognise,
        mapped,
        &[
            "a objection:hats@2026-06-01 (undated)",
            "b consent_given:hats@2026-06-01 (undated) (unproven)",
        ],
    );
}

#[test]
fn p7_a_confirmed_opt_in_counts_only_with_evidence_beside_it() {
    let text = "Email,Global Subscription Status,Global Subscription Status Date,mechanism,\
                wording_version,channel\n\
                a@x.org,Confirmed Opt-In,2026-02-01,tick,form-3,email\n\
                b@x.org,Confirmed Opt-In,2026-02-01,,,\n\
                c@x.org,Confirmed Opt-In,,tick,form-3,email\n\
                d@x.org,Confirmed Opt-In,soon,,,\n";
    check(
        text,
        &[
            "a consent_given:@2026-02-01",
            "b consent_given:@2026-02-01 (unproven)",
            "line 4: at: the moment is missing",
            "line 5: Global Subscription Status Date: `soon` is not a date that can be read",
        ],
    );
    let rows = read(text, Choice::Recognise, terms()).unwrap();
    let channels = rows.iter().flatten().map(|row| match &row.evidence[0].fact {
        Fact::ConsentGiven(consent) => consent.channel.is_some(),
        _ => panic!("a consent"),
    });
    assert_eq!(channels.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn hubspot_says_true_for_opted_out() {
    check(
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce,Marketing Information,Shoes\n\
         a@x.org,FALSE,TRUE,FALSE,FALSE,FALSE,FALSE\n\
         b@x.org,TRUE,FALSE,TRUE,FALSE,FALSE,FALSE\n\
         c@x.org,FALSE,FALSE,FALSE,FALSE,FALSE,TRUE\n\
         d@x.org,FALSE,FALSE,FALSE,TRUE,TRUE,FALSE\n\
         e@x.org,FALSE,FALSE,FALSE,FALSE,FALSE,FALSE\n",
        &[
            "a objection:all@2026-06-01 (undated)",
            "b complaint@2026-06-01 bounce:@2026-06-01 (undated)",
            "c objection:shoes@2026-06-01 (undated)",
            "d bounce:@2026-06-01 objection:all@2026-06-01 (undated) (widened)",
            "e (no_basis)",
        ],
    );
    check(
        "Record ID,Email,Unsubscribed from all email,Opted out of email: Shoes\n\
         1,a@x.org,true,\n2,b@x.org,,true\n3,c@x.org,false,false\n",
        &[
            "a objection:all@2026-06-01 (undated)",
            "b objection:shoes@2026-06-01 (undated)",
            "c (no_basis)",
        ],
    );
}

#[test]
fn hubspot_statuses_prove_nothing_but_opt_outs_hold() {
    check(
        "email,subscriptionName,status,sourceOfStatus,legalBasis,updatedAt\n\
         a@x.org,Shoes,UNSUBSCRIBED,SUBSCRIPTION_STATUS,,2026-01-05T00:00:00Z\n\
         b@x.org,Shoes,UNSUBSCRIBED,PORTAL_WIDE_STATUS,,2026-01-05T00:00:00Z\n\
         c@x.org,Shoes,NOT_SUBSCRIBED,,,2026-01-05T00:00:00Z\n\
         d@x.org,Shoes,SUBSCRIBED,,LEGITIMATE_INTEREST_CLIENT,2026-01-05T00:00:00Z\n\
         e@x.org,Shoes,SUBSCRIBED,,CONSENT_WITH_NOTICE,2026-01-05T00:00:00Z\n\
         f@x.org,Shoes,NOT_SPECIFIED,,,\n\
         g@x.org,Wool,UNSUBSCRIBED,,,2026-01-05T00:00:00Z\n",
        &[
            "a objection:shoes@2026-01-05",
            "b objection:all@2026-01-05",
            "c objection:shoes@2026-01-05",
            "d (no_basis)",
            "e consent_given:shoes@2026-01-05 (unproven)",
            "f (no_basis)",
            "g objection:all@2026-01-05 (widened)",
        ],
    );
}

#[test]
fn mailchimp_files_are_three_and_cleaned_is_no_objection() {
    check(
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,EUID,TAGS\n\
         a@x.org,A,2,2025-01-05 10:00:00,192.0.2.1,2025-01-05 10:03:00,192.0.2.1,e1,\n",
        &["a consent_given:@2025-01-05 (unproven)"],
    );
    check(
        "Email Address,OPTIN_TIME,UNSUB_TIME,UNSUB_REASON,UNSUB_REASON_OTHER,EUID\n\
         a@x.org,2025-01-05 10:00:00,2025-03-01 09:00:00,NORMAL,,e1\n\
         b@x.org,2025-01-05 10:00:00,2025-03-02 09:00:00,SPAM,,e2\n",
        &["a objection:all@2025-03-01", "b complaint@2025-03-02 objection:all@2025-03-02"],
    );
    check(
        "Email Address,OPTIN_TIME,CLEAN_TIME,EUID\na@x.org,2025-01-05 10:00:00,2025-03-01 09:00:00,e1\n",
        &["a bounce:@2025-03-01"],
    );
    let mut mapped = terms();
    mapped.topics.insert("*".into(), topic("shoes"));
    check_with(
        "Email Address,OPTIN_TIME,UNSUB_TIME\na@x.org,,2025-03-01 09:00:00\n",
        Choice::Recognise,
        mapped,
        &["a objection:shoes@2025-03-01"],
    );
}

#[test]
fn sendgrid_tells_unsubscribes_groups_bounces_and_reports_apart() {
    check("email,created\na@x.org,1443651141\n", &["a objection:all@2015-09-30"]);
    check(
        "[{\"created\":1443651141,\"email\":\"a@x.org\"},\n{\"created\":1443651142,\"email\":\"b@x.org\"}]",
        &["a objection:all@2015-09-30", "b objection:all@2015-09-30"],
    );
    check(
        "email,group_id,group_name,created_at\na@x.org,7,Shoes,1443651141\nb@x.org,8,Wool,1443651141\n",
        &["a objection:shoes@2015-09-30", "b objection:all@2015-09-30 (widened)"],
    );
    check(
        "email,created,reason,status\na@x.org,1443651141,gone,5.1.1\n",
        &["a bounce:5.1.1@2015-09-30"],
    );
    check("email,created,ip\na@x.org,1443651141,192.0.2.1\n", &["a complaint@2015-09-30"]);
}

#[test]
fn amazon_ses_contacts_and_suppressions_as_csv_and_json() {
    check(
        "emailAddress,unsubscribeAll,attributesData,topicPreferences.Shoes,topicPreferences.Wool\n\
         a@x.org,false,,OPT_OUT,OPT_IN\nb@x.org,true,,OPT_IN,OPT_IN\nc@x.org,false,,OPT_IN,\n",
        &[
            "a objection:shoes@2026-06-01 (undated)",
            "b objection:all@2026-06-01 (undated)",
            "c (no_basis)",
        ],
    );
    check(
        "{\"emailAddress\":\"a@x.org\",\"unsubscribeAll\":false,\"topicPreferences\":[{\"topicName\":\"Shoes\",\"subscriptionStatus\":\"OPT_OUT\"}]}\n\
         {\"emailAddress\":\"b@x.org\",\"unsubscribeAll\":true,\"topicPreferences\":[]}\n",
        &["a objection:shoes@2026-06-01 (undated)", "b objection:all@2026-06-01 (undated)"],
    );
    check(
        "{\"NextToken\":\"x\",\"Contacts\":[{\"EmailAddress\":\"a@x.org\",\"UnsubscribeAll\":true,\"LastUpdatedTimestamp\":\"2026-02-05T00:00:00Z\"}],\"More\":{}}",
        &["a objection:all@2026-02-05"],
    );
    check(
        "emailAddress,reason\na@x.org,BOUNCE\nb@x.org,COMPLAINT\nc@x.org,WHIM\n",
        &[
            "a bounce:@2026-06-01 (undated)",
            "b complaint@2026-06-01 (undated)",
            "line 4: reason: `WHIM` is no value ses is known to have",
        ],
    );
}

#[test]
fn mailgun_stars_mean_everything_and_tags_are_topics() {
    check(
        "address,tags,created_at\n\
         a@x.org,*,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n\
         b@x.org,shoes,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n\
         c@x.org,shoes;wool,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n\
         d@x.org,\"[\"\"shoes\"\",\"\"hats\"\"]\",whenever\n",
        &[
            "a objection:all@2011-10-21",
            "b objection:shoes@2011-10-21",
            "c objection:all@2011-10-21 (widened)",
            "d objection:shoes@2026-06-01 objection:hats@2026-06-01 (undated)",
        ],
    );
}

#[test]
fn postmark_dumps_are_read_whole_whatever_their_layout() {
    let dump = "{\"Suppressions\":[\
        {\"EmailAddress\":\"a@x.org\",\"SuppressionReason\":\"ManualSuppression\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-10T08:58:33-05:00\"},\
        {\"EmailAddress\":\"b@x.org\",\"SuppressionReason\":\"HardBounce\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-11T08:58:33-05:00\"},\
        {\"EmailAddress\":\"c@x.org\",\"SuppressionReason\":\"SpamComplaint\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-12T08:58:33-05:00\"}]}";
    let expected = ["a objection:all@2019-12-10", "b bounce:@2019-12-11", "c complaint@2019-12-12"];
    check(dump, &expected);
    check(&dump.replace("[{", "[\n{").replace(",\"", ",\n\""), &expected);
    check(&dump.replace("},{", "}\n,\n{"), &expected);
    let two = format!("{dump}\n{}", dump.replace("a@x.org", "d@x.org"));
    let rows = read(&two, Choice::Recognise, terms()).unwrap();
    assert_eq!(rows.len(), 6, "pages of a dump, one behind the other");
}

#[test]
fn a_plain_list_is_read_only_when_named() {
    assert!(read("Email\na@x.org\n", Choice::Recognise, terms()).is_err());
    check_with(
        "Email,Name\na@x.org,A\n",
        Choice::Named("list".into()),
        terms(),
        &["a objection:all@2026-06-01 (undated)"],
    );
}

#[test]
fn dates_are_read_in_the_form_that_was_told() {
    let mut told = terms();
    told.date_format = Some("%d/%m/%Y".into());
    let text = "email,created\na@x.org,03/04/2026\n";
    check_with(text, Choice::Recognise, told, &["a objection:all@2026-04-03"]);
    check(text, &["a objection:all@2026-06-01 (undated)"]);
}
