//! Logins: who is believed, how often anybody may try, and what a refusal tells.

use std::net::IpAddr;
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::time::Instant;

use super::{credential, only_logins};
use crate::base::{PasswordHash, Redacted};
use crate::inbound::{Credential, Logins, Settings};
use crate::smtp::server::{Login, LoginRefusal, Mechanism};

fn dear(password: &str) -> PasswordHash {
    let params = Params::new(64, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let kept = hasher.hash_password(password.as_bytes()).unwrap().to_string();
    kept.parse().unwrap()
}

fn login(username: &str, password: &str) -> Login {
    Login {
        mechanism: Mechanism::Plain,
        username: username.to_owned(),
        password: Redacted::new(password.to_owned()),
    }
}

fn settings(credentials: Vec<Credential>) -> Settings {
    let mut settings = Settings::new("main", "relay.example", Vec::new());
    only_logins(&mut settings);
    settings.credentials = credentials;
    settings
}

/// Two clients: one with a generated password, one whose password somebody chose.
fn two_kinds() -> Settings {
    let chosen = Credential { passwords: vec![dear("staffstaff")], ..credential("staff") };
    settings(vec![credential("crm"), chosen])
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

async fn client(
    logins: &Logins,
    settings: &Settings,
    ip: IpAddr,
    (username, password): (&str, &str),
) -> Result<String, LoginRefusal> {
    let admitted = logins.check(settings, ip, &login(username, password)).await?;
    Ok(admitted.client().to_owned())
}

const INVALID: Result<String, LoginRefusal> = Err(LoginRefusal::Invalid);
const TOO_MANY: Result<String, LoginRefusal> = Err(LoginRefusal::TooMany);
const UNAVAILABLE: Result<String, LoginRefusal> = Err(LoginRefusal::Unavailable);

#[tokio::test(start_paused = true)]
async fn believes_the_right_password_of_either_kind_and_no_other() {
    let (logins, settings) = (Logins::default(), two_kinds());
    for (said, expected) in [
        (("crm", "crmcrm"), Ok("crm".to_owned())),
        (("staff", "staffstaff"), Ok("staff".to_owned())),
        (("crm", "staffstaff"), INVALID),
        (("staff", "crmcrm"), INVALID),
        (("nobody", "staffstaff"), INVALID),
        (("CRM", "crmcrm"), INVALID),
        (("", ""), INVALID),
    ] {
        assert_eq!(client(&logins, &settings, HERE, said).await, expected, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_passwords_hold_while_one_is_being_replaced() {
    let logins = Logins::default();
    let passwords = vec![PasswordHash::sha256(b"old"), dear("new")];
    let settings = settings(vec![Credential { passwords, ..credential("crm") }]);
    for password in ["old", "new"] {
        assert_eq!(client(&logins, &settings, HERE, ("crm", password)).await.unwrap(), "crm");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_stolen_elsewhere_is_worth_nothing_outside_the_clients_networks() {
    let logins = Logins::default();
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    let settings = settings(vec![Credential { networks, ..credential("crm") }]);
    assert!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await.is_ok());
    assert_eq!(client(&logins, &settings, THERE, ("crm", "crmcrm")).await, INVALID);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_takes_a_second_and_success_none() {
    let (logins, settings) = (Logins::default(), two_kinds());
    for said in [("nobody", "x"), ("crm", "x"), ("staff", "x")] {
        let asked = Instant::now();
        assert_eq!(client(&logins, &settings, HERE, said).await, INVALID);
        assert_eq!(asked.elapsed().as_secs(), 1, "{said:?}");
    }
    let asked = Instant::now();
    assert!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await.is_ok());
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn after_ten_failures_an_address_is_not_looked_at_and_others_are() {
    let (logins, settings) = (Logins::default(), two_kinds());
    for _ in 0..5 {
        assert_eq!(client(&logins, &settings, HERE, ("crm", "x")).await, INVALID);
        // A success in between is no amnesty.
        assert!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await.is_ok());
        assert_eq!(client(&logins, &settings, HERE, ("staff", "x")).await, INVALID);
    }
    assert_eq!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await, TOO_MANY);
    assert!(client(&logins, &settings, THERE, ("crm", "crmcrm")).await.is_ok());
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn many_at_once_have_no_more_tries_than_one_after_the_other() {
    let (logins, settings) = (Logins::default(), two_kinds());
    let guesses: Vec<String> = (0..40).map(|guess| format!("guess {guess}")).collect();
    let mut results = Vec::new();
    let (logins, settings) = (std::sync::Arc::new(logins), std::sync::Arc::new(settings));
    for guess in guesses {
        let (logins, settings) = (logins.clone(), settings.clone());
        results.push(tokio::spawn(async move {
            client(&logins, &settings, HERE, ("staff", &guess)).await
        }));
    }
    let (mut looked_at, mut too_many) = (0, 0);
    for result in results {
        match result.await.unwrap() {
            Err(LoginRefusal::Invalid) => looked_at += 1,
            Err(LoginRefusal::TooMany) => too_many += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((looked_at, too_many), (10, 30));
}

#[tokio::test(start_paused = true)]
async fn fifty_true_logins_at_once_are_all_believed() {
    let (logins, settings) = (Logins::default(), two_kinds());
    let (logins, settings) = (std::sync::Arc::new(logins), std::sync::Arc::new(settings));
    let mut results = Vec::new();
    for _ in 0..50 {
        let (logins, settings) = (logins.clone(), settings.clone());
        results.push(tokio::spawn(async move {
            client(&logins, &settings, HERE, ("staff", "staffstaff")).await
        }));
    }
    for result in results {
        assert_eq!(result.await.unwrap().as_deref(), Ok("staff"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_is_remembered_five_minutes_and_forgotten_on_reload() {
    let (logins, settings) = (Logins::default(), two_kinds());
    let staff = ("staff", "staffstaff");
    assert!(client(&logins, &settings, HERE, staff).await.is_ok());
    // With both turns taken, only what is remembered can succeed.
    let turns = logins.turns.clone().acquire_many_owned(2).await.unwrap();
    assert!(client(&logins, &settings, HERE, staff).await.is_ok());
    assert_eq!(client(&logins, &settings, HERE, ("staff", "x")).await, UNAVAILABLE);
    logins.forget();
    assert_eq!(client(&logins, &settings, HERE, staff).await, UNAVAILABLE);
    drop(turns);
    assert!(client(&logins, &settings, HERE, staff).await.is_ok());
    let _turns = logins.turns.clone().acquire_many_owned(2).await.unwrap();
    tokio::time::advance(Duration::from_mins(5)).await;
    assert_eq!(client(&logins, &settings, HERE, staff).await, UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_remembered_password_does_not_outlive_its_replacement() {
    let (logins, before) = (Logins::default(), two_kinds());
    assert!(client(&logins, &before, HERE, ("staff", "staffstaff")).await.is_ok());
    let mut after = before.clone();
    after.credentials[1].passwords = vec![dear("another one")];
    assert_eq!(client(&logins, &after, HERE, ("staff", "staffstaff")).await, INVALID);
}

#[tokio::test(start_paused = true)]
async fn unknown_users_wait_for_a_turn_like_known_ones_and_generated_passwords_never_do() {
    let (logins, settings) = (Logins::default(), two_kinds());
    let _turns = logins.turns.clone().acquire_many_owned(2).await.unwrap();
    for said in [("nobody", "x"), ("crm", "x"), ("staff", "x")] {
        let asked = Instant::now();
        assert_eq!(client(&logins, &settings, HERE, said).await, UNAVAILABLE, "{said:?}");
        assert_eq!(asked.elapsed().as_secs(), 4, "{said:?}");
    }
    assert!(client(&logins, &settings, HERE, ("crm", "crmcrm")).await.is_ok());
}
