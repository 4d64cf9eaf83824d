import type { ObjectStore } from "./objects.js";
import type { Repo } from "./repo.js";
import type { Difference, Leaf } from "./tree.js";
import type { Pace } from "./types.js";

/** How much may still be kept; counted down. `fileBytes`: of one file. */
export interface Room {
  files: number;
  bytes: number;
  readonly fileBytes: number;
}

/** A file of the tree and where it is. */
export interface Placed {
  readonly path: string;
  readonly leaf: Leaf;
}

/** Puts the contents of files into the store, as far as there is room; what is not kept says why. Throws system errors of the store. */
export async function keepFiles(
  files: readonly Placed[],
  { store, room, pace }: { readonly store: ObjectStore; readonly room: Room; readonly pace: Pace },
): Promise<void> {
  for (const { path, leaf } of files) {
    if (leaf.content !== "") continue;
    if (leaf.size > room.fileBytes) leaf.content = `none:it is larger than ${mebibytes(room.fileBytes)}`;
    else if (room.files < 1 || leaf.size > room.bytes)
      leaf.content = "none:too much to keep had come together before it";
    else {
      const kept = await store.putFile(path, leaf, pace);
      if (kept.ok) {
        leaf.content = `sha:${kept.sha}`;
        room.files -= 1;
        room.bytes -= leaf.size;
      } else leaf.content = WHY[kept.why];
    }
    if (pace.due()) await pace.rest();
  }
}

const WHY = {
  changed: "none:it changed while it was read",
  gone: "none:it was gone before it could be read",
  unreadable: "none:it can't be read",
} as const;

/** Brings over what only git has of the files that something happened to, so that it outlives git's own cleaning up. */
export async function keepFromGit(
  differences: readonly Difference[],
  {
    store,
    room,
    signal,
  }: { readonly store: ObjectStore; readonly room: Room; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const wanted = new Map<Repo, Map<string, Leaf[]>>();
  for (const { before, after, repo } of differences) {
    for (const node of [before, after]) {
      if (node?.kind !== "file" || !node.content.startsWith("git:") || repo === undefined) continue;
      const oids = wanted.get(repo) ?? new Map<string, Leaf[]>();
      wanted.set(repo, oids);
      const oid = node.content.slice("git:".length);
      oids.set(oid, [...(oids.get(oid) ?? []), node]);
    }
  }
  for (const [repo, oids] of wanted) {
    const take = (oid: string, bytes: Buffer): void => {
      room.bytes -= bytes.length;
      const fits = room.bytes >= 0 && bytes.length <= room.fileBytes;
      for (const leaf of oids.get(oid) ?? []) {
        if (leaf.size !== bytes.length) leaf.content = "none:git has other bytes of it (a filter)";
        else leaf.content = fits ? `sha:${store.put(bytes)}` : "none:too much to keep had come together before it";
      }
    };
    await repo.contents([...oids.keys()], { onBlob: take, ...(signal === undefined ? {} : { signal }) });
    for (const leaf of [...oids.values()].flat()) {
      if (leaf.content.startsWith("git:")) leaf.content = "none:git does not have its content any more";
    }
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
