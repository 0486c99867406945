use crate::jose::PublicJwk;
use crate::jose::json::{self, Json, Object};

/// [`PublicJwk::from_json`] and its thumbprint (RFC 7638), of any JSON object: what is read is the same once it is written and
/// read again; neither the order of members nor others beside them make another key of it; no key has a private member; and
/// `jsonwebtoken` finds the same thumbprint.
///
/// # Panics
/// Where that does not hold.
pub fn public_key(data: &[u8]) {
    let Ok(Json::Object(object)) = json::read(data) else { return };
    let Ok(key) = PublicJwk::from_json(&object) else { return };
    assert!(["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().all(|name| object.member(name).is_none()));
    let required = key.to_json();
    assert_eq!(PublicJwk::from_json(&required).as_ref(), Ok(&key), "written and read again");
    let mut turned = object.clone();
    turned.reverse();
    turned.append("an unknown member", Json::Null);
    assert_eq!(PublicJwk::from_json(&turned).as_ref(), Ok(&key), "in another order");
    for (name, value) in required.members() {
        assert_eq!(object.member(name), Some(value), "only one spelling of {name} is read");
        let mut without = object.clone();
        without.remove(name);
        assert!(PublicJwk::from_json(&without).is_err(), "{name} is required");
    }
    assert_eq!(key.thumbprint(), sorted(&required).thumbprint());
    let jwk = serde_json::from_str::<jsonwebtoken::jwk::Jwk>(&required.to_text());
    let theirs = jwk.map(|jwk| jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256));
    // Only what it reads counts.
    if let Ok(Ok(theirs)) = theirs {
        assert_eq!(theirs, key.thumbprint().to_string());
    }
}

fn sorted(object: &Object) -> PublicJwk {
    let mut members = object.members().to_vec();
    members.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut backwards = Object::new();
    members.into_iter().for_each(|(name, value)| backwards.append(&name, value));
    PublicJwk::from_json(&backwards).unwrap_or_else(|error| panic!("the same members, and {error}"))
}
