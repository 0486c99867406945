// Community Solid Server with its own configuration for files, and one document that its access control gives to one WebID alone.
// Beside it lies the profile of that WebID, which names the issuer to trust: the harness itself, on port 9400.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, Server } from 'node:http';
import net from 'node:net';
import { AppRunner } from '@solid/community-server';

const root = new URL('./data/', import.meta.url).pathname;
const [base, webid] = ['http://127.0.0.1:9423/', 'http://localhost:9424/profile#me'];

rmSync(root, { recursive: true, force: true });
mkdirSync(root);
writeFileSync(`${root}note.txt`, 'For one reader.\n');
writeFileSync(`${root}note.txt.acl`, `
@prefix acl: <http://www.w3.org/ns/auth/acl#>.
<#reader> a acl:Authorization; acl:agent <${webid}>; acl:accessTo <${base}note.txt>; acl:mode acl:Read.
`);

const profile = '<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <http://localhost:9400>.';
createServer((req, res) => res.writeHead(200, { 'content-type': 'text/turtle' }).end(profile)).listen(9424, '127.0.0.1');

// The server has no setting for the address that it listens at: a port alone would be open to everybody.
const listen = net.Server.prototype.listen;
Server.prototype.listen = function loopback(port, ...rest) {
  return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest) : listen.call(this, port, ...rest);
};

await new AppRunner().run({
  loaderProperties: { mainModulePath: new URL('./node_modules/@solid/community-server/', import.meta.url).pathname },
  config: '@css:config/file-root.json',
  shorthand: { port: 9423, baseUrl: base, rootFilePath: root, loggingLevel: 'warn' },
});
