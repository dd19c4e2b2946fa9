//! The daemon and its client from outside: real files, real children, real sockets.

// A test puts its config together once; what matters is that it can be read.
#![allow(clippy::format_push_string, clippy::format_collect)]

mod harness;

// What users wrote.
mod seeds;

// Life and death of programs.
mod fcgi;
mod life;
mod order;
mod pidproxy;
mod restart;
mod spawn;
mod stop;
mod why;

// What they say, and who hears of them.
mod events;
mod logs;
mod logs_styled;
mod logs_trouble;
mod logs_whole;

// What is promised.
mod promise;

// Who asks.
mod auth;
mod control;
mod large;

// The daemon itself.
mod bad_days;
mod clock;
mod flags;
mod init;
mod memory;
mod refuse;
mod reload;
mod scale;
mod signals;

// The tree that all this lies in.
mod house;
