//! A process supervisor whose parts are actors, compatible with Supervisor 4.3.0 at every edge.
//!
//! The modules stand in reading order, from what knows nothing of the world to what ties all
//! together; `ARCHITECTURE.md` is the map with the rules of who may import whom.
//!
//! ```text
//!         files, argv                          signals, deaths, pipes
//!              │                                       │
//!  config:  text → raw → Config → Diff                 │          values go right and down
//!              ▼                                       ▼
//!  ctl ─ rpc/http ─asks─► Supervisor (handle) ─► Daemon ─► Group ─► Process ─► Spawner, LogRoom, sys
//!                               ▲                            │        │  │
//!                               └─reads─ Table ◄─────────────┴────────┘  │        facts go left and up
//!                                              Pool ◄─ EventBus ◄─ Publish
//! ```

pub mod model;

pub mod config;

pub mod sys;

pub mod actors;

pub mod rpc;

pub mod http;

pub mod ctl;

pub mod launch;

/// What we call ourselves: the version of Supervisor we stand in for, which clients compare,
/// then our own.
pub const VERSION: &str = concat!("4.3.0+rs", env!("CARGO_PKG_VERSION"));

/// The version of the XML-RPC interface, as `getAPIVersion` answers it.
pub const API_VERSION: &str = "3.0";
