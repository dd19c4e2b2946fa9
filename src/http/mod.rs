//! The edge: HTTP on unix sockets and TCP, authentication, log tails and pages.

#![forbid(unsafe_code)]
