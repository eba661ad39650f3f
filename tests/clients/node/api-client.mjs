// @carto/api-client against the sandbox's data APIs: what a token opens, and everything that it doesn't.

import {
  CartoAPIError, boundaryQuerySource, boundaryTableSource, h3TableSource, query, quadbinQuerySource, vectorQuerySource, vectorTableSource,
  vectorTilesetSource
} from '@carto/api-client';
import {BASE_URL, Checks, carto, serve} from './sandbox.mjs';

const checks = new Checks('@carto/api-client');
const TABLE = 'carto.shared.places';
const SQL = 'SELECT geom, name FROM `carto.shared.places` WHERE pop > 1000';
const UNREADABLE = "You don't have permissions to read this resource";

/** The id of each token that was made: a token itself doesn't belong into an argument list. */
const ids = new Map();

/** A token with these options. */
async function token(...options) {
  const {id, token} = await carto('credentials', 'create', 'token', ...options);
  ids.set(token, id);
  return token;
}

/** How the client is told what to ask. What it remembers would hide what the sandbox answers now. */
function options(accessToken, more = {}) {
  return {apiBaseUrl: BASE_URL, accessToken, connectionName: 'dw', localCache: {cacheControl: ['no-cache', 'no-store']}, ...more};
}

async function allowed(what, call, isGood) {
  try {
    const result = await call();
    checks.check(what, isGood(result), Object.keys(result));
  } catch (error) {
    checks.check(what, false, error.message);
  }
}

/** Passes if the client reports this status and these words of the sandbox's. */
async function refused(what, status, words, call) {
  try {
    checks.check(`refused: ${what}`, false, Object.keys(await call()));
  } catch (error) {
    const seen = error instanceof CartoAPIError ? [error.response?.status, error.responseJson?.error] : [error.message];
    checks.check(`refused: ${what}`, seen[0] === status && seen[1] === words, seen);
  }
}

const isEmpty = (result) => result.rows.length === 0 && result.schema.length === 0 && result.meta.cacheHit === false;
const isMap = (result) => result.tilejson === '2.2.0' && result.vector_layers.length === 1 && result.schema.length === 0;

const both = await token('--grant', `dw,${TABLE}`, '--grant', `dw,${SQL}`, '--apis', 'sql,maps');
await allowed('query(): a statement that is granted', () => query(options(both, {sqlQuery: SQL})), isEmpty);
const folded = ` ${SQL.toLowerCase().replaceAll(' ', '\n  ')};`;
await allowed('query(): the same, spaced otherwise', () => query(options(both, {sqlQuery: folded})), isEmpty);
await allowed('query(): the same, by POST', () => query(options(both, {sqlQuery: SQL, maxLengthURL: 10})), isEmpty);
await allowed('query(): with parameters', () => query(options(both, {sqlQuery: SQL, queryParameters: {pop: 1}})), isEmpty);
await allowed('vectorTableSource()', () => vectorTableSource(options(both, {tableName: TABLE, columns: ['name']})), isMap);
await allowed('vectorTableSource() by POST', () => vectorTableSource(options(both, {tableName: TABLE, maxLengthURL: 10})), isMap);
await allowed('vectorQuerySource()', () => vectorQuerySource(options(both, {sqlQuery: SQL})), isMap);
await allowed('vectorTilesetSource()', () => vectorTilesetSource(options(both, {tableName: TABLE})), isMap);
await allowed('h3TableSource()', () => h3TableSource(options(both, {tableName: TABLE, aggregationExp: 'count(*) as n'})), isMap);
await allowed('quadbinQuerySource()', () => quadbinQuerySource(options(both, {sqlQuery: SQL, aggregationExp: 'count(*) as n'})), isMap);
const parts = {tilesetTableName: TABLE, propertiesTableName: TABLE};
await allowed('boundaryTableSource()', () => boundaryTableSource(options(both, parts)), isMap);
const partsBySql = {tilesetTableName: TABLE, propertiesSqlQuery: SQL};
await allowed('boundaryQuerySource()', () => boundaryQuerySource(options(both, partsBySql)), isMap);
await allowed('a tile of a map has nothing in it', async () => {
  const {tiles, accessToken} = await vectorTableSource(options(both, {tableName: TABLE}));
  const url = tiles[0].replace('{z}', '0').replace('{x}', '0').replace('{y}', '0');
  const answer = await fetch(url, {headers: {Authorization: `Bearer ${accessToken}`}});
  return {status: answer.status, bytes: (await answer.arrayBuffer()).byteLength, data: answer.headers.get('carto-sandbox')};
}, ({status, bytes, data}) => status === 200 && bytes === 0 && data === 'no data');

await refused('another statement', 403, UNREADABLE, () => query(options(both, {sqlQuery: `${SQL} LIMIT 1`})));
await refused('another table', 403, UNREADABLE, () => vectorTableSource(options(both, {tableName: 'carto.shared.other'})));
await refused('a table, asked in SQL', 403, UNREADABLE, () => query(options(both, {sqlQuery: `SELECT * FROM ${TABLE}`})));
await refused('another connection', 403, UNREADABLE, () => query(options(both, {sqlQuery: SQL, connectionName: 'other'})));
await refused('another connection, of a map', 403, UNREADABLE, () => vectorTableSource(options(both, {tableName: TABLE, connectionName: 'other'})));
await refused('a boundary of which one part is granted', 403, UNREADABLE, () => boundaryTableSource(options(both, {...parts, propertiesTableName: 'a.b'})));

const wildcard = await token('--grant', 'dw,carto.*.pl*', '--apis', 'maps');
await allowed('a table within a wildcard', () => vectorTableSource(options(wildcard, {tableName: TABLE})), isMap);
await refused('a table outside of it', 403, UNREADABLE, () => vectorTableSource(options(wildcard, {tableName: 'carto.shared.x.places'})));
const api = 'The token does not allow this API';
await refused('an API that the token is not for', 403, api, () => query(options(wildcard, {sqlQuery: SQL})));
const sql = await token('--grant', 'dw,*', '--apis', 'sql');
await allowed('everything of a connection', () => query(options(sql, {sqlQuery: 'SELECT 1'})), isEmpty);
await refused('an API that the token is not for, of a map', 403, api, () => vectorTableSource(options(sql, {tableName: TABLE})));

// Node sends these two as they are; a browser decides them itself.
const pages = await token('--grant', 'dw,*', '--apis', 'sql', '--referer', 'https://app.example.com/*');
const from = (headers) => query(options(pages, {sqlQuery: 'SELECT 1', headers}));
const origin = {Origin: 'https://app.example.com'};
await allowed('from a page that is registered', () => from({...origin, Referer: 'https://app.example.com/maps'}), isEmpty);
await allowed('from no page at all', () => from({}), isEmpty);
await refused('from another page', 403, 'Unauthorized referer', () => from({Origin: 'https://evil.example.com', Referer: 'https://evil.example.com/'}));
await refused('from the root of a page, which no `*` stands for', 403, 'Unauthorized referer', () => from({...origin, Referer: 'https://app.example.com/'}));

const ending = await token('--grant', 'dw,*', '--apis', 'sql', '--expiration-date', '2100-01-01');
await allowed('a token that ends later', () => query(options(ending, {sqlQuery: 'SELECT 1'})), isEmpty);
const later = await serve('2100-01-02T00:00:00Z');
const expired = 'The token has expired';
await refused('a token that has ended', 401, expired, () => query(options(ending, {sqlQuery: 'SELECT 1', apiBaseUrl: later.url})));
await allowed('a token without an end, at that time', () => query(options(sql, {sqlQuery: 'SELECT 1', apiBaseUrl: later.url})), isEmpty);
later.end();

// Changes to a credential take effect at once.
await carto('credentials', 'update', 'token', ids.get(sql), '--apis', 'maps');
await refused('an API that was taken away', 403, api, () => query(options(sql, {sqlQuery: 'SELECT 1'})));
await carto('credentials', 'update', 'token', ids.get(both), '--remove-grant', `dw,${TABLE}`);
await refused('a source that was taken away', 403, UNREADABLE, () => vectorTableSource(options(both, {tableName: TABLE})));
await allowed('the other source', () => query(options(both, {sqlQuery: SQL})), isEmpty);
await carto('credentials', 'delete', 'token', ids.get(both), '--yes');
await refused('a token that was deleted', 401, 'Token not defined', () => query(options(both, {sqlQuery: SQL})));
await refused('a token that is none', 401, 'Token not defined', () => query(options('x', {sqlQuery: SQL})));

// What a program of the owner's has is not an API Access Token.
await allowed("the owner's bearer", () => query(options(process.env.CARTO_API_TOKEN, {sqlQuery: SQL})), isEmpty);
process.exitCode = checks.failed ? 1 : 0;
