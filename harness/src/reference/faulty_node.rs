//! What planted defects make of the second node of a server: set up by hand, of an older release, or left to itself.

use super::defects::{Defect, DefectSet};

/// The bugs of the second node, where the first has those of `defects`.
pub(super) fn of_second(defects: DefectSet) -> DefectSet {
    let more = [
        (Defect::NodeBeforeDpop, Defect::ProofOptional),
        (Defect::NodeBeforeDpop, Defect::BearerAccepted),
        (Defect::NodeIgnoresCnf, Defect::CnfIgnored),
        (Defect::NodeNeedsNoNonce, Defect::NonceNotDemanded),
    ];
    let more = more.into_iter().filter(|(node, _)| defects.contains(*node)).map(|(_, bug)| bug);
    defects.iter().chain(more).collect()
}
