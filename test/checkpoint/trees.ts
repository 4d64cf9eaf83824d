import * as fs from "node:fs";
import { dirname, join } from "node:path";
import fc from "../support/fast-check.js";

/** Something done to a tree; what can't be done where it stands is passed over, as a shell would go on. */
export type Deed =
  | { readonly do: "write"; readonly at: string; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly do: "append"; readonly at: string; readonly bytes: Uint8Array }
  | { readonly do: "remove"; readonly at: string }
  | { readonly do: "folder"; readonly at: string }
  | { readonly do: "move"; readonly at: string; readonly to: string }
  | { readonly do: "link"; readonly at: string; readonly to: string }
  | { readonly do: "mode"; readonly at: string; readonly mode: number };

const part = fc.constantFrom("a", "b", "lib", "x y", "ü\n", "-c", "ignored.log", "build");
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const small = fc.uint8Array({ maxLength: 40 });
const large = fc.integer({ min: 1, max: 3 }).map((n) => new Uint8Array(n * 700_000).fill(n));
const bytes = fc.oneof({ arbitrary: small, weight: 20 }, { arbitrary: large, weight: 1 });
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o444, 0o4755);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant("write" as const), at: path, bytes, mode }), weight: 4 },
  fc.record({ do: fc.constant("append" as const), at: path, bytes: small }),
  fc.record({ do: fc.constant("remove" as const), at: path }),
  fc.record({ do: fc.constant("folder" as const), at: path }),
  fc.record({ do: fc.constant("move" as const), at: path, to: path }),
  fc.record({ do: fc.constant("link" as const), at: path, to: fc.constantFrom("a", "../b", "/etc/passwd", "lib") }),
  fc.record({ do: fc.constant("mode" as const), at: path, mode: fc.constantFrom(0o700, 0o755, 0o600, 0o644) }),
);

export const deeds = (maxLength: number) => fc.array(deed, { maxLength });

export function perform(folder: string, list: readonly Deed[]): void {
  for (const one of list) {
    try {
      performOne(folder, one);
    } catch {
      // A file where a folder is needed, or the other way round: nothing happens.
    }
  }
}

function performOne(folder: string, one: Deed): void {
  const at = join(folder, one.at);
  // Never through a link, which may lead out of the folder.
  for (let above = dirname(at); above.length > folder.length; above = dirname(above)) {
    if (fs.lstatSync(above, { throwIfNoEntry: false })?.isSymbolicLink() === true) return;
  }
  if (
    fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true &&
    one.do !== "remove" &&
    one.do !== "move"
  )
    return;
  if (one.do === "write") {
    fs.mkdirSync(dirname(at), { recursive: true });
    fs.writeFileSync(at, one.bytes);
    fs.chmodSync(at, one.mode);
  } else if (one.do === "append") fs.appendFileSync(at, one.bytes);
  else if (one.do === "remove") fs.rmSync(at, { recursive: true });
  else if (one.do === "folder") fs.mkdirSync(at, { recursive: true });
  else if (one.do === "move") {
    fs.mkdirSync(dirname(join(folder, one.to)), { recursive: true });
    fs.renameSync(at, join(folder, one.to));
  } else if (one.do === "link") fs.symlinkSync(one.to, at);
  else if (fs.lstatSync(at).isFile() || (one.mode & 0o100) !== 0) fs.chmodSync(at, one.mode);
}
