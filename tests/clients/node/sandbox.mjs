// What the suites of Node share: the real `carto`, and one line for each check.

import {execFile, spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {readFileSync} from 'node:fs';
import {promisify} from 'node:util';

export const BASE_URL = process.env.CARTO_BASE_URL;

/** Runs `carto` and reads its record. */
export async function carto(...words) {
  const {stdout} = await promisify(execFile)(process.env.CARTO, [...words, '--json']);
  return JSON.parse(stdout);
}

/** Another sandbox on the same data, at another time; to be ended by the caller. */
export async function serve(clock) {
  const env = {...process.env, CARTO_SANDBOX_FAULT: `clock=${clock}`};
  const process_ = spawn(process.env.CARTO, ['sandbox', 'serve', '--port', '0', '--json'], {env, stdio: ['ignore', 'pipe', 'inherit']});
  for await (const line of createInterface({input: process_.stdout})) {
    return {url: JSON.parse(line).url, end: () => process_.kill()};
  }
  throw new Error('the sandbox did not begin');
}

/** The version of a package that is installed. */
export function version(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}

/** Prints each check, and counts those that failed. */
export class Checks {
  failed = 0;

  constructor(name) {
    this.client = `${name} ${version(name)}`;
  }

  check(what, passed, seen) {
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${this.client}: ${what}${passed || seen === undefined ? '' : `: ${JSON.stringify(seen)}`}`);
    this.failed += passed ? 0 : 1;
  }
}
