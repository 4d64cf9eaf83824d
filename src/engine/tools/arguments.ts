import type * as v from "valibot";
import { type Decoded, decoder } from "../../protocol/index.js";

/** Makes a reader of a call's JSON arguments; what is wrong is said in a sentence the model can act on. */
export function argumentsReader<S extends v.GenericSchema>(schema: S): (text: string) => Decoded<v.InferOutput<S>> {
  const decode = decoder(schema);
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text === "" ? "{}" : text);
    } catch (error) {
      // Models do write broken JSON: the message goes back to the model.
      return { ok: false, message: `the arguments are not valid JSON (${(error as Error).message})` };
    }
    const decoded = decode(value);
    return decoded.ok ? decoded : { ok: false, message: `wrong arguments: ${decoded.message}` };
  };
}
