import { closeSync, fsyncSync, openSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../base/index.js";
import { checkpointsFolder, UNDER_WAY } from "./journal.js";

/** A sign that a process is at an undo of a conversation, so that the next start finds one that was cut. */
export interface Mark {
  readonly conversation: string;
  /** The process, as in the records. */
  readonly owner: string;
}

/** Puts a mark; it lasts through a power cut. Throws system errors. */
export function setMark(home: string, mark: Mark): void {
  const folder = folderOf(home);
  makeFolder(folder);
  closeSync(openSync(join(folder, nameOf(mark)), "a", 0o600));
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Takes a mark away, and the folder with the last one. */
export function removeMark(home: string, mark: Mark): void {
  try {
    rmSync(join(folderOf(home), nameOf(mark)), { force: true });
    rmdirSync(folderOf(home));
  } catch {
    // Other marks are in it, or it is gone already; a mark that stays makes the next start look, and find nothing to do.
  }
}

/** All marks, also those of processes that are gone. */
export function readMarks(home: string): Mark[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(home));
  } catch {
    // No such folder: nothing is under way.
    return [];
  }
  return names.flatMap((name) => {
    const [, conversation, owner] = /^([\w-]+)\.([\w-]*)$/.exec(name) ?? [];
    if (conversation === undefined || owner === undefined) return [];
    return [{ conversation, owner: Buffer.from(owner, "base64url").toString() }];
  });
}

/** Its owner is in the name, so that a mark is there at once and whole. */
function nameOf({ conversation, owner }: Mark): string {
  return `${conversation}.${Buffer.from(owner).toString("base64url")}`;
}

function folderOf(home: string): string {
  return join(checkpointsFolder(home), UNDER_WAY);
}
