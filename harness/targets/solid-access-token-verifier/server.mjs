// A resource server on node:http that asks Solid's verifier of access tokens about every request. It says yes or throws one kind of
// error; how a refusal is worded is the application's own. Beside the resource it serves the WebID of the tokens, which names the
// issuer to trust: the harness itself, on port 9400.
import { createServer } from 'node:http';
import { createSolidTokenVerifier } from '@solid/access-token-verifier';

const origin = 'http://127.0.0.1:9417';
const verify = createSolidTokenVerifier();
const profile = '<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://localhost:9400>.';

function refusal(req, error) {
  if (!req.headers.authorization) return '';
  const text = error.message.replace(/[^\x20-\x7e]+/g, ' ').replace(/["\\]/g, "'").slice(0, 200);
  const code = req.headers.dpop && !/access token|webid|issuer/i.test(text) ? 'invalid_dpop_proof' : 'invalid_token';
  return ` error="${code}", error_description="${text}",`;
}

// A memory of one's own, which the library has a place for: `jti` values of each access token, for as long as proofs are good.
const seen = new Set();
function isDuplicate(authorization, jti) {
  const use = JSON.stringify([authorization, jti]);
  if (seen.has(use)) return true;
  seen.add(use);
  setTimeout(() => seen.delete(use), 365_000).unref();
  return false;
}

createServer(async (req, res) => {
  if (req.url === '/profile') return res.writeHead(200, { 'content-type': 'text/turtle' }).end(profile);
  const url = new URL(req.url, origin); // A request may name the whole URL (RFC 9112 section 3.2.2).
  if (url.origin !== origin || url.pathname !== '/resource') return res.writeHead(404).end();
  try {
    const { authorization = '', dpop } = req.headers;
    const isDuplicateJTI = (jti) => isDuplicate(authorization, jti);
    const proof = { header: dpop, method: req.method, url: url.href, isDuplicateJTI };
    const { webid } = await verify(authorization, dpop && proof);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ webid }));
  } catch (error) {
    const challenge = `DPoP${refusal(req, error)} algs="ES256 ES384 ES512"`;
    res.writeHead(401, { 'www-authenticate': challenge }).end();
  }
}).listen(9417, '127.0.0.1');
