//! `dpop measure`: each fact against servers whose settings are known, in virtual time, and the command itself.

mod command;
mod made_up;
mod reference;
