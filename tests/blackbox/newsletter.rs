//! The mail of the story: a newsletter of about 20 KB as shops send it, and a password reset.

use std::fmt::Write as _;

/// A multipart/alternative of about 20 KB: text in 7bit, HTML in quoted-printable with soft
/// breaks, conditional comments, a preheader, tables and two links.
pub fn newsletter(subject: &str) -> Vec<u8> {
    let mut text = String::from("New season, new soles\r\n=====================\r\n\r\n");
    let mut html = String::from(
        "<!DOCTYPE html>\r\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>New soles</title>\r\n\
         <style>@media (max-width:600px){.w{width:100%!important}}</style>\r\n\
         <!--[if mso]><style>.w{width:600px}</style><![endif]--></head>\r\n<body bgcolor=\"#ffffff\">\r\n\
         <div style=\"display:none\">Boots for autumn, from \u{a3}49</div>\r\n\
         <table class=\"w\" width=\"600\" align=\"center\"><tr><td>\r\n",
    );
    for number in 1..=48 {
        let _ = write!(
            text,
            "* Boot no. {number}: full-grain leather, resoled for life.\r\n  https://www.example.com/shoes/{number}?campaign=autumn\r\n\r\n"
        );
        let _ = write!(
            html,
            "<tr><td style=\"padding:12px 24px;font-family:Georgia,serif\"><h2>Boot n\u{ba} {number} \u{2014} caf\u{e9} brown</h2>\r\n\
             <p>Full-grain leather, resoled for life. <a href=\"https://www.example.com/shoes/{number}?campaign=autumn&amp;pos={number}\">Have a look</a></p></td></tr>\r\n"
        );
    }
    html.push_str("</td></tr></table>\r\n<!-- </body> is said here only in passing -->\r\n</body>\r\n</html>\r\n");
    let mut message = format!(
        "Return-Path: <bounce@example.com>\r\n\
         Received: from crm (crm [10.0.0.5]) by shop.example.com with ESMTP id 42;\r\n\tMon, 23 Nov 2026 09:00:00 +0000\r\n\
         From: Acme <news@example.com>\r\nTo: Our readers <readers@example.com>\r\nSubject: {subject}\r\n\
         Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{}@example.com>\r\nMIME-Version: 1.0\r\n\
         X-Consentry-Topic: footwear\r\nX-Mailer: Example CRM 7\r\n\
         Content-Type: multipart/alternative;\r\n boundary=\"=_autumn_2026\"\r\n\r\n\
         This is a message in MIME format.\r\n\
         --=_autumn_2026\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n",
        subject.replace(' ', "-")
    )
    .into_bytes();
    message.extend_from_slice(text.as_bytes());
    message.extend_from_slice(
        b"\r\n--=_autumn_2026\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    );
    message.extend_from_slice(&quoted_printable(html.as_bytes()));
    message.extend_from_slice(b"\r\n--=_autumn_2026--\r\nepilogue, kept\r\n");
    assert!((16_000..28_000).contains(&message.len()), "{} bytes", message.len());
    message
}

/// A password reset from the same shop.
pub fn password_reset() -> Vec<u8> {
    b"From: Acme <accounts@example.com>\r\nTo: <objector@example.org>\r\nSubject: Reset your password\r\n\
      Date: Mon, 23 Nov 2026 09:05:00 +0000\r\nMessage-ID: <reset-1@example.com>\r\nX-Consentry-Class: service\r\n\r\n\
      Somebody asked to reset your password.\r\n.\r\n..two dots\r\nhttps://www.example.com/reset/1\r\n"
        .to_vec()
}

/// RFC 2045 §6.7, written apart from the code under test.
fn quoted_printable(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        let mut column = 0;
        for (at, byte) in line.iter().enumerate() {
            let is_last = at + 1 == line.len();
            let is_plain = (b'!'..=b'~').contains(byte) && *byte != b'='
                || (*byte == b' ' && !is_last);
            let encoded = if is_plain { vec![*byte] } else { format!("={byte:02X}").into_bytes() };
            if column + encoded.len() > 75 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += encoded.len();
            out.extend(encoded);
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}
