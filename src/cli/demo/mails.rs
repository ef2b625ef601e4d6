//! The demonstration's mail: a newsletter and a password reset.

/// The five people of the story.
pub(super) const EVERYBODY: [&str; 5] = [
    "buyer@example.org",
    "objector@example.org",
    "insured@example.org",
    "consenter@example.org",
    "stranger@example.org",
];

/// A newsletter about boots: multipart/alternative, as shops send it.
pub(super) fn newsletter(subject: &str) -> String {
    let mut text = String::from("New season, new soles\r\n\r\n");
    let mut html = String::from(
        "<!DOCTYPE html>\r\n<html lang=3D\"en\"><head><title>New soles</title></head>\r\n<body>\r\n<table width=3D\"600\">\r\n",
    );
    for number in 1..=24 {
        text.push_str(&format!("* Boot no. {number}: https://www.example.com/shoes/{number}\r\n"));
        html.push_str(&format!(
            "<tr><td><h2>Boot no. {number}</h2><p>Full-grain leather, resoled=20\r\nfor life. <a href=3D\"https://www.example.com/shoes/{number}\">Look</a></p></td></tr>\r\n"
        ));
    }
    html.push_str("</table>\r\n</body>\r\n</html>\r\n");
    format!(
        "From: Acme <news@example.com>\r\nTo: Our readers <readers@example.com>\r\nSubject: {subject}\r\n\
         MIME-Version: 1.0\r\nX-Consentry-Topic: footwear\r\n\
         Content-Type: multipart/alternative; boundary=\"=_demo\"\r\n\r\n\
         --=_demo\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{text}\r\n\
         --=_demo\r\nContent-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{html}\r\n\
         --=_demo--\r\n"
    )
}

/// A password reset.
pub(super) fn password_reset() -> String {
    "From: Acme <accounts@example.com>\r\nTo: <objector@example.org>\r\n\
     Subject: Reset your password\r\n\r\nhttps://www.example.com/reset/1\r\n"
        .to_owned()
}
