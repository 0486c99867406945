//! Planted bugs: URLs and methods that only the sender states.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::HostTrusted,
        "host-trusted",
        "Puts the URL of the request together from `Host`, which its sender chooses.",
        &["rs.forwarded.host", "rs.forwarded.host-with-path"],
    ),
    row(
        Defect::HostPrefixChecked,
        "host-prefix-checked",
        "Puts the URL together from `Host`, once it begins with the right name.",
        &["rs.forwarded.host-with-path"],
    ),
    row(
        Defect::LastHostTrusted,
        "last-host-trusted",
        "Checks the first of two `Host` fields and uses the last.",
        &["rs.forwarded.second-host", "rs.forwarded.http2-host"],
    ),
    row(
        Defect::AbsoluteFormTrusted,
        "absolute-form-trusted",
        "Takes the host from a request target in absolute form.",
        &["rs.forwarded.absolute-form"],
    ),
    row(
        Defect::AbsoluteFormNotRead,
        "absolute-form-not-read",
        "Takes a request target in absolute form for a path.",
        &["rs.accept.absolute-form"],
    ),
    row(
        Defect::ForwardedHostTrusted,
        "forwarded-host-trusted",
        "Takes the host from `X-Forwarded-Host`, whoever sends it.",
        &["rs.forwarded.x-forwarded-host"],
    ),
    row(
        Defect::ForwardedProtoTrusted,
        "forwarded-proto-trusted",
        "Takes the scheme from `X-Forwarded-Proto`, whoever sends it.",
        &["rs.forwarded.x-forwarded-proto"],
    ),
    row(
        Defect::ForwardedPortTrusted,
        "forwarded-port-trusted",
        "Takes the port from `X-Forwarded-Port`, whoever sends it.",
        &["rs.forwarded.x-forwarded-port"],
    ),
    row(
        Defect::ForwardedFieldTrusted,
        "forwarded-field-trusted",
        "Takes the host from `Forwarded`, whoever sends it.",
        &["rs.forwarded.forwarded"],
    ),
    row(
        Defect::OriginalUrlTrusted,
        "original-url-trusted",
        "Takes the path from `X-Original-URL`, whoever sends it.",
        &["rs.forwarded.x-original-url"],
    ),
    row(
        Defect::RewriteUrlTrusted,
        "rewrite-url-trusted",
        "Takes the path from `X-Rewrite-URL`, whoever sends it.",
        &["rs.forwarded.x-rewrite-url"],
    ),
    row(
        Defect::MethodOverrideTrusted,
        "method-override-trusted",
        "Compares `htm` with the method that a field or parameter states, and serves the one of the request line.",
        &["rs.forwarded.x-http-method-override", "rs.forwarded.method-parameter"],
    ),
    row(
        Defect::ForwardedPrefixTrusted,
        "forwarded-prefix-trusted",
        "Puts `X-Forwarded-Prefix` in front of the path, whoever says it.",
        &["rs.forwarded.x-forwarded-prefix"],
    ),
    row(
        Defect::TargetAuthorityTrusted,
        "target-authority-trusted",
        "Resolves the request target as a reference, so what follows two slashes is its host.",
        &["rs.forwarded.network-path"],
    ),
    row(
        Defect::CrashOnMalformedHost,
        "crash-on-malformed-host",
        "Puts the URL of the request together from `Host`, and answers 500 where that gives none.",
        &["rs.answer.fault"],
    ),
];
