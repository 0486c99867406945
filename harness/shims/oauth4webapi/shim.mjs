// oauth4webapi behind docs/shim.md. It verifies the access token too, and keeps no jti values.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'

const { version } = JSON.parse(await (await import('node:fs/promises')).readFile(new URL('node_modules/oauth4webapi/package.json', import.meta.url)))
let server, jwks, audience

async function verify({ proof, htm, htu, at, nonce, now: seconds }) {
  if (at === undefined) return { result: 'unsupported', why: 'a proof without an access token' }
  if (nonce !== undefined) return { result: 'unsupported', why: 'nonces' }
  let request
  try {
    request = new Request(htu, { method: htm, headers: { authorization: `DPoP ${at}`, dpop: proof } })
  } catch (error) {
    return { result: 'unsupported', why: `Request: ${error.message}` }
  }
  const fetched = async () => Response.json(jwks)
  try {
    const clock = { [oauth.clockSkew]: seconds - Math.floor(Date.now() / 1000) }
    const options = { ...clock, [oauth.customFetch]: fetched, requireDPoP: true }
    const claims = await oauth.validateJwtAccessToken(server, request, audience, options)
    return { result: 'accept', jkt: claims.cnf.jkt }
  } catch (error) {
    const known = error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError
    return { result: known ? 'reject' : 'crash', why: `${error.name}: ${error.message}` }
  }
}

let written = Promise.resolve() // answers go out in order, while the next questions are worked on
const answer = (line) => { written = written.then(async () => process.stdout.write(JSON.stringify(await line) + '\n')) }

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line)
  if (message.op === 'bye') break
  if (message.op === 'hello') {
    ;({ jwks, audience } = message)
    server = { issuer: message.issuer, jwks_uri: `${message.issuer}/jwks` }
    const algs = ['ES256', 'ES384', 'ES512', 'EdDSA', 'PS256', 'RS256']
    answer({ name: 'oauth4webapi', version, algs, features: ['clock', 'token'] })
  } else if (message.op === 'verify') answer(verify(message).then((result) => ({ id: message.id, ...result })))
}
