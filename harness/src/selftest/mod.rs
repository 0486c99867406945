//! What shows that the suite is worth something: every planted bug is caught by the cases that it names, no correct server
//! is accused, every case is needed, and no verdict depends on order or company.
//!
//! Each run has servers of its own in a runtime of its own on one thread, and a clock that nobody else shares; several
//! threads make the runs side by side.

mod caught;
mod independence;
mod page;
mod proven;
mod variant;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::LeapingClock;
use crate::entropy::StockedEntropy;
use crate::plan::{Selected, all_of};
use crate::reference::{DefectRow, DefectSet, Running};
use crate::scenario::Scenario;
use crate::suite::{Outcome, Setup, Stop, run_until};

pub use caught::{Caught, Sight, caught, profile_of};
pub use independence::{Dependence, independence};
pub use page::as_markdown;
pub use proven::{Proven, UNPROVEN};
pub use variant::{NONCES, Variant};

/// RSA keys that one run of the suite draws: its clients', and what is made anew to look at a finding again.
const RSA_KEYS: usize = 12;

/// What is tested.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The cases.
    pub scenarios: &'a [Scenario],
    /// The bugs that are planted, one at a time.
    pub defects: Vec<&'static DefectRow>,
    /// Whether clean servers are tested, and the independence of the cases.
    pub clean: bool,
    /// How many runs are made at the same time.
    pub jobs: NonZeroUsize,
}

/// One clean server, and what it was accused of.
#[derive(Debug)]
pub struct Acquitted {
    /// How it was set up.
    pub name: String,
    /// How many cases passed and how many were skipped.
    pub cases: usize,
    /// What else came out, in words.
    pub false_alarms: Vec<String>,
}

/// What a self-test found.
#[derive(Debug, Default)]
pub struct Found {
    /// The planted bugs, in the order of their tables.
    pub caught: Vec<Caught>,
    /// The clean servers.
    pub clean: Vec<Acquitted>,
    /// Verdicts that depended on order or company, by the server that they were about.
    pub independence: Vec<Dependence>,
    /// What could not be done at all.
    pub errors: Vec<String>,
    /// How many of the tasks were not finished.
    pub unfinished: usize,
}

/// One of the runs that are made side by side.
enum Task {
    Defect(&'static DefectRow),
    Clean(Variant),
    Independence(Variant, DefectSet),
}

impl Task {
    fn name(&self) -> String {
        match self {
            Self::Defect(row) => row.name.to_owned(),
            Self::Clean(variant) => format!("clean {}", variant.name),
            Self::Independence(variant, _) => format!("order, {}", variant.name),
        }
    }
}

enum Done {
    Caught(Caught),
    Clean(Acquitted),
    Independence(Dependence),
}

/// How far a self-test is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// How many tasks are done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
    /// The last one.
    pub name: &'a str,
}

/// Makes all runs of a plan. `stop` ends it early; what is finished by then is reported.
///
/// # Errors
/// Where no thread can be had.
pub fn run(plan: &Plan<'_>, stop: &Stop, progress: &(dyn Fn(Progress<'_>) + Sync)) -> io::Result<Found> {
    let tasks = tasks(plan);
    let entropy = StockedEntropy::new(RSA_KEYS);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || -> io::Result<()> {
        while !stop.is_requested() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(index) else { break };
            // On one thread servers and clients take turns, and nothing is handed from one processor to another.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let bench = Bench { scenarios: plan.scenarios, stop, entropy: entropy.clone() };
            let result = runtime.block_on(perform(&bench, task));
            runtime.shutdown_background();
            if stop.is_requested() {
                break; // it was cut short, and shows nothing
            }
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.insert(index, result.map_err(|error| format!("{}: {error}", task.name())));
            progress(Progress { done: done.len(), of: tasks.len(), name: &task.name() });
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.jobs.get())
            .map(|_| std::thread::Builder::new().spawn_scoped(scope, work))
            .collect::<io::Result<_>>()?;
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut found = Found { unfinished: tasks.len() - done.len(), ..Found::default() };
    for result in done.into_values() {
        match result {
            Ok(Done::Caught(caught)) => found.caught.push(caught),
            Ok(Done::Clean(clean)) => found.clean.push(clean),
            Ok(Done::Independence(dependence)) => found.independence.push(dependence),
            Err(error) => found.errors.push(error),
        }
    }
    Ok(found)
}

/// The longest first, so that none is left over at the end.
fn tasks(plan: &Plan<'_>) -> Vec<Task> {
    let defects = plan.defects.iter().copied().map(Task::Defect);
    if !plan.clean {
        return defects.collect();
    }
    let independence = independence::servers().map(|(variant, defects)| Task::Independence(variant, defects));
    let clean = Variant::whole().chain(Variant::of_profiles()).chain(Variant::special()).map(Task::Clean);
    independence.into_iter().chain(clean).chain(defects).collect()
}

async fn perform(bench: &Bench<'_>, task: &Task) -> io::Result<Done> {
    match task {
        Task::Defect(row) => Ok(Done::Caught(caught(bench, row).await?)),
        Task::Clean(variant) => Ok(Done::Clean(acquitted(bench, variant).await?)),
        Task::Independence(variant, defects) => {
            Ok(Done::Independence(independence(bench, variant, *defects).await?))
        }
    }
}

async fn acquitted(bench: &Bench<'_>, variant: &Variant) -> io::Result<Acquitted> {
    let (_running, setup) = bench.start(variant, DefectSet::empty()).await?;
    let own = |selected: &Selected<'_>| selected.scenario.id.starts_with(variant.scenarios);
    let selected: Vec<_> = all_of(bench.scenarios, variant.profile).into_iter().filter(own).collect();
    let outcomes = bench.run(&setup, &selected).await;
    let false_alarms = outcomes.iter().filter_map(|outcome| variant.false_alarm(outcome)).collect();
    Ok(Acquitted { name: variant.name.clone().into_owned(), cases: outcomes.len(), false_alarms })
}

/// Where runs are made: the cases, what ends it early, and keys in store.
pub struct Bench<'a> {
    /// The cases.
    pub scenarios: &'a [Scenario],
    /// Ends a run early.
    pub stop: &'a Stop,
    /// Where keys come from.
    pub entropy: StockedEntropy,
}

impl Bench<'_> {
    /// Servers whose time nobody else shares.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(&self, variant: &Variant, defects: DefectSet) -> io::Result<(Running, Setup)> {
        variant.start(defects, Arc::new(LeapingClock::default()), Arc::new(self.entropy.anew())).await
    }

    /// Performs cases.
    pub async fn run(&self, setup: &Setup, selected: &[Selected<'_>]) -> Vec<Outcome> {
        run_until(self.stop, setup, self.scenarios, selected, &mut |_| {}).await.outcomes
    }
}
