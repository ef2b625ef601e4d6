//! Mailers: a scripted SMTP client of our own, and lettre as a foreign one.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A reply: its code and all its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub text: String,
}

/// A connection on which every command is a line and every reply is read to its end.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects and greets; fails if nobody answers.
    pub fn try_connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        let mut client = Self { reader: BufReader::new(stream) };
        client.reply()?;
        client.command("EHLO shop.example.com")?;
        Ok(client)
    }

    fn reply(&mut self) -> std::io::Result<Reply> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            text.push_str(line.get(4..).unwrap_or_default().trim_end());
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
                return Ok(Reply { code, text });
            }
            text.push(' ');
        }
    }

    /// Sends one command and reads its reply.
    pub fn command(&mut self, line: &str) -> std::io::Result<Reply> {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends one message; the reply after the final dot, or the one that ended it earlier.
    pub fn send(&mut self, from: &str, to: &[&str], data: &[u8]) -> std::io::Result<Reply> {
        let mail = self.command(&format!("MAIL FROM:<{from}>"))?;
        if mail.code != 250 {
            return Ok(mail);
        }
        for recipient in to {
            let reply = self.command(&format!("RCPT TO:<{recipient}>"))?;
            if reply.code != 250 {
                return Ok(reply);
            }
        }
        let go_on = self.command("DATA")?;
        if go_on.code != 354 {
            return Ok(go_on);
        }
        let mut stuffed = Vec::with_capacity(data.len() + 64);
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        self.reader.get_mut().write_all(&stuffed)?;
        self.reply()
    }
}

/// Connects, sends one message and leaves.
pub fn send(address: SocketAddr, from: &str, to: &[&str], data: &[u8]) -> std::io::Result<Reply> {
    let mut client = Client::try_connect(address)?;
    let reply = client.send(from, to, data)?;
    let _ = client.command("QUIT");
    Ok(reply)
}

/// Sends one message with lettre, a client we did not write.
pub fn send_with_lettre(address: SocketAddr, from: &str, to: &[&str], data: &[u8]) -> Reply {
    use lettre::{SmtpTransport, Transport};
    let transport =
        SmtpTransport::builder_dangerous(address.ip().to_string()).port(address.port()).build();
    let recipients = to.iter().map(|address| address.parse().unwrap()).collect();
    let envelope = lettre::address::Envelope::new(Some(from.parse().unwrap()), recipients).unwrap();
    // lettre ends the data with CRLF of its own.
    let data = data.strip_suffix(b"\r\n").unwrap_or(data);
    match transport.send_raw(&envelope, data) {
        Ok(response) => Reply {
            code: response.code().to_string().parse().unwrap(),
            text: response.message().collect::<Vec<_>>().join(" "),
        },
        Err(error) => Reply {
            code: error.status().map_or(0, |code| code.to_string().parse().unwrap()),
            text: error.to_string(),
        },
    }
}
