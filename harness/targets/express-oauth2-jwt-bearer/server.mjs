// A resource server on Auth0's middleware, set up as its EXAMPLES.md says under "Require only DPoP tokens".
// The issuer it trusts is the harness itself, on port 9400.
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';

const app = express();
// Express shows clients the stack of every refusal otherwise.
app.set('env', 'production');

app.use(
  auth({
    issuerBaseURL: 'http://127.0.0.1:9400',
    audience: 'http://127.0.0.1:9411',
    tokenSigningAlg: 'ES256',
    strict: true, // RFC 9068: typ at+jwt and its claims
    dpop: { enabled: true, required: true, iatOffset: 300, iatLeeway: 30 },
  }),
);

// The middleware leaves single use of `jti` to the application ("you MUST implement your own"). The proof has passed
// every check when this runs, and nothing is awaited between looking and remembering.
const seen = new Set();
app.use((req, res, next) => {
  const claims = Buffer.from(req.headers.dpop.split('.')[1], 'base64url');
  const { jti } = JSON.parse(new TextDecoder().decode(claims)); // As the middleware reads them.
  const use = JSON.stringify([req.auth.payload.cnf.jkt, jti]);
  if (seen.has(use)) {
    const description = 'DPoP proof has already been used';
    const why = `error="invalid_dpop_proof", error_description="${description}"`;
    res.set('WWW-Authenticate', `DPoP ${why}, algs="ES256"`);
    res.status(401).json({ error: 'invalid_dpop_proof', error_description: description });
    return;
  }
  seen.add(use);
  // A proof dated as far ahead as allowed can be sent again until iatLeeway + iatOffset have passed.
  setTimeout(() => seen.delete(use), 335_000).unref();
  next();
});

app.get('/resource', (req, res) => {
  res.json({ sub: req.auth.payload.sub });
});

app.listen(9411, '127.0.0.1', (error) => {
  if (error) throw error;
});
