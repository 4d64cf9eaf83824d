import * as fs from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { Script } from "node:vm";

type Env = Readonly<Record<string, string | undefined>>;

interface Keeping {
  readonly folder: string;
  /** What this run is asked for. A run of another kind compiles other functions. */
  readonly word: string;
}

/** Where one file's compiled code is kept, and which file it is: another one by the same name is another. */
interface Place {
  readonly path: string;
  readonly identity: string;
}

interface Kept {
  readonly data: Buffer;
  /** The runs whose functions are in it, by what they were asked for. */
  readonly words: readonly string[];
}

/** A word that can be a command's name or a flag; a prompt is none. */
const WORD = /^[a-z-]{1,24}$/;
/** Runs of one kind that add what they compiled: the first may have ended before it came to its work. */
const RUNS = 3;
/** Runs that add something at most; a mistyped command is a kind too. */
const MAX_WORDS = 96;
/** Not a divisor of any size in which disks lose bytes. */
const STRIDE = 61;

let keeping: Keeping | undefined;
const loaded = new Map<string, { readonly exports: unknown }>();

/**
 * From now on `loadPart` keeps what V8 makes of the program's files in `compile-cache/` of the home folder, and the next run
 * reads that in place of compiling. Only in a home folder that is there already; one that can't be written costs nothing.
 * `word` is the run's command. NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
export function keepCompiledCode(env: Env, word: string | undefined): void {
  const home = env.BELAY_HOME || env.CODEX_HOME || (env.HOME && join(env.HOME, ".belay"));
  // A relative one may be a folder of the project's. What is measured has to be compiled by the one who measures.
  if (!home || !isAbsolute(home) || env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE) return;
  const folder = join(home, "compile-cache");
  try {
    // Not the home folder too: who only looks around leaves nothing.
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return;
  }
  keeping = { folder, word: word !== undefined && WORD.test(word) ? word : "" };
}

/**
 * What a file of the program exports; `file` is absolute, `require` finds all that is not beside it. In place of `require`, as
 * what Node itself keeps (from 22.8 on) has no function in it that is compiled only when it is called: nearly all of them.
 */
export function loadPart(file: string, require: NodeJS.Require): unknown {
  const known = loaded.get(file);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const folder = dirname(file);
  const beside = (id: string): unknown => (id.startsWith("./") ? loadPart(join(folder, id), require) : require(id));
  compile(file)(module.exports, Object.assign(beside, { resolve: require.resolve }), module, file, folder);
  return module.exports;
}

type Wrapped = (exports: object, require: object, module: object, filename: string, dirname: string) => void;

function compile(file: string): Wrapped {
  const place = keeping === undefined ? undefined : placeOf(file, keeping.folder);
  const kept = place === undefined ? undefined : readKept(place);
  const source = `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(file, "utf8")}\n})`;
  const script = new Script(source, { filename: file, ...(kept === undefined ? {} : { cachedData: kept.data }) });
  if (place !== undefined && keeping !== undefined) {
    const words = kept === undefined || script.cachedDataRejected === true ? [] : kept.words;
    const { word } = keeping;
    // At the end, when the functions that such a run calls have been compiled.
    if (words.filter((one) => one === word).length < RUNS && words.length < MAX_WORDS)
      process.once("exit", () => keep(place, { data: script.createCachedData(), words: [...words, word] }));
  }
  return script.runInThisContext() as Wrapped;
}

function placeOf(file: string, folder: string): Place {
  // Before it is read: of a file that is replaced meanwhile, nothing is kept under the name of the new one.
  const { ino, size, mtimeNs, ctimeNs } = fs.statSync(file, { bigint: true });
  // One version of Node may be built in several ways.
  const which = hash(Buffer.from(`${process.execPath} ${file}`), 1).toString(16);
  const name = [basename(file, ".cjs"), process.version, process.arch, which].join("-");
  return { path: join(folder, name), identity: [file, ino, size, mtimeNs, ctimeNs].join(":") };
}

/** Undefined when nothing is kept, or something else, or if someone else could have written it. */
function readKept({ path, identity }: Place): Kept | undefined {
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    let bytes: Buffer;
    try {
      const { uid, mode } = fs.fstatSync(fd);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return undefined;
      bytes = fs.readFileSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    const end = bytes.indexOf("\n") + 1;
    const data = bytes.subarray(end);
    const header = JSON.parse(bytes.toString("utf8", 0, end)) as Record<string, unknown>;
    // V8 tells foreign code from its own, but takes damaged code for good.
    if (header.identity !== identity || header.size !== data.length || header.hash !== hash(data, STRIDE))
      return undefined;
    const words = Array.isArray(header.words) ? header.words.filter((word) => typeof word === "string") : [];
    return { data, words };
  } catch {
    // Nothing there, or nothing of use: then it is compiled.
    return undefined;
  }
}

function keep({ path, identity }: Place, { data, words }: Kept): void {
  const header = JSON.stringify({ identity, size: data.length, hash: hash(data, STRIDE), words });
  // Beyond the line's end V8 would rather have whole words.
  const line = `${header.padEnd(Math.ceil((header.length + 1) / 8) * 8 - 1)}\n`;
  try {
    // Never over what another process reads, or writes: of two that write at a time, one has its file.
    fs.rmSync(path, { force: true });
    fs.writeFileSync(path, Buffer.concat([Buffer.from(line), data]), { mode: 0o600, flag: "wx" });
  } catch {
    // A full disk, or another one's file. A half of it is known by its size; the next run tries again.
  }
}

/** Of every so many-th byte. */
function hash(bytes: Buffer, stride: number): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += stride) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  return value >>> 0;
}
