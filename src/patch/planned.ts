import type { PlannedFile } from "./diff.js";
import { type Piece, sizeOf } from "./edit.js";
import type { Step } from "./steps.js";
import type { Content, Node } from "./tree.js";

/** A step with what it takes to stage it. */
export interface PlannedStep extends Step {
  readonly real: string;
  /** The new content; none for a delete. */
  readonly pieces: readonly Piece[];
  /** In place of pieces and of `old`: as in `Content`. */
  readonly late?: Content["late"];
  /** The time of the last change of anything about the old file, in ns. */
  readonly changed?: bigint;
  /** Old content: kept for a copy of it, and (with `compare`) to see whether it is still the same. */
  readonly old?: Buffer;
  readonly compare?: true;
  /** What the new file takes over: permissions and owner. */
  readonly attributes?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** A file that moves as it is: its folder and name. */
  readonly linkFrom?: { readonly folder: string; readonly name: string };
  /** Folders to make for it, outermost first. */
  readonly missing: readonly string[];
}

/** The steps that make the files what they will be; deletes come first. Files that stay the same have none. */
export function plannedSteps(nodes: readonly Node[]): PlannedStep[] {
  const canOwn = ownership();
  const steps = nodes.flatMap((node) => stepOf(node, canOwn) ?? []);
  return [...steps.filter(({ kind }) => kind === "delete"), ...steps.filter(({ kind }) => kind !== "delete")];
}

/** The files that will differ, with their old and new content; a moved one shows where it came from. */
export function plannedFiles(nodes: readonly Node[]): PlannedFile[] {
  const shownElsewhere = new Set(nodes.flatMap((node) => (node.content === undefined ? (finalPlace(node) ?? []) : [])));
  return nodes.flatMap((node): PlannedFile[] => {
    if (shownElsewhere.has(node) || !differs(node)) return [];
    const before = node.original?.bytes;
    const file = { path: node.path, real: node.real, existed: node.original !== undefined };
    const base = before === undefined ? file : { ...file, before };
    const to = node.content === undefined ? finalPlace(node) : undefined;
    const content = to?.content ?? node.content;
    if (content === undefined) return [base];
    const pieces = content.source === node ? content.pieces : content.pieces.map(({ bytes }) => ({ bytes }));
    return [{ ...base, pieces, ...(to === undefined ? {} : { moveTo: to.path }) }];
  });
}

/** Where the content that was this file's ended up, if it still is somewhere. */
function finalPlace(node: Node): Node | undefined {
  let place = node.movedTo;
  for (let hops = 0; place !== undefined && hops < 1000; hops += 1) {
    if (place.content?.source === node) return place;
    place = place.movedTo;
  }
  return undefined;
}

function stepOf(node: Node, canOwn: (node: Node) => boolean): PlannedStep | undefined {
  const { original, content, folder, name, real, missing } = node;
  const place = { folder, name, real };
  if (!differs(node)) return undefined;
  if (content === undefined) {
    return { ...place, kind: "delete", pieces: [], missing: [], ...oldOf(node) };
  }
  const { pieces, source, late } = content;
  const from = source.original === undefined ? {} : attributesOf(source);
  const moved = source !== node && source.content === undefined && untouched(pieces, source);
  const link = moved ? { linkFrom: { folder: source.folder, name: source.name } } : {};
  if (original === undefined) return { ...place, kind: "create", pieces, missing, ...from, ...link };
  const old = { ...place, pieces, missing: [], ...oldOf(node), ...(late === undefined ? {} : { late }) };
  if (original.stat.links > 1 || !canOwn(node)) return { ...old, kind: "inplace" };
  return { ...old, kind: "write", ...from, ...link };
}

/** Whether the file will be other than it is. */
function differs(node: Node): boolean {
  const { original, content } = node;
  if (content === undefined || original === undefined) return content !== undefined || original !== undefined;
  return content.source !== node || content.late !== undefined || !untouched(content.pieces, node);
}

function oldOf({ original }: Node): Pick<PlannedStep, "was" | "changed" | "old" | "compare"> {
  const { stat, bytes, fresh } = original!;
  const old = bytes === undefined ? {} : { old: bytes };
  return {
    was: stat.version,
    changed: stat.changed,
    ...old,
    ...(fresh && bytes !== undefined ? { compare: true } : {}),
  };
}

function attributesOf({ original }: Node): Pick<PlannedStep, "attributes"> {
  const { mode, uid, gid } = original!.stat;
  return { attributes: { mode, uid, gid } };
}

/** Tells whether a new file can be given the old one's owner; else the old one is written in place. Asked of the system once. */
function ownership(): (node: Node) => boolean {
  const me = process.geteuid?.();
  if (me === undefined || me === 0) return () => true;
  const groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])]);
  return ({ original }) => original!.stat.uid === me && groups.has(original!.stat.gid);
}

/** Whether the pieces are the old bytes of the file, all of them. */
function untouched(pieces: readonly Piece[], { original }: Node): boolean {
  const old = original?.bytes;
  if (old === undefined || sizeOf(pieces) !== old.length) return false;
  let at = 0;
  for (const { bytes, from } of pieces) {
    if (from !== at && !bytes.equals(old.subarray(at, at + bytes.length))) return false;
    at += bytes.length;
  }
  return true;
}
