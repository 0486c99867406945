//! Edit scripts out of bytes or chance: the one generator of structured inputs for libFuzzer, property tests, the black-box
//! fuzzer, vectors and seeds.
//!
//! An [`Edit`] is a fragment of a step as a scenario writes it, `{"proof":{"omit":["ath"]}}`, with its [`Fate`]: what a server has
//! to do with a request that has this one fault. A [`Catalogue`] has pools of edits by [`Kind`]: every case of the suite that is
//! one step, each mutation, and members set to values that specifications and past faults suggest. A [`Recipe`] is a list of
//! edits; it gives a [`Step`](crate::proof::Step) to [mint](crate::mutation::mint) and to judge, or the text of a scenario. So a
//! finding is a case, and every case is a seed. Two edits never touch the same thing: the later takes the place of the earlier, and
//! so fates add up.
//!
//! # From bytes
//!
//! [`Catalogue::decode`] reads edits out of any bytes, and [`Catalogue::encode`] gives the bytes of a recipe back: of each edit one
//! byte that chooses the kind and two that choose from its pool; or of an open kind a byte for the member and what follows.
//!
//! # From chance
//!
//! [`Draw`] makes the recipes of one run, repeatable by its seed: 70 % have one edit, 20 % two, 10 % several; half of the kinds
//! are off. The black-box fuzzer, `dpop run`'s way of sending, is to do this for every request:
//!
//! ```
//! use dpop_harness::generator::{Catalogue, Draw};
//!
//! let catalogue = Catalogue::embedded();
//! let mut draw = Draw::new(catalogue, 7);
//! let recipe = draw.recipe();
//! assert_eq!(recipe, Draw::new(catalogue, 7).recipe(), "the seed decides");
//! // mint(&recipe.step(), &material), send it, and compare with recipe.fate(false); recipe.yaml() is its line in a scenario.
//! ```
//!
//! [`Draw::variation`] changes one edit of a recipe that was worth keeping. To shrink one, [`Recipe::without`] leaves an edit out.
//! [`Kind::area`] tells which layer an edit is of. A [`Scene`] has a client and the reference verifier, to see what that decides.

mod catalogue;
mod draw;
mod edit;
mod kind;
mod members;
mod recipe;
mod rows;
mod scene;
mod written;
mod yaml;

pub use catalogue::Catalogue;
pub use draw::Draw;
pub use edit::{Edit, Fate};
pub use kind::Kind;
pub use recipe::Recipe;
pub use scene::{NOW, Scene, Sight, Trial};

#[cfg(test)]
mod tests;
