/** The options of a program that are on its list; all others make a command unsafe. */
export interface OptionList {
  /** Letters of short options that take no value. */
  readonly flags?: string;
  /** Letters of short options with a value: the rest of their word, or the next one. */
  readonly valued?: string;
  /** Long options, separated by blanks: `name` without a value, `name=` with one, `name?` with one behind `=` or none. */
  readonly long?: string;
  /** `-20` is one. */
  readonly numbers?: boolean;
}

/**
 * The operands of a command line that has no option but listed ones; undefined when it has another. Short options may
 * stand together, long ones may not be abbreviated. A value in a word of its own must not look like an option: should a
 * program take the option for one without a value, it would obey that word.
 */
export function operandsOf(list: OptionList, args: readonly string[]): string[] | undefined {
  const operands: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? "";
    if (word === "--") return [...operands, ...args.slice(at + 1)];
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const taken = word.startsWith("--") ? takeLong(list, word) : takeShort(list, word);
    if (taken === "unknown") return undefined;
    if (taken === "value next") {
      at += 1;
      if ((args[at] ?? "-").startsWith("-")) return undefined;
    }
  }
  return operands;
}

type Taken = "complete" | "value next" | "unknown";

function takeLong({ long = "" }: OptionList, word: string): Taken {
  const cut = word.indexOf("=");
  const name = word.slice(2, cut === -1 ? undefined : cut);
  const known = new Set(long.split(" "));
  if (cut === -1) {
    if (known.has(name) || known.has(`${name}?`)) return "complete";
    return known.has(`${name}=`) ? "value next" : "unknown";
  }
  return known.has(`${name}=`) || known.has(`${name}?`) ? "complete" : "unknown";
}

function takeShort({ flags = "", valued = "", numbers = false }: OptionList, word: string): Taken {
  if (numbers && /^-\d+$/.test(word)) return "complete";
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? "";
    if (valued.includes(letter)) return at === word.length - 1 ? "value next" : "complete";
    if (!flags.includes(letter)) return "unknown";
  }
  return "complete";
}
