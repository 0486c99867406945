use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::campaign::Plan;
use super::clause::Clause;
use super::client::Targets;
use super::confirm::plainly_wrong;
use super::journal::edits_to_json;
use super::symptom::Symptom;
use crate::generator::Recipe;
use crate::mutation::describe;
use crate::run::{Exchange, Turn};
use crate::scenario::Scenario;

/// One cause of wrong behaviour, by the smallest input that shows it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is wrong.
    pub symptom: Symptom,
    /// The smallest input that shows it.
    pub recipe: Recipe,
    /// The input that showed it first.
    pub first: Recipe,
    /// Other inputs that were taken for the same, some of them.
    pub also: Vec<Recipe>,
    /// How many inputs were taken for the same.
    pub times: u64,
    /// How often it was looked for in the end; not at all where nothing could be shown in this run.
    pub looked: usize,
    /// How often of that it was seen.
    pub reproduced: usize,
    /// The requirement that it breaks, and the case that is nearest to it.
    pub clause: Clause,
    /// What was sent in the end, and what came back.
    pub exchanges: Vec<Exchange>,
}

/// How many inputs of the same cause are shown.
const ALSO_SHOWN: usize = 10;

impl Finding {
    pub(super) fn new(symptom: Symptom, first: Recipe, recipe: Recipe, scenarios: &[Scenario]) -> Self {
        let clause = Clause::of(symptom, &recipe, scenarios);
        Self {
            symptom,
            recipe,
            first,
            also: Vec::new(),
            times: 1,
            looked: 0,
            reproduced: 0,
            clause,
            exchanges: Vec::new(),
        }
    }

    /// What its files and its scenario are called: the symptom, what is edited, and a few digits that are the input's own.
    pub fn name(&self) -> String {
        let words: Vec<String> = touched(&self.recipe).into_iter().take(3).collect();
        let word = |text: &str| -> String {
            let lower = text.to_ascii_lowercase();
            lower.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' }).collect()
        };
        let words: Vec<String> = [self.symptom.name().to_owned()]
            .into_iter()
            .chain(words)
            .map(|text| word(&text).trim_matches('-').to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        format!("{}-{:04x}", words.join("-"), fingerprint(&self.recipe.yaml()) & 0xffff)
    }

    /// The id of the only case of its scenario.
    pub fn id(&self) -> String {
        format!("rs.found.{}.again", self.name())
    }

    /// The cases that fail as long as the fault is there: its own, and with it one that looks at how refusals are worded; none
    /// where it takes two targets to see it.
    pub fn cases(&self) -> Vec<String> {
        match self.symptom {
            Symptom::Leak => vec![self.id(), "rs.answer.leak".to_owned()],
            Symptom::Disagreement => Vec::new(),
            Symptom::Accepted | Symptom::Refused | Symptom::Fault | Symptom::NoAnswer | Symptom::Slow => {
                vec![self.id()]
            }
        }
    }

    /// The commands that show it again, the plainest first.
    pub fn repeat(&self, plan: &Plan) -> Vec<String> {
        let (folder, cases, with) = (self.folder(&plan.state), self.cases(), &plan.repeat_with);
        let shown = folder.display();
        let minimize = format!("dpop fuzz --minimize {shown}/scenario.yaml{with}{}", plan.compare_with);
        if cases.is_empty() {
            return vec![minimize];
        }
        // How refusals are worded is a warning at most.
        let deny = if self.symptom == Symptom::Leak { " --deny warn" } else { "" };
        vec![
            format!("dpop run --scenarios {shown} {}{deny}{with}", cases.join(" ")),
            format!("dpop replay {shown}/bundle.json{with}"),
            minimize,
        ]
    }

    /// The id that is proposed where it becomes a case of the suite; none where a case says the same already.
    pub fn proposed_id(&self) -> Option<String> {
        let scenario = self.clause.nearest.as_deref().and_then(|id| id.rsplit_once('.')).map(|(of, _)| of);
        let name = self.name();
        let name = name.rsplit_once('-').map_or(name.as_str(), |(words, _)| words);
        (!self.clause.exact).then(|| format!("{}.{name}", scenario.unwrap_or("rs.found")))
    }

    /// How often it was seen, of how often it was looked for: `3/3`.
    pub fn seen(&self) -> String {
        format!("{}/{}", self.reproduced, self.looked)
    }

    /// It was looked for once more, and was there, as these exchanges show, or it was not.
    pub(super) fn looked_for(&mut self, there: Option<Vec<Exchange>>) {
        self.looked += 1;
        if let Some(exchanges) = there {
            self.reproduced += 1;
            self.exchanges = exchanges;
        }
    }

    /// What is sent, in words.
    pub fn told(&self) -> String {
        describe(&self.recipe.step()).join(", ")
    }

    /// Whether an input that shows the same symptom does so for this cause, as far as can be told without sending more.
    pub(super) fn explains(&self, symptom: Symptom, recipe: &Recipe) -> bool {
        let theirs = places(recipe);
        let covers = |one: &Recipe| {
            let ours = places(one);
            !ours.is_empty() && ours.is_subset(&theirs)
        };
        let of_every_refusal = symptom.is_of_refusals() && self.recipe.yaml() == plainly_wrong().yaml();
        symptom == self.symptom && (of_every_refusal || covers(&self.recipe) || self.also.iter().any(covers))
    }

    /// Whether one that could not be made as small as it goes may be of this cause: it touches all that this one does.
    pub(super) fn may_explain(&self, unfinished: &Self) -> bool {
        self.symptom == unfinished.symptom && touched(&self.recipe).is_subset(&touched(&unfinished.recipe))
    }

    pub(super) fn seen_again(&mut self, recipe: Recipe) {
        self.times += 1;
        if self.also.len() < ALSO_SHOWN && recipe != self.recipe && !self.also.contains(&recipe) {
            self.also.push(recipe);
        }
    }

    /// Whether both are of one cause: the smallest inputs are the same.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.symptom == other.symptom && self.recipe.yaml() == other.recipe.yaml()
    }

    /// The scenario on which `dpop run` fails as long as the fault is there.
    pub fn scenario(&self) -> String {
        let recipe = self.recipe.yaml();
        let edits = recipe.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }")).unwrap_or_default();
        let expect = match self.symptom {
            Symptom::Accepted => "expect: reject",
            Symptom::Refused => "expect: accept",
            Symptom::Slow => "watch: time, expect: answer",
            Symptom::Leak if self.is_to_be_refused() => "expect: reject",
            Symptom::Fault | Symptom::NoAnswer | Symptom::Leak | Symptom::Disagreement => "expect: answer",
        };
        let note = match self.symptom {
            Symptom::Leak => {
                "# Run it together with rs.answer.leak, which looks at how refusals are worded.\n"
            }
            Symptom::Disagreement => "# Two targets differ; which of them is right is not known.\n",
            Symptom::Accepted | Symptom::Refused | Symptom::Fault | Symptom::NoAnswer | Symptom::Slow => "",
        };
        let proposed = match (self.proposed_id(), &self.clause.nearest) {
            (Some(id), _) => format!("# Proposed id: {id}\n"),
            (None, Some(case)) => format!("# The suite has this as {case}.\n"),
            (None, None) => String::new(),
        };
        format!(
            "# Found by dpop fuzz.\n{note}{proposed}id: rs.found.{}\ntitle: {}\nwhy: {}\nspec: [{}]\nat: [resource]\nlevel: must\ncases:\n  \
             again: {{ {edits}{}{expect} }}\n",
            self.name(),
            json!(format!("Not any more: {}", self.symptom.told())),
            json!(format!("Seen of this input: {}.", self.told())),
            self.clause.spec.join(", "),
            if edits.is_empty() { "" } else { ", " },
        )
    }

    fn is_to_be_refused(&self) -> bool {
        self.recipe.fate(false) == crate::generator::Fate::Refused
    }

    /// The request as it was sent, and what should have come of it.
    fn vector(&self) -> Value {
        let sent = self.exchanges.iter().find(|exchange| matches!(exchange.turn, Turn::Step(_)));
        let texts = sent.map(|exchange| exchange.evidence.texts());
        let proof = texts.as_ref().and_then(|texts| texts.proof.as_ref());
        let result = match self.symptom {
            Symptom::Accepted => "invalid",
            Symptom::Refused => "valid",
            Symptom::Fault | Symptom::NoAnswer | Symptom::Slow | Symptom::Leak | Symptom::Disagreement => {
                "answered"
            }
        };
        json!({
            "format": "dpop-request/1",
            "name": self.name(),
            "request": texts.as_ref().map(|texts| &texts.request),
            "header": proof.map(|proof| &proof.header),
            "claims": proof.map(|proof| &proof.claims),
            "result": result,
            "flags": self.clause.spec,
        })
    }

    /// All that it takes to look at it again.
    fn bundle(&self, targets: &Targets<'_>, seed: u64, repeat: &[String]) -> Value {
        let setup = targets.subject.setup();
        let exchange = |exchange: &Exchange| {
            let texts = exchange.evidence.texts();
            json!({
                "turn": exchange.turn,
                "request": texts.request,
                "response": texts.response,
                "decision": exchange.seen.decision,
                "ms": exchange.milliseconds,
            })
        };
        json!({
            "format": FORMAT,
            "tool": { "version": env!("CARGO_PKG_VERSION") },
            "target": { "name": setup.name, "resource": setup.call.to_string() },
            "seed": seed,
            "symptom": self.symptom.name(),
            "means": self.symptom.told(),
            "sent": self.told(),
            "edits": edits_to_json(&self.recipe),
            "fate": targets.fate(&self.recipe).name(),
            "first": self.first.yaml(),
            "also": self.also.iter().map(Recipe::yaml).collect::<Vec<_>>(),
            "times": self.times,
            "reproduced": self.seen(),
            "spec": self.clause.spec,
            "nearest_case": self.clause.nearest,
            "proposed_id": self.proposed_id(),
            "id": self.id(),
            "scenario": self.scenario(),
            "cases": self.cases(),
            "repeat": repeat,
            "exchanges": self.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        })
    }

    /// Where its files lie, below the folder of a campaign.
    pub fn folder(&self, state: &Path) -> PathBuf {
        state.join("findings").join(self.name())
    }

    /// Writes the scenario, the request and the bundle; each is written whole or not at all.
    pub(super) fn write(&self, plan: &Plan, targets: &Targets<'_>) -> io::Result<()> {
        let folder = self.folder(&plan.state);
        std::fs::create_dir_all(&folder)?;
        let repeat = self.repeat(plan);
        let pretty = |value: &Value| format!("{value:#}\n");
        for (name, text) in [
            ("scenario.yaml", self.scenario()),
            ("request.json", pretty(&self.vector())),
            ("bundle.json", pretty(&self.bundle(targets, plan.seed, &repeat))),
        ] {
            let (path, fresh) = (folder.join(name), folder.join(format!(".{name}.new")));
            std::fs::write(&fresh, text)?;
            std::fs::rename(fresh, path)?;
        }
        Ok(())
    }
}

/// The format of a bundle.
const FORMAT: &str = "dpop-finding/1";

/// What it takes to look at a finding again, out of its bundle.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bundle {
    format: String,
    target: TargetName,
    /// The text of its scenario.
    pub scenario: String,
    /// The cases that fail as long as the fault is there.
    pub cases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct TargetName {
    name: String,
}

impl Bundle {
    /// The bundle that a text is; none where it is something else.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|bundle: &Self| bundle.format == FORMAT)
    }

    /// What results call the target.
    pub fn target(&self) -> &str {
        &self.target.name
    }
}

/// What a recipe touches: its subjects, and of mutations their names.
pub(super) fn touched(recipe: &Recipe) -> BTreeSet<String> {
    let of_edit = |edit: &crate::generator::Edit| {
        let subjects = edit.subjects().iter().filter(|subject| *subject != "mutate").cloned();
        subjects.chain(edit.mutations().map(str::to_owned)).collect::<Vec<_>>()
    };
    recipe.edits().iter().flat_map(|edit| of_edit(edit)).collect()
}

/// Where a recipe departs from a correct request: how (`omit`, `claims`, `retype` and the like), and of which member.
fn places(recipe: &Recipe) -> BTreeSet<(&str, &str)> {
    let slots = recipe.edits().iter().flat_map(|edit| edit.fragment().values()).filter_map(Value::as_object);
    let mut places = BTreeSet::new();
    for (slot, value) in slots.flatten() {
        match value {
            Value::Object(members) => {
                places.extend(members.keys().map(|name| (slot.as_str(), name.as_str())))
            }
            Value::Array(names) => {
                places.extend(names.iter().filter_map(Value::as_str).map(|name| (slot.as_str(), name)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                places.insert((slot.as_str(), ""));
            }
        }
    }
    places
}

/// FNV-1a: the same on every machine and in every version.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
