//! What a supervisor decides, as values in and values out.
//!
//! The room asks no clock, holds no descriptor, and knows neither tokio nor actix: time is an
//! argument, and what is to be done comes back as a value that somebody else carries out.

#![forbid(unsafe_code)]

pub mod ansi;
pub mod base64;
pub mod buffer;
pub mod capture;
pub mod envelope;
pub mod event;
pub mod exit;
pub mod feeder;
pub mod formatter;
pub mod getopt;
pub mod lines;
pub mod listener;
pub mod logline;
pub mod logstyle;
pub mod losses;
pub mod name;
pub mod number;
pub mod pace;
pub mod patience;
pub mod process;
pub mod python;
pub mod rotation;
pub mod shlex;
pub mod signal;
pub mod span;
pub mod state;
pub mod text;
pub mod texts;
pub mod tick;
pub mod time;
