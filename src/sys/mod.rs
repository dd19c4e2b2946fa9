//! The one door to the system. Only here stand `unsafe` and `nix`; each `unsafe` block carries
//! its proof.
//!
//! The room knows no actor and no config: it is given plain values and gives plain values back.

pub mod clock;

pub mod errno;

pub mod users;

pub mod privileges;

pub mod limits;

pub mod fds;

pub mod signals;

pub mod kill;

#[cfg(test)]
mod alone;
