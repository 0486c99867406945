use std::io::{self, Write};

use clap::Args;

use super::{Context, Exit, Failure};
use crate::clock::SystemClock;
use crate::coverage::{Coverage, cites};
use crate::entropy::SystemEntropy;
use crate::guide::{self, Example, FLOW, MEMBERS, Page};
use crate::mutation;
use crate::proof::Connection;
use crate::reference::defects;
use crate::report::hanging;
use crate::scenario::{Case, CaseKind, Pitfall, Rules, Scenario, nearest};
use crate::spec::{Fact, Ledger, Level, Profile, Requirement};

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A case, scenario, pitfall, rule, requirement, profile, planted bug or mutation; `proof` or `flow` for the protocol;
    /// `guide`, `pitfalls`, `facts`, `profiles`, `defects` or `mutations` for a list.
    name: String,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let out: &mut dyn Write = &mut context.out;
    let name = arguments.name.as_str();
    if let Some(scenario) = scenarios.iter().find(|scenario| scenario.id == name) {
        explain_scenario(scenario, out)?;
        if let Some(pitfall) = scenario.pitfall {
            writeln!(out, "\nGuide        dpop explain {}", pitfall.name())?;
        }
    } else if let Some((scenario, case)) = find_case(&scenarios, name) {
        explain_case(scenario, case, out)?;
    } else if let Some(page) = guide::page(name) {
        explain_page(page, &scenarios, out)?;
    } else if let Some(row) = Ledger::embedded().requirement(name) {
        explain_requirement(row, &scenarios, out)?;
    } else if let Some(row) = defects().find(|row| row.name == name) {
        writeln!(out, "{}: {}", row.name, row.summary)?;
        writeln!(out, "\nCaught by {}.", row.caught_by.join(", "))?;
        match row.public_url {
            None => writeln!(out, "Try it: dpop serve --defect {}", row.name)?,
            Some(url) => writeln!(out, "Shows at {url}. Try it: dpop run --defect {}", row.name)?,
        }
    } else if let Some(profile) = Profile::ALL.iter().find(|profile| profile.name() == name) {
        explain_profile(Rules::of(*profile), &scenarios, out)?;
    } else if let Some(mutation) = mutation::find(name) {
        writeln!(out, "{}: {}", mutation.name, mutation.phrase)?;
    } else {
        return list(name, &scenarios, out);
    }
    Ok(Exit::Conforms)
}

fn list(name: &str, scenarios: &[Scenario], out: &mut dyn Write) -> Result<Exit, Failure> {
    match name {
        "guide" => list_guide(out)?,
        "proof" => explain_proof(out)?,
        "flow" => out.write_all(FLOW.as_bytes())?,
        "pitfalls" => Pitfall::ALL
            .iter()
            .try_for_each(|pitfall| writeln!(out, "{:22} {}", pitfall.name(), pitfall.summary()))?,
        "facts" => list_facts(out)?,
        "defects" => defects().try_for_each(|row| writeln!(out, "{:28} {}", row.name, row.summary))?,
        "profiles" => Profile::ALL
            .iter()
            .try_for_each(|profile| writeln!(out, "{:10} {}", profile.name(), Rules::of(*profile).title))?,
        "mutations" => {
            mutation::catalogue().try_for_each(|row| writeln!(out, "{:20} {}", row.name, row.phrase))?
        }
        unknown => {
            let cases = scenarios.iter().flat_map(|scenario| &scenario.cases).map(|case| case.id.as_str());
            let known = cases
                .chain(scenarios.iter().map(|scenario| scenario.id.as_str()))
                .chain(guide::pages().map(|page| page.name))
                .chain(defects().map(|row| row.name))
                .chain(mutation::catalogue().map(|row| row.name))
                .chain(Ledger::embedded().requirements().iter().map(|row| row.id.as_str()))
                .chain(Profile::ALL.iter().map(|profile| profile.name()))
                .chain(["guide", "proof", "flow", "pitfalls", "facts", "profiles", "defects", "mutations"]);
            let hint =
                nearest(unknown, known).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(Failure::Usage(format!("nothing is called `{unknown}`{hint}; see `dpop list`")));
        }
    }
    Ok(Exit::Conforms)
}

fn find_case<'a>(scenarios: &'a [Scenario], id: &str) -> Option<(&'a Scenario, &'a Case)> {
    scenarios.iter().find_map(|scenario| Some((scenario, scenario.cases.iter().find(|case| case.id == id)?)))
}

fn explain_scenario(scenario: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}\n\n{}", scenario.id, scenario.title, scenario.why)?;
    if let Some(attacker) = &scenario.attacker {
        writeln!(out, "Where it fails, {attacker}.")?;
    }
    writeln!(out)?;
    for case in &scenario.cases {
        writeln!(out, "  {:32} {:6}  {}", case.id, case.level.name(), case.title)?;
    }
    Ok(())
}

fn explain_case(scenario: &Scenario, case: &Case, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", case.id, case.title)?;
    writeln!(out, "of {}: {}\n\n{}", scenario.id, scenario.title, scenario.why)?;
    if let Some(attacker) = &scenario.attacker {
        writeln!(out, "Where it fails, {attacker}.")?;
    }
    writeln!(out, "\nLevel        {}", case.level.name().to_uppercase())?;
    for profile in Profile::ALL.iter().filter(|profile| case.is_for(**profile)) {
        let rules = Rules::of(*profile);
        let level = rules.level(case);
        let demands: Vec<&str> =
            rules.demands_of(case).flat_map(|demand| &demand.spec).map(String::as_str).collect();
        if level != case.level || !demands.is_empty() || !case.profiles.is_empty() {
            let why = if demands.is_empty() { String::new() } else { format!(" ({})", demands.join(", ")) };
            writeln!(out, "Profile      {}: {}{why}", profile.name(), level.name().to_uppercase())?;
        }
    }
    for row in case.spec.iter().filter_map(|id| Ledger::embedded().requirement(id)) {
        writeln!(out, "Requirement  {} ({}, {})", row.text, row.source, row.id)?;
    }
    if let CaseKind::Script { script, expects } = &case.kind {
        if script.client.connection == Connection::Kept {
            writeln!(out, "Connection   one for all requests, those of the controls too")?;
        }
        for (index, (step, expect)) in script.steps.iter().zip(expects).enumerate() {
            let phrases = mutation::describe(step);
            let sent = if phrases.is_empty() { "a correct request".to_owned() } else { phrases.join(", ") };
            let name = step.name.as_ref().map(|name| format!("\"{name}\": ")).unwrap_or_default();
            writeln!(out, "Step {:<7} {name}{sent} -> {expect}", index + 1)?;
        }
        if let Some(trials) = script.trials {
            writeln!(out, "Trials       {trials}, each anew")?;
        }
        for tag in case.tags() {
            writeln!(out, "Tag          {}: performed where it is asked for, or costs nothing", tag.name())?;
        }
    }
    let defects: Vec<_> = defects().filter(|row| row.caught_by.contains(&case.id.as_str())).collect();
    for row in defects {
        writeln!(out, "Catches      {}: {}", row.name, row.summary)?;
    }
    writeln!(out, "Defined in   {}:{}", scenario.file, case.line)?;
    if let Some(pitfall) = scenario.pitfall {
        writeln!(out, "Guide        dpop explain {}", pitfall.name())?;
    }
    Ok(())
}

fn explain_profile(rules: &Rules, scenarios: &[Scenario], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}\n", rules.profile.name(), rules.title)?;
    hanging(out, "", &rules.why)?;
    writeln!(out)?;
    hanging(out, "Source       ", &rules.source)?;
    let missed = match rules.policy {
        Level::Must => "a failure",
        Level::Should | Level::Policy => "a warning",
        Level::May => "a note",
    };
    writeln!(out, "Policy       what RFC 9449 leaves to policy is {missed} where it is missed")?;
    for capability in &rules.requires {
        writeln!(out, "Requires     {capability}")?;
    }
    for demand in &rules.demands {
        let rows = demand.spec.iter().filter_map(|id| Ledger::embedded().requirement(id));
        let texts: Vec<String> = rows.map(|row| format!("{} ({})", row.text, row.id)).collect();
        let label = format!("{:12} ", demand.level.name().to_uppercase());
        hanging(out, &label, &format!("{}: {}", texts.join("; "), demand.cases.join(", ")))?;
    }
    let own: Vec<_> = rules.own_cases(scenarios).collect();
    if !own.is_empty() {
        writeln!(out, "\nCases of its own")?;
    }
    for case in own {
        writeln!(out, "  {:32} {:6}  {}", case.id, rules.level(case).name(), case.title)?;
    }
    writeln!(out, "\nTry it: dpop serve --profile {0}; dpop run --profile {0}", rules.profile.name())
}

fn explain_page(page: &Page, scenarios: &[Scenario], out: &mut dyn Write) -> io::Result<()> {
    let mut code = false;
    for line in page.text.lines() {
        code ^= line.starts_with("```");
        if line.starts_with('#') && !code {
            heading(line, out)?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    let belongs = |scenario: &&Scenario| scenario.pitfall.is_some_and(|pitfall| pitfall.name() == page.name);
    for (index, scenario) in scenarios.iter().filter(belongs).enumerate() {
        writeln!(out)?;
        if index == 0 {
            heading("## Cases", out)?;
            writeln!(out)?;
        }
        explain_scenario(scenario, out)?;
    }
    Ok(())
}

/// Bold where there is colour: the stream takes the codes out where there is none.
fn heading(line: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\u{1b}[1m{line}\u{1b}[0m")
}

fn list_guide(out: &mut dyn Write) -> io::Result<()> {
    for (list, pages) in [("What goes wrong", guide::PITFALLS), ("What production needs", guide::RULES)] {
        heading(list, out)?;
        for page in pages {
            writeln!(out, "  {:28} {}", page.name, page.title())?;
        }
        writeln!(out)?;
    }
    heading("How it works", out)?;
    writeln!(out, "  {:28} What a proof consists of, with one made at this moment", "proof")?;
    writeln!(out, "  {:28} The flow of a client, as a diagram", "flow")?;
    writeln!(out, "\n`dpop explain NAME` shows one.")
}

/// What `dpop measure` finds out, and the requirements that it stands for.
fn list_facts(out: &mut dyn Write) -> io::Result<()> {
    for fact in Fact::ALL {
        let rows = fact.rows().join(", ");
        let rows = if rows.is_empty() { rows } else { format!(" ({rows})") };
        hanging(out, &format!("{:10}", fact.name()), &format!("{}{rows}", fact.title()))?;
    }
    writeln!(out, "\nA fact is measured, not judged: dpop measure, or dpop measure --only NAME -v.")
}

fn explain_proof(out: &mut dyn Write) -> io::Result<()> {
    heading("What a proof consists of", out)?;
    writeln!(
        out,
        "\nA DPoP proof is a JWT that the client signs anew for each request and sends in the field DPoP."
    )?;
    writeln!(
        out,
        "Checks are numbered as in RFC 9449 section 4.3; 1 and 2: there is one proof, and it is a JWT.\n"
    )?;
    for member in MEMBERS {
        writeln!(out, "{member}")?;
    }
    heading("An example, made just now with a key that is forgotten again", out)?;
    write!(out, "\n{}", Example::made_now(&SystemClock, &SystemEntropy))
}

fn explain_requirement(
    requirement: &Requirement,
    scenarios: &[Scenario],
    out: &mut dyn Write,
) -> io::Result<()> {
    let Requirement { id, role, level, source, also, read, text, gap: _ } = requirement;
    hanging(out, &format!("{id}: "), text)?;
    writeln!(out, "\n{source}, {}, a duty of {}", level.name().to_uppercase(), role.phrase())?;
    if let Some(also) = also {
        writeln!(out, "Also         {also}")?;
    }
    writeln!(out, "Source       {}", read.phrase())?;
    let coverage = Coverage::of(Ledger::embedded(), scenarios);
    if let Some(row) = coverage.row(id) {
        let reason = row.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        hanging(out, "State        ", &format!("{}{reason}", row.state().name()))?;
        for fact in &row.facts {
            writeln!(out, "  {:32} {}", format!("dpop measure --only {}", fact.name()), fact.title())?;
        }
    }
    for case in scenarios.iter().flat_map(|scenario| &scenario.cases).filter(|case| cites(case, id)) {
        writeln!(out, "  {:32} {}", case.id, case.title)?;
    }
    Ok(())
}
