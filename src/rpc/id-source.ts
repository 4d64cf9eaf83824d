/** A string, a bracket, or anything else that stands between commas: enough to walk over JSON that is known to be well-formed. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/**
 * The value of the last top-level key `id`, as it stands in the text of a JSON object: a number of twenty digits is not the
 * double that JSON.parse makes of it. Undefined when the value is no plain token.
 */
export function idSource(text: string): string | undefined {
  let depth = 0;
  let found: string | undefined;
  let key: string | undefined;
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token === ":") key = last;
    else if (depth === 1 && token === ",") key = undefined;
    else if (depth === 1 && key !== undefined && JSON.parse(key) === "id") found = token;
    last = token;
  }
  return found;
}
