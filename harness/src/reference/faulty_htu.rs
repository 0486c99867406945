//! What planted defects do when they read `htu` and compare its path. Without the defect each of these changes nothing.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::defects::{Defect, DefectSet};
use super::htu::without_dot_segments;
use crate::jose::uri::Uri;

/// The text of `htu` as the server reads it in a request for `requested`.
pub(super) fn read<'a>(htu: &'a str, requested: &Uri, defects: DefectSet) -> Cow<'a, str> {
    let htu = if defects.contains(Defect::HtuTrimmed) { htu.trim() } else { htu };
    let scheme = requested.scheme.as_str();
    if defects.contains(Defect::HtuBackslashesTurned) {
        htu.replace('\\', "/").into()
    } else if defects.contains(Defect::HtuControlsRemoved) {
        htu.replace(['\t', '\n', '\r'], "").into()
    } else if defects.contains(Defect::HtuDecodedTwice) {
        htu.replace("%25", "%").into()
    } else if defects.contains(Defect::HtuHostMapped) {
        htu.chars().map(mapped).collect::<String>().into()
    } else if defects.contains(Defect::HtuSlashesAdded) && !htu.contains("://") {
        htu.replacen(&format!("{scheme}:"), &format!("{scheme}://"), 1).into()
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
        || (is(Defect::HtuParametersRemoved) && without_parameters(claimed) == without_parameters(actual))
}

/// Whether the host of `htu` passes for that of the request although it is another. Both are normalised.
pub(super) fn host_accepted(claimed: &str, actual: &str, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let is_local = |host: &str| host == "localhost" || host.starts_with("127.");
    is(Defect::HtuHostIgnored)
        || (is(Defect::HtuHostPrefix) && claimed.starts_with(actual))
        || (is(Defect::HtuHostDotIgnored) && claimed.strip_suffix('.') == Some(actual))
        || (is(Defect::HtuLoopbackIsOne) && is_local(claimed) && is_local(actual))
        || (is(Defect::HtuAddressComputed)
            && actual.parse().ok().is_some_and(|own| computed(claimed) == Some(own)))
        || (is(Defect::HtuAddressZerosIgnored) && without_zeros(claimed) == actual)
        || (is(Defect::HtuAddressUnmapped) && unmapped(claimed).is_some_and(|address| address == actual))
}

/// The usual form of a character in full width.
fn mapped(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(character).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(character)
        }
        other => other,
    }
}

/// An IPv4 address as `inet_aton` reads it, where that is one number or four in octal.
fn computed(host: &str) -> Option<Ipv4Addr> {
    if let Ok(number) = host.parse::<u32>() {
        return Some(number.into());
    }
    let octets: Option<Vec<u8>> = host.split('.').map(|part| u8::from_str_radix(part, 8).ok()).collect();
    <[u8; 4]>::try_from(octets?).ok().map(Ipv4Addr::from)
}

fn without_zeros(host: &str) -> String {
    let trimmed =
        |part: &str| if part == "0" { "0".to_owned() } else { part.trim_start_matches('0').to_owned() };
    host.split('.').map(trimmed).collect::<Vec<_>>().join(".")
}

fn unmapped(host: &str) -> Option<String> {
    let address: Ipv6Addr = host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    address.to_ipv4_mapped().map(|address| address.to_string())
}

fn without_parameters(path: &str) -> String {
    path.split('/').filter_map(|segment| segment.split(';').next()).collect::<Vec<_>>().join("/")
}

fn merged(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| format!("/{segment}")).collect()
}

/// The only escape that a normalised path still has and that makes a difference here is that of the slash.
fn decoded(path: &str) -> String {
    without_dot_segments(&path.replace("%2F", "/"))
}
