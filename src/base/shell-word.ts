/** A word in quotes that every POSIX shell takes for just this word. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
