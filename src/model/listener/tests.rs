use super::*;

/// Feeds pieces to a listener in `phase`, one after the other, and tells what came of it.
fn outcomes<'a>(start: &Dialogue, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut dialogue = start.clone();
    let mut told = Vec::new();
    for mut piece in pieces {
        while let Some(outcome) = dialogue.feed(&mut piece) {
            told.push(tell(&outcome));
        }
        assert!(piece.is_empty(), "bytes were left behind");
        assert!(held(&dialogue) <= LINE_MAX, "too much is held");
    }
    told.push(dialogue.state().name().to_owned());
    told.join(" ")
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ready => "ready".to_owned(),
        Outcome::Result { ok: true } => "ok".to_owned(),
        Outcome::Result { ok: false } => "rejected".to_owned(),
        Outcome::Violation(Violation::NotReady(instead)) => {
            format!("not-ready:{}", instead.escape_ascii())
        }
        // How much of it is quoted depends on what came in one piece.
        Outcome::Violation(Violation::Spoke(_)) => "spoke".to_owned(),
        Outcome::Violation(Violation::BadResultLine(line)) => {
            format!("bad-line:{}", line.escape_ascii())
        }
    }
}

fn held(dialogue: &Dialogue) -> usize {
    match &dialogue.phase {
        Phase::Acknowledged { held } => held.len(),
        Phase::AwaitsLine { line } => line.len(),
        Phase::Ready | Phase::AwaitsResult { .. } | Phase::Unknown => 0,
    }
}

fn acknowledged() -> Dialogue {
    Dialogue::new()
}

fn ready() -> Dialogue {
    let mut dialogue = Dialogue::new();
    dialogue.feed(&mut &b"READY\n"[..]);
    dialogue
}

fn busy() -> Dialogue {
    let mut dialogue = ready();
    assert!(dialogue.sent());
    dialogue
}

/// Claims an outcome for the bytes in one piece, byte by byte, and cut in every possible way as
/// far as there are not too many of them.
fn check(start: &Dialogue, bytes: &[u8], expected: &str) {
    let shown = bytes.escape_ascii();
    assert_eq!(outcomes(start, [bytes]), expected, "whole: {shown}");
    assert_eq!(outcomes(start, bytes.chunks(1)), expected, "bytes: {shown}");
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(outcomes(start, [head, tail]), expected, "at {at}: {shown}");
    }
    if bytes.len() > 14 {
        return;
    }
    for cuts in 0..1_u32 << bytes.len().saturating_sub(1) {
        let mut pieces = Vec::new();
        let mut from = 0;
        for at in 1..bytes.len() {
            if cuts & (1 << (at - 1)) != 0 {
                pieces.push(&bytes[from..at]);
                from = at;
            }
        }
        pieces.push(&bytes[from..]);
        assert_eq!(outcomes(start, pieces), expected, "cuts {cuts:b}: {shown}");
    }
}

#[test]
fn a_listener_is_ready_once_it_has_said_so() {
    check(&acknowledged(), b"", "ACKNOWLEDGED");
    check(&acknowledged(), b"READY", "ACKNOWLEDGED");
    check(&acknowledged(), b"READY\n", "ready READY");
}

#[test]
fn anything_else_in_its_place_is_a_violation_once_there_is_enough_of_it() {
    check(&acknowledged(), b"hi\n", "ACKNOWLEDGED");
    check(&acknowledged(), b"hello\n", "not-ready:hello\\n UNKNOWN");
    check(&acknowledged(), b"\nREADY\n", "not-ready:\\nREADY UNKNOWN");
    check(&acknowledged(), b"READY\r\n", "not-ready:READY\\r UNKNOWN");
    check(
        &acknowledged(),
        b"ready\nREADY\n",
        "not-ready:ready\\n UNKNOWN",
    );
}

#[test]
fn a_ready_listener_must_not_speak() {
    check(&acknowledged(), b"READY\nx", "ready spoke UNKNOWN");
    check(&acknowledged(), b"READY\nREADY\n", "ready spoke UNKNOWN");
    check(&ready(), b"RESULT 2\nOK", "spoke UNKNOWN");
}

#[test]
fn only_ok_is_an_ok() {
    check(&busy(), b"RESULT 2\nOK", "ok ACKNOWLEDGED");
    check(&busy(), b"RESULT 4\nFAIL", "rejected ACKNOWLEDGED");
    check(&busy(), b"RESULT 2\nok", "rejected ACKNOWLEDGED");
    check(&busy(), b"RESULT 2\nKO", "rejected ACKNOWLEDGED");
    check(&busy(), b"RESULT 3\nOKK", "rejected ACKNOWLEDGED");
    check(&busy(), b"RESULT 1\nO", "rejected ACKNOWLEDGED");
    check(&busy(), b"RESULT 0\n", "rejected ACKNOWLEDGED");
}

#[test]
fn what_follows_a_result_belongs_to_the_next_round() {
    check(&busy(), b"RESULT 2\nOKREADY\n", "ok ready READY");
    check(&busy(), b"RESULT 0\nREADY\n", "rejected ready READY");
    check(
        &busy(),
        b"RESULT 4\nFAILREADY\nx",
        "rejected ready spoke UNKNOWN",
    );
    check(
        &busy(),
        b"RESULT 2\nOK\nREADY\n",
        "ok not-ready:\\nREADY UNKNOWN",
    );
}

#[test]
fn an_unfinished_result_is_waited_for() {
    check(&busy(), b"", "BUSY");
    check(&busy(), b"RESULT 2", "BUSY");
    check(&busy(), b"RESULT 2\nO", "BUSY");
    check(&busy(), b"RESULT 9\nREADY\n", "BUSY");
}

#[test]
fn the_length_is_read_as_the_original_reads_it() {
    check(&busy(), b"RESULT  2 \r\nOK", "ok ACKNOWLEDGED");
    check(&busy(), b"RESULT +2\nOK", "ok ACKNOWLEDGED");
    check(&busy(), b"RESULT 0_2\nOK", "ok ACKNOWLEDGED");
    check(&busy(), b"garbage2\nOK", "ok ACKNOWLEDGED");
    check(&busy(), b"garbage 2\nOK", "ok ACKNOWLEDGED");
}

#[test]
fn a_result_line_without_a_sound_length_is_a_violation() {
    check(&busy(), b"\n", "bad-line: UNKNOWN");
    check(&busy(), b"RESULT\n", "bad-line:RESULT UNKNOWN");
    check(&busy(), b"RESULT \n", "bad-line:RESULT  UNKNOWN");
    check(&busy(), b"RESULT OK\n", "bad-line:RESULT OK UNKNOWN");
    check(&busy(), b"RESULT 2.0\nOK", "bad-line:RESULT 2.0 UNKNOWN");
    check(&busy(), b"RESULT \xff\nOK", "bad-line:RESULT \\xff UNKNOWN");
    check(&busy(), b"READY\nREADY\n", "bad-line:READY UNKNOWN");
}

#[test]
fn lengths_that_would_never_end_are_violations() {
    check(&busy(), b"RESULT -1\nOK", "bad-line:RESULT -1 UNKNOWN");
    check(
        &busy(),
        b"RESULT 99999999999\nOKREADY\n",
        "bad-line:RESULT 99999999999 UNKNOWN",
    );
    check(
        &busy(),
        b"RESULT 99999999999999999999999999\n",
        "bad-line:RESULT 99999999999999999999999999 UNKNOWN",
    );
    check(&busy(), b"RESULT 1048576\nx", "BUSY");
    check(
        &busy(),
        b"RESULT 1048577\nx",
        "bad-line:RESULT 1048577 UNKNOWN",
    );
}

#[test]
fn an_endless_result_line_is_a_violation_as_soon_as_it_is_too_long() {
    let line = vec![b'7'; LINE_MAX];
    assert_eq!(outcomes(&busy(), [&*line]), "BUSY");
    let expected = format!("bad-line:{} UNKNOWN", line.escape_ascii());
    for length in [1, 2, 700, LINE_MAX, 100_000] {
        let flood = vec![b'7'; LINE_MAX + length];
        for chunk in [1, 7, 1023, 1024, 1025, 65536] {
            assert_eq!(outcomes(&busy(), flood.chunks(chunk)), expected);
        }
    }
}

#[test]
fn a_long_result_is_counted_and_not_kept() {
    let mut bytes = b"RESULT 1048576\n".to_vec();
    bytes.resize(bytes.len() + 1_048_576, b'O');
    bytes.extend_from_slice(READY);
    for chunk in [997, 65536, bytes.len()] {
        assert_eq!(
            outcomes(&busy(), bytes.chunks(chunk)),
            "rejected ready READY"
        );
    }
}

#[test]
fn a_listener_in_unknown_is_not_heard_any_more() {
    let mut gone = ready();
    gone.give_up();
    check(&gone, b"READY\nRESULT 2\nOK", "UNKNOWN");
    let flood = vec![b'\n'; 1 << 20];
    assert_eq!(outcomes(&gone, flood.chunks(4096)), "UNKNOWN");
    assert!(!gone.sent());
}

#[test]
fn only_a_ready_listener_is_sent_an_event() {
    assert!(!acknowledged().sent());
    assert!(!busy().sent());
    assert!(ready().sent());
}

#[test]
fn what_is_quoted_of_a_flood_is_bounded() {
    let flood = vec![b'x'; 1 << 20];
    let outcome = ready().feed(&mut &*flood);
    let quoted = flood[..QUOTED_MAX].to_vec();
    assert_eq!(outcome, Some(Outcome::Violation(Violation::Spoke(quoted))));
}

/// All short texts over the letters that matter, in every way to cut them.
#[test]
fn no_way_to_cut_changes_what_is_understood() {
    const LETTERS: [&[u8]; 7] = [b"READY\n", b"RESULT ", b"2", b"\n", b"OK", b"-", b"x"];
    for start in [acknowledged(), ready(), busy()] {
        for choice in 0..LETTERS.len().pow(4) {
            let mut bytes = Vec::new();
            let mut rest = choice;
            for _ in 0..4 {
                bytes.extend_from_slice(LETTERS[rest % LETTERS.len()]);
                rest /= LETTERS.len();
            }
            let expected = outcomes(&start, [&*bytes]);
            assert_eq!(outcomes(&start, bytes.chunks(1)), expected);
            for first in 0..bytes.len() {
                for second in first..bytes.len() {
                    let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    assert_eq!(outcomes(&start, pieces), expected);
                }
            }
        }
    }
}
