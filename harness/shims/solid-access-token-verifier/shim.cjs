// @solid/access-token-verifier behind docs/shim.md. It verifies the access token too: one of Solid, with `webid`.
const { createInterface } = require('node:readline')
const { createSolidTokenVerifier } = require('@solid/access-token-verifier')
const { createLocalJWKSet } = require('jose')
const { version } = require('./node_modules/@solid/access-token-verifier/package.json')

const RealDate = Date
let seconds
globalThis.Date = class extends RealDate { // the clock is an input
  constructor(...given) { super(...(given.length ? given : [seconds * 1000])) }
  static now() { return seconds * 1000 }
}
let issuer, keys, seen = new Set(), verifyToken

function start() {
  const replays = { isDuplicateJTI: (jti) => seen.has(jti) || !seen.add(jti) }
  const issuers = { getIssuers: async () => [issuer] }
  verifyToken = createSolidTokenVerifier(replays, { getKeySet: async () => keys }, issuers)
}

async function verify({ proof, htm, htu, at, nonce, now, state }) {
  if (at === undefined) return { result: 'unsupported', why: 'a proof without an access token' }
  if (nonce !== undefined) return { result: 'unsupported', why: 'nonces' }
  seconds = now
  if (state !== 'keep') seen = new Set()
  try {
    const claims = await verifyToken(`DPoP ${at}`, { header: proof, method: htm, url: htu })
    return { result: 'accept', jkt: claims.cnf.jkt }
  } catch (error) { // whatever it throws is a refusal
    return { result: 'reject', why: `${error.name}: ${error.message}` }
  }
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line)
    if (message.op === 'bye') break
    let answer
    if (message.op === 'hello') {
      issuer = message.issuer
      keys = createLocalJWKSet(message.jwks)
      start()
      const algs = ['ES256', 'ES384', 'ES512'] // EdDSA it does not allow, and RSA only where the jwk says its alg
      answer = { name: '@solid/access-token-verifier', version, algs, features: ['clock', 'token', 'replay'] }
    } else if (message.op === 'verify') answer = { id: message.id, ...(await verify(message)) }
    if (answer) process.stdout.write(JSON.stringify(answer) + '\n')
  }
}
main()
