//! The daemon from outside.
