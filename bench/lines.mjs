/** Calls back with each line of a stream of bytes, without its line feed. */
export function readLines(stream, take) {
  const decoder = new TextDecoder();
  let rest = "";
  stream.on("data", (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) take(line);
  });
}
