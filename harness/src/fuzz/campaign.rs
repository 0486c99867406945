use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use tokio::sync::{Mutex as AsyncMutex, RwLock};

use super::class::class_of;
use super::client::{Client, Clock as ProofClock, Seen, Targets, Unseen, redactors};
use super::confirm::Look;
use super::finding::Finding;
use super::journal::{Heading, Journal};
use super::layer::Layer;
use super::shrink::{Shown, shrink};
use super::symptom::Symptom;
use crate::clock::Clock;
use crate::entropy::{Entropy as _, SeededEntropy};
use crate::generator::{Catalogue, Draw, Kind, Recipe};
use crate::plan::Partition;
use crate::run::{Exchange, Turn};
use crate::scenario::Scenario;
use crate::suite::Stop;
use crate::target::NoAnswer;

/// How many inputs are sent with the same key and token, between two correct requests.
const BATCH: u64 = 100;
/// Of how many answers the usual time is known.
const TIMED: usize = 101;
/// How many inputs are kept to make others of; more than any target has classes of answers worth telling apart.
const MOST_KEPT: usize = 2000;
/// How many draws in a row may be of no layer that is asked for before the batch is given up.
const MOST_DRAWS: usize = 500;

/// How long something that was seen may still be looked for, and made smaller, once the time is over.
const GRACE: Duration = Duration::from_secs(30);

/// How many inputs may be suspected at once; where more are not answered, it is not for what they are.
const MOST_UNANSWERED: usize = 32;

/// What a campaign is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The layers that edits are of.
    pub layers: Vec<Layer>,
    /// The seed of every choice of inputs.
    pub seed: u64,
    /// How long it goes on.
    pub time: Duration,
    /// The share of the batches, and how it was asked for.
    pub share: Option<(Partition, String)>,
    /// Where what it learns is kept.
    pub state: PathBuf,
    /// What has to stand behind `dpop run` to aim at the same target.
    pub repeat_with: String,
    /// What has to stand behind that for `dpop fuzz` to compare it with the same other target.
    pub compare_with: String,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// How many inputs were sent, with those of earlier runs of the same campaign.
    pub executions: u64,
    /// How many classes of answers there are.
    pub classes: usize,
    /// How many findings.
    pub findings: usize,
}

/// What came of a campaign.
#[derive(Debug)]
pub struct Report {
    /// How far it came.
    pub progress: Progress,
    /// How many inputs this run sent.
    pub executions: u64,
    /// How many requests that took, with controls and what was looked for again.
    pub requests: usize,
    /// What was found, in the order in which it was.
    pub findings: Vec<Finding>,
    /// Symptoms that were seen once, and not again.
    pub unreproduced: usize,
    /// Symptoms that were seen once, and could not be looked for again: nothing more might be sent, or correct requests were not
    /// accepted.
    pub not_looked_at: usize,
    /// What earlier campaigns found, and is not there any more, by name.
    pub gone: Vec<String>,
    /// Inputs that were not answered before the target was lost; the next campaign looks at these first.
    pub suspects: Vec<Recipe>,
    /// Why it ended before its time.
    pub ended: Option<Ended>,
}

/// Why a campaign ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// No more requests may be sent.
    Cap,
    /// The target does not accept correct requests any more.
    Lost(String),
    /// No edit of the catalogue is of the layers.
    Nothing,
    /// What it learns can't be written.
    State(String),
}

/// A campaign against one target, or two.
pub struct Campaign<'a> {
    targets: &'a Targets<'a>,
    scenarios: &'a [Scenario],
    plan: &'a Plan,
    clock: &'a dyn Clock,
    stop: &'a Stop,
    until: SystemTime,
    shared: Mutex<Shared>,
    /// Held while a symptom is looked at, so that two don't look for one cause at a time.
    looking: AsyncMutex<()>,
    /// Who sends an input reads it; who wants the target alone writes.
    sending: RwLock<()>,
}

struct Shared {
    journal: Journal,
    next: u64,
    done: BTreeSet<u64>,
    executions: u64,
    before: u64,
    classes: BTreeSet<String>,
    kept: Vec<Recipe>,
    milliseconds: VecDeque<u64>,
    findings: Vec<Finding>,
    dismissed: BTreeSet<(Symptom, String)>,
    not_looked_at: BTreeSet<(Symptom, String)>,
    gone: Vec<String>,
    /// What was not answered since a correct request was.
    unanswered: Vec<Recipe>,
    /// What the target may have been lost over.
    suspects: Vec<Recipe>,
    ended: Option<Ended>,
}

impl<'a> Campaign<'a> {
    /// A campaign that goes on where an earlier one of the same plan ended.
    ///
    /// # Errors
    /// Where its state can't be read or written.
    pub fn open(
        targets: &'a Targets<'a>,
        scenarios: &'a [Scenario],
        plan: &'a Plan,
        clock: &'a dyn Clock,
        stop: &'a Stop,
    ) -> io::Result<Self> {
        let heading = Heading {
            target: targets.subject.setup().name.clone(),
            seed: plan.seed,
            layers: plan.layers.iter().map(|layer| layer.name()).collect(),
            share: plan.share.as_ref().map(|(_, text)| text.clone()),
        };
        let (journal, past) = Journal::open(&plan.state, &heading)?;
        let findings = past.findings.into_iter();
        let shared = Shared {
            journal,
            next: 0,
            done: past.batches.into_iter().collect(),
            executions: past.executions,
            before: past.executions,
            classes: past.kept.iter().map(|(class, _)| class.clone()).collect(),
            kept: past.kept.into_iter().map(|(_, recipe)| recipe).collect(),
            milliseconds: VecDeque::new(),
            findings: findings
                .map(|(symptom, recipe)| Finding::new(symptom, recipe.clone(), recipe, scenarios))
                .collect(),
            dismissed: BTreeSet::new(),
            not_looked_at: BTreeSet::new(),
            gone: Vec::new(),
            unanswered: Vec::new(),
            suspects: past.suspects,
            ended: None,
        };
        let until = clock.now() + plan.time;
        let (shared, looking, sending) = (Mutex::new(shared), AsyncMutex::default(), RwLock::default());
        Ok(Self { targets, scenarios, plan, clock, stop, until, shared, looking, sending })
    }

    /// Sends inputs until its time is over, nothing more may be sent, or the stop is requested; what was found until then is there.
    pub async fn run(self, progress: &(dyn Fn(Progress) + Sync)) -> Report {
        let setup = self.targets.subject.setup();
        let before = setup.target.requests_left();
        self.find_again().await;
        join_all((0..setup.jobs).map(|_| self.work(progress))).await;
        let requests = before.saturating_sub(setup.target.requests_left());
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report {
            progress: shared.progress(),
            executions: shared.executions - shared.before,
            requests,
            unreproduced: shared.dismissed.len(),
            not_looked_at: shared.not_looked_at.difference(&shared.dismissed).count(),
            gone: shared.gone,
            findings: shared.findings,
            suspects: shared.suspects,
            ended: shared.ended,
        }
    }

    /// What comes of something, unless the campaign is told to stop before.
    async fn unless_stopped<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.requested() => None,
            done = doing => Some(done),
        }
    }

    /// Looks whether what was found earlier is still there, and what the target was lost over.
    async fn find_again(&self) {
        let mut known = std::mem::take(&mut self.shared().findings);
        // What may cost the target its life comes last.
        known.sort_by_key(|finding| finding.symptom == Symptom::NoAnswer);
        for mut finding in known {
            let look = self.targets.look_thrice(&finding.recipe, finding.symptom);
            match self.unless_stopped(look).await {
                Some(Look::Gone) => {
                    let mut shared = self.shared();
                    let gone = shared.journal.gone(finding.symptom, &finding.recipe);
                    shared.gone.push(finding.name());
                    drop(shared);
                    self.written(gone);
                }
                Some(Look::There(exchanges)) => {
                    finding.looked_for(Some(exchanges));
                    self.keep(finding);
                }
                Some(Look::Lost(exchanges)) => {
                    if finding.symptom == Symptom::NoAnswer {
                        finding.looked_for(Some(exchanges));
                        self.keep(finding);
                    } else {
                        self.suspect(finding.recipe.clone());
                        self.shared().findings.push(finding);
                    }
                    self.lost();
                }
                // Nothing was shown of it.
                Some(Look::Unclear | Look::Cap) | None => self.shared().findings.push(finding),
            }
        }
        let suspects = std::mem::take(&mut self.shared().suspects);
        for recipe in suspects {
            if self.is_over() {
                self.shared().suspects.push(recipe); // which the journal has already
                continue;
            }
            let cleared = self.shared().journal.cleared(&recipe);
            self.written(cleared);
            self.look_at(&recipe, Symptom::NoAnswer).await;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.is_requested() || self.clock.now() >= self.until || self.shared().ended.is_some()
    }

    fn end(&self, why: Ended) {
        self.shared().ended.get_or_insert(why);
    }

    fn lost(&self) {
        self.end(Ended::Lost("after the input that it did not answer, a correct request was not".to_owned()));
    }

    fn written(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.end(Ended::State(format!("{}: {error}", self.plan.state.display())));
        }
    }

    async fn work(&self, progress: &(dyn Fn(Progress) + Sync)) {
        while !self.is_over() {
            self.batch(self.next_batch(), progress).await;
        }
    }

    /// The next batch of the share that is not done.
    fn next_batch(&self) -> u64 {
        let mut shared = self.shared();
        loop {
            let batch = shared.next;
            shared.next += 1;
            let index = usize::try_from(batch).unwrap_or(usize::MAX);
            let has = |(share, _): &(Partition, String)| share.has(index, &batch.to_string());
            if self.plan.share.as_ref().is_none_or(has) && !shared.done.contains(&batch) {
                return batch;
            }
        }
    }

    async fn batch(&self, batch: u64, progress: &(dyn Fn(Progress) + Sync)) {
        let redactors = redactors(self.targets);
        let Some(Some(mut client)) = self.unless_stopped(self.client(&redactors)).await else { return };
        let mut inputs = Inputs::new(&self.plan.layers, self.plan.seed, batch);
        let mut executions = 0;
        let mut left = BATCH;
        while left > 0 && !self.is_over() {
            left -= 1;
            let Some(recipe) = inputs.next(&self.shared().kept) else {
                self.end(Ended::Nothing);
                break;
            };
            let sending = async {
                let _one_of_many = self.sending.read().await;
                client.send(&recipe).await
            };
            match self.unless_stopped(sending).await {
                // It never came there.
                Some(Ok(seen)) if seen.exchange.never_connected() => {
                    left += 1;
                    break;
                }
                Some(Ok(seen)) => {
                    executions += 1;
                    let (found, now) = self.observed(&recipe, &seen);
                    progress(now);
                    if let Some(symptom) = found {
                        self.look_at(&recipe, symptom).await;
                    }
                }
                Some(Err(Unseen::NotMade(_) | Unseen::NotAsked)) => {}
                Some(Err(Unseen::Cap)) => self.end(Ended::Cap),
                None => break,
            }
        }
        let mut shared = self.shared();
        let journal = &mut shared.journal;
        let result = if left == 0 { journal.done(batch, executions) } else { journal.begun(executions) };
        drop(shared);
        self.written(result);
    }

    /// A client whose correct request is accepted; none where the target is lost.
    async fn client<'b>(&'b self, redactors: &'b [crate::run::Redactor; 2]) -> Option<Client<'b>> {
        let why = match Client::new(self.targets, redactors, ProofClock::Usual).await {
            Ok(mut client) => match client.control_once_back(Turn::ControlBefore).await {
                Ok(exchange) => {
                    let mut shared = self.shared();
                    shared.timed(exchange.milliseconds);
                    shared.unanswered.clear();
                    drop(shared);
                    return Some(client);
                }
                Err(none) if none.exchange.seen.nothing == Some(NoAnswer::CapReached) => {
                    self.end(Ended::Cap);
                    return None;
                }
                Err(none) => format!("a correct request was answered {}", none.exchange.seen),
            },
            Err(error) => redactors[0].clean(&format!("no access token: {error}")),
        };
        let mut shared = self.shared();
        let unanswered = std::mem::take(&mut shared.unanswered);
        drop(shared);
        unanswered.into_iter().for_each(|recipe| self.suspect(recipe));
        self.end(Ended::Lost(why));
        None
    }

    /// The target may have been lost over this input; the next campaign looks at it first.
    fn suspect(&self, recipe: Recipe) {
        let mut shared = self.shared();
        let result = shared.journal.suspect(&recipe);
        shared.suspects.push(recipe);
        drop(shared);
        self.written(result);
    }

    /// Remembers what came of an input; what is wrong with that, unless a finding explains it.
    fn observed(&self, recipe: &Recipe, seen: &Seen) -> (Option<Symptom>, Progress) {
        let mut shared = self.shared();
        shared.executions += 1;
        let usual = shared.usual_milliseconds();
        shared.timed(seen.exchange.milliseconds);
        if seen.exchange.is_unanswered() && shared.unanswered.len() < MOST_UNANSWERED {
            shared.unanswered.push(recipe.clone());
        }
        let class = class_of(&seen.exchange);
        let mut result = Ok(());
        if shared.kept.len() < MOST_KEPT && !shared.classes.contains(&class) {
            result = shared.journal.keep(&class, recipe);
            shared.classes.insert(class);
            shared.kept.push(recipe.clone());
        }
        let symptom = self.targets.symptom_of(recipe, seen, usual).filter(|symptom| {
            let known = shared.findings.iter_mut().find(|finding| finding.explains(*symptom, recipe));
            match known {
                Some(finding) => {
                    finding.seen_again(recipe.clone());
                    false
                }
                None => !shared.dismissed.contains(&(*symptom, recipe.yaml())),
            }
        });
        let now = shared.progress();
        drop(shared);
        self.written(result);
        (symptom, now)
    }

    /// Looks for a symptom again, and where it is there for the smallest input that shows it.
    async fn look_at(&self, recipe: &Recipe, symptom: Symptom) {
        let one = self.unless_stopped(self.looking.lock()).await;
        if one.is_none() || self.clock.now() >= self.until + GRACE {
            self.not_looked_at(recipe, symptom);
            return;
        }
        let _alone = match symptom.is_of_load() {
            true => Some(self.sending.write().await),
            false => None,
        };
        {
            let mut shared = self.shared();
            if shared.ended.is_some() {
                shared.not_looked_at.insert((symptom, recipe.yaml()));
                return;
            }
            let known = shared.findings.iter_mut().find(|finding| finding.explains(symptom, recipe));
            if let Some(finding) = known {
                finding.seen_again(recipe.clone());
                return;
            }
        }
        match self.unless_stopped(self.targets.look_again(recipe, symptom, 2)).await {
            Some(Look::There(exchanges)) => {
                // Whatever ends the program meanwhile, it is known.
                let known = self.shared().journal.found(symptom, recipe);
                self.written(known);
                match self.smallest(recipe, symptom, exchanges).await {
                    Some(finding) => self.found(finding, recipe),
                    None => {
                        let gone = self.shared().journal.gone(symptom, recipe);
                        self.written(gone);
                    }
                }
            }
            Some(Look::Lost(exchanges)) => {
                if symptom == Symptom::NoAnswer {
                    // It cost the target its life twice, and there is nobody to ask about anything smaller.
                    let mut finding = Finding::new(symptom, recipe.clone(), recipe.clone(), self.scenarios);
                    finding.looked_for(Some(exchanges));
                    let known = self.shared().journal.found(symptom, recipe);
                    self.written(known);
                    self.found(finding, recipe);
                } else {
                    self.not_looked_at(recipe, symptom);
                    self.suspect(recipe.clone());
                }
                self.lost();
            }
            Some(Look::Gone) => self.dismiss(recipe, symptom),
            // The next batch begins with a correct request, and finds out what is left of the target.
            Some(Look::Unclear) | None => self.not_looked_at(recipe, symptom),
            Some(Look::Cap) => {
                self.not_looked_at(recipe, symptom);
                self.end(Ended::Cap);
            }
        }
    }

    fn not_looked_at(&self, recipe: &Recipe, symptom: Symptom) {
        self.shared().not_looked_at.insert((symptom, recipe.yaml()));
    }

    fn dismiss(&self, recipe: &Recipe, symptom: Symptom) {
        self.shared().dismissed.insert((symptom, recipe.yaml()));
    }

    /// The finding that an input comes to which was seen twice; none where the smallest was not seen often enough. Where nothing
    /// more can be seen, it is what it had come to.
    async fn smallest(&self, recipe: &Recipe, symptom: Symptom, exchanges: Vec<Exchange>) -> Option<Finding> {
        let mut smallest = Shown { recipe: recipe.clone(), exchanges };
        let left = self.until + GRACE;
        let left = left.duration_since(self.clock.now()).unwrap_or_default();
        tokio::select! {
            biased;
            _ = self.unless_stopped(shrink(self.targets, symptom, &mut smallest)) => {}
            () = self.clock.sleep(left) => {}
        }
        let mut finding = Finding::new(symptom, recipe.clone(), smallest.recipe, self.scenarios);
        finding.exchanges = smallest.exchanges;
        for turn in 0..3 {
            let look = self.targets.look(&finding.recipe, symptom, ProofClock::of_turn(turn));
            let there = match self.unless_stopped(look).await {
                Some(Look::There(exchanges)) => Some(exchanges),
                Some(Look::Gone) => None,
                // Correct requests fail now and then, too.
                Some(Look::Unclear) if symptom.is_of_load() => None,
                Some(Look::Lost(_) | Look::Unclear | Look::Cap) | None => break,
            };
            finding.looked_for(there);
        }
        let missed = finding.looked - finding.reproduced;
        if missed > 3 - symptom.least_of_three() {
            self.dismiss(recipe, symptom);
            return None;
        }
        if finding.looked < 3 {
            let mut shared = self.shared();
            if let Some(known) = shared.findings.iter_mut().find(|known| known.may_explain(&finding)) {
                known.seen_again(recipe.clone());
                return None;
            }
            drop(shared);
            // Each that shrinking comes to was seen twice, and so was the first.
            (finding.looked, finding.reproduced) = (finding.looked + 2, finding.reproduced + 2);
        }
        Some(finding)
    }

    /// Keeps what an input, which the journal has, has come to.
    fn found(&self, finding: Finding, recipe: &Recipe) {
        let mut shared = self.shared();
        let mut result = Ok(());
        if finding.recipe.yaml() != recipe.yaml() {
            result = shared.journal.found(finding.symptom, &finding.recipe);
            result = result.and_then(|()| shared.journal.gone(finding.symptom, recipe));
        }
        let known = shared.findings.iter_mut().find(|known| known.is_same_as(&finding));
        let is_new = known.is_none();
        if let Some(known) = known {
            known.seen_again(recipe.clone());
        }
        drop(shared);
        self.written(result);
        if is_new {
            self.keep(finding);
        }
    }

    /// Writes the files of a finding, which the journal has.
    fn keep(&self, finding: Finding) {
        let result = finding.write(self.plan, self.targets);
        self.shared().findings.push(finding);
        self.written(result);
    }
}

impl Shared {
    fn progress(&self) -> Progress {
        Progress { executions: self.executions, classes: self.classes.len(), findings: self.findings.len() }
    }

    fn timed(&mut self, milliseconds: u64) {
        if self.milliseconds.len() == TIMED {
            self.milliseconds.pop_front();
        }
        self.milliseconds.push_back(milliseconds);
    }

    /// The median of the last answers.
    fn usual_milliseconds(&self) -> u64 {
        let mut sorted: Vec<u64> = self.milliseconds.iter().copied().collect();
        let middle = sorted.len() / 2;
        if sorted.is_empty() { 0 } else { *sorted.select_nth_unstable(middle).1 }
    }
}

/// The inputs of one batch: the same wherever it is sent, but for those made of what was kept.
struct Inputs<'a> {
    layers: &'a [Layer],
    draw: Draw<'static>,
    chance: SeededEntropy,
}

impl<'a> Inputs<'a> {
    fn new(layers: &'a [Layer], seed: u64, batch: u64) -> Self {
        let mixed = SeededEntropy::new(seed ^ batch.rotate_left(32));
        let number = || {
            let mut bytes = [0; 8];
            mixed.fill(&mut bytes);
            u64::from_be_bytes(bytes)
        };
        let (draw, chance) = (Draw::new(Catalogue::embedded(), number()), SeededEntropy::new(number()));
        let of_layers = |kinds: &[Kind]| -> Vec<Kind> {
            kinds.iter().copied().filter(|kind| Layer::have_kind(layers, *kind)).collect()
        };
        let mut kinds = of_layers(draw.kinds());
        if kinds.iter().all(|kind| kind.area().is_none()) {
            kinds = of_layers(Kind::ALL); // with half of them off, those left are too few
        }
        Self { layers, draw: draw.of_kinds(kinds), chance }
    }

    /// The next input: half of them departures from those that were worth keeping.
    fn next(&mut self, kept: &[Recipe]) -> Option<Recipe> {
        for _ in 0..MOST_DRAWS {
            let number = self.number();
            let known =
                usize::try_from(number >> 1).ok().and_then(|at| kept.get(at.checked_rem(kept.len())?));
            let recipe = match known.filter(|_| number & 1 == 1) {
                Some(known) => self.draw.variation(known),
                None => self.draw.recipe(),
            };
            if !recipe.edits().is_empty() && Layer::have(self.layers, &recipe) {
                return Some(recipe);
            }
        }
        None
    }

    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_inputs_and_they_are_of_it() {
        for layer in Layer::ALL {
            let layers = [*layer];
            let mut distinct = BTreeSet::new();
            for batch in 0..4 {
                let mut inputs = Inputs::new(&layers, 7, batch);
                for _ in 0..25 {
                    let recipe = inputs.next(&[]).unwrap_or_else(|| panic!("{}", layer.name()));
                    assert!(Layer::have(&layers, &recipe), "{}: {}", layer.name(), recipe.yaml());
                    distinct.insert(recipe.yaml());
                }
            }
            assert!(distinct.len() > 10, "{}: {}", layer.name(), distinct.len());
        }
    }

    #[test]
    fn a_batch_is_repeated_by_its_number() {
        let inputs = |seed, batch| {
            let mut inputs = Inputs::new(Layer::ALL, seed, batch);
            (0..20).filter_map(|_| Some(inputs.next(&[])?.yaml())).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1, 5), inputs(1, 5));
        assert_ne!(inputs(1, 5), inputs(1, 6));
        assert_ne!(inputs(1, 5), inputs(2, 5));
    }
}
