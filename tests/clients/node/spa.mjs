// @auth0/auth0-spa-js in headless Chromium against the sandbox as an authority: a page logs a person in, gets tokens silently, logs out; and
// what a page that isn't registered, or somebody in between, tries in vain.

import {createServer} from 'node:http';
import {readFileSync} from 'node:fs';
import {chromium} from 'playwright-core';
import {BASE_URL, Checks, carto} from './sandbox.mjs';

const checks = new Checks('@auth0/auth0-spa-js');
const AUDIENCE = 'carto-cloud-native-api';
// As it is published for browsers: one file with all that it needs inside. What package.json overrides is only for an installation to be
// possible where a registry doesn't have the newest version of that dependency yet; nothing of it runs.
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
const asked = [];
page.on('request', (request) => asked.push(request.url()));
seen = await attempt((url) => window.auth.handleRedirectCallback(url), page.url().replace(/state=[^&]*/, 'state=tampered'));
checks.check('refused: an answer with a tampered state', seen.error === 'state_mismatch', seen);
checks.check('… before its code is used', !asked.some((url) => url.startsWith(BASE_URL)), asked);

/** Follows a link of the page's, and says where the authority kept the browser, with which words. */
async function kept(go) {
  const answered = page.waitForResponse((response) => response.url().startsWith(BASE_URL) && response.request().isNavigationRequest());
  await go();
  const answer = await answered;
  const there = await page.waitForURL(`${BASE_URL}/**`, {timeout: 5000}).then(() => true, () => false);
  return {status: answer.status(), there, text: there ? await page.locator('body').textContent() : ''};
}

const isKept = ({status, there, text}, words) => status === 400 && there && text.includes(words);
const NO_CALLBACK = "The `redirect_uri` is not among the client's callbacks, character by character.";
await begin(`${app.origin}/`);
seen = await kept(() => leave({authorizationParams: {redirect_uri: `${app.origin}/elsewhere`}}));
checks.check('refused: a callback that is not registered, without a redirect', isKept(seen, NO_CALLBACK), seen);
await begin(`${app.origin}/`);
seen = await kept(() => leave({authorizationParams: {redirect_uri: `${callback}/`}}));
checks.check('refused: a callback with a slash more', isKept(seen, NO_CALLBACK), seen);

// A page of another origin, in the browser of the person who is signed in. The person lets its client in as well, so that nothing but the
// origin is left to refuse.
const asForeign = {clientId: foreignId, redirect_uri: `${foreign.origin}/callback`};
await begin(`${foreign.origin}/`, asForeign);
await leave();
await page.getByRole('button', {name: 'Allow'}).click();
await page.waitForURL(`${foreign.origin}/callback?code=**`);
await begin(`${foreign.origin}/`, asForeign);
await leave();
await page.waitForURL(`${foreign.origin}/callback?code=**`);
checks.check('a foreign page logs in with its own client, and the person is asked once', true);

/** What the browser says while something happens. */
async function heard(happen) {
  const said = [];
  const hear = (message) => said.push(message.text());
  page.on('console', hear);
  const result = await happen();
  page.off('console', hear);
  return {...result, said: said.join('\n')};
}

// The code for that is there, and so is its verifier: only the browser keeps the page from what the authority would give for it.
await begin(page.url(), asForeign);
seen = await heard(() => attempt(() => window.auth.handleRedirectCallback()));
const forbidden = `Access to fetch at '${BASE_URL}/oauth/token' from origin '${foreign.origin}' has been blocked by CORS policy`;
checks.check('refused: the token endpoint, for the library in a foreign page', seen.error !== undefined && seen.said.includes(forbidden), seen);
const form = {grant_type: 'authorization_code', client_id: foreignId, code: 'x', code_verifier: 'x'.repeat(43), redirect_uri: asForeign.redirect_uri};
seen = await heard(() => attempt(async ([url, form]) => (await fetch(url, {method: 'POST', body: new URLSearchParams(form)})).status,
  [`${BASE_URL}/oauth/token`, form]));
checks.check('… and for a request of which it isn\'t asked first', seen.error === 'TypeError' && seen.said.includes(forbidden), seen);

/** What the token endpoint says to a page, which a browser may keep from it. */
async function answers(client_id, origin) {
  const body = new URLSearchParams({...form, client_id});
  const answer = await fetch(`${BASE_URL}/oauth/token`, {method: 'POST', headers: {Origin: origin}, body});
  const ahead = await fetch(`${BASE_URL}/oauth/token`, {method: 'OPTIONS', headers: {Origin: origin, 'Access-Control-Request-Method': 'POST'}});
  const readers = [answer, ahead].map(({headers}) => headers.get('access-control-allow-origin'));
  return [answer.status, (await answer.json()).error, ahead.status, ...readers].join();
}
seen = [await answers(foreignId, foreign.origin), await answers(clientId, foreign.origin), await answers(clientId, app.origin)];
checks.check('… since the authority refuses it by its origin', seen[0] === '403,access_denied,403,,' && seen[1] === seen[0], seen);
checks.check('… and not for its code', seen[2] === `400,invalid_grant,204,${app.origin},${app.origin}`, seen);

/** Asks silently: what the authority answered in the frame, what the browser said about it, and what the library made of it. */
async function silently() {
  const framed = page.waitForResponse((response) => response.url().startsWith(`${BASE_URL}/authorize?`))
    .then(async (response) => {
      // A refusal is a page that nobody may frame: the browser shows one of its own instead.
      const text = response.ok() ? await response.text() : await (await fetch(response.url())).text();
      return {status: response.status(), text: text.replaceAll('&#39;', "'")};
    });
  const {result, error, said} = await heard(token);
  return {result, error, said, ...await framed};
}

// In each case the library hears nothing, for a reason of its own.
await begin(`${foreign.origin}/`);
seen = await silently();
const elsewhere = `The target origin provided ('${app.origin}') does not match the recipient window's origin ('${foreign.origin}')`;
checks.check('refused: a token silently, from a foreign origin with the callback of the app: the code is for the app alone',
  seen.error === 'timeout' && seen.status === 200 && seen.text.includes('"code":') && seen.said.includes(elsewhere), seen);
for (const [what, options, status, words] of [
  ['with its own callback', {redirect_uri: asForeign.redirect_uri}, 400, NO_CALLBACK],
  ['as a client without web origins', asForeign, 403, "The origin of the `redirect_uri` is not among the client's web origins."],
]) {
  await begin(`${foreign.origin}/`, options);
  seen = await silently();
  const isRefused = seen.error === 'timeout' && seen.status === status && seen.text.includes(words);
  checks.check(`refused: a token silently, from a foreign origin ${what}`, isRefused, seen);
}
await carto('credentials', 'update', 'spa', foreignId, '--web-origin', foreign.origin);
await begin(`${foreign.origin}/`, asForeign);
seen = await token();
checks.check('… which it gets when the origin is registered', seen.result !== undefined && await opens(seen.result), seen.error);

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
const isNoWayOut = isKept(seen, "The `returnTo` is not among the client's logout URLs.");
checks.check('refused: to be sent elsewhere after logging out', isNoWayOut, seen);
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
