/** A folder of the record under the name that it has in this run. */
export interface MovedFolder {
  /** Names of the record's folder become those of the copy. */
  here(text: string): string;
  /** Names of the copy become those of the record's folder. */
  back(text: string): string;
}

/** `then`: as the record has it; undefined where it does not say. `now`: the copy, also by its other names. */
export function movedFolder(then: string | undefined, now: readonly [string, ...string[]]): MovedFolder {
  const recorded = then === undefined || then.length < 2 ? undefined : then.replace(/\/+$/, "");
  // The longest first: one name may be in another.
  const names = [...now].sort((one, other) => other.length - one.length);
  return {
    here: (text) => (recorded === undefined ? text : replacePath(text, recorded, now[0])),
    back: (text) => names.reduce((done, name) => replacePath(done, name, recorded ?? "."), text),
  };
}

/** Only whole names of folders: `/a/b` is not in `/a/bc`. */
function replacePath(text: string, from: string, to: string): string {
  let out = "";
  let at = 0;
  for (let found = text.indexOf(from); found !== -1; found = text.indexOf(from, found + from.length)) {
    const [before, after] = [text[found - 1] ?? " ", text[found + from.length] ?? " "];
    if (/[\w.~-]/.test(before) || /[\w-]/.test(after)) continue;
    out += text.slice(at, found) + to;
    at = found + from.length;
  }
  return out + text.slice(at);
}
