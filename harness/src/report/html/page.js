"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const VERDICTS = ["pass", "note", "warn", "fail", "skip", "inconclusive"];
const SIGNS = { pass: "●", note: "○", warn: "▲", fail: "✗", skip: "·", inconclusive: "?" };
const LEVELS = ["must", "should", "may", "policy"];
const TABS = { matrix: "Matrix", failures: "Failures", coverage: "Coverage", facts: "Facts", kill: "Kill matrix" };
const main = document.getElementById("content");
const drawer = document.getElementById("drawer");
const caseById = new Map(data.cases.map((one) => [one.id, one]));

/** An element; what is a string becomes text, never markup. */
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  return fill(element, ...children);
}

/** Puts children into an element in the place of what it has. */
function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/* Everything that is shown stands in the fragment of the URL, so that each view has a link. */

function state() {
  const at = new URLSearchParams(location.hash.slice(1));
  const list = (name) => (at.get(name) || "").split(",").filter(Boolean);
  const tab = at.get("tab");
  return {
    tab: tab in TABS ? tab : "matrix",
    case: at.get("case"),
    target: at.get("target"),
    text: at.get("text") || "",
    differ: at.get("differ") === "1",
    levels: list("level"),
    verdicts: list("verdict"),
  };
}

function link(changes) {
  const now = { ...state(), ...changes };
  const at = new URLSearchParams();
  if (now.tab !== "matrix") at.set("tab", now.tab);
  if (now.text) at.set("text", now.text);
  if (now.differ) at.set("differ", "1");
  if (now.levels.length) at.set("level", now.levels.join(","));
  if (now.verdicts.length) at.set("verdict", now.verdicts.join(","));
  if (now.case) {
    at.set("case", now.case);
    if (now.target != null) at.set("target", now.target);
  }
  return "#" + at.toString();
}

function go(changes, keep) {
  const to = link(changes);
  if (keep) {
    history.replaceState(null, "", to);
    show();
  } else {
    location.hash = to;
  }
}

/* Verdicts */

function className(verdict) {
  return verdict === "skip" ? "skip-verdict" : verdict;
}

function badge(verdict) {
  return h("span", { class: "badge " + className(verdict) }, SIGNS[verdict] + " " + verdict);
}

function differs(one) {
  return new Set(one.results.map((result) => (result ? result.verdict : "none"))).size > 1;
}

/* Above the tabs: the runs */

function runs() {
  const head = ["target", "profile", "nonces", ...VERDICTS, "waived", "requests", "seconds", "began", "dpop"];
  const rows = data.targets.map((target) =>
    h("tr", {}, h("th", { scope: "row" }, target.name), h("td", {}, target.profile), h("td", {}, target.facts.nonce),
      VERDICTS.map((verdict) => h("td", { class: "number" }, String(target.summary[verdict]))),
      h("td", { class: "number" }, String(target.summary.waived)),
      h("td", { class: "number" }, String(target.requests)),
      h("td", { class: "number" }, target.seconds == null ? "" : target.seconds.toFixed(1)),
      h("td", {}, target.began || ""), h("td", {}, target.version)));
  const troubles = data.targets.filter((target) => target.facts.trouble).map((target) =>
    h("p", { class: "badge inconclusive" }, target.name + ": " + target.facts.trouble));
  return [h("div", { class: "wide" }, h("table", {}, h("caption", {}, "What was run"),
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows))), troubles];
}

/* The matrix */

let rows = [];

function matrix() {
  rows = [];
  const groups = new Map();
  for (const one of data.cases) {
    if (!groups.has(one.scenario)) groups.set(one.scenario, []);
    groups.get(one.scenario).push(one);
  }
  const bodies = [...groups].map(([scenario, cases]) => {
    const mine = cases.map((one) => {
      const element = h("tr", {},
        h("th", { scope: "row" }, h("a", { href: link({ case: one.id, target: null }) }, h("code", {}, one.id)),
          h("div", { class: "faint" }, one.title)),
        h("td", {}, one.level),
        one.results.map((result, at) => cell(one, result, at)));
      const row = { one, element, text: [one.id, one.title, one.why, ...one.spec, ...one.cwe.map((n) => "CWE-" + n)]
        .concat(one.results.map((result) => (result ? result.saw + " " + (result.reason || "") : ""))).join(" ").toLowerCase() };
      rows.push(row);
      return row;
    });
    const body = h("tbody", {}, h("tr", {}, h("th", { scope: "rowgroup", colspan: 2 + data.targets.length }, scenario)),
      mine.map((row) => row.element));
    mine.forEach((row) => { row.body = body; });
    return body;
  });
  const table = h("table", { keydown: walk }, h("caption", { id: "count", "aria-live": "polite" }),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "case"), h("th", { scope: "col" }, "level"),
      data.targets.map((target) => h("th", { scope: "col" }, target.name)))),
    bodies);
  return [filters(), h("p", { class: "faint" },
    "A cell opens the case. Arrow keys go from cell to cell. " + VERDICTS.map((verdict) => SIGNS[verdict] + " " + verdict).join("   ")),
    h("div", {}, table)];
}

function cell(one, result, at) {
  if (!result) return h("td", { class: "cell faint" }, "");
  const waived = result.waived ? " (waived)" : "";
  return h("td", { class: "cell " + className(result.verdict) },
    h("a", { href: link({ case: one.id, target: String(at) }), "aria-label":
      `${one.id} at ${data.targets[at].name}: ${result.verdict}${waived}, ${result.saw}` },
      h("span", { class: "word" }, SIGNS[result.verdict] + " " + result.verdict + waived),
      result.verdict === "skip" ? null : h("small", {}, result.saw.length > 60 ? result.saw.slice(0, 59) + "…" : result.saw)));
}

function filters() {
  const now = state();
  const toggle = (name, value) => (event) => {
    const chosen = state()[name].filter((known) => known !== value);
    go({ [name]: event.target.checked ? [...chosen, value] : chosen }, true);
  };
  const choice = (legend, name, values) => h("fieldset", {}, h("legend", {}, legend), values.map((value) =>
    h("label", {}, h("input", { type: "checkbox", name, value, checked: now[name].includes(value), change: toggle(name, value) }), " " + value)));
  return h("form", { class: "filters", role: "search", submit: (event) => event.preventDefault() },
    h("label", {}, "Text ", h("input", { type: "search", id: "text", value: now.text, input: (event) => go({ text: event.target.value }, true) })),
    choice("Level", "levels", LEVELS), choice("Verdict at any target", "verdicts", VERDICTS),
    data.targets.length > 1 ? h("label", {}, h("input", { type: "checkbox", id: "differ", checked: now.differ,
      change: (event) => go({ differ: event.target.checked }, true) }), " only where they differ") : null);
}

function filter(now) {
  const inputs = main.querySelector(".filters").elements;
  for (const input of inputs) {
    if (input.name) input.checked = now[input.name].includes(input.value);
  }
  inputs.text.value = now.text;
  if (inputs.differ) inputs.differ.checked = now.differ;
  const words = now.text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  const alive = new Set();
  for (const { one, element, text, body } of rows) {
    const verdicts = one.results.filter(Boolean).map((result) => result.verdict);
    const ok = words.every((word) => text.includes(word))
      && (!now.levels.length || now.levels.includes(one.level))
      && (!now.verdicts.length || verdicts.some((verdict) => now.verdicts.includes(verdict)))
      && (!now.differ || differs(one));
    element.hidden = !ok;
    if (ok) {
      shown += 1;
      alive.add(body);
    }
  }
  for (const { body } of rows) body.hidden = !alive.has(body);
  document.getElementById("count").textContent = `${shown} of ${rows.length} cases`;
}

/** Arrow keys: to the next cell that is shown. */
function walk(event) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const from = event.target.closest("tr");
  if (!step || !from || event.target.tagName !== "A") return;
  const shown = rows.filter((row) => !row.element.hidden).map((row) => row.element);
  const links = (row) => [...row.querySelectorAll("a")];
  const column = links(from).indexOf(event.target) + step[1];
  const to = shown[shown.indexOf(from) + step[0]];
  const next = to && links(to)[column];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

/* Failures */

function failures() {
  const found = [];
  for (const one of data.cases) {
    one.results.forEach((result, at) => {
      if (result && ["fail", "warn", "inconclusive"].includes(result.verdict)) found.push({ one, result, at });
    });
  }
  const order = { fail: 0, warn: 1, inconclusive: 2 };
  found.sort((a, b) => Boolean(a.result.waived) - Boolean(b.result.waived) || order[a.result.verdict] - order[b.result.verdict]);
  const faults = data.targets.flatMap((target) => [
    ...target.bad_waivers.map((waiver) => `${target.name}: ${waiver.told}`),
    ...(target.drift ? target.drift.changed.map((one) => `${target.name}: ${one.id} was ${one.was}, is ${one.is}`) : []),
    ...(target.drift ? target.drift.gone.map((id) => `${target.name}: ${id} is in the snapshot, not in the suite`) : []),
  ]);
  return [
    h("h2", {}, found.length ? `${found.length} findings` : "Nothing is wrong, as far as was shown"),
    faults.length ? [h("h3", {}, "Drift and waivers"), h("ul", {}, faults.map((text) => h("li", {}, text)))] : null,
    found.map(({ one, result, at }) => h("section", { class: "finding is-" + result.verdict },
      h("h3", {}, badge(result.verdict), " ", h("a", { href: link({ case: one.id, target: String(at) }) }, one.id),
        data.targets.length > 1 ? " at " + data.targets[at].name : ""),
      h("div", {}, one.title),
      h("div", {}, `Expected ${one.expected}; saw ${result.saw}.`),
      result.waived ? h("div", {}, `Waived until ${result.waived.expires}: ${result.waived.reason}`) : h("div", { class: "faint" }, one.why))),
  ];
}

/* Coverage */

function coverage() {
  const rank = ["skip", "pass", "note", "inconclusive", "warn", "fail"];
  const lines = data.requirements.map((row) => {
    const cases = data.cases.filter((one) => one.spec.includes(row.id));
    const worst = data.targets.map((_, at) => cases.map((one) => one.results[at] && one.results[at].verdict).filter(Boolean)
      .sort((a, b) => rank.indexOf(b) - rank.indexOf(a))[0]);
    return h("tr", {}, h("th", { scope: "row" }, h("code", {}, row.id), h("div", { class: "faint" }, row.source)),
      h("td", {}, row.level), h("td", {}, row.text, row.gap ? h("div", { class: "faint" }, row.gap) : null),
      h("td", { class: "number" }, cases.length ? h("a", { href: link({ tab: "matrix", text: row.id }) }, String(cases.length)) : "0"),
      worst.map((verdict) => verdict ? h("td", { class: className(verdict) }, SIGNS[verdict] + " " + verdict) : h("td", {}, "")));
  });
  const covered = data.requirements.filter((row) => data.cases.some((one) => one.spec.includes(row.id))).length;
  return [h("h2", {}, `${covered} of ${data.requirements.length} requirements of resource servers have cases here`),
    h("div", {}, h("table", {}, h("caption", {}, "Each requirement with the worst verdict of its cases"),
      h("thead", {}, h("tr", {}, ["requirement", "level", "what it asks", "cases", ...data.targets.map((target) => target.name)]
        .map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, lines)))];
}

/* Facts */

function facts() {
  const names = [...new Set(data.targets.flatMap((target) => Object.keys(target.facts).filter((name) => target.facts[name] != null)))];
  const text = (value) => value == null ? "" : Array.isArray(value) ? value.join(" ") : String(value);
  return [h("h2", {}, "What the runs knew"),
    h("div", { class: "wide" }, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "fact"), data.targets.map((target) => h("th", { scope: "col" }, target.name)))),
      h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name),
        data.targets.map((target) => h("td", {}, text(target.facts[name])))))))),
    data.facts.length ? data.facts.map(measured) : h("p", {}, "How old a proof may be, how long a nonce is good and more is measured by ",
      h("code", {}, "dpop measure --format json"), "; give its file to ", h("code", {}, "dpop matrix"), ", too.")];
}

function measured(document) {
  const found = document.facts;
  const window = found.window && found.window.measured;
  const nonce = found.nonce && found.nonce.measured;
  return h("section", {}, h("h2", {}, "Measured: " + document.target.name),
    window && window.past ? [h("h3", {}, "When a proof is accepted"), windowLine(window, found.window.told)] : null,
    nonce && nonce.lifetime ? [h("h3", {}, "How long a nonce is good"), nonceLine(nonce, found.nonce.told)] : null,
    h("dl", {}, Object.entries(found).filter(([, entry]) => entry).map(([name, entry]) => [
      h("dt", {}, name), h("dd", {}, entry.told || entry.why_not || "", h("div", { class: "faint" }, entry.meaning || ""))])));
}

/** A time line: pieces [from, to, class], marks [at, text]. */
function timeLine(label, pieces, marks) {
  const ends = [...pieces.flatMap(([from, to]) => [from, to]), ...marks.map(([at]) => at)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = (at) => 60 + (680 * (at - low)) / (high - low || 1);
  const picture = svg("svg", { class: "time", viewBox: "0 0 800 84", role: "img", "aria-label": label });
  for (const [from, to, name] of pieces) {
    picture.append(svg("rect", { x: x(from), y: 26, width: Math.max(1, x(to) - x(from)), height: 22, class: name }));
  }
  picture.append(svg("line", { x1: 40, x2: 760, y1: 50, y2: 50 }));
  let last = [-1e9, -1e9];
  for (const [at, text] of [...marks].sort((a, b) => a[0] - b[0])) {
    // Labels that would touch go above and below by turns.
    const above = x(at) - last[1] < 90 && x(at) - last[0] >= 90;
    last[above ? 0 : 1] = x(at);
    picture.append(svg("line", { x1: x(at), x2: x(at), y1: above ? 20 : 24, y2: 56 }),
      svg("text", { x: x(at), y: above ? 16 : 72, "text-anchor": "middle" }, text));
  }
  return picture;
}

function windowLine(window, told) {
  const pieces = [];
  const marks = [[0, "now"]];
  const side = (edge, sign) => {
    if (!edge) return;
    const good = edge.accepted;
    if (good != null) {
      pieces.push(sign < 0 ? [-good, 0, "good"] : [0, good, "good"]);
      marks.push([sign * good, (sign < 0 ? "−" : "+") + good + " s"]);
    }
    if (edge.refused != null && edge.refused - (good || 0) > 1) {
      pieces.push(sign < 0 ? [-edge.refused, -(good || 0), "unsure"] : [good || 0, edge.refused, "unsure"]);
      marks.push([sign * edge.refused, "refused"]);
    }
  };
  side(window.past, -1);
  side(window.future, 1);
  return [timeLine("The time in an accepted proof: " + told, pieces, marks), h("p", { class: "faint" }, told)];
}

function nonceLine(nonce, told) {
  const { accepted, refused } = nonce.lifetime;
  const pieces = [];
  const marks = [[0, "supplied"]];
  if (accepted != null) {
    pieces.push([0, accepted, "good"]);
    marks.push([accepted, accepted + " s"]);
  }
  if (refused != null) {
    pieces.push([accepted || 0, refused, "unsure"]);
    marks.push([refused, "refused"]);
  }
  const turn = nonce.rotation && nonce.rotation["by-time"];
  if (turn && turn.most != null) marks.push([turn.most, "a new one"]);
  return [timeLine("The life of a nonce: " + told, pieces, marks), h("p", { class: "faint" }, told)];
}

/* The kill matrix */

function kill() {
  const known = (id) => caseById.has(id) ? h("a", { href: link({ case: id, target: null }) }, id) : id;
  return [h("h2", {}, `${data.bugs.length} planted bugs`),
    h("p", {}, "Each case is proven able to fail: for each bug, planted in the reference server, these cases must catch it. ",
      h("code", {}, "dpop selftest"), " shows that they do."),
    h("div", {}, h("table", {}, h("caption", {}, "Bugs and the cases that catch them"),
      h("thead", {}, h("tr", {}, ["bug", "what the server does", "caught by"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, data.bugs.map((bug) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, bug.name)), h("td", {}, bug.summary),
        h("td", {}, bug.caught_by.map((id, at) => [at ? ", " : "", known(id)])))))))];
}

/* The drawer */

function open(now) {
  const one = caseById.get(now.case);
  if (!one) return;
  const there = one.results.map((result, at) => (result ? at : -1)).filter((at) => at >= 0);
  const rank = VERDICTS.slice(0, 4);
  const worst = [...there].sort((a, b) => rank.indexOf(one.results[b].verdict) - rank.indexOf(one.results[a].verdict))[0];
  const at = there.includes(Number(now.target)) && now.target != null ? Number(now.target) : worst;
  const result = one.results[at];
  const requirement = (id) => {
    const row = data.requirements.find((known) => known.id === id);
    return h("li", {}, row ? `${row.text} (${row.source}, ${id})` : id);
  };
  const page = one.pitfall && data.pages[one.pitfall];
  const repeat = `dpop run ${one.id} -vv`;
  fill(drawer,
    h("button", { class: "plain close", type: "button", click: () => drawer.close() }, "Close"),
    h("h2", { id: "drawer-title" }, h("code", {}, one.id)),
    there.length > 1 ? h("div", { class: "row", role: "group", "aria-label": "Target" }, there.map((other) =>
      h("button", { class: "plain", type: "button", "aria-pressed": String(other === at),
        click: () => go({ target: String(other) }, true) }, data.targets[other].name + " ", badge(one.results[other].verdict)))) : null,
    h("p", {}, badge(result.verdict), " ", h("strong", {}, data.targets[at].name),
      result.waived ? ` waived until ${result.waived.expires}: ${result.waived.reason}` : ""),
    h("dl", {}, h("dt", {}, "Sent"), h("dd", {}, one.title),
      h("dt", {}, "Expected"), h("dd", {}, one.expected),
      h("dt", {}, "Saw"), h("dd", {}, result.saw),
      result.reason ? [h("dt", {}, "Because"), h("dd", {}, result.reason)] : null,
      result.reproduced ? [h("dt", {}, "Reproduced"), h("dd", {}, result.reproduced)] : null,
      result.was ? [h("dt", {}, "Snapshot"), h("dd", {}, result.was)] : null,
      h("dt", {}, "Level"), h("dd", {}, (result.level || one.level).toUpperCase()),
      one.cwe.length ? [h("dt", {}, "Weakness"), h("dd", {}, one.cwe.map((number) => "CWE-" + number).join(" "))] : null,
      h("dt", {}, "Requirement"), h("dd", {}, h("ul", {}, one.spec.map(requirement))),
      one.why ? [h("dt", {}, "Why"), h("dd", {}, one.why)] : null,
      one.attacker ? [h("dt", {}, "Who gains"), h("dd", {}, one.attacker)] : null,
      h("dt", {}, "Scenario"), h("dd", {}, h("code", {}, `${one.file}:${one.line}`))),
    h("h3", {}, "How to repeat it"),
    h("div", { class: "row" }, h("code", {}, repeat), h("button", { class: "plain", type: "button",
      click: (event) => navigator.clipboard.writeText(repeat).then(() => { event.target.textContent = "Copied"; }, () => {}) }, "Copy")),
    proof(result.proof || one.proof),
    transcript(result),
    page ? h("details", {}, h("summary", {}, "Guide: " + page.title), markdown(page.text)) : null);
  if (!drawer.open) drawer.showModal();
}

function transcript(result) {
  if (!result.transcript) {
    return h("p", { class: "faint" }, result.left_out ? `${result.left_out} requests; their transcript is in the results` : "");
  }
  return [h("h3", {}, "Requests and answers"), result.transcript.map((entry) => h("details", { open: entry.decisive },
    h("summary", {}, `${entry.turn}: ${entry.told}, ${entry.ms} ms`, entry.decisive ? h("strong", {}, " ← this decided") : ""),
    h("pre", {}, entry.request), h("pre", {}, entry.response)))];
}

/* Proofs */

function proof(texts) {
  if (!texts) return null;
  const head = h("h3", {}, "The proof, decoded");
  if (!texts.correct) {
    return [head, h("p", {}, "Header and claims are those of a correct proof; what is wrong, if anything, is how it was signed or sent."),
      h("pre", {}, texts.header), h("pre", {}, texts.claims)];
  }
  return [head, h("table", { class: "diff" }, h("caption", {}, "What was sent, beside the correct proof"),
    h("thead", {}, h("tr", {}, ["part", "sent", "correct", "difference"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, difference("header", texts.header, texts.correct.header), difference("claims", texts.claims, texts.correct.claims)))];
}

function difference(part, sent, correct) {
  const [ours, theirs] = [flat(sent), flat(correct)];
  if (!ours || !theirs) return [row(part, sent, correct)];
  const keys = ours.map(([key]) => key);
  theirs.forEach(([key], at) => { if (!keys.includes(key)) keys.splice(Math.min(at, keys.length), 0, key); });
  const of = (list, key) => (list.find(([known]) => known === key) || [])[1];
  return keys.map((key) => row(part + " " + key, of(ours, key), of(theirs, key)));
}

function row(name, sent, correct) {
  const kind = sent == null ? "missing" : correct == null ? "added" : sent === correct ? "same" : "changed";
  const sign = { missing: "− left out", added: "+ added", same: "", changed: "≠ changed" }[kind];
  const [a, b] = kind === "changed" ? marked(sent, correct) : [sent, correct];
  return h("tr", { class: kind }, h("th", { scope: "row" }, name), h("td", {}, a ?? ""), h("td", {}, b ?? ""), h("td", {}, sign));
}

/** Both texts, with what lies between their common beginning and their common end marked. */
function marked(a, b) {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const parts = (text) => [text.slice(0, start), h("mark", {}, text.slice(start, text.length - end)), text.slice(text.length - end)];
  return [parts(a), parts(b)];
}

/** The members of an object with those of the objects in it, as they are spelled; null where the text is no object. */
function flat(text) {
  const found = members(text);
  return found && unique(found.flatMap(([name, value]) => {
    const inner = value.startsWith("{") ? members(value) : null;
    return inner && inner.length ? inner.map(([deeper, spelled]) => [name + "." + deeper, spelled]) : [[name, value]];
  }));
}

/** A name that comes again is told apart. */
function unique(found) {
  const seen = new Map();
  return found.map(([name, value]) => {
    const times = (seen.get(name) || 0) + 1;
    seen.set(name, times);
    return [times > 1 ? `${name} (${times})` : name, value];
  });
}

function members(text) {
  const all = text.trim();
  if (!all.startsWith("{")) return null;
  const found = [];
  let [depth, quoted, start, colon] = [0, false, 1, -1];
  const take = (end) => {
    if (colon < 0) return all.slice(start, end).trim() === "";
    const name = all.slice(start, colon).trim();
    found.push([name.replace(/^"(.*)"$/s, "$1"), all.slice(colon + 1, end).trim()]);
    return true;
  };
  for (let at = 0; at < all.length; at += 1) {
    const letter = all[at];
    if (quoted) {
      if (letter === "\\") at += 1;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{" || letter === "[") depth += 1;
    else if (letter === "}" || letter === "]") {
      depth -= 1;
      if (depth === 0) return take(at) && at === all.length - 1 ? found : null;
    } else if (letter === ":" && depth === 1 && colon < 0) colon = at;
    else if (letter === "," && depth === 1) {
      if (!take(at)) return null;
      [start, colon] = [at + 1, -1];
    }
  }
  return null;
}

/* The guide's Markdown: headings, lists, code, and text. */

function markdown(text) {
  const out = h("div", {});
  let [list, code, paragraph] = [null, null, null];
  const spans = (line) => line.split(/(`[^`]+`)/).map((part) => part.startsWith("`") && part.length > 1 ? h("code", {}, part.slice(1, -1)) : part);
  for (const line of text.split("\n").slice(1)) {
    if (line.startsWith("```")) {
      if (code) code = null;
      else out.append(code = h("pre", {}));
      list = paragraph = null;
    } else if (code) code.append(line + "\n");
    else if (line.startsWith("#")) {
      out.append(h("h3", {}, line.replace(/^#+ /, "")));
      list = paragraph = null;
    } else if (/^\s*[-*] /.test(line)) {
      if (!list) out.append(list = h("ul", {}));
      list.append(paragraph = h("li", {}, spans(line.replace(/^\s*[-*] /, ""))));
    } else if (!line.trim()) list = paragraph = null;
    else if (paragraph) paragraph.append(" ", ...spans(line.trim()));
    else out.append(paragraph = h("p", {}, spans(line)));
  }
  return out;
}

/* All together */

const VIEWS = { matrix, failures, coverage, facts, kill };
let drawn = null;

function tabs(now) {
  const names = Object.keys(TABS);
  const bar = document.getElementById("tabs");
  fill(bar, names.map((name, at) => h("button", {
    role: "tab", type: "button", id: "tab-" + name, "aria-selected": String(name === now.tab), "aria-controls": "content",
    tabindex: name === now.tab ? "0" : "-1", click: () => go({ tab: name, case: null }),
    keydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = names[(at + step + names.length) % names.length];
      go({ tab: next, case: null }, true);
      document.getElementById("tab-" + next).focus();
    },
  }, TABS[name])));
}

function show() {
  const now = state();
  if (drawn !== now.tab) {
    tabs(now);
    main.setAttribute("role", "tabpanel");
    main.setAttribute("aria-labelledby", "tab-" + now.tab);
    fill(main, VIEWS[now.tab]());
    drawn = now.tab;
  }
  if (now.tab === "matrix") filter(now);
  if (now.case) open(now);
  else if (drawer.open) drawer.close();
}

/** A link in a list was made when the list was drawn; what is filtered since stays filtered. */
document.addEventListener("click", (event) => {
  const target = event.target.closest("a[href^='#']");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const to = new URLSearchParams(target.getAttribute("href").slice(1));
  if (!to.has("case")) return;
  event.preventDefault();
  go({ case: to.get("case"), target: to.get("target") });
});
drawer.addEventListener("close", () => { if (state().case) go({ case: null }); });
drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
window.addEventListener("hashchange", show);
fill(document.getElementById("runs"), runs());
show();
