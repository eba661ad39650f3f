// @auth0/auth0-spa-js in headless Chromium against the sandbox as an authority: a page logs a person in, gets tokens silently, logs out; and
// what a page that isn't registered, or somebody in between, tries in vain.

import {createServer} from 'node:http';
import {readFileSync} from 'node:fs';
import {chromium} from 'playwright-core';
import {BASE_URL, Checks, carto} from './sandbox.mjs';

const checks = new Checks('@auth0/auth0-spa-js');
const AUDIENCE = 'carto-cloud-native-api';
const LIBRARY = readFileSync(new URL('node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js', import.meta.url));
const PAGE = `<!doctype html><title>app</title><script type="module">
  import {createAuth0Client} from '/auth0-spa-js.js';
  window.begin = async (options) => { window.auth = await createAuth0Client(options); };
</script>`;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A site with the page at every path. Sites of one host share cookies, whatever their ports: only their origins tell them apart. */
async function site() {
  const server = createServer((request, response) => {
    const isLibrary = request.url === '/auth0-spa-js.js';
    response.setHeader('content-type', isLibrary ? 'text/javascript' : 'text/html');
    response.end(isLibrary ? LIBRARY : PAGE);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {origin: `http://127.0.0.1:${server.address().port}`, end: () => server.close()};
}

const [app, foreign] = [await site(), await site()];
const callback = `${app.origin}/callback`;
const {clientId} = await carto('credentials', 'create', 'spa', '--title', 'Store', '--callback', callback, '--logout-url', `${app.origin}/`,
  '--web-origin', app.origin);
const {clientId: foreignId} = await carto('credentials', 'create', 'spa', '--title', 'Foreign', '--callback', `${foreign.origin}/callback`);

const browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS});
const page = await browser.newPage();
page.setDefaultTimeout(20_000);

/** Opens a page, and makes the library's client in it. */
async function begin(url, options = {}) {
  await page.goto(url);
  const {redirect_uri = callback, ...more} = options;
  await page.waitForFunction('window.begin');
  await page.evaluate((options) => window.begin(options), {
    domain: BASE_URL, clientId, authorizeTimeoutInSeconds: 2,
    authorizationParams: {redirect_uri, audience: AUDIENCE, scope: 'openid profile email'}, ...more,
  });
}

/** What a call in the page comes to: its result, or the error as the page sees it. */
function attempt(call, argument) {
  return page.evaluate(async ([call, argument]) => {
    try {
      return {result: await eval(call)(argument)};
    } catch (error) {
      return {error: error.error ?? error.name, message: error.message};
    }
  }, [call.toString(), argument]);
}

/** Sends the browser to the authority, as a button of the page would. */
const leave = (options) => page.evaluate((options) => { window.auth.loginWithRedirect(options); }, options);

const token = () => attempt(() => window.auth.getTokenSilently({cacheMode: 'off'}));

async function opens(bearer) {
  return (await fetch(`${BASE_URL}/v3/tokens`, {headers: {Authorization: `Bearer ${bearer}`}})).ok;
}

// Before anybody is signed in.
await begin(`${app.origin}/`);
let seen = await token();
checks.check('refused: a token silently, with nobody signed in', seen.error === 'login_required', seen.error);

// A person says no, and then yes.
await leave();
await page.getByRole('button', {name: 'Deny'}).click();
await page.waitForURL(`${callback}?**`);
await begin(page.url());
seen = await attempt(() => window.auth.handleRedirectCallback());
checks.check('refused: a login that the person denies', seen.error === 'access_denied', seen);

await begin(`${app.origin}/`);
await leave();
const title = await page.getByRole('heading').textContent();
checks.check('the person is asked about the client by its title', title.includes('Store'), title);
await page.getByRole('button', {name: 'Allow'}).click();
await page.waitForURL(`${callback}?**`);
await begin(page.url());
seen = await attempt(() => window.auth.handleRedirectCallback());
checks.check('logs in with a client of `create spa`', seen.error === undefined, seen);
const user = (await attempt(() => window.auth.getUser())).result;
const claims = (await attempt(() => window.auth.getIdTokenClaims())).result;
checks.check('knows the person by a verified id token', user?.email !== undefined && claims.iss === `${BASE_URL}/` && claims.aud === clientId, user);
const first = (await attempt(() => window.auth.getTokenSilently())).result;
checks.check('its token opens the API', await opens(first));

// A page that is opened anew has forgotten all, but the person is still signed in.
await begin(`${app.origin}/`);
seen = await token();
checks.check('gets a token silently, by a message of a frame', seen.result !== undefined && await opens(seen.result), seen.error);

// Somebody in between.
await leave();
await page.waitForURL(`${callback}?**`);
await begin(page.url());
seen = await attempt((url) => window.auth.handleRedirectCallback(url), page.url().replace(/state=[^&]*/, 'state=tampered'));
checks.check('refused: an answer with a tampered state', seen.error !== undefined && /state/i.test(seen.message), seen);

/** Follows a link of the page's, and says where the authority kept the browser. */
async function kept(go) {
  const answered = page.waitForResponse((response) => response.url().startsWith(BASE_URL) && response.request().isNavigationRequest());
  await go();
  const answer = await answered;
  const there = await page.waitForURL(`${BASE_URL}/**`, {timeout: 5000}).then(() => true, () => false);
  return {status: answer.status(), there};
}

await begin(`${app.origin}/`);
seen = await kept(() => leave({authorizationParams: {redirect_uri: `${app.origin}/elsewhere`}}));
checks.check('refused: a callback that is not registered, without a redirect', seen.status >= 400 && seen.there, seen);
await begin(`${app.origin}/`);
seen = await kept(() => leave({authorizationParams: {redirect_uri: `${callback}/`}}));
checks.check('refused: a callback with a slash more', seen.status >= 400 && seen.there, seen);

// A page of another origin, in the browser of the person who is signed in.
for (const [what, options] of [
  ['with the callback of the app', {}],
  ['with its own callback', {redirect_uri: `${foreign.origin}/callback`}],
  ['as a client without web origins', {clientId: foreignId, redirect_uri: `${foreign.origin}/callback`}],
]) {
  await begin(`${foreign.origin}/?${encodeURIComponent(what)}`, options);
  seen = await token();
  checks.check(`refused: a token silently, from a foreign origin ${what}`, seen.result === undefined && seen.error !== undefined, seen.error);
}
seen = await attempt(async ([url, client_id]) => {
  const body = new URLSearchParams({grant_type: 'authorization_code', client_id, code: 'x', code_verifier: 'x'.repeat(43)});
  return (await fetch(url, {method: 'POST', body})).status;
}, [`${BASE_URL}/oauth/token`, clientId]);
checks.check('refused: the token endpoint, from a foreign origin', seen.error === 'TypeError', seen);

// The data APIs in a browser: it is the browser that says which page asks.
const {token: places} = await carto('credentials', 'create', 'token', '--grant', 'dw,*', '--apis', 'sql', '--referer', `${app.origin}*`);
const ask = ([url, token]) => fetch(url, {headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'}})
  .then(async (answer) => [answer.status, answer.headers.get('carto-sandbox') ?? (await answer.json()).error]);
const query = [`${BASE_URL}/v3/sql/dw/query?q=SELECT+1`, places];
seen = await attempt(ask, query);
checks.check('refused: the SQL API, from a page that is no referer of the token', String(seen.result) === '403,Unauthorized referer', seen);
await page.goto(`${app.origin}/maps`);
seen = await attempt(ask, query);
checks.check('the SQL API answers a page that is', String(seen.result) === '200,no data', seen);

// The end.
await begin(`${app.origin}/`);
seen = await kept(() => page.evaluate((returnTo) => { window.auth.logout({logoutParams: {returnTo}}); }, foreign.origin));
checks.check('refused: to be sent elsewhere after logging out', seen.status >= 400 && seen.there, seen);
await begin(`${app.origin}/maps`);
await page.evaluate((returnTo) => { window.auth.logout({logoutParams: {returnTo}}); }, `${app.origin}/`);
await page.waitForURL(`${app.origin}/`);
checks.check('logs out, and comes back to the page', true);
await begin(page.url());
seen = await token();
checks.check('refused: a token silently, after logging out', seen.error === 'login_required', seen.error);

await browser.close();
app.end();
foreign.end();
process.exitCode = checks.failed ? 1 : 0;
