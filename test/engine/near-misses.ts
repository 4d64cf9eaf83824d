/** What must come of a call: what runs, exactly, or a refusal that says so and runs nothing. */
export type Outcome =
  | { readonly argv: readonly string[]; readonly folder?: string }
  | { readonly files: Readonly<Record<string, string>> }
  | { readonly plan: readonly (readonly [step: string, status: string])[] }
  | { readonly image: string }
  | { readonly typed: string }
  | { readonly refused: RegExp };

/** A call as a model wrote it. */
export type NearMiss = readonly [tool: string, args: string, outcome: Outcome];

/** A script of the user's shell, which is sh here. */
export const runs = (script: string, folder?: string): Outcome => ({
  argv: ["/bin/sh", "-c", script],
  ...(folder === undefined ? {} : { folder }),
});
const argv = (...words: readonly string[]): Outcome => ({ argv: words });
const refused = (why: RegExp): Outcome => ({ refused: why });
const all = (tool: string, rows: readonly (readonly [string, Outcome])[]): NearMiss[] =>
  rows.map(([args, outcome]) => [tool, args, outcome]);

const NOT_JSON = /not valid JSON/;
const DIFFER = /mean the same and differ: give .* alone/;
const TWO_SCRIPTS = /several scripts or one: give one script as a string/;
const FIELD = /there is no such field/;

/** The text around the arguments, and how they are written. Whatever `bad` makes must not come into being. */
const TEXTS = all("exec_command", [
  ['{"cmd":"echo 1"}', runs("echo 1")],
  ['\ufeff{"cmd":"echo 2"}', runs("echo 2")],
  ['```json\n{"cmd":"echo 3"}\n```', runs("echo 3")],
  ['```\n{"cmd":"echo 4"}\n```\n', runs("echo 4")],
  ['```json {"cmd":"echo 5"} ```', runs("echo 5")],
  [JSON.stringify('{"cmd":"echo 6"}'), runs("echo 6")],
  [JSON.stringify(JSON.stringify('{"cmd":"echo 7"}')), runs("echo 7")],
  ['[{"cmd":"echo 8"}]', runs("echo 8")],
  ['{"cmd":"echo 9\necho 10"}', runs("echo 9\necho 10")],
  ['{"cmd":"echo\t11"}', runs("echo\t11")],
  ['{"cmd":"echo 12",}', runs("echo 12")],
  ["{'cmd': 'echo 13'}", runs("echo 13")],
  [`{'cmd': "echo 'it is'", 'login': True, 'tty': None}`, runs("echo 'it is'")],
  [String.raw`{'cmd': 'echo it\'s'}`.replace("it\\'s", "\\'14\\'"), runs("echo '14'")],
  ['{cmd: "echo 15", login: false}', runs("echo 15")],
  ['{"cmd":"echo 16"}{"cmd":"echo 16"}', runs("echo 16")],
  ['{"cmd":"echo 17"}\n{"cmd": "echo 17"}', runs("echo 17")],
  ['{"cmd":"echo 18","cmd":"echo 18"}', runs("echo 18")],
  ['{"cmd":"echo 19"}<|call|>', runs("echo 19")],
  ['{"cmd":"echo 20"}\n</tool_call>', runs("echo 20")],
  ["```bash\necho 21\n```", runs("echo 21")],
  ["```sh\necho 22\necho 23\n```\n", runs("echo 22\necho 23")],
  ['{"name":"exec_command","arguments":{"cmd":"echo 24"}}', runs("echo 24")],
  ['{"parameters":{"cmd":"echo 25"}}', runs("echo 25")],
  ['{"tool":"functions.exec_command","arguments":"{\\"cmd\\":\\"echo 26\\"}"}', runs("echo 26")],
  [String.raw`{"cmd":"printf '%s\\n' \"27\""}`, runs(String.raw`printf '%s\n' "27"`)],
  ['{"cmd":"echo \\u0032\\/8"}', runs("echo 2/8")],
  ['{"cmd":"touch bad', refused(NOT_JSON)],
  ['{"cmd":"touch bad"', refused(NOT_JSON)],
  ['{"cmd":"touch bad",', refused(NOT_JSON)],
  ['{"cmd":"touch bad","workdir', refused(NOT_JSON)],
  ['{"cmd":"touch bad","login":fal', refused(NOT_JSON)],
  ["{'cmd': 'touch bad", refused(NOT_JSON)],
  ['```json\n{"cmd":"touch bad"', refused(NOT_JSON)],
  ["```bash\ntouch bad", refused(NOT_JSON)],
  ["```bash\ntouch bad\n```\n```bash\ntouch bad\n```", refused(NOT_JSON)],
  ["```python\nopen('bad','w')\n```", refused(NOT_JSON)],
  ["```console\n$ touch bad\n```", refused(NOT_JSON)],
  ["Run this:\n```bash\ntouch bad\n```", refused(NOT_JSON)],
  ['"{\\"cmd\\":\\"touch bad"', refused(NOT_JSON)],
  [JSON.stringify('{"cmd":"touch bad'), refused(NOT_JSON)],
  [JSON.stringify('{"cmd":"touch bad"}').slice(0, -1), refused(NOT_JSON)],
  [JSON.stringify(JSON.stringify(JSON.stringify('{"cmd":"touch bad"}'))), refused(/expected an object/)],
  ["touch bad", refused(NOT_JSON)],
  ['"touch bad"', refused(/expected an object/)],
  ["I would run `touch bad` now.", refused(NOT_JSON)],
  ['Arguments: {"cmd":"touch bad"}', refused(NOT_JSON)],
  ['{"cmd":"touch bad"} That is all.', refused(NOT_JSON)],
  ['{"cmd":"touch bad"}}', refused(NOT_JSON)],
  ['{"cmd":"touch bad"}{"cmd":"touch worse"}', refused(/more than one JSON value/)],
  // Some servers begin each call with an empty object.
  ['{}{"cmd":"echo 29"}', runs("echo 29")],
  ['[{"cmd":"touch bad"},{"cmd":"touch worse"}]', refused(/expected an object/)],
  ['["touch","bad"]', refused(/expected an object/)],
  ['{"cmd":"touch bad","cmd":"touch worse"}', refused(/give cmd more than once/)],
  ['{"cmd":"echo "x"; touch bad"}', refused(NOT_JSON)],
  [String.raw`{"cmd":"echo 'it'\''s'; touch bad"}`, refused(NOT_JSON)],
  [String.raw`{"cmd":"grep '\d' x; touch bad"}`, refused(NOT_JSON)],
  ["{'cmd': 'echo it's; touch bad'}", refused(NOT_JSON)],
  ['{"cmd":"touch bad" "login":false}', refused(NOT_JSON)],
  ["{cmd: touch bad}", refused(NOT_JSON)],
  ['{"cmd":`touch bad`}', refused(NOT_JSON)],
  ['{"cmd":"touch " + "bad"}', refused(NOT_JSON)],
  ['{"name":"apply_patch","arguments":{"cmd":"touch bad"}}', refused(FIELD)],
  ['{"arguments":{"cmd":"touch bad"},"input":{"cmd":"touch worse"}}', refused(FIELD)],
  ["", refused(/cmd: it is missing/)],
  ["null", refused(/cmd: it is missing/)],
  ["[".repeat(5000), refused(NOT_JSON)],
  [`{"cmd":${"[".repeat(100)}${"]".repeat(100)}}`, refused(/nested too deeply/)],
  ['{"__proto__":{"cmd":"touch bad"}}', refused(/cmd: it is missing/)],
]);

/** Names and types of fields, and what other agents call them. */
const FIELDS = all("exec_command", [
  ['{"command":"echo 30"}', runs("echo 30")],
  ['{"script":"echo 31"}', runs("echo 31")],
  ['{"bash":"echo 32"}', runs("echo 32")],
  ['{"code":"echo 33"}', runs("echo 33")],
  ['{"CMD":"echo 34"}', runs("echo 34")],
  ['{"Command":"echo 35"}', runs("echo 35")],
  ['{"cmd":"echo 36","command":"echo 36"}', runs("echo 36")],
  ['{"cmd":"echo 37","command":null}', runs("echo 37")],
  ['{"cmd":"pwd","cwd":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"pwd","working_directory":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"pwd","workingDirectory":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"pwd","Work-Dir":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"pwd","directory":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"pwd","dir":"sub","workdir":"sub"}', runs("pwd", "sub")],
  ['{"cmd":"echo 40","timeout_ms":"5000"}', runs("echo 40")],
  ['{"cmd":"echo 41","timeoutMs":5000.0}', runs("echo 41")],
  ['{"cmd":"echo 42","Timeout-Ms":"5000.0"}', runs("echo 42")],
  ['{"cmd":"echo 43","login":"false"}', runs("echo 43")],
  ['{"cmd":"echo 44","login":"True","tty":"FALSE"}', runs("echo 44")],
  ['{"cmd":"echo 45","workdir":null,"login":null,"timeout_ms":null,"justification":null}', runs("echo 45")],
  ['{"cmd":"echo 46","timeout_ms":"","login":"null","sandbox_permissions":""}', runs("echo 46")],
  ['{"cmd":"echo 47","sandboxPermissions":"Use-Default"}', runs("echo 47")],
  ['{"cmd":"echo 48","timeout":10,"description":"says it"}', runs("echo 48")],
  ['{"cmd":"echo 49","stdin":"","env":{},"args":[],"input":null,"run_in_background":false}', runs("echo 49")],
  ['{"cmd":"touch bad","command":"touch worse"}', refused(DIFFER)],
  ['{"command":"touch bad","script":"touch worse"}', refused(DIFFER)],
  ['{"cmd":"touch bad","workdir":"sub","cwd":"."}', refused(DIFFER)],
  ['{"cmd":"touch bad","timeout_ms":"5s"}', refused(/timeout_ms: expected number/)],
  ['{"cmd":"touch bad","timeout_ms":"5,000"}', refused(/timeout_ms: expected number/)],
  ['{"cmd":"touch bad","timeout_ms":"1e3"}', refused(/timeout_ms: expected number/)],
  ['{"cmd":"touch bad","timeout_ms":"0x10"}', refused(/timeout_ms: expected number/)],
  ['{"cmd":"touch bad","timeout_ms":true}', refused(/timeout_ms: expected number/)],
  ['{"cmd":"touch bad","login":1}', refused(/login: expected boolean/)],
  ['{"cmd":"touch bad","login":"yes"}', refused(/login: expected boolean/)],
  ['{"cmd":5}', refused(/cmd: expected string/)],
  ['{"cmd":true}', refused(/cmd: expected string/)],
  ['{"cmd":{"script":"touch bad"}}', refused(/cmd: expected string/)],
  ['{"cmd":null,"workdir":"sub"}', refused(/cmd: expected string/)],
  ['{"cmd":"  "}', refused(/cmd is empty/)],
  ['{"input":"touch bad"}', refused(FIELD)],
  ['{"cmd":"cat > bad","stdin":"x"}', refused(/stdin: there is no such field.*heredoc/)],
  ['{"cmd":"cat > bad","input":"x"}', refused(FIELD)],
  ['{"cmd":"touch $NAME bad","env":{"NAME":"x"}}', refused(/env: .*Set variables/)],
  ['{"command":"touch","args":["bad"]}', refused(/args: .*whole command/)],
  ['{"cmd":"touch bad","path":"sub"}', refused(/path: .*workdir/)],
  ['{"cmd":"touch bad","run_in_background":true}', refused(/yield_time_ms/)],
  ['{"cmd":"touch bad","isBackground":"true"}', refused(/yield_time_ms/)],
  ['{"cmd":"touch bad","dry_run":true}', refused(FIELD)],
  ['{"cmd":"touch bad","host":"elsewhere"}', refused(FIELD)],
  ['{"cmd":"touch bad","sudo":true}', refused(FIELD)],
  ['{"cmd":"cat > bad","content":"x"}', refused(FIELD)],
  ['{"cmd":"touch","file":"bad"}', refused(FIELD)],
  ['{"cmd":"echo 201","shell":"","workdir":""}', runs("echo 201")],
  ['{"cmd":"Run this:\\n```bash\\ntouch bad\\n```"}', refused(/code fence/)],
  ['{"cmd":"cat > x.md <<E\\n```sh\\nls\\n```\\nE"}', runs("cat > x.md <<E\n```sh\nls\n```\nE")],
  ['{"cmd":"{\\"cmd\\": \\"touch bad\\"}"}', refused(/object in JSON/)],
  ['{"cmd":"{ echo 202; }"}', runs("{ echo 202; }")],
  ['{"code":"open(1)","language":"python"}', refused(/language: cmd is a shell script/)],
  ['{"code":"echo 29","language":"bash"}', runs("echo 29")],
  ['{"cmd":"echo 28","pty":false,"with_escalated_permissions":false}', runs("echo 28")],
]);

/** Lists and their JSON text where a script is due. */
const SCRIPTS = all("exec_command", [
  ['{"cmd":["echo","a b","$HOME"]}', runs("echo 'a b' '$HOME'")],
  ['{"cmd":["echo","it\'s"]}', runs('echo "it\'s"')],
  ['{"cmd":["sh","-c","echo 50 | cat"]}', argv("/bin/sh", "-c", "echo 50 | cat")],
  ['{"cmd":["bash","-lc","echo 51 && echo 52"]}', argv("/bin/bash", "-lc", "echo 51 && echo 52")],
  ['{"cmd":["bash","-c","echo 53"],"login":true}', argv("/bin/bash", "-lc", "echo 53")],
  ['{"cmd":["echo 54; echo 55"]}', runs("echo 54; echo 55")],
  ['{"cmd":["pwd"]}', runs("pwd")],
  ['{"command":["echo","56"]}', runs("echo 56")],
  ['{"cmd":"[\\"echo\\",\\"57 58\\"]"}', runs("echo '57 58'")],
  ['{"cmd":"[\\"sh\\",\\"-c\\",\\"echo 59\\"]"}', argv("/bin/sh", "-c", "echo 59")],
  ["{\"cmd\":\"['echo', '60']\"}", runs("echo 60")],
  ['{"cmd":"```bash\\necho 61\\n```"}', runs("echo 61")],
  ['{"cmd":"[ \\"a\\" = \\"a\\" ] && echo 62"}', runs('[ "a" = "a" ] && echo 62')],
  ['{"cmd":"[ \\"a\\" ]"}', runs('[ "a" ]')],
  ['{"cmd":["touch bad","touch worse"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":["cd sub","&&","touch","bad"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":["touch","bad","&&","touch","worse"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":["echo","x",">","bad"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":["echo","x","|","tee","bad"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":["","touch bad"]}', refused(TWO_SCRIPTS)],
  ['{"cmd":[]}', refused(/cmd is empty/)],
  ['{"cmd":["bash","-lc","touch bad"],"shell":"zsh"}', refused(/name different shells/)],
  ['{"cmd":["./bash","-c","touch bad"]}', refused(/there is no shell/)],
  ['{"cmd":["touch",5]}', refused(/cmd: expected string/)],
  ['{"cmd":[["touch","bad"]]}', refused(/cmd: expected string/)],
  ['{"cmd":"[\\"touch\\",\\"bad\\""}', refused(/begins as a list in JSON and is none/)],
  ['{"cmd":"[\\"touch bad\\",\\"touch worse\\"]"}', refused(TWO_SCRIPTS)],
  ['{"cmd":"```bash\\ntouch bad\\n``` and more"}', refused(/code fence/)],
  ['{"cmd":"```bash\\ntouch bad"}', refused(/code fence/)],
]);

const SHELL = all("shell", [
  ['{"command":["echo","70"]}', argv("echo", "70")],
  ['{"command":["echo","$HOME","a b"]}', argv("echo", "$HOME", "a b")],
  ['{"command":"[\\"sh\\",\\"-c\\",\\"echo 71\\"]"}', argv("sh", "-c", "echo 71")],
  ["{\"command\":\"['echo', '72']\"}", argv("echo", "72")],
  ['{"command":"echo 73 | cat"}', runs("echo 73 | cat")],
  ['{"command":["echo 74 | cat"]}', runs("echo 74 | cat")],
  ['{"cmd":["echo","75"],"cwd":"sub"}', { argv: ["echo", "75"], folder: "sub" }],
  ['{"command":["echo","76"],"timeout":"5000","with_escalated_permissions":"false"}', argv("echo", "76")],
  ["```bash\necho 77\n```", runs("echo 77")],
  ['{"command":"[\\"touch\\",\\"bad\\""}', refused(/begins as a list/)],
  ['{"command":"[\\"touch\\",5]"}', refused(/begins as a list/)],
  ['{"command":{"program":"touch"}}', refused(/command: expected/)],
  ['{"command":"touch","args":["bad"]}', refused(FIELD)],
  ['{"command":[]}', refused(/command is empty/)],
  ['{"command":["touch","bad"],"cmd":["touch","worse"]}', refused(DIFFER)],
  ['{"command":["touch","bad"', refused(NOT_JSON)],
]);

const PATCH = "*** Begin Patch\n*** Add File: NAME\n+x\n*** End Patch";
const patch = (name: string) => PATCH.replace("NAME", name);

const PATCHES = all("apply_patch", [
  [JSON.stringify({ input: patch("p1") }), { files: { p1: "x\n" } }],
  [JSON.stringify({ patch: patch("p2") }), { files: { p2: "x\n" } }],
  [JSON.stringify({ diff: patch("p3") }), { files: { p3: "x\n" } }],
  [JSON.stringify({ content: patch("p4"), path: "p4" }), { files: { p4: "x\n" } }],
  [patch("p5"), { files: { p5: "x\n" } }],
  [JSON.stringify(patch("p6")), { files: { p6: "x\n" } }],
  [`{"input":"${patch("p7")}"}`, { files: { p7: "x\n" } }],
  [JSON.stringify(JSON.stringify({ input: patch("p8") })), { files: { p8: "x\n" } }],
  [`\`\`\`json\n${JSON.stringify({ input: patch("p9") })}\n\`\`\``, { files: { p9: "x\n" } }],
  [JSON.stringify({ command: ["apply_patch", patch("p10")] }), { files: { p10: "x\n" } }],
  [JSON.stringify({ input: patch("bad") }).slice(0, -12), refused(NOT_JSON)],
  [JSON.stringify({ input: patch("bad"), patch: patch("worse") }), refused(DIFFER)],
  [JSON.stringify({ input: patch("bad"), workdir: "sub" }), refused(FIELD)],
  [JSON.stringify({ input: patch("bad"), dry_run: true }), refused(FIELD)],
  [JSON.stringify({ input: patch("bad"), path: "other" }), refused(FIELD)],
  [JSON.stringify({ path: "bad", content: "x" }), refused(FIELD)],
  [JSON.stringify({ input: [patch("bad")] }), refused(/input: expected string/)],
  ["please make bad with an x in it", refused(NOT_JSON)],
]);

const PLANS = all("update_plan", [
  ['{"plan":[{"step":"a","status":"in_progress"}]}', { plan: [["a", "in_progress"]] }],
  ['{"plan":"[{\\"step\\":\\"b\\",\\"status\\":\\"pending\\"}]"}', { plan: [["b", "pending"]] }],
  ["{\"plan\":\"[{'step': 'c', 'status': 'done'}]\"}", { plan: [["c", "completed"]] }],
  [
    '{"plan":["d","e"]}',
    {
      plan: [
        ["d", "pending"],
        ["e", "pending"],
      ],
    },
  ],
  ['{"plan":[{"title":"f","status":"In Progress"}]}', { plan: [["f", "in_progress"]] }],
  ['{"plan":[{"content":"g","status":"in-progress","activeForm":"g-ing"}]}', { plan: [["g", "in_progress"]] }],
  ['{"todos":[{"task":"h","state":"done"}]}', { plan: [["h", "completed"]] }],
  [
    '{"steps":[{"name":"i","status":"todo"},{"description":"j","status":"DOING"}]}',
    {
      plan: [
        ["i", "pending"],
        ["j", "in_progress"],
      ],
    },
  ],
  [
    '[{"step":"k","status":"complete"},{"step":"l"}]',
    {
      plan: [
        ["k", "completed"],
        ["l", "pending"],
      ],
    },
  ],
  ['[{"step":"m","status":"not started"}]', { plan: [["m", "pending"]] }],
  ['{"plan":[{"step":"n","status":null}],"explanation":null}', { plan: [["n", "pending"]] }],
  ['{"plan":[{"step":"o","status":"cancelled"}]}', refused(/plan\[0\]\.status: expected/)],
  ['{"plan":[{"step":"p","status":true}]}', refused(/plan\[0\]\.status: expected/)],
  ['{"plan":[{"step":"q","title":"r","status":"done"}]}', refused(DIFFER)],
  ['{"plan":"first s, then t"}', refused(/plan: expected array/)],
  ['{"plan":[{"status":"done"}]}', refused(/plan\[0\]\.step: it is missing/)],
  ['{"plan":[5]}', refused(/plan\[0\]: expected an object/)],
  ['{"plan":[{"step":"u","status":"pend', refused(NOT_JSON)],
]);

const IMAGES = all("view_image", [
  ['{"path":"a.png"}', { image: "a.png" }],
  ['{"file_path":"a.png"}', { image: "a.png" }],
  ['{"filePath":"a.png","image":"a.png"}', { image: "a.png" }],
  ['{"filename":"a.png"}', { image: "a.png" }],
  ['{"file":"a.png","detail":"high"}', { image: "a.png" }],
  ['{"path":"a.png","file":"b.png"}', refused(DIFFER)],
  ['{"path":["a.png"]}', refused(/path: expected string/)],
  ['{"url":"a.png"}', refused(/path: it is missing/)],
  ["a.png", refused(NOT_JSON)],
]);

/** `ID` is that of a terminal in which cat runs. */
const TYPING = all("write_stdin", [
  ['{"session_id":ID,"chars":"1\\n"}', { typed: "1\n" }],
  ['{"session_id":"ID","chars":"2\\n"}', { typed: "2\n" }],
  ['{"session_id":"ID.0","input":"3\\n"}', { typed: "3\n" }],
  ['{"sessionId":ID,"text":"4\\n","yield_time_ms":"250"}', { typed: "4\n" }],
  ['{"id":ID,"chars":"5\\n","eof":"False","close":null}', { typed: "5\n" }],
  ['{"terminal_id":ID,"session":"ID","chars":"6\n"}', refused(DIFFER)],
  ['{"session_id":ID,"chars":"7","enter":true}', refused(FIELD)],
  ['{"session_id":ID,"chars":"8","text":"9"}', refused(DIFFER)],
  ['{"session_id":ID,"cmd":"echo 9"}', refused(FIELD)],
  ['{"session_id":ID,"kill":true}', refused(/close/)],
  ['{"id":"ID","input":"{\\"chars\\":1}\\n"}', { typed: '{"chars":1}\n' }],
  ['{"session_id":"IDth","chars":"9"}', refused(/session_id: expected number/)],
  ['{"session_id":ID,"chars":9}', refused(/chars: expected string/)],
  ['{"session_id":ID,"chars":"9', refused(NOT_JSON)],
]);

/** Calls of every tool. */
export const NEAR_MISSES: readonly NearMiss[] = [
  ...TEXTS,
  ...FIELDS,
  ...SCRIPTS,
  ...SHELL,
  ...PATCHES,
  ...PLANS,
  ...IMAGES,
  ...TYPING,
];
