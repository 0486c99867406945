// A list of parts in the format CycloneDX 1.5, of what `cargo metadata` says: every crate that the program is built of.

import { readFileSync } from "node:fs";

const metadata = JSON.parse(readFileSync(0, "utf8"));
const packages = new Map(metadata.packages.map((one) => [one.id, one]));
const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
const root = metadata.packages.find((one) => one.name === "dpop-harness");
const purl = (one) => `pkg:cargo/${one.name}@${one.version}`;

// What the program links or is built with, not what its tests use.
const built = (id) => nodes.get(id).deps.filter((dep) => dep.dep_kinds.some(({ kind }) => kind !== "dev")).map((dep) => dep.pkg);
const found = new Set();
const open = [root.id];
while (open.length) {
  const id = open.pop();
  if (found.has(id)) continue;
  found.add(id);
  open.push(...built(id));
}
found.delete(root.id);

const component = (one, type) => ({
  type,
  "bom-ref": purl(one),
  name: one.name,
  version: one.version,
  ...(one.license ? { licenses: [{ expression: one.license.replaceAll("/", " OR ") }] } : {}),
  purl: purl(one),
});
const parts = [...found].map((id) => packages.get(id)).sort((a, b) => (purl(a) < purl(b) ? -1 : 1));
console.log(JSON.stringify({
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: { component: component(root, "application") },
  components: parts.map((one) => component(one, "library")),
  dependencies: [root, ...parts].map((one) => ({ ref: purl(one), dependsOn: built(one.id).map((id) => purl(packages.get(id))).sort() })),
}, null, 2));
