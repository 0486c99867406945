//! Servers that misbehave: whatever a target does, the run ends in bounded time, says one thing about one cause, and never
//! passes what was not shown.

pub(crate) mod bench;
mod broken;
mod connections;
mod demands;
mod flaky;
mod http2;
mod lost;
mod methods;
mod nonces;
mod observed;
mod order;
mod places;
mod races;
pub(crate) mod server;
mod tokens;
mod waits;
