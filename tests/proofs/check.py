#!/usr/bin/env python3
"""Checks a proof of `consentry journal prove` without Consentry.

Usage: check.py PROOF.json PUBLIC-KEY-IN-HEX

Written from the manual's page on proofs with nothing but Python's standard library, so that the
page is known to say enough. Exit code 0: every statement in the document is what the signed
journal commits to. Exit code 1: it is not, and the first thing that is wrong is named.
"""

import hashlib
import json
import sys


class Refused(Exception):
    """The document does not prove what it says."""


# Ed25519 (RFC 8032 §5.1), verification only.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points in extended coordinates (§5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    g, h = 2 * t1 * t2 * D, 2 * z1 * z2
    a, b, c, d = f - e, h - g, h + g, f + e
    return (a * b % P, c * d % P, b * c % P, a * d % P)


def times(number, point):
    """A multiple of a point."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def point_of(octets):
    """The point that 32 octets stand for (§5.1.3)."""
    number = int.from_bytes(octets, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        raise Refused("an encoded point is out of range")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Refused("an encoded point is none")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    """Whether a signature is right (§5.1.7)."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    a, r = point_of(key), point_of(signature[:32])
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    k = int.from_bytes(digest, "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % P == 0


# The byte layouts of the manual's page.


def row(label, *columns):
    """A list of values under a label, as it is hashed and signed."""
    out = b""
    for kind, value in [("l", label)] + list(columns):
        if value is None:
            out += b"n"
            continue
        if kind == "i":
            value = value.to_bytes(8, "big", signed=True)
        elif isinstance(value, str):
            value = value.encode()
        out += kind.encode() + len(value).to_bytes(8, "big") + value
    return out


def sha256(octets):
    return hashlib.sha256(octets).digest()


def parts(*pieces):
    """The hash of a list of pieces."""
    out = b""
    for piece in pieces:
        piece = piece.encode() if isinstance(piece, str) else piece
        out += len(piece).to_bytes(8, "big") + piece
    return sha256(out)


def octets(text, length=None):
    """Octets from lower-case hex digits."""
    if text is None:
        return None
    if text != text.lower():
        raise Refused("hex digits are lower-case")
    found = bytes.fromhex(text)
    if length is not None and len(found) != length:
        raise Refused(f"expected {length} octets, found {len(found)}")
    return found


def fields(thing, *names):
    """The members of an object, which must be exactly these."""
    if not isinstance(thing, dict) or set(thing) != set(names):
        raise Refused(f"expected an object of {', '.join(names)}")
    return [thing[name] for name in names]


def check_segment(segment, store, key):
    """The entries of a segment by chain and number, once its end is known to be signed."""
    chain, first, prev, entries, checkpoint = fields(
        segment, "chain", "first", "prev", "entries", "checkpoint"
    )
    names = ("format", "store", "chain", "seq", "hash", "at", "public_key", "signature")
    form, its_store, its_chain, seq, end, at, public, signature = fields(checkpoint, *names)
    if form != "consentry checkpoint v1":
        raise Refused("the checkpoint is of another format")
    if octets(public, 32) != key:
        raise Refused("the checkpoint is signed with another key")
    if its_store != store or its_chain != chain:
        raise Refused("the checkpoint is of another store or chain")
    message = row(
        "checkpoint v1",
        ("b", octets(store, 16)),
        ("t", chain),
        ("i", seq),
        ("b", octets(end, 32)),
        ("i", at),
        ("b", key),
    )
    if not is_signed(key, message, octets(signature, 64)):
        raise Refused("the checkpoint's signature is wrong")
    link, found = octets(prev, 32), {}
    for number, entry in enumerate(entries, first):
        kind, at, digest = fields(entry, "kind", "at", "digest")
        link = sha256(
            row(
                "journal v1",
                ("b", link),
                ("t", chain),
                ("i", number),
                ("t", kind),
                ("i", at),
                ("b", octets(digest, 32)),
            )
        )
        found[chain, number] = (kind, octets(digest, 32))
    if not entries or first + len(entries) - 1 != seq or link != octets(end, 32):
        raise Refused("the entries do not lead to what the checkpoint signs")
    return found


def check_stated(stated, kinds, entries):
    """A payload against its entry; its text and what stands beside it."""
    names = ("chain", "seq", "salt", "decision", "transaction", "person", "version", "body")
    chain, seq, salt, decision, transaction, person, version, body = fields(stated, *names)
    digest = sha256(
        row(
            "payload v1",
            ("b", octets(salt, 16)),
            ("i", decision),
            ("b", octets(transaction)),
            ("b", octets(person)),
            ("i", version),
            ("b", body),
        )
    )
    kind, committed = entries.get((chain, seq), (None, None))
    if digest != committed or kind not in kinds:
        raise Refused(f"entry {chain} {seq} does not commit to this")
    return json.loads(body), decision, person


def check_evidence(piece, person, entries):
    """A piece of evidence against its entry; its number."""
    names = ("chain", "seq", "id", "person", "identity", "salt", "body")
    chain, seq, number, its_person, identity, salt, body = fields(piece, *names)
    digest = sha256(
        row(
            "evidence v1",
            ("b", octets(salt, 16)),
            ("i", number),
            ("b", octets(its_person, 16)),
            ("b", octets(identity, 16)),
            ("t", body),
        )
    )
    if entries.get((chain, seq)) != ("evidence", digest):
        raise Refused(f"entry {chain} {seq} does not commit to evidence e{number}")
    if its_person != person:
        raise Refused(f"evidence e{number} is about somebody else")
    return number


def check_source(source):
    """The hash of a text, which must be the one it is stated under."""
    stated, text = fields(source, "hash", "text")
    kind = text.get("kind") if isinstance(text, dict) else None
    if kind == "rule_set":
        _, texts, overrides = fields(text, "kind", "texts", "overrides")
        found = b""
        for one in texts:
            found = parts("rule set v1", found, one)
        for path, value in overrides:
            found = parts(found, path, value)
    elif kind == "footer":
        names = ("html", "text", "brand", "entity", "postal_address", "contact")
        found = parts("footer v1", *fields(text, "kind", *names)[1:])
    else:
        raise Refused("a text is of an unknown kind")
    if found != octets(stated, 32):
        raise Refused(f"a text does not have the hash {stated}")
    return stated


ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def shown(number):
    """A decision's number as 13 characters."""
    number %= 2**64
    return "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def check(proof, key):
    """Checks a proof against a public key; a summary of what is proven.

    Outcomes that are not stated are not missed: entries do not tell what they are about.
    """
    names = ("format", "store", "decision", "outcomes", "evidence", "sources", "segments")
    form, store, decision, outcomes, evidence, sources, segments = fields(proof, *names)
    if form != "consentry proof v1":
        raise Refused("the proof is of another format")
    entries = {}
    for segment in segments:
        found = check_segment(segment, store, key)
        if entries.keys() & found.keys():
            raise Refused("two segments overlap")
        entries.update(found)
    body, number, person = check_stated(decision, ("decision", "service"), entries)
    if body["decision"] != shown(number):
        raise Refused("the decision's id is not that of its entry")
    if len({(outcome["chain"], outcome["seq"]) for outcome in outcomes}) < len(outcomes):
        raise Refused("an outcome stands twice")
    for outcome in outcomes:
        if check_stated(outcome, ("outcome",), entries)[1] != number:
            raise Refused("an outcome is of another decision")
    marketing = body.get("marketing") or {"verdict": {"by_rule_set": []}}
    verdicts = marketing["verdict"]["by_rule_set"]
    wanted = {number for verdict in verdicts for number in verdict["evidence"]}
    given = [check_evidence(piece, person, entries) for piece in evidence]
    if sorted(given) != sorted(wanted):
        raise Refused("the evidence is not the one the decision rests on")
    named = {verdict["hash"] for verdict in verdicts if verdict["version"]}
    if marketing.get("footer_hash"):
        named.add(marketing["footer_hash"])
    texts = [check_source(source) for source in sources]
    if sorted(texts) != sorted(named):
        raise Refused("the texts are not those the decision names")
    rules = ", ".join(f"{v['rule_set']} {v['version']}" for v in verdicts) or "none"
    return (
        f"decision {body['decision']} of {body['at']}: "
        f"{marketing['verdict'].get('verdict', 'service')}, rule sets {rules}, "
        f"{len(given)} pieces of evidence, {len(outcomes)} outcomes: proven"
    )


def verdict(proof, key):
    """Why a proof is refused; `None` if it holds."""
    try:
        check(proof, key)
    except (Refused, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        return str(error) or type(error).__name__
    return None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        proof = json.load(file)
    key = bytes.fromhex(sys.argv[2])
    refused = verdict(proof, key)
    if refused is not None:
        sys.exit(f"refused: {refused}")
    print(check(proof, key))


if __name__ == "__main__":
    main()
