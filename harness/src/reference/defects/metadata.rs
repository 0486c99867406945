//! Planted bugs: what the server publishes of itself.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::MetadataAlgsOutdated,
        "metadata-algs-outdated",
        "Publishes a list of algorithms that somebody wrote down once, and accepts others.",
        &["rs.metadata.algs"],
    ),
    row(
        Defect::MetadataAlgsInOneString,
        "metadata-algs-in-one-string",
        "Publishes its algorithms in one string, as the challenge has them, where an array belongs.",
        &["rs.metadata.algs"],
    ),
    row(
        Defect::MetadataDemandsInVain,
        "metadata-demands-in-vain",
        "Publishes that tokens must be bound, and still serves those that are not.",
        &["rs.metadata.unbound-bearer"],
    ),
    row(
        Defect::MetadataOfAnotherUrl,
        "metadata-of-another-url",
        "Publishes the URL that it has behind the proxy as the name of the resource.",
        &["rs.metadata.resource", "rs.metadata.link"],
    ),
    row(
        Defect::MetadataLinkBroken,
        "metadata-link-broken",
        "Names a URL of metadata in challenges at which there is nothing: the well-known name stands behind the path.",
        &["rs.metadata.link"],
    ),
];
