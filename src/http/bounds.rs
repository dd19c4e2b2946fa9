//! How much a stranger may ask of us, each bound with its reason.

use std::time::Duration;

/// Bytes of a request's first line and headers. Browsers send one or two kilobytes, cookies of
/// other pages on the same host included; hyper needs at least 8 KiB.
pub(super) const MAX_HEAD: usize = 16 << 10;

/// Headers of a request. Browsers behind proxies send thirty.
pub(super) const MAX_HEADERS: usize = 100;

/// Bytes of a call or a form. The biggest honest one is text for a child's stdin, of which the
/// codec takes a mebibyte, or a multicall for a thousand programs.
pub(super) const MAX_BODY: usize = 4 << 20;

/// Bytes of all big bodies that one server takes in at a time. Without it, as many clients as
/// there may be could each send the biggest.
pub(super) const MAX_BODIES: usize = 64 << 20;

/// A body above this is big: all clients together may send small ones.
pub(super) const BIG_BODY: usize = 64 << 10;

/// From the first byte of a request, or from the connection, to the end of its headers. Slow
/// networks need seconds; who sends a byte a minute only wants to hold a place.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(30);

/// From the end of the headers to the end of the body: four mebibytes over a poor line.
pub(super) const BODY_TIME: Duration = Duration::from_secs(60);

/// Between two requests on one connection. Event listeners keep theirs and speak once an hour,
/// after a `TICK_3600`, and Python's client does not try again when it finds it closed. Idle
/// connections make room for new ones long before.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(2 * 3600);

/// For a client that does not take its answer.
pub(super) const STALL_TIME: Duration = Duration::from_secs(60);

/// For a client that does not take more of an endless tail: somebody may have paused the
/// terminal to read.
pub(super) const TAIL_STALL_TIME: Duration = Duration::from_secs(3600);

/// Connections of one server at a time; the one that was idle for longest makes room for the
/// next. Each server has its own, so that a flood on TCP leaves the unix socket open. A daemon has
/// 1024 descriptors by default, and its programs need three each.
pub(super) const MAX_CONNECTIONS: usize = 200;

/// Clients that are told at the same time that there is no room. More than that are left untold.
pub(super) const MAX_REFUSED: usize = 20;

/// Endless tails of one server at a time. Each reads its file a few times a second.
pub(super) const MAX_TAILS: usize = 50;

/// Bytes handed to a connection at a time; the rest of an answer stays where it is counted.
pub(super) const PIECE: usize = 64 << 10;

/// What is still read and thrown away after a refusal, for so long: a TCP client that is busy
/// sending sees a reset instead of the answer if its bytes are left unread. Whoever sends twice
/// what is allowed still hears so.
pub(super) const LINGER_BYTES: usize = 2 * MAX_BODY;
/// See [`LINGER_BYTES`].
pub(super) const LINGER_TIME: Duration = Duration::from_secs(1);

/// The first pause after a connection could not be accepted, for want of descriptors or memory;
/// doubled each time, up to [`ACCEPT_PAUSE_MAX`]. Without it the loop would spin.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The longest such pause.
pub(super) const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How far before its end a tail begins, as in the original.
pub(super) const TAIL_START: u64 = 1024;

/// For the log of a tail to be opened: a disk that takes longer does not answer.
pub(super) const OPEN_TIME: Duration = Duration::from_secs(10);

/// How soon a tail looks at its file again after it found something new.
pub(super) const TAIL_EAGER: Duration = Duration::from_millis(100);
/// How soon at the latest, after it found nothing for a while.
pub(super) const TAIL_PATIENT: Duration = Duration::from_millis(500);

/// Bytes of a refused document that the main log shows.
pub(super) const MAX_QUOTED: usize = 200;
