use super::*;
use crate::actors::pool::tests::{Theatre, theatre};
use std::fs::File;
use std::io::PipeWriter;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Gives a member a child, whose stdout is the writer; it is RUNNING.
fn child(theatre: &mut Theatre, member: usize, relay: Option<Relay>) -> (Ear, PipeWriter) {
    let (reader, stdout) = std::io::pipe().expect("a pipe");
    theatre.starts(member);
    let seat = theatre.seats[member].clone();
    let ear = Ear::start(reader.into(), seat, relay).expect("an ear");
    (ear, stdout)
}

fn write(mut stdout: &PipeWriter, text: &str) {
    stdout.write_all(text.as_bytes()).expect("the ear reads");
}

#[actix::test]
async fn what_a_listener_writes_reaches_the_pool_in_whatever_pieces() {
    let mut theatre = theatre(1, false);
    let (_ear, stdout) = child(&mut theatre, 0, None);
    theatre.publish("a");
    for piece in ["R", "EAD", "Y\n"] {
        write(&stdout, piece);
        actix_rt::task::yield_now().await;
    }
    assert_eq!(theatre.sent(0).await, "a 0 0");
}

#[actix::test]
async fn the_event_of_a_listener_that_closed_its_stdout_goes_to_another() {
    let mut theatre = theatre(2, false);
    let (_first, stdout) = child(&mut theatre, 0, None);
    write(&stdout, "READY\n");
    theatre.publish("a");
    assert_eq!(theatre.sent(0).await, "a 0 0");
    theatre.ready(1);
    drop(stdout);
    assert_eq!(theatre.sent(1).await, "a 0 0");
}

#[actix::test]
async fn last_words_are_heard_though_a_grandchild_keeps_the_pipe_open() {
    let mut theatre = theatre(1, false);
    let (ear, stdout) = child(&mut theatre, 0, None);
    write(&stdout, "READY\n");
    theatre.publish("a");
    assert_eq!(theatre.sent(0).await, "a 0 0");
    theatre.publish("b");
    write(&stdout, "RESULT 2\nOK");
    ear.drain().await;
    theatre.seats[0].gone();
    // Its event was handled, so the next child gets the one after it.
    theatre.ready(0);
    assert_eq!(theatre.sent(0).await, "b 1 1");
}

#[actix::test]
async fn a_grandchild_that_floods_does_not_hold_up_an_end() {
    let mut theatre = theatre(1, false);
    let (ear, mut stdout) = child(&mut theatre, 0, None);
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let flood = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) && stdout.write_all(&[b'x'; READ]).is_ok() {}
    });
    let drained = actix_rt::time::timeout(Duration::from_secs(30), ear.drain()).await;
    assert!(drained.is_ok());
    done.store(true, Ordering::Relaxed);
    flood.join().expect("the flood ends when nobody reads");
    assert!(theatre.pool.connected());
}

#[actix::test]
async fn an_ear_at_its_end_has_nothing_more_to_hear() {
    let mut theatre = theatre(1, false);
    let (ear, stdout) = child(&mut theatre, 0, None);
    drop(stdout);
    theatre.logs("WARN l0: has entered the UNKNOWN state").await;
    ear.drain().await;
}

#[actix::test]
async fn what_is_heard_is_passed_on_to_the_log() {
    let mut theatre = theatre(1, false);
    let (relay, log) = Relay::new("l0".into(), theatre.logger.clone()).expect("a relay");
    let (ear, stdout) = child(&mut theatre, 0, Some(relay));
    write(&stdout, "READY\n\u{ff}");
    ear.drain().await;
    let mut logged = Vec::new();
    // The relay is dropped with the ear, so there is an end to read to.
    drop(File::from(log).read_to_end(&mut logged));
    assert_eq!(logged, "READY\n\u{ff}".as_bytes());
}

#[actix::test]
async fn a_log_that_does_not_keep_up_loses_bytes_and_not_the_dialogue() {
    let mut theatre = theatre(1, false);
    let (mut relay, log) = Relay::new("l0".into(), theatre.logger.clone()).expect("a relay");
    let chunk = vec![b'x'; 1 << 16];
    for _ in 0..32 {
        relay.pass(&chunk);
    }
    let line = theatre.logs("WARN").await;
    assert_eq!(
        line,
        "WARN l0: its log does not keep up, output is left out"
    );
    let lost = relay.lost;
    drop(relay);
    let line = theatre.logs("WARN").await;
    assert_eq!(
        line,
        format!("WARN l0: {lost} bytes of output were left out of its log")
    );
    let mut kept = Vec::new();
    File::from(log)
        .read_to_end(&mut kept)
        .expect("a pipe can be read");
    assert_eq!(kept.len() as u64 + lost, 32 << 16);
}

/// What fills a pipe is not read in one turn, though it could be.
#[actix::test]
async fn others_have_their_turns_between_the_reads_of_a_flood() {
    let mut theatre = theatre(1, false);
    let (_ear, stdout) = child(&mut theatre, 0, None);
    write(&stdout, &"x".repeat(16 * READ));
    let (mut turns, mut reads) = (0, 0);
    while reads < 16 {
        actix_rt::task::yield_now().await;
        turns += 1;
        reads += theatre.count_logged("DEBG 'l0' stdout output");
        assert!(turns < 100_000, "it is read");
    }
    assert!(turns >= 15, "{reads} reads in {turns} turns");
}
