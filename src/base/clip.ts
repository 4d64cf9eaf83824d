/** The first `limit` characters of a text at most, never half of one that takes two (a surrogate pair). */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit);
}

/** The same, with an ellipsis where something is left out. */
export function shortened(text: string, limit: number): string {
  return text.length > limit ? `${clip(text, limit)}…` : text;
}
