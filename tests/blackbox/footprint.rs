//! Memory: many copies of a large message share its bytes.

use std::fmt::Write as _;
use std::fs;

use super::house::{House, Running};
use super::mailer;
use super::upstream::Upstream;

/// Peak resident memory of the process, in MiB.
pub fn peak_mib(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// A newsletter with a 50 MB attachment.
fn large_message() -> Vec<u8> {
    let mut message = b"From: Acme <news@example.com>\r\nSubject: Catalogue\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"=_big\"\r\n\r\n--=_big\r\n\
        Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Our catalogue</p></body></html>\r\n\
        --=_big\r\nContent-Type: application/pdf; name=\"catalogue.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"catalogue.pdf\"\r\n\r\n"
        .to_vec();
    let line = [
        &b"JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRv"[..],
        b"\r\n",
    ]
    .concat();
    while message.len() < 50_000_000 {
        message.extend_from_slice(&line);
    }
    message.extend_from_slice(b"--=_big--\r\n");
    message
}

#[test]
fn fifty_megabytes_to_a_hundred_people_stay_under_150_mib_and_idle_under_40() {
    let upstream = Upstream::start_counting();
    let house = House::new(upstream.port, "bounce");
    let mut csv = String::from(
        "address,kind,at,entity,brand,topics,mechanism,wording_version,jurisdictions,subject_kind,channel,source,reference\n",
    );
    let people: Vec<String> = (0..100).map(|n| format!("reader{n}@example.org")).collect();
    for (n, address) in people.iter().enumerate() {
        let _ = writeln!(
            csv,
            "{address},consent_given,2026-06-01,acme-ltd,acme,footwear,tick,newsletter-2,uk,natural,email,web,s{n}"
        );
    }
    fs::write(house.path("readers.csv"), csv).unwrap();
    house.run_ok(&["import", "--config", "consentry.toml", "readers.csv"]);
    let serve = house.serve();
    let idle = peak_mib(&serve);
    assert!(idle < 40, "{idle} MiB idle");
    let to: Vec<&str> = people.iter().map(String::as_str).collect();
    let message = large_message();
    // A deadline may ask for a second attempt; the ledger makes it go on where it stopped.
    let answered = (0..30).any(|_| {
        let reply = mailer::send(house.smtp, "bounce@example.com", &to, &message).unwrap();
        assert!([250, 451].contains(&reply.code), "{reply:?}\n{}", house.log());
        reply.code == 250
    });
    assert!(answered, "not answered 250:\n{}", house.log());
    assert_eq!(upstream.accepted().len(), 100);
    let peak = peak_mib(&serve);
    println!("idle {idle} MiB, peak {peak} MiB for 50 MB to 100 people");
    assert!(peak < 150, "{peak} MiB");
}
