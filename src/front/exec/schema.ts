import { readFile } from "node:fs/promises";

export type JsonSchema = Readonly<Record<string, unknown>>;

export type SchemaFile =
  | { readonly ok: true; readonly schema: JsonSchema }
  | { readonly ok: false; readonly message: string };

/** Reads a JSON Schema; the message of a failure names the file. */
export async function readSchemaFile(path: string): Promise<SchemaFile> {
  const fail = (what: string): SchemaFile => ({ ok: false, message: `--output-schema ${path}: ${what}` });
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    // A file that can't be read is the user's to know.
    return fail(`cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`);
  }
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    // JSON.parse has no other way to say so.
    return fail(`is not JSON (${(error as Error).message})`);
  }
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return fail("is not a JSON object");
  return { ok: true, schema: schema as JsonSchema };
}

/** Why a final message does not answer to the schema, naming the place (`/files/0/name`); undefined when it does. */
export async function checkAgainstSchema(schema: JsonSchema, message: string): Promise<string | undefined> {
  let answer: unknown;
  try {
    answer = JSON.parse(message);
  } catch (error) {
    // JSON.parse has no other way to say so.
    return `the final message is not JSON, which --output-schema asks for (${(error as Error).message})`;
  }
  const { Validator } = await import("@cfworker/json-schema");
  try {
    const { valid, errors } = new Validator(schema, "2020-12", false).validate(answer);
    if (valid) return undefined;
    // The deepest error is the cause; those above it only say that something below is wrong.
    const cause = errors.reduce((deepest, error) =>
      error.instanceLocation.length >= deepest.instanceLocation.length ? error : deepest,
    );
    const place = cause.instanceLocation.replace(/^#/, "");
    return `the final message does not match --output-schema at ${place === "" ? "its top" : place}: ${cause.error}`;
  } catch (error) {
    // The validator throws on schemas that make no sense to it, such as a $ref to nowhere.
    return `--output-schema cannot be applied: ${(error as Error).message}`;
  }
}
