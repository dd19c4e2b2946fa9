//! Logs: read, tailed and cleared.
//!
//! The bytes come from the daemon's log room, never from here: a disk that hangs holds up the
//! answer and nothing else.

use super::api::Api;
use super::args::{Args, incorrect, number};
use super::faults::FaultKind;
use super::turns::{TooSlow, Turn, is_large};
use super::xml::{Fault, Writer};
use crate::actors::handle::LogError;
use crate::model::name::DisplayName;
use crate::model::state::Channel;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a log in one answer: the whole of one with the default `logfile_maxbytes` of 50 MB.
/// What is longer is to be read piece by piece.
pub(super) const MAX_LOG: i64 = 64 << 20;

/// Bytes of a log that are turned into XML before others have their turn: a fraction of a
/// millisecond.
const TURN: usize = 128 << 10;

/// Beyond any file, and far enough from the ends of the number range to reckon with.
const MAX_OFFSET: i64 = 1 << 62;

impl Api {
    pub(super) async fn read_log<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let path = self.supervisor.main_log();
        self.read(path.as_deref(), args, out).await
    }

    pub(super) async fn read_stdout<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let path = self.log_of(&args.text()?, Channel::Stdout)?;
        self.read(path.as_deref(), args, out).await
    }

    pub(super) async fn read_stderr<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let path = self.log_of(&args.text()?, Channel::Stderr)?;
        self.read(path.as_deref(), args, out).await
    }

    pub(super) async fn tail_stdout<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        self.tail(Channel::Stdout, args, out).await
    }

    pub(super) async fn tail_stderr<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        self.tail(Channel::Stderr, args, out).await
    }

    pub(super) async fn clear_log<'w>(&self, out: &'w mut Writer) -> Result<&'w mut Writer, Fault> {
        match self.supervisor.clear_main_log().await {
            Ok(()) => Ok(out.boolean(true)),
            Err(LogError::NoFile) => Err(FaultKind::NoFile.plain()),
            Err(LogError::BadArguments | LogError::Failed) => Err(FaultKind::Failed.plain()),
        }
    }

    pub(super) async fn clear_process_logs<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.text()?;
        let row = self.need_row(&name)?;
        self.clear(&row.group, &row.name, &name).await?;
        Ok(out.boolean(true))
    }

    pub(super) async fn clear_all_process_logs<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        let mut results = Vec::new();
        for group in self.supervisor.table().groups() {
            for row in &group.rows {
                let name = DisplayName {
                    group: &row.group,
                    process: &row.name,
                };
                let result = self.clear(&row.group, &row.name, &name.to_string()).await;
                results.push((Arc::clone(&row.group), Arc::clone(&row.name), result));
            }
        }
        super::commands::results(&results, out)
    }

    async fn clear(&self, group: &str, process: &str, name: &str) -> Result<(), Fault> {
        match self.supervisor.clear_logs(group, process).await {
            Ok(()) | Err(LogError::NoFile) => Ok(()),
            Err(LogError::BadArguments | LogError::Failed) => Err(FaultKind::Failed.about(name)),
        }
    }

    /// The last bytes of a process's log, at most `length` of them, for a page.
    pub async fn end_of_log(&self, name: &str, length: i64) -> Result<Vec<u8>, Fault> {
        let path = self.log_of(name, Channel::Stdout)?;
        let (_turn, bytes) = self
            .piece(path.as_deref(), -length.clamp(1, MAX_LOG), 0)
            .await?;
        Ok(bytes)
    }

    fn log_of(&self, name: &str, channel: Channel) -> Result<Option<Arc<Path>>, Fault> {
        Ok(self.need_row(name)?.logfile(channel).cloned())
    }

    async fn read<'w>(
        &self,
        path: Option<&Path>,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let (offset, length) = (number(args.value()), number(args.value()));
        let Some((offset, length)) = offset.zip(length) else {
            // That the log is not there is said first, whatever is asked about it.
            drop(self.piece(path, 0, 1).await?);
            return Err(incorrect());
        };
        // The turn is held while bytes and XML are both in memory.
        let (_turn, bytes) = self.piece(path, offset, length).await?;
        Ok(write_text(&bytes, out).await)
    }

    async fn piece(
        &self,
        path: Option<&Path>,
        offset: i64,
        length: i64,
    ) -> Result<(Turn<'_>, Vec<u8>), Fault> {
        let Some(path) = path else {
            return Err(FaultKind::NoFile.plain());
        };
        let (offset, length) = match (offset, length) {
            (..0, 0) => (offset.max(-MAX_LOG), 0),
            (0.., 0) => (offset.min(MAX_OFFSET), MAX_LOG),
            (_, _) => (offset.min(MAX_OFFSET), length.min(MAX_LOG)),
        };
        let most = if length == 0 { -offset } else { length };
        let read = self.supervisor.read_log(path, offset, length);
        let (turn, read) = self.in_turn(most, read).await?;
        match read {
            Ok(bytes) => Ok((turn, bytes)),
            Err(LogError::NoFile) => Err(FaultKind::NoFile.about(path.display())),
            Err(LogError::BadArguments) => Err(FaultKind::BadArguments.plain()),
            Err(LogError::Failed) => Err(FaultKind::Failed.plain()),
        }
    }

    /// Reads at most so many bytes when it is its turn. What is large is not even begun while
    /// too much of what was read before waits for those who asked for it.
    async fn in_turn<T>(
        &self,
        bytes: i64,
        read: impl Future<Output = T>,
    ) -> Result<(Turn<'_>, T), Fault> {
        let full = || is_large(bytes) && self.is_full();
        let read = async { if full() { None } else { Some(read.await) } };
        match self.log_reads.read(bytes, read).await {
            Ok((turn, Some(read))) => Ok((turn, read)),
            Ok((_, None)) => Err(FaultKind::Failed.about("too many answers wait to be read")),
            Err(TooSlow) => {
                Err(FaultKind::Failed.about("the log's file system does not answer in time"))
            }
        }
    }

    async fn tail<'w>(
        &self,
        channel: Channel,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let path = self.log_of(&args.text()?, channel)?;
        let (offset, length) = (number(args.value()), number(args.value()));
        let Some(path) = path else {
            return Ok(tail_answer(b"", 0, false, out).await);
        };
        let (offset, length) = offset.zip(length).ok_or_else(incorrect)?;
        let offset = offset.clamp(-MAX_OFFSET, MAX_OFFSET);
        let length = length.clamp(-MAX_OFFSET, MAX_LOG);
        let tail = self.supervisor.tail_log(&path, offset, length);
        let (_turn, tail) = self.in_turn(length, tail).await?;
        Ok(tail_answer(&tail.bytes, tail.offset, tail.overflow, out).await)
    }
}

async fn tail_answer<'w>(
    bytes: &[u8],
    offset: i64,
    overflow: bool,
    out: &'w mut Writer,
) -> &'w mut Writer {
    out.begin_array();
    write_text(bytes, out)
        .await
        .int(offset)
        .boolean(overflow)
        .end_array()
}

/// Writes a text that may be long, and lets others have their turn in between.
async fn write_text<'w>(mut bytes: &[u8], out: &'w mut Writer) -> &'w mut Writer {
    out.begin_text();
    while bytes.len() > TURN {
        let (piece, rest) = bytes.split_at(whole_characters(bytes, TURN));
        out.piece(piece);
        bytes = rest;
        tokio::task::yield_now().await;
    }
    out.piece(bytes).end_text()
}

/// The place at or shortly before `at` where a character begins, if there are characters.
fn whole_characters(bytes: &[u8], at: usize) -> usize {
    let begins = |place: &usize| !matches!(bytes.get(*place), Some(0x80..=0xBF));
    (at.saturating_sub(3)..=at).rev().find(begins).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, at: usize, expected: usize) {
        assert_eq!(
            whole_characters(text.as_bytes(), at),
            expected,
            "{text} {at}"
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        check("abcdef", 4, 4);
        check("abä", 3, 2);
        check("abä", 4, 4);
        check("a\u{1F980}b", 2, 1);
        check("a\u{1F980}b", 4, 1);
        check("a\u{1F980}b", 5, 5);
        assert_eq!(whole_characters(&[0x80; 9], 6), 6);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_long_text_comes_out_as_if_written_at_once() {
        let mut bytes = "<ä\u{1F980}&".repeat(TURN / 3).into_bytes();
        bytes.insert(TURN - 1, 0xC3);
        bytes.truncate(3 * TURN + 1);
        let mut once = Writer::response();
        once.text(&bytes);
        let mut long = Writer::response();
        write_text(&bytes, &mut long).await;
        assert!(once.finish() == long.finish());
    }
}
