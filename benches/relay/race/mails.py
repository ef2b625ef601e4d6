"""The two messages of the race and the people they go to."""

import datetime
import random
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

NEWSLETTER_BYTES = 20_000
SERVICE_BYTES = 2_000

_WORDS = (
    "trail running boots with a cushioned sole for long autumn walks on wet paths made from "
    "recycled leather and natural rubber light enough for every day yet sturdy in the hills "
    "tested by our own staff over two hundred miles and still comfortable in the evening"
).split()
_PRODUCTS = ("Fell Boot", "City Loafer", "Harbour Sneaker", "Moor Walker", "Café Sandal")
_DATE = "Mon, 05 Oct 2026 09:30:00 +0100"


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choice(_WORDS) for _ in range(words)).capitalize() + "."


def _product(dice: random.Random, number: int) -> tuple[str, str]:
    """One product as an HTML table row and as lines of text."""
    name = f"{dice.choice(_PRODUCTS)} {number}"
    price, blurb = f"£{dice.randint(39, 189)}.00", _sentence(dice, 18)
    link = f"https://www.example.com/shop/{number}?utm_source=newsletter&amp;utm_medium=email"
    html = (
        f'<tr><td style="padding:12px 24px;border-bottom:1px solid #dddddd" valign="top">\n'
        f'<a href="{link}"><img src="https://img.example.com/{number}.jpg" width="160" '
        f'height="120" alt="{name}" style="display:block;border:0"></a></td>\n'
        f'<td style="padding:12px 24px;font:15px/22px Arial,sans-serif;color:#333333">'
        f"<strong>{name}</strong> &ndash; {price}<br>{blurb}<br>\n"
        f'<a href="{link}" style="color:#0a58ca">Have a look</a></td></tr>\n'
    )
    text = f"{name} - {price}\r\n{blurb}\r\n{link.replace('&amp;', '&')}\r\n\r\n"
    return html, text


def _newsletter(products: int) -> bytes:
    dice = random.Random(1)
    rows = [_product(dice, number) for number in range(100, 100 + products)]
    # The text part of a newsletter is a summary: the first third of the products.
    text = "Autumn at Acme\r\n\r\n" + "".join(row[1] for row in rows[: products // 3])
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<title>Autumn at Acme</title>\n<style>@media (max-width:600px)"
        "{.wide{width:100%!important}}</style></head>\n"
        '<body style="margin:0;background:#f4f4f4">\n'
        '<table role="presentation" class="wide" width="600" align="center" '
        'cellpadding="0" cellspacing="0" style="background:#ffffff">\n'
        '<tr><td colspan="2" style="padding:24px;font:24px Georgia,serif">'
        "Autumn at Acme</td></tr>\n" + "".join(row[0] for row in rows)
        + "</table>\n</body></html>\n"
    )
    mail = _headed("Acme Shoes <news@example.com>", "Autumn at Acme: boots for wet days")
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    mail.set_boundary("=_race_alternative")
    return mail.as_bytes(policy=SMTP)


def _headed(author: str, subject: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = author, "Reader <reader@example.org>"
    mail["Subject"], mail["Date"] = subject, _DATE
    mail["Message-ID"] = "<race.1@mailer.example.com>"
    return mail


def newsletter() -> bytes:
    """A 20 KB multipart/alternative newsletter, quoted-printable as mailers write it."""
    products = 3
    while len(_newsletter(products + 1)) <= NEWSLETTER_BYTES:
        products += 1
    return _newsletter(products)


def service() -> bytes:
    """A 2 KB service message: a sign-in notice."""
    dice = random.Random(2)
    mail = _headed("Acme accounts <accounts@example.com>", "A new sign-in to your account")
    lines = ["Somebody signed in to your account from a new device.", ""]

    def encoded() -> bytes:
        mail.set_content("\r\n".join(lines), cte="7bit")
        return mail.as_bytes(policy=SMTP)

    while len(encoded()) < SERVICE_BYTES - 60:
        lines.append(_sentence(dice, 8)[:70])
    return encoded()


def write_source(path: Path, mail: bytes) -> None:
    """Writes a message the way `smtp-source -F` reads it: it adds the CRs itself."""
    path.write_bytes(mail.replace(b"\r\n", b"\n"))


def recipient_base(run: str) -> str:
    """What `smtp-source -N` puts 1, 2, 3 ... in front of."""
    return f".{run}@example.org"


def write_people(path: Path, crowd: int, runs: list[tuple[str, int]]) -> int:
    """Evidence of `crowd` people and of everybody marketing is sent to; the number of rows.

    Every second person gave consent; the others bought something and could refuse (soft
    opt-in), so both bases are decided on.
    """
    day = (datetime.date.today() - datetime.timedelta(days=90)).isoformat()
    about = f"{day},acme-ltd,acme,footwear"
    consent = f"consent_given,{about},,,,,tick,newsletter-2,,uk,natural,email,,web"
    sale = f"sale,{about},,yes,yes,yes,,checkout-3,,uk,natural,web,yes,shop"
    rows = 0
    with open(path, "w", encoding="ascii") as out:
        out.write(
            "address,kind,at,entity,brand,topics,collection_point,opt_out_offered,completed,paid,"
            "mechanism,wording_version,scope,jurisdictions,subject_kind,channel,direct,source,"
            "reference\n"
        )
        for run, count in [("crowd", crowd), *runs]:
            for number in range(1, count + 1):
                basis = consent if number % 2 else sale
                out.write(f"{number}{recipient_base(run)},{basis},{run}-{number}\n")
                rows += 1
    return rows
