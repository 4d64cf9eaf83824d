// The floor of `patch` with many files: what any Node program pays that keeps Belay's promises to them. It reads each file,
// marks five lines it knows the place of, and has all new files written beside the old ones, synced, linked to for a way back,
// renamed into place and cleared away. No patch is parsed, no place looked for, no journal kept.
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const { promisify } = require("node:util");

const [fsync, unlink] = [promisify(fs.fsync), promisify(fs.unlink)];
const [files, folders, hunks, apart] = process.argv.slice(2).map(Number);

async function main() {
  fs.readFileSync(0);
  const names = Array.from({ length: files }, (_, n) => `d${n % folders}/f${n}.txt`);
  const contents = names.map((name) => marked(fs.readFileSync(name)));
  const opened = names.map((name, at) => {
    const fd = fs.openSync(`${name}.new`, "wx");
    fs.writeSync(fd, contents[at]);
    return fd;
  });
  await flush(opened[0]);
  await Promise.all(opened.map((fd) => fsync(fd)));
  for (const fd of opened) fs.closeSync(fd);
  for (const name of names) fs.linkSync(name, `${name}.old`);
  for (const name of names) fs.renameSync(`${name}.new`, name);
  await Promise.all(names.map((name) => unlink(`${name}.old`)));
}

function marked(bytes) {
  const parts = [];
  let at = 0;
  for (let hunk = 1; hunk <= hunks; hunk += 1) {
    const end = bytes.indexOf(10, bytes.indexOf(`\nline ${hunk * apart} of`, at) + 1);
    parts.push(bytes.subarray(at, end), Buffer.from(" changed"));
    at = end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

function flush(fd) {
  return new Promise((resolve) => {
    spawn("sync", ["-f", "/dev/fd/3"], { stdio: ["ignore", "ignore", "ignore", fd] }).once("exit", resolve);
  });
}

void main();
