// Prints a new access token bound to the key in DPOP_JWK_FILE: a refresh request (RFC 6749, section 6) with a DPoP proof.
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

const url = 'http://127.0.0.1:9412/token';
const key = JSON.parse(readFileSync(process.env.DPOP_JWK_FILE, 'utf8'));
const { kty, crv, x, y } = key;
const [alg, digest] = kty === 'OKP' ? ['EdDSA', null] : ['ES256', 'sha256'];
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = { typ: 'dpop+jwt', alg, jwk: { kty, crv, x, y } };
const privateKey = createPrivateKey({ key, format: 'jwk' });
const body = new URLSearchParams({
  grant_type: 'refresh_token',
  refresh_token: 'refresh-token-of-alice',
  client_id: 'harness',
  client_secret: 'only-on-loopback',
  scope: process.env.DPOP_SCOPE || 'openid',
});

async function ask(nonce) {
  const claims = { jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(Date.now() / 1000), nonce };
  const input = `${encode(header)}.${encode(claims)}`;
  const signature = sign(digest, input, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  return fetch(url, { method: 'POST', body, headers: { DPoP: `${input}.${signature}` } });
}

let response = await ask();
let answer = await response.json();
if (answer.error === 'use_dpop_nonce') {
  response = await ask(response.headers.get('DPoP-Nonce'));
  answer = await response.json();
}
if (answer.token_type !== 'DPoP') throw new Error(`no bound token: ${response.status} ${JSON.stringify(answer)}`);
console.log(JSON.stringify({ access_token: answer.access_token }));
