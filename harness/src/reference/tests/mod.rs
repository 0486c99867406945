//! Tests of the servers as a whole. Their proofs are made by hand here: neither the harness's builder nor the server's
//! reader has a part in it.

mod answers;
mod issuing;
mod log;
mod planted;
mod planted_answer;
mod planted_claims;
mod planted_key;
mod planted_node;
mod planted_nonce;
mod planted_replay;
mod planted_token;
mod planted_wire;
mod proofs;
mod scene;
mod verifying;
