//! An upstream like a provider's: STARTTLS with a certificate, a login, and nothing without.
//!
//! The server here writes down what it hears in clear, so that the tests can say what nobody in
//! between could have read.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::house::{House, eventually};
use super::mailer::{self, Reply};
use super::newsletter::{newsletter, password_reset};

const NAME: &str = "mx.example.net";
/// NUL, `apikey`, NUL, `sesame`.
const AUTH: &str = "AUTH PLAIN AGFwaWtleQBzZXNhbWU=";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server_config(authority: &Authority) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([NAME.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

#[derive(Default)]
struct Heard {
    in_clear: Vec<String>,
    logins: usize,
    messages: Vec<Vec<u8>>,
    connections: Vec<TcpStream>,
    is_stopped: bool,
}

/// A provider: it takes mail under TLS from `apikey` and from nobody else.
struct Provider {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Provider {
    fn start(authority: &Authority) -> Self {
        let tls = server_config(authority);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut heard = shared.lock().unwrap();
                if heard.is_stopped {
                    return;
                }
                heard.connections.push(stream.try_clone().unwrap());
                drop(heard);
                let (tls, heard) = (Arc::clone(&tls), Arc::clone(&shared));
                // A client may go at any point.
                std::thread::spawn(move || drop(serve(stream, tls, &heard)));
            }
        });
        Self { port, heard }
    }

    fn in_clear(&self) -> Vec<String> {
        self.heard.lock().unwrap().in_clear.clone()
    }

    fn logins(&self) -> usize {
        self.heard.lock().unwrap().logins
    }

    fn messages(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().messages.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let mut heard = self.heard.lock().unwrap();
        heard.is_stopped = true;
        for connection in &heard.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(heard);
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn serve(
    mut stream: TcpStream,
    tls: Arc<ServerConfig>,
    heard: &Mutex<Heard>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 mx.example.net ESMTP\r\n")?;
    loop {
        // One byte at a time: what comes behind STARTTLS belongs to TLS.
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        heard.lock().unwrap().in_clear.push(line.clone());
        match line.split(' ').next().unwrap_or_default() {
            "EHLO" => stream.write_all(b"250-mx.example.net\r\n250 STARTTLS\r\n")?,
            "STARTTLS" => {
                stream.write_all(b"220 2.0.0 go ahead\r\n")?;
                let connection = ServerConnection::new(tls).unwrap();
                return serve_secured(StreamOwned::new(connection, stream), heard);
            }
            _ => stream.write_all(b"530 5.7.0 STARTTLS first\r\n")?,
        }
    }
}

fn serve_secured(
    stream: StreamOwned<ServerConnection, TcpStream>,
    heard: &Mutex<Heard>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut is_known = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match line.split_ascii_whitespace().next().unwrap_or_default() {
            "EHLO" => {
                "250-mx.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"
            }
            "AUTH" => {
                heard.lock().unwrap().logins += 1;
                is_known = line.trim_end() == AUTH;
                if is_known { "235 2.7.0 welcome" } else { "535 5.7.8 no" }
            }
            _ if !is_known => "530 5.7.0 log in first",
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n")?;
                let mut data = Vec::new();
                while !data.ends_with(b"\r\n.\r\n") {
                    if stream.read_until(b'\n', &mut data)? == 0 {
                        return Ok(());
                    }
                }
                heard.lock().unwrap().messages.push(data);
                "250 2.0.0 queued"
            }
            _ => "250 2.0.0 ok",
        };
        stream.get_mut().write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// An installation that must be given proof by the provider, and logs in there.
fn house(provider: &Provider, trusted: &Authority, password: &str) -> House {
    let house = House::new(provider.port, "bounce");
    fs::write(house.path("ca.pem"), trusted.pem()).unwrap();
    fs::write(house.path("password"), password).unwrap();
    let address = format!("address = \"127.0.0.1:{}\"\n", provider.port);
    let config = fs::read_to_string(house.config()).unwrap();
    assert!(config.contains(&address));
    let secured = format!(
        "{address}tls = \"verified\"\nca_file = \"ca.pem\"\nserver_name = \"{NAME}\"\n\
         username = \"apikey\"\npassword_file = \"password\"\n"
    );
    fs::write(house.config(), config.replace(&address, &secured)).unwrap();
    house
}

fn send_reset(house: &House) -> Reply {
    let to = ["objector@example.org"];
    mailer::send(house.smtp, "bounce@example.com", &to, &password_reset()).unwrap()
}

#[test]
fn p7_mail_goes_out_under_tls_with_the_login_and_nothing_is_said_in_clear() {
    let ours = authority();
    let provider = Provider::start(&ours);
    let house = house(&provider, &ours, "sesame\n");
    house.import_contacts();
    let _serve = house.serve();
    let reply = send_reset(&house);
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let to = ["buyer@example.org", "consenter@example.org"];
    let reply = mailer::send(house.smtp, "bounce@example.com", &to, &newsletter("New")).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let messages = provider.messages();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| !message.is_empty()));
    for line in provider.in_clear() {
        assert!(matches!(&*line, "EHLO gate.example.com" | "STARTTLS"), "in clear: {line}");
    }
    assert!(!house.log().contains("sesame"));
}

#[test]
fn p7_an_upstream_another_authority_vouches_for_is_given_nothing() {
    let provider = Provider::start(&authority());
    let house = house(&provider, &authority(), "sesame\n");
    let _serve = house.serve();
    let reply = send_reset(&house);
    assert_eq!(reply.code, 451, "{reply:?}");
    assert!(reply.text.contains("4.4.1") && reply.text.contains("(tls)"), "{reply:?}");
    assert_eq!((provider.logins(), provider.messages().len()), (0, 0));
    for line in provider.in_clear() {
        assert!(matches!(&*line, "EHLO gate.example.com" | "STARTTLS"), "in clear: {line}");
    }
    eventually("the reason in the log", || {
        house.log().contains("invalid peer certificate").then_some(())
    });
}

#[test]
fn a_wrong_password_is_not_tried_for_each_message() {
    let ours = authority();
    let provider = Provider::start(&ours);
    let house = house(&provider, &ours, "open\n");
    let _serve = house.serve();
    let started = std::time::Instant::now();
    for _ in 0..6 {
        let reply = send_reset(&house);
        assert_eq!(reply.code, 451, "{reply:?}");
        assert!(reply.text.contains("(login)"), "{reply:?}");
    }
    // Rests of 1, 2, 4, 8 s lie between attempts, however long this machine took.
    let mut allowed = 1;
    let mut due = 1;
    while due <= started.elapsed().as_secs() {
        allowed += 1;
        due = due * 2 + 1;
    }
    let logins = provider.logins();
    assert!((1..=allowed).contains(&logins), "{logins} logins, {allowed} allowed");
    assert_eq!(house.log().matches("the upstream refused the login: 535").count(), 1);
    assert_eq!(provider.messages().len(), 0);
}

#[test]
fn serve_says_which_file_is_missing() {
    let ours = authority();
    let provider = Provider::start(&ours);
    let house = house(&provider, &ours, "sesame\n");
    fs::remove_file(house.path("password")).unwrap();
    let output = house.run(&["serve", "--config", "consentry.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("password: its first line"), "{said}");
}
