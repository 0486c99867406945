use std::collections::BTreeMap;
use std::io;

use crate::entropy::{Entropy as _, SeededEntropy};
use crate::judge::Verdict;
use crate::plan::{Selected, all_of};
use crate::reference::{Defect, DefectSet, NonceMode};
use crate::run::Decision;
use crate::scenario::CaseKind;
use crate::suite::Outcome;

use super::{Bench, Variant};

/// Bugs of every kind: a check too few, one too many, a replay, a crash, a badly worded refusal, a memory.
const BUGS: [Defect; 6] = [
    Defect::AthOptional,
    Defect::HtuLiteral,
    Defect::JtiNotTracked,
    Defect::CrashOnOddType,
    Defect::ForbiddenStatus,
    Defect::KeyCachedByThumbprint,
];

/// Verdicts about one server that depended on order or company.
#[derive(Debug)]
pub struct Dependence {
    /// How the server was set up.
    pub name: String,
    /// How many verdicts were compared with those of the whole run, one case at a time.
    pub compared: usize,
    /// Those that differ, in words.
    pub differences: Vec<String>,
}

/// The servers about which the verdicts are compared.
pub(super) fn servers() -> [(Variant, DefectSet); 3] {
    let bugs = BUGS.into_iter().collect();
    [
        (Variant::new("six bugs, nonces required", NonceMode::Required), bugs),
        (Variant::new("six bugs, no nonces", NonceMode::Never), bugs),
        (Variant::new("clean, nonces required", NonceMode::Required), DefectSet::empty()),
    ]
}

type Verdicts = BTreeMap<String, (Verdict, Option<Decision>)>;

/// Performs all cases one after another; then eight at a time, in three other orders, and each alone by its id: the
/// verdicts have to be the same.
///
/// # Errors
/// Where no port can be had.
pub async fn independence(
    bench: &Bench<'_>,
    variant: &Variant,
    defects: DefectSet,
) -> io::Result<Dependence> {
    let (_running, mut setup) = bench.start(variant, defects).await?;
    let cases = all_of(bench.scenarios, variant.profile);
    // Where refusals as a whole are judged, all cases are performed in the order of the files.
    let by_order: Vec<_> =
        cases.iter().copied().filter(|case| !matches!(case.case.kind, CaseKind::Answers(_))).collect();
    setup.jobs = 1;
    let whole = verdicts(&bench.run(&setup, &cases).await);
    let mut found =
        Dependence { name: variant.name.clone().into_owned(), compared: 0, differences: Vec::new() };
    let shows = whole.values().any(|(verdict, _)| verdict.is_finding());
    if shows == defects.is_empty() {
        found.differences.push("the whole run finds no bug, or one that is not there".to_owned());
    }

    setup.jobs = 8;
    found.compare(&whole, "eight at a time", &bench.run(&setup, &cases).await);
    for seed in 1..=3 {
        let shuffled = shuffled(&by_order, seed);
        setup.jobs = if seed == 1 { 1 } else { 8 };
        found.compare(&whole, &format!("in order {seed}"), &bench.run(&setup, &shuffled).await);
    }
    for case in &cases {
        found.compare(&whole, "alone", &bench.run(&setup, &[*case]).await);
    }
    Ok(found)
}

impl Dependence {
    fn compare(&mut self, whole: &Verdicts, how: &str, outcomes: &[Outcome]) {
        for (id, seen) in verdicts(outcomes) {
            self.compared += 1;
            let expected = whole.get(&id);
            if expected != Some(&seen) {
                let told = expected.map_or("nothing", |(verdict, _)| verdict.name());
                let (verdict, decision) = seen;
                self.differences.push(format!("{id} {how}: {} {decision:?} for {told}", verdict.name()));
            }
        }
    }
}

fn verdicts(outcomes: &[Outcome]) -> Verdicts {
    outcomes.iter().map(|outcome| (outcome.id.clone(), (outcome.verdict, outcome.decision()))).collect()
}

/// The cases in the order that a seed gives.
fn shuffled<'a>(cases: &[Selected<'a>], seed: u64) -> Vec<Selected<'a>> {
    let entropy = SeededEntropy::new(seed);
    let mut keyed: Vec<([u8; 8], Selected<'a>)> = cases
        .iter()
        .map(|case| {
            let mut key = [0; 8];
            entropy.fill(&mut key);
            (key, *case)
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, case)| case).collect()
}
