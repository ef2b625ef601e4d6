//! Framing under every way of cutting the stream, and under attack.
//!
//! The smuggling matrix holds what some server somewhere takes for the end of the mail data;
//! none of it may end ours, and all of it must be refused.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::{
    BareLf, DataFault, DataReader, LineFault, LineKind, LineReader, ReplyFault, ReplyReader,
    StuffedData,
};
use crate::base::limits::COMMAND_LINE_BYTES_MAX;
use crate::mail::MailData;

/// What the reader said, and the bytes it left.
type Found = (Result<Vec<u8>, DataFault>, Vec<u8>);

/// Feeds `wire` cut at `cuts`; the result, and what was left unread.
fn read_data(wire: &[u8], cuts: &[usize], bare_lf: BareLf) -> Option<Found> {
    let mut reader = DataReader::new(1 << 16, 0, bare_lf);
    let mut from = 0;
    for &to in cuts.iter().chain([&wire.len()]) {
        let mut input = &wire[from..to];
        if let Some(result) = reader.feed(&mut input) {
            let left = [input, &wire[to..]].concat();
            return Some((result.map(|content| content.bytes().to_vec()), left));
        }
        assert!(input.is_empty(), "a reader that wants more takes all");
        from = to;
    }
    None
}

/// The same answer for the whole, for every cut in two, and byte by byte.
#[track_caller]
fn check_data(wire: &str, bare_lf: BareLf, expected: Option<(Result<&str, DataFault>, &str)>) {
    let expected = expected.map(|(result, left)| {
        (result.map(|text| text.as_bytes().to_vec()), left.as_bytes().to_vec())
    });
    let every: Vec<usize> = (0..wire.len()).collect();
    assert_eq!(read_data(wire.as_bytes(), &every, bare_lf), expected, "{wire:?} byte by byte");
    for cut in every {
        assert_eq!(read_data(wire.as_bytes(), &[cut], bare_lf), expected, "{wire:?} cut at {cut}");
    }
}

#[test]
fn p8_reads_and_unstuffs_mail_data() {
    for (wire, content) in [
        (".\r\n", ""),
        ("a\r\n.\r\n", "a\r\n"),
        ("\r\n.\r\n", "\r\n"),
        ("..x\r\n..\r\n.y\r\n.\r\n", ".x\r\n.\r\ny\r\n"),
        ("...\r\n.\r\n", "..\r\n"),
        ("a.\r\n.\r\n", "a.\r\n"),
    ] {
        check_data(&format!("{wire}QUIT\r\n"), BareLf::Reject, Some((Ok(content), "QUIT\r\n")));
    }
    check_data("a\r\n.", BareLf::Reject, None);
    check_data("a\r\n.\r", BareLf::Reject, None);
}

/// What some server somewhere takes for the end of data.
const FALSE_ENDS: &[(&str, DataFault)] = &[
    ("\n.\n", DataFault::BareLf),
    ("\n.\r\n", DataFault::BareLf),
    ("\r\n.\n", DataFault::BareLf),
    ("\r.\r", DataFault::BareCr),
    ("\r.\r\n", DataFault::BareCr),
    ("\r\n.\r", DataFault::BareCr),
    ("\r\n.\r\r\n", DataFault::BareCr),
    ("\r\r\n.\r\r\n", DataFault::BareCr),
    ("\r\n\0.\r\n", DataFault::Nul),
    ("\r\n.\0\r\n", DataFault::Nul),
    ("\r\n.\r\0\n", DataFault::Nul),
    ("\n\r.\r\n", DataFault::BareLf),
    ("\r\n.\n\r\n", DataFault::BareLf),
    ("\n\n.\n\n", DataFault::BareLf),
    ("\n.\r", DataFault::BareLf),
    ("\r.\n", DataFault::BareLf),
];

#[test]
fn p8_no_false_end_ends_the_data_and_each_is_refused() {
    for (end, fault) in FALSE_ENDS {
        let wire = format!("one{end}MAIL FROM:<evil@x.org>\r\nDATA\r\n.\r\nQUIT\r\n");
        check_data(&wire, BareLf::Reject, Some((Err(*fault), "QUIT\r\n")));
    }
    for start in [".\n", ".\r\r\n", "\0.\r\n", ".\0\r\n", "\r.\r\n", "\n.\r\n"] {
        let wire = format!("{start}MAIL FROM:<evil@x.org>\r\n.\r\nQUIT\r\n");
        let (result, left) = read_data(wire.as_bytes(), &[], BareLf::Reject).expect("an end");
        assert!(result.is_err(), "{start:?}");
        assert_eq!(left, b"QUIT\r\n", "{start:?}");
    }
}

#[test]
fn p8_a_spoiled_message_still_ends_only_at_its_end() {
    let wire = "a\rb\r\n..\r\n.\r\nRSET\r\n";
    check_data(wire, BareLf::Reject, Some((Err(DataFault::BareCr), "RSET\r\n")));
    check_data("a\r\r\n.\r\nX", BareLf::Reject, Some((Err(DataFault::BareCr), "X")));
}

#[test]
fn p8_normalising_turns_lone_lf_into_crlf_and_nothing_else() {
    let ends = [("a\nb\n.\r\nc\r\n.\r\n", "a\r\nb\r\n.\r\nc\r\n"), ("\n..\r\n.\r\n", "\r\n..\r\n")];
    for (wire, content) in ends {
        check_data(wire, BareLf::Normalize, Some((Ok(content), "")));
    }
    check_data("a\n.\nb\r\n.\r\n", BareLf::Normalize, Some((Ok("a\r\n.\r\nb\r\n"), "")));
    check_data("\r\n.\nb\r\n.\r\n", BareLf::Normalize, Some((Ok("\r\n\r\nb\r\n"), "")));
    check_data("a\rb\n\r\n.\r\n", BareLf::Normalize, Some((Err(DataFault::BareCr), "")));
    check_data("a\0\n\r\n.\r\n", BareLf::Normalize, Some((Err(DataFault::Nul), "")));
}

#[test]
fn stops_keeping_a_message_beyond_the_limit_but_reads_it() {
    let mut reader = DataReader::new(10, 1_000_000, BareLf::Reject);
    for _ in 0..1000 {
        assert_eq!(reader.feed(&mut &b"0123456\r\n"[..]), None);
    }
    let mut input = &b".\r\nNOOP"[..];
    assert_eq!(reader.feed(&mut input), Some(Err(DataFault::TooLarge)));
    assert_eq!(input, b"NOOP");
    let mut reader = DataReader::new(4, 0, BareLf::Reject);
    let exact = reader.feed(&mut &b"..a\r\n.\r\n"[..]).unwrap().unwrap();
    assert_eq!(&exact.bytes()[..], b".a\r\n", "the stuffed dot does not count");
}

#[test]
fn p8_bad_content_outweighs_its_size() {
    let mut reader = DataReader::new(3, 0, BareLf::Reject);
    let result = reader.feed(&mut &b"far too long\nx\r\n.\r\n"[..]);
    assert_eq!(result, Some(Err(DataFault::BareLf)));
}

/// Writes everything in steps of at most `step` bytes, as a socket would.
fn write_stuffed(chunks: Vec<Bytes>, step: usize) -> Vec<u8> {
    let mut stuffed = StuffedData::new(&MailData::new(chunks));
    let mut wire = Vec::new();
    while !stuffed.is_finished() {
        let seen: Vec<u8> = stuffed.slices(8).iter().flat_map(|slice| slice.to_vec()).collect();
        let taken = &seen[..seen.len().min(step)];
        assert!(!taken.is_empty(), "unfinished means something is left");
        wire.extend_from_slice(taken);
        stuffed.advance(taken.len());
    }
    assert!(stuffed.slices(8).is_empty());
    wire
}

fn chunked(content: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let content = Bytes::copy_from_slice(content);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (content.len() + 1)).collect();
    cuts.extend([0, content.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| content.slice(pair[0]..pair[1])).collect()
}

#[track_caller]
fn check_stuffed(content: &str, expected: &str) {
    for cut in 0..=content.len() {
        for step in [1, 2, 3, 1000] {
            let wire = write_stuffed(chunked(content.as_bytes(), &[cut]), step);
            assert_eq!(String::from_utf8(wire).unwrap(), expected, "cut {cut}, step {step}");
        }
    }
}

#[test]
fn p8_stuffs_dots_and_ends_the_data() {
    check_stuffed("", ".\r\n");
    check_stuffed("a\r\n", "a\r\n.\r\n");
    check_stuffed("a", "a\r\n.\r\n");
    check_stuffed("a\r", "a\r\n.\r\n");
    check_stuffed(".\r\n", "..\r\n.\r\n");
    check_stuffed("..x\r\n.\r\n.y", "...x\r\n..\r\n..y\r\n.\r\n");
    check_stuffed("a.b\r\n\r\n.", "a.b\r\n\r\n..\r\n.\r\n");
}

#[test]
fn shares_the_content_instead_of_copying_it() {
    let content = Bytes::from(vec![b'x'; 300_000]);
    let stuffed = StuffedData::new(&MailData::new([content.clone()]));
    let slices = stuffed.slices(64);
    assert_eq!(slices[0].as_ptr(), content.as_ptr());
    assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), 300_000 + 5);
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"\r\n".to_vec()),
        3 => Just(b".".to_vec()),
        2 => Just(b"a".to_vec()),
        1 => vec(prop_oneof![1..=9_u8, 11..=12_u8, 14..=255_u8], 1..9),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn p6_stuffing_and_unstuffing_is_identity(
        content in text(),
        cuts in vec(any::<usize>(), 0..5),
        reads in vec(any::<usize>(), 0..5),
        step in 1..50_usize,
    ) {
        let wire = write_stuffed(chunked(&content, &cuts), step);
        let mut reads: Vec<usize> = reads.iter().map(|at| at % (wire.len() + 1)).collect();
        reads.sort_unstable();
        let mut expected = content.clone();
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            expected.extend_from_slice(b"\r\n");
        }
        assert_eq!(read_data(&wire, &reads, BareLf::Reject), Some((Ok(expected), Vec::new())));
    }

    #[test]
    fn p8_any_bytes_end_where_the_first_strict_end_is(wire in vec(prop_oneof![
        Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a'), Just(0)], 0..40)) {
        let framed = [b"\r\n", &wire[..]].concat();
        let end = memchr::memmem::find(&framed, b"\r\n.\r\n").map(|at| at + 3);
        let every: Vec<usize> = (0..wire.len()).collect();
        for (bare_lf, cuts) in [(BareLf::Reject, &[][..]), (BareLf::Normalize, &every[..])] {
            let found = read_data(&wire, cuts, bare_lf).map(|(_, left)| wire.len() - left.len());
            assert_eq!(found, end);
        }
    }

    #[test]
    fn accepted_content_has_only_crlf_line_ends(wire in vec(prop_oneof![
        Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a'), Just(0)], 0..40)) {
        let framed = [&wire[..], b"\r\n.\r\n"].concat();
        for bare_lf in [BareLf::Reject, BareLf::Normalize] {
            if let Some((Ok(content), _)) = read_data(&framed, &[], bare_lf) {
                let bare = String::from_utf8(content).unwrap().replace("\r\n", "");
                assert!(!bare.contains(['\r', '\n', '\0']), "{bare:?}");
            }
        }
    }

    #[test]
    fn readers_of_lines_and_replies_survive_any_bytes(
        wire: Vec<u8>,
        digits in "[2-6][0-9]{2}[- ]?",
    ) {
        for bytes in [wire.clone(), [digits.as_bytes(), &wire, b"\r\n"].concat()] {
            let mut input = &bytes[..];
            let mut lines = LineReader::default();
            while lines.feed(&mut input, LineKind::Command).is_some() {}
            assert!(input.is_empty());
            let mut input = &bytes[..];
            let mut replies = ReplyReader::default();
            while let Some(Ok(_)) = replies.feed(&mut input) {}
        }
    }
}

fn read_lines(wire: &[u8], chunk: usize) -> Vec<Result<String, LineFault>> {
    let mut reader = LineReader::default();
    let mut found = Vec::new();
    for mut input in wire.chunks(chunk) {
        while let Some(line) = reader.feed(&mut input, LineKind::Command) {
            found.push(line.map(|line| String::from_utf8(line).unwrap()));
        }
    }
    found
}

#[track_caller]
fn check_lines(wire: &str, expected: &[Result<&str, LineFault>]) {
    let expected: Vec<_> = expected.iter().map(|line| line.map(str::to_owned)).collect();
    for chunk in 1..=wire.len() {
        assert_eq!(read_lines(wire.as_bytes(), chunk), expected, "{wire:?} in {chunk}s");
    }
}

#[test]
fn p8_only_crlf_ends_a_command_line() {
    check_lines("a\r\n\r\nb c\r\nd", &[Ok("a"), Ok(""), Ok("b c")]);
    check_lines("a\nMAIL\r\nb\r\n", &[Err(LineFault::BareLf), Ok("b")]);
    check_lines("a\rMAIL\r\nb\r\n", &[Err(LineFault::BareCr), Ok("b")]);
    check_lines("a\r\r\nb\r\n", &[Err(LineFault::BareCr), Ok("b")]);
    check_lines("a\0\n\r\n\r\n", &[Err(LineFault::Nul), Ok("")]);
}

#[test]
fn p8_a_line_at_the_limit_passes_and_one_beyond_is_told_once() {
    let longest = "x".repeat(COMMAND_LINE_BYTES_MAX - 2);
    let wire = format!("{longest}\r\n{longest}x\r\nok\r\n");
    let expected = vec![Ok(longest), Err(LineFault::TooLong), Ok("ok".to_owned())];
    for chunk in [1, 7, 1000, wire.len()] {
        assert_eq!(read_lines(wire.as_bytes(), chunk), expected);
    }
}

#[track_caller]
fn check_reply(wire: &[u8], expected: Result<&str, ReplyFault>) {
    for chunk in [1, 2, 3, 5, wire.len()] {
        let mut reader = ReplyReader::default();
        let found = wire.chunks(chunk).find_map(|mut input| reader.feed(&mut input));
        let found = found.expect("a reply or a fault").map(|reply| reply.to_string());
        assert_eq!(found.as_deref().map_err(|fault| *fault), expected);
    }
}

#[test]
fn reads_replies_of_every_dialect() {
    check_reply(b"250 2.1.5 ok\r\n", Ok("250 2.1.5 ok"));
    check_reply(b"250\r\n", Ok("250 "));
    check_reply(b"250 \r\n", Ok("250 "));
    check_reply(
        b"550-5.7.1 no\r\n550-5.7.1 never\r\n550 5.7.1 ask\r\n",
        Ok("550 5.7.1 no never ask"),
    );
    check_reply(b"550-no code\r\n550 5.7.1 here\r\n", Ok("550 5.7.1 no code here"));
    check_reply(b"450 4.2.0\r\n", Ok("450 4.2.0 "));
    check_reply(b"450 5.2.0 other class\r\n", Ok("450 5.2.0 other class"));
    check_reply(b"250 1.2 no code\r\n", Ok("250 1.2 no code"));
    check_reply(b"250 lone lf\n", Ok("250 lone lf"));
    check_reply(b"460 caf\xe9\r\n", Ok("460 caf\u{fffd}"));
}

#[test]
fn p8_refuses_what_is_no_reply() {
    check_reply(b"hello\r\n", Err(ReplyFault::NoCode));
    check_reply(b"199 x\r\n", Err(ReplyFault::NoCode));
    check_reply(b"600 x\r\n", Err(ReplyFault::NoCode));
    check_reply(b"2500 x\r\n", Err(ReplyFault::NoCode));
    check_reply(b"\r\n", Err(ReplyFault::NoCode));
    check_reply(b"250-a\r\n550 b\r\n", Err(ReplyFault::MixedCodes));
    check_reply(&[b'2'; 3000], Err(ReplyFault::LineTooLong));
    check_reply(&b"250-x\r\n".repeat(200), Err(ReplyFault::TooManyLines));
}
