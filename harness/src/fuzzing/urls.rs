use crate::jose::uri::Uri;
use crate::reference::{RequestUri, names_resource, normalised};

/// The comparison of `htu` with the URL of a request (RFC 9449 section 4.3, check 9), of two URLs, one a line: it is
/// reflexive and symmetric, blind to query and fragment, the same as equality of what is normalised, and normalising twice is
/// normalising once.
///
/// # Panics
/// Where it is not.
pub fn htu(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let mut url = || lines.next()?.parse::<Uri>().ok();
    let Some(one) = url() else { return };
    assert_eq!(one.to_string().parse().as_ref(), Ok(&one), "written and read again");
    let usual = normalised(&one);
    assert_eq!(normalised(&usual), usual, "{one}: normalised twice");
    if one.userinfo.is_none() {
        assert!(names(&one, &one), "{one} names itself");
        assert!(names(&usual, &one) && names(&one, &usual), "{one} and {usual}");
    } else {
        assert!(!names(&one, &one), "{one} has user information, and no request has");
    }
    let Some(other) = url() else { return };
    let same = names(&one, &other);
    assert_eq!(same, names(&other, &one), "{one} and {other}");
    let equal = normalised(&other) == usual && one.userinfo.is_none() && other.userinfo.is_none();
    assert_eq!(same, equal, "{one} and {other}");
    let asked = Uri { query: Some("q=/../".to_owned()), fragment: Some("f".to_owned()), ..one.clone() };
    assert_eq!(same, names(&asked, &other), "query and fragment of {one}");
}

fn names(htu: &Uri, request: &Uri) -> bool {
    let bare = request.without_query();
    names_resource(htu, RequestUri { uri: &bare, query: request.query.as_deref() })
}
