/** A word in quotes that every POSIX shell takes for just this word. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Words as a POSIX shell would read them back; the script of `bash -lc SCRIPT` shows in quotes. */
export function shellJoin(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (/^[\w@%+:,./-]+$/.test(word)) return word;
  if (!word.includes("'")) return `'${word}'`;
  return `"${word.replace(/[\\"$`]/g, "\\$&")}"`;
}
