// Validates an HTTP archive by the schemas of the format: node archive.mjs FILE

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import validator from "har-validator";

const archive = JSON.parse(readFileSync(process.argv[2], "utf8"));
await validator.har(archive).catch((error) => assert.fail(JSON.stringify(error.errors, null, 2)));
assert.ok(archive.log.entries.length > 1000);
console.log(`${archive.log.entries.length} exchanges`);
