// A resource server on node:http that asks oauth4webapi about every request. The library says yes or throws; how a refusal is
// worded, and any memory of `jti`, is the application's own. There is no memory here.
// The issuer it trusts is the harness itself, on port 9400.
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';

const issuer = new URL('http://127.0.0.1:9400');
const origin = 'http://127.0.0.1:9414';
const algs = ['ES256', 'ES384', 'ES512', 'EdDSA', 'PS256', 'RS256'];
const options = { requireDPoP: true, signingAlgorithms: algs, [oauth.allowInsecureRequests]: true };

let metadata;
async function authorizationServer() {
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options });
  return oauth.processDiscoveryResponse(issuer, response);
}

function refusal(request, error) {
  if (!request.headers.has('authorization')) return '';
  const text = error.message.replace(/[^\x20-\x7e]|["\\]/g, "'");
  const code = request.headers.has('dpop') && /DPoP|proof|jwk/i.test(text) ? 'invalid_dpop_proof' : 'invalid_token';
  return ` error="${code}", error_description="${text}",`;
}

createServer(async (req, res) => {
  let request;
  try {
    const url = new URL(req.url, origin); // A request may name the whole URL (RFC 9112 section 3.2.2).
    if (url.origin !== origin) return res.writeHead(421).end();
    request = new Request(url, { method: req.method, headers: req.headers });
  } catch {
    return res.writeHead(400).end();
  }
  try {
    metadata ??= await authorizationServer();
    const { sub } = await oauth.validateJwtAccessToken(metadata, request, origin, options);
    if (new URL(request.url).pathname !== '/resource') return res.writeHead(404).end();
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub }));
  } catch (error) {
    const challenge = `DPoP${refusal(request, error)} algs="${algs.join(' ')}"`;
    res.writeHead(401, { 'www-authenticate': challenge }).end();
  }
}).listen(9414, '127.0.0.1');
