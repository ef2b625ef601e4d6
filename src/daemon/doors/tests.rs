//! Listener settings from configurations, at start and over a reload.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;

use super::{Doors, check_certificates, listener_settings};
use crate::base::PasswordHash;
use crate::config::Config;
use crate::inbound::{Settings, Tls};
use crate::smtp::server::{Admission, AuthOffer, TlsOffer};

const EXAMPLE: &str = include_str!("../../../config/consentry.toml");
const AT: &str = "listen = \"127.0.0.1:2525\"\n";
const SUBMISSION: &str = "tls = \"required\"\nauth = \"required\"\n\
                          certificate = \"chain.pem\"\nkey = \"key.pem\"\n";

/// A folder with a certificate that ends with this year's first day.
fn folder(until: i32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path(), until);
    folder
}

fn issue(folder: &Path, until: i32) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["gate.example.com".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("chain.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// The example's configuration with `listener` in its listener and one more client.
fn config(folder: &Path, listener: &str) -> Config {
    assert!(EXAMPLE.contains(AT));
    let shown = ["protocol = \"smtp\"\n", "tls = \"off\"\n", "auth = \"off\"\n"];
    let spare = shown.iter().fold(EXAMPLE.to_owned(), |text, line| text.replacen(line, "", 1));
    let spare = spare.replacen("auth_without_tls = \"never\"\n", "", 1);
    let mut text = spare.replacen(AT, &format!("{AT}{listener}"), 1);
    if listener.contains("auth =") {
        let kept = PasswordHash::sha256(b"secret");
        let client = format!(
            "[[client]]\nname = \"crm\"\nusername = \"crm\"\npasswords = [\"{kept}\"]\n\
             networks = [\"192.0.2.0/24\"]\nreverse_path_domains = [\"example.com\"]\n"
        );
        text = text.replacen("[[upstream]]", &format!("{client}[[upstream]]"), 1);
    }
    Config::parse("test", &text, folder).unwrap()
}

fn settings(folder: &Path, listener: &str) -> Settings {
    let config = config(folder, listener);
    listener_settings(&config, &config.listeners[0]).unwrap()
}

fn doors(config: &Config) -> (Doors, watch::Receiver<Arc<Settings>>) {
    let (doors, mut receivers) = Doors::new(config).unwrap();
    (doors, receivers.remove(0))
}

#[track_caller]
fn refuses(doors: &Doors, config: &Config, expected: &str) {
    let error = format!("{:#}", doors.plan(config).unwrap_err());
    assert!(error.contains(expected), "{error}");
}

#[test]
fn p8_without_auth_only_addresses_without_a_user_name_admit() {
    let folder = folder(2120);
    let without = settings(folder.path(), "");
    assert!(!without.clients.is_empty());
    assert!(without.credentials.is_empty() && without.before_auth.is_none());
    assert!(matches!(without.tls, Tls::Off));
    let offered = "tls = \"starttls\"\nauth = \"offered\"\n\
                   certificate = \"chain.pem\"\nkey = \"key.pem\"\n";
    let offered = settings(folder.path(), offered);
    assert_eq!(offered.clients.len(), without.clients.len(), "`crm` is not known by address");
    assert!(offered.clients.iter().all(|c| c.session.admission == Admission::Known));
    assert_eq!(offered.clients[0].session.auth, AuthOffer::UnderTls);
    assert_eq!(offered.credentials.len(), 1);
    assert_eq!(offered.before_auth.unwrap().admission, Admission::AfterAuth);
}

#[test]
fn p8_where_auth_is_required_no_address_admits() {
    let required = settings(folder(2120).path(), SUBMISSION);
    assert!(required.clients.is_empty());
    let before = required.before_auth.unwrap();
    assert_eq!((before.admission, before.tls), (Admission::AfterAuth, TlsOffer::Required));
    let credential = &required.credentials[0];
    assert_eq!((credential.username.as_str(), credential.client.as_str()), ("crm", "crm"));
    assert_eq!(credential.networks.len(), 1);
    assert_eq!(credential.session.admission, Admission::Known);
    assert!(credential.session.reverse_path_domains.is_some());
}

#[test]
fn a_reload_reaches_the_listener_only_when_it_is_applied() {
    let folder = folder(2120);
    let (doors, mut newest) = doors(&config(folder.path(), SUBMISSION));
    issue(folder.path(), 2130);
    let plan = doors.plan(&config(folder.path(), SUBMISSION)).unwrap();
    assert!(!newest.has_changed().unwrap());
    assert!(doors.certificate_ends()[0].1.to_string().starts_with("2120-01-01"));
    doors.apply(plan);
    assert!(newest.has_changed().unwrap());
    let (name, end) = doors.certificate_ends().remove(0);
    assert!(end.to_string().starts_with("2130-01-01"));
    assert_eq!(name, newest.borrow_and_update().name);
}

#[test]
fn listeners_that_come_go_or_move_need_a_restart() {
    let folder = folder(2120);
    let (doors, _newest) = doors(&config(folder.path(), ""));
    let changed = |change: fn(&mut Config)| {
        let mut config = config(folder.path(), "");
        change(&mut config);
        config
    };
    refuses(&doors, &changed(|c| c.listeners[0].listen.set_port(26)), "moves from");
    refuses(&doors, &changed(|c| c.listeners.clear()), "is gone");
    let added = changed(|config| {
        let mut other = config.listeners[0].clone();
        other.name = "other".to_owned();
        config.listeners.push(other);
    });
    refuses(&doors, &added, "`other` is new");
}

#[test]
fn an_expired_certificate_serves_at_start_but_never_replaces_a_good_one() {
    let folder = folder(2120);
    let (good, _newest) = doors(&config(folder.path(), SUBMISSION));
    issue(folder.path(), 2021);
    let expired = config(folder.path(), SUBMISSION);
    refuses(&good, &expired, "expired at 2021-01-01");
    assert!(format!("{:#}", check_certificates(&expired).unwrap_err()).contains("expired at"));
    let (bad, _newest) = doors(&expired);
    assert!(bad.plan(&expired).is_ok(), "nothing gets worse by it");
}

#[test]
fn a_broken_certificate_stops_start_and_reload_alike() {
    let folder = folder(2120);
    let (doors, _newest) = doors(&config(folder.path(), SUBMISSION));
    fs::write(folder.path().join("key.pem"), "").unwrap();
    let broken = config(folder.path(), SUBMISSION);
    refuses(&doors, &broken, "no private key in");
    assert!(Doors::new(&broken).is_err());
}
