// dist/schema/: the JSON Schemas of what programs exchange with Belay, made of the schemas by which Belay checks it.
import { mkdirSync, writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { build } from "esbuild";

/** Writes dist/schema/conversation-api.json: the params and results of every method, as definitions. */
export async function buildSchemas() {
  const { METHODS, SERVER_REQUESTS, NOTIFICATIONS } = await load("src/front/api/conversations/schema.ts");
  const definitions = {};
  for (const [method, { params, result }] of Object.entries({ ...METHODS, ...SERVER_REQUESTS })) {
    definitions[`${method}.params`] = jsonSchemaOf(params);
    definitions[`${method}.result`] = jsonSchemaOf(result);
  }
  for (const [method, params] of Object.entries(NOTIFICATIONS)) definitions[`${method}.params`] = jsonSchemaOf(params);
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Belay: the conversation API",
    definitions,
  };
  mkdirSync("dist/schema", { recursive: true });
  writeFileSync("dist/schema/conversation-api.json", `${JSON.stringify(schema, undefined, 2)}\n`);
}

/** What crosses the stream is the input of a schema, not what Belay makes of it. Checks of single bytes say nothing to readers. */
function jsonSchemaOf(schema) {
  const { $schema, $defs, ...rest } = toJsonSchema(schema, {
    typeMode: "input",
    ignoreActions: ["check", "transform"],
    // What it comes to when the value is no array: JSON Schema tells arrays from objects by itself.
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === "lazy" ? jsonSchemaOf(valibotSchema.getter(undefined)) : undefined,
  });
  return rest;
}

/** A module of the program, with all that it imports. */
async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
    logLevel: "warning",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
