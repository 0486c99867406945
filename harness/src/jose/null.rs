use aws_lc_rs::digest::{SHA256, digest};

use super::PublicJwk;

/// What stands in the place of an ES256 signature where a fuzzer would spend its time on curves: the hash of the public key and
/// the input, twice, with a zero at the end. Whoever knows the key can make it, so it is worth nothing outside of a fuzzer.
///
/// The zero is there for the mutation that wants a signature which ends so.
pub fn null_signature(key: &PublicJwk, input: &[u8]) -> [u8; 64] {
    let mut hashed = key.thumbprint().to_string().into_bytes();
    hashed.extend(input);
    let hash = digest(&SHA256, &hashed);
    let mut signature = [0; 64];
    signature.iter_mut().zip(hash.as_ref().iter().cycle()).for_each(|(slot, byte)| *slot = *byte);
    signature[63] = 0;
    signature
}
