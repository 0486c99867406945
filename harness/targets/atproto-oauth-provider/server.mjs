// A resource server on node:http that asks the `OAuthVerifier` of @atproto/oauth-provider about every request. Nonces are on and
// its own memory keeps `jti` values, as the library has it by default. Only bound tokens are served here.
// The issuer it trusts is the harness itself, on port 9400.
import { createServer } from 'node:http';
import { JoseKey } from '@atproto/jwk-jose';
import { InvalidTokenError, OAuthError, WWWAuthenticateError } from '@atproto/oauth-provider/errors';
import { Keyset, OAuthVerifier } from '@atproto/oauth-provider/verifier';

const issuer = 'http://127.0.0.1:9400';
const origin = 'http://127.0.0.1:9425';

// The library is made for the server that issues the tokens itself, and knows its keys. These are fetched.
class PublishedKeys extends Keyset {
  #published = new Keyset([]);

  async verifyJwt(token, options) {
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
    if (!this.#published.has(kid)) {
      const { keys } = await (await fetch(`${issuer}/.well-known/jwks.json`)).json();
      this.#published = new Keyset(await Promise.all(keys.map((key) => JoseKey.fromJWK(key))));
    }
    return this.#published.verifyJwt(token, options);
  }
}

const verifier = new OAuthVerifier({
  issuer,
  keyset: new PublishedKeys([]),
  onDecodeToken: ({ tokenType }) => {
    if (tokenType !== 'DPoP') throw new InvalidTokenError('DPoP', 'The token is bound to no key');
  },
});

async function answer(req, res) {
  const url = new URL(req.url, origin); // A request may name the whole URL (RFC 9112 section 3.2.2).
  if (url.origin !== origin || url.pathname !== '/resource') return res.writeHead(404).end();
  res.setHeader('DPoP-Nonce', verifier.nextDpopNonce());
  res.setHeader('Cache-Control', 'no-store');
  try {
    const { sub } = await verifier.authenticateRequest(req.method, url, req.headers, { audience: [origin] });
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub }));
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    if (error instanceof WWWAuthenticateError) res.setHeader('WWW-Authenticate', error.wwwAuthenticateHeader);
    res.writeHead(error.statusCode, { 'content-type': 'application/json' }).end(JSON.stringify(error));
  }
}

createServer((req, res) => {
  answer(req, res).catch((error) => {
    console.error(error);
    res.writeHead(500).end();
  });
}).listen(9425, '127.0.0.1');
