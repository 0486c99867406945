// Opens the page of `dpop matrix` in a browser and uses it as a person would: node page.mjs PAGE FOLDER

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, folder] = process.argv.slice(2).map((name) => path.resolve(name));
const url = pathToFileURL(file).href;
const size = statSync(file).size;
assert.ok(size < 3e6, `${size} bytes`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const faults = [];

async function open(at, colorScheme) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.on("console", (message) => { if (message.type() !== "log") faults.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => { if (!request.url().startsWith("file:")) faults.push(`request: ${request.url()}`); });
  await page.goto(url + at);
  await page.waitForSelector("#tabs [aria-selected=true]");
  return page;
}

const times = [];
for (let turn = 0; turn < 5; turn += 1) {
  const page = await open("", "light");
  times.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domComplete));
  await page.context().close();
}
times.sort((a, b) => a - b);
assert.ok(times[2] < 1000, `it takes ${times[2]} ms to open`);

for (const scheme of ["light", "dark"]) {
  const page = await open("", scheme);
  const shot = (name) => page.screenshot({ path: path.join(folder, `${name}-${scheme}.png`) });
  const count = async () => (await page.textContent("#count")).match(/^(\d+) of (\d+) cases$/).slice(1).map(Number);
  const [, all] = await count();
  assert.ok(all >= 300);
  assert.equal(await page.locator("thead th[scope=col]").count() > 5, true);
  await shot("matrix");

  // Filters, one after the other and together.
  await page.check("#differ");
  const [differing] = await count();
  assert.ok(differing > 0 && differing < all);
  await page.check("input[value=fail]");
  const [failing] = await count();
  assert.ok(failing > 0 && failing <= differing);
  await page.fill("#text", "rs.ath missing");
  assert.equal((await count())[0], 1);
  await shot("filtered");
  // The view has a link.
  const again = await open(new URL(page.url()).hash, scheme);
  assert.equal(await again.textContent("#count"), await page.textContent("#count"));
  await again.context().close();

  // The drawer: by a click, and closed by the keyboard.
  await page.click("tr:not([hidden]) td.fail a");
  await page.waitForSelector("#drawer[open]");
  const drawer = page.locator("#drawer");
  const text = await drawer.innerText();
  for (const part of ["rs.ath.missing", "no ath in the proof", "accept 200", "claims ath", "left out", "control-before",
    "RFC 9449 section 4.3", "dpop run rs.ath.missing -vv", "Guide: "]) {
    assert.ok(text.includes(part), `${part} is not in ${text}`);
  }
  assert.ok(!text.includes("[object") && !text.includes("undefined"), text);
  await shot("case");
  await drawer.locator("table.diff").scrollIntoViewIfNeeded();
  await shot("proof");
  await drawer.locator("summary", { hasText: "Guide" }).click();
  await drawer.locator("summary", { hasText: "Guide" }).scrollIntoViewIfNeeded();
  await shot("guide");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#drawer:not([open])", { state: "attached" });
  assert.ok(!page.url().includes("case="), page.url());
  assert.equal((await count())[0], 1, "what was filtered stays filtered");

  // Every case can be opened at every target, by its link.
  await page.evaluate(() => { location.hash = ""; });
  for (const id of ["rs.jws.duplicate-fields", "rs.replay.race", "rs.answer.status", "rs.htu.upper-case-host-ok", "rs.preflight.canary"]) {
    if (!(await page.evaluate((id) => caseById.has(id), id))) continue;
    await page.evaluate((id) => { location.hash = `case=${id}&target=0`; }, id);
    await page.waitForFunction((id) => document.getElementById("drawer-title")?.textContent === id, id);
  }
  const broken = await page.evaluate(() => data.cases.flatMap((one) => one.results.map((result, at) => {
    if (!result) return null;
    location.hash = `case=${one.id}&target=${at}`;
    open(state());
    const text = drawer.textContent;
    return text.includes("[object") || text.includes("undefined") || text.includes("null,") ? `${one.id} ${at}` : null;
  })).filter(Boolean));
  assert.deepEqual(broken, []);
  await page.evaluate(() => { location.hash = ""; });
  await page.waitForSelector("#drawer:not([open])", { state: "attached" });

  // The keyboard: cell to cell, and tab to tab.
  await page.locator("td.cell a").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#drawer[open]");
  assert.match(page.url(), /target=1/);
  await page.keyboard.press("Escape");
  await page.focus("#tab-matrix");
  for (const [tab, said] of [["failures", "findings"], ["coverage", "requirements of resource servers"], ["facts", "What the runs knew"],
    ["kill", "planted bugs"]]) {
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.getAttribute(`#tab-${tab}`, "aria-selected"), "true");
    assert.ok((await page.innerText("main")).includes(said), tab);
    if (tab === "facts") {
      assert.equal(await page.locator("svg.time").count(), 2, "a time line for proofs, and one for nonces");
      await page.locator("svg.time").first().scrollIntoViewIfNeeded();
    }
    await shot(tab);
  }

  // Contrast of every text with what is behind it (WCAG 2, level AA).
  await page.click("#tab-matrix");
  const poor = await page.evaluate(() => {
    const channel = (value) => (value /= 255, value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
    const parse = (color) => color.match(/[\d.]+/g).map(Number);
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if (color.length < 4 || color[3] > 0) return color;
      }
      return [255, 255, 255];
    };
    const seen = new Map();
    for (const element of document.querySelectorAll("body *")) {
      if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || !element.getClientRects().length) continue;
      const [one, other] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
      const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
      if (ratio < 4.5) seen.set(element.tagName + "." + element.className, ratio.toFixed(2));
    }
    return [...seen];
  });
  assert.deepEqual(poor, []);

  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".filters").isVisible(), false);
  await page.context().close();
}
await browser.close();
assert.deepEqual(faults, []);
console.log(`${size} bytes, opened in ${Math.round(times[2])} ms`);
