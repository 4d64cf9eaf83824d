import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { changeTrust, judgeProject, recordOf } from "../../src/config/index.js";
import { makePlace, type Place } from "./place.js";

/** A place whose work folder is a git root. */
export function makeProject(t: TestContext): Place {
  const place = makePlace(t);
  place.write("work/.git/HEAD", "ref: refs/heads/main\n");
  return place;
}

/** Trusts what is there, as `belay trust --yes` does; returns the names of the files. */
export function trustAll(place: Place, cwd = place.cwd): string[] {
  const { folders } = judgeProject({ env: {}, home: place.home, cwd });
  const changes = new Map(folders.map(({ key, files }) => [key, files.length === 0 ? undefined : recordOf(files, 0)]));
  assert.equal(changeTrust(place.home, changes, "test"), undefined);
  return folders.flatMap(({ files }) => files.map(({ name }) => name));
}

/** What Belay makes of the folders, each by its last part. */
export function states(place: Place, cwd = place.cwd): Record<string, string> {
  const { folders } = judgeProject({ env: {}, home: place.home, cwd });
  return Object.fromEntries(folders.map(({ folder, state }) => [folder.slice(place.top.length + 1), state]));
}

/** Removes a file or folder of the place. */
export function drop(place: Place, path: string): void {
  rmSync(join(place.top, path), { recursive: true });
}
