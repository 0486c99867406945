//! What planted defects do when they read `htu` and compare its path. Without the defect each of these changes nothing.

use std::borrow::Cow;

use super::defects::{Defect, DefectSet};
use super::htu::without_dot_segments;
use crate::jose::uri::Uri;

/// The text of `htu` as the server reads it in a request for `requested`.
pub(super) fn read<'a>(htu: &'a str, requested: &Uri, defects: DefectSet) -> Cow<'a, str> {
    let htu = if defects.contains(Defect::HtuTrimmed) { htu.trim() } else { htu };
    if defects.contains(Defect::HtuBackslashesTurned) {
        htu.replace('\\', "/").into()
    } else if defects.contains(Defect::HtuResolved) && htu.starts_with('/') {
        format!("{}://{}{htu}", requested.scheme, requested.host_and_port()).into()
    } else {
        htu.into()
    }
}

/// Whether the path of `htu` passes for that of the request although it is another. Both are normalised.
pub(super) fn path_accepted(claimed: &str, actual: &str, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let without_slash = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    is(Defect::HtuOriginOnly)
        || (is(Defect::HtuPrefix) && claimed.starts_with(actual))
        || (is(Defect::HtuBeginningAccepted) && actual.starts_with(claimed))
        || (is(Defect::HtuPathCaseFolded) && claimed.eq_ignore_ascii_case(actual))
        || (is(Defect::HtuTrailingSlashIgnored) && without_slash(claimed) == without_slash(actual))
        || (is(Defect::HtuSlashesMerged) && merged(claimed) == merged(actual))
        || (is(Defect::HtuPathDecoded) && decoded(claimed) == decoded(actual))
}

fn merged(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| format!("/{segment}")).collect()
}

/// The only escape that a normalised path still has and that makes a difference here is that of the slash.
fn decoded(path: &str) -> String {
    without_dot_segments(&path.replace("%2F", "/"))
}
