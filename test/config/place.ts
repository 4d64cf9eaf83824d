import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type Config, type Env, type Flags, loadConfig } from "../../src/config/index.js";

/** A home folder and a folder to work in, gone when the test ends. */
export interface Place {
  readonly top: string;
  readonly home: string;
  readonly cwd: string;
  /** Writes a file, with the folders above it. */
  write(path: string, text: string | Uint8Array): string;
}

export interface Asked {
  readonly env?: Env;
  readonly profile?: string;
  readonly overrides?: readonly string[];
  readonly flags?: Flags;
}

export function makePlace(t: TestContext): Place {
  const top = mkdtempSync(join(tmpdir(), "belay-config-"));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const place: Place = {
    top,
    home: join(top, "home"),
    cwd: join(top, "work"),
    write(path, text) {
      const whole = join(top, path);
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, text);
      return whole;
    },
  };
  mkdirSync(place.home);
  mkdirSync(place.cwd);
  return place;
}

export function load(place: Place, asked: Asked = {}) {
  const { env = {}, profile, overrides = [], flags = {} } = asked;
  return loadConfig({ env: { BELAY_HOME: place.home, ...env }, cwd: place.cwd, profile, overrides, flags });
}

export async function loaded(place: Place, asked: Asked = {}): Promise<Config> {
  const result = await load(place, asked);
  assert.ok(result.ok, result.ok ? "" : result.message);
  return result.config;
}

export async function refused(place: Place, asked: Asked = {}): Promise<string> {
  const result = await load(place, asked);
  assert.ok(!result.ok, "was loaded");
  return result.message;
}

const ROOM = new URL("../../src/config/index.js", import.meta.url).href;

/**
 * What an expression of the room's functions comes to in a process of its own, killed after ten seconds: a wait for a FIFO
 * can't be ended otherwise.
 */
export function apart(place: Place, expression: string, room = ROOM): unknown {
  const program = `import * as room from ${JSON.stringify(room)};
    const { home, cwd } = JSON.parse(process.argv[1]);
    console.log(JSON.stringify(await (${expression})));`;
  const args = ["--input-type=module", "-e", program, JSON.stringify({ home: place.home, cwd: place.cwd })];
  const done = spawnSync(process.execPath, args, { timeout: 30_000, encoding: "utf8" });
  assert.equal(done.status, 0, `did not end: ${done.signal} ${done.stderr}`);
  return JSON.parse(done.stdout);
}
