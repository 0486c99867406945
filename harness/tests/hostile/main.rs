//! Servers that misbehave: whatever a target does, the run ends in bounded time, says one thing about one cause, and never
//! passes what was not shown.

mod bench;
mod broken;
mod flaky;
mod lost;
mod nonces;
mod observed;
mod order;
mod places;
mod server;
mod tokens;
