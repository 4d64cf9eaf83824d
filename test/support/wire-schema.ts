import { readFileSync } from "node:fs";
import { type Schema, Validator } from "@cfworker/json-schema";

/** The JSON Schema that is shipped: what a client's author has. */
export const SHIPPED = JSON.parse(readFileSync("dist/schema/conversation-api.json", "utf8")) as {
  readonly definitions: Readonly<Record<string, Schema>>;
};

const validators = new Map<string, Validator>();

/** What is wrong with a value by the shipped definition (`sendUserTurn.params`); "" when nothing is. */
export function faultOf(definition: string, value: unknown): string {
  const schema = SHIPPED.definitions[definition];
  if (schema === undefined) return `there is no definition ${definition}`;
  const validator = validators.get(definition) ?? new Validator(schema, "7");
  validators.set(definition, validator);
  const { valid, errors } = validator.validate(value);
  return valid ? "" : errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join("; ");
}
