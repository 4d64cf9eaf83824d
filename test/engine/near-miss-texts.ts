/** A name as models write it, and the tool that is meant. */
export const NAMES: readonly (readonly [name: string, tool: string | undefined])[] = [
  ["exec_command", "exec_command"],
  [" exec_command\n", "exec_command"],
  ["functions.exec_command", "exec_command"],
  ["functions::exec_command", "exec_command"],
  ["function.apply_patch", "apply_patch"],
  ["tools.view_image", "view_image"],
  ["default_api.exec_command", "exec_command"],
  ["default_api:exec_command", "exec_command"],
  ["tool:exec_command", "exec_command"],
  ["belay.update_plan", "update_plan"],
  ["mcp__belay__exec_command", "exec_command"],
  ["functions.default_api.exec_command", "exec_command"],
  ["exec_command<|channel|>commentary", "exec_command"],
  ["functions.exec_command<|constrain|>json", "exec_command"],
  ["commentary to=functions.exec_command", "exec_command"],
  ["functions.exec_command:0", "exec_command"],
  ["functions.write_stdin:12", "write_stdin"],
  ["exec_command()", "exec_command"],
  ["Exec-Command", "exec_command"],
  ["execCommand", "exec_command"],
  ["EXEC_COMMAND", "exec_command"],
  ["exec command", "exec_command"],
  ['"exec_command"', "exec_command"],
  ["`exec_command`", "exec_command"],
  ["container.exec", "shell"],
  ["local_shell", "shell"],
  ["functions.shell", "shell"],
  ["bash", "exec_command"],
  ["Bash", "exec_command"],
  ["sh", "exec_command"],
  ["run_command", "exec_command"],
  ["execute_command", "exec_command"],
  ["run_shell_command", "exec_command"],
  ["run_terminal_cmd", "exec_command"],
  ["terminal", "exec_command"],
  ["exec", "exec_command"],
  ["applypatch", "apply_patch"],
  ["apply-patch", "apply_patch"],
  ["applyPatch", "apply_patch"],
  ["TodoWrite", "update_plan"],
  ["apply_diff", undefined],
  ["read_file", undefined],
  ["write_file", undefined],
  ["str_replace_editor", undefined],
  ["python", undefined],
  ["multi_tool_use.parallel", undefined],
  ["functions", undefined],
  ["functions.", undefined],
  ["", undefined],
  ["<|channel|>commentary", undefined],
  ["exec_command; rm -rf x", undefined],
  ["exec_command apply_patch", undefined],
  ["exec_command, write_stdin", undefined],
  ["exec_command_v2", undefined],
  ["constructor", undefined],
  ["__proto__", undefined],
  ["functions.functions.functions.functions.exec_command", undefined],
  ["x".repeat(100_000), undefined],
];

type Calls = readonly (readonly [name: string, args: object])[];

/** What a model wrote, and the calls that are in it; none where it is text. */
export interface TextCase {
  readonly text: string;
  readonly calls?: Calls;
  readonly before?: string;
}

const ECHO = '{"name":"exec_command","arguments":{"cmd":"echo 1"}}';
const CALL = `<tool_call>\n${ECHO}\n</tool_call>`;
const CODER = "<tool_call>\n<function=exec_command>\n<parameter=cmd>\necho 2\n</parameter>\n</function>\n</tool_call>";

/** Tags of one kind: the same with several prefixes. */
function tagged(
  prefix: string,
  outer: string,
  values: Readonly<Record<string, string>>,
  tool = "exec_command",
): string {
  const tag = (name: string, attributes = "") => `<${prefix}${name}${attributes}>`;
  const end = (name: string) => `</${prefix}${name}>`;
  const inner = Object.entries(values).map(
    ([name, value]) => `${tag("parameter", ` name="${name}"`)}${value}${end("parameter")}`,
  );
  return [tag(outer), tag("invoke", ` name="${tool}"`), ...inner, end("invoke"), end(outer)].join("\n");
}

const cmd = (script: string): readonly [string, object] => ["exec_command", { cmd: script }];
const made = (text: string, ...calls: Calls): TextCase => ({ text, calls });
const after = (before: string, text: string, ...calls: Calls): TextCase => ({
  text: `${before}${text}`,
  calls,
  before: before.trimEnd(),
});
const none = (text: string): TextCase => ({ text });

const CALLED: readonly TextCase[] = [
  made(CALL, cmd("echo 1")),
  after("Let me look.\n\n", CALL, cmd("echo 1")),
  after("Let me look:", CALL, cmd("echo 1")),
  after("I'll run the following command:\n", CALL, cmd("echo 1")),
  after("Let me see what the file contains:\n", CALL, cmd("echo 1")),
  after("The file says nothing of it. Now I will write the fix\n", CALL, cmd("echo 1")),
  after("Checking the following places:\n", CALL, cmd("echo 1")),
  after("The tests don't pass.\n", CALL, cmd("echo 1")),
  after("The log contains an error.\n", CALL, cmd("echo 1")),
  after("让我看看：\n", CALL, cmd("echo 1")),
  after("Sure, one moment\n", CALL, cmd("echo 1")),
  after("<think>\nhm\n</think>\n\n", CALL, cmd("echo 1")),
  after("As in:\n```sh\nls\n```\nNow:\n", CALL, cmd("echo 1")),
  made(`${CALL}\n${CALL.replace("echo 1", "echo 3")}`, cmd("echo 1"), cmd("echo 3")),
  made(`${CALL}<|im_end|>\n`, cmd("echo 1")),
  made(`<tool_call>{'name': 'exec_command', 'arguments': {'cmd': 'echo 4'}}</tool_call>`, cmd("echo 4")),
  made('<tool_call>{"name":"bash","arguments":{"command":"echo 5"}}</tool_call>', [
    "exec_command",
    { command: "echo 5" },
  ]),
  made(`<tool_call>{"name":"exec_command","arguments":"{\\"cmd\\":\\"echo 6\\"}"}</tool_call>`, cmd("echo 6")),
  made(
    `<tool_call>{"name":"exec_command","arguments":{"cmd":"echo '</tool_call>'"}}</tool_call>`,
    cmd("echo '</tool_call>'"),
  ),
  made(CODER, cmd("echo 2")),
  made(CODER.replace("<tool_call>\n", ""), cmd("echo 2")),
  made("<function=exec_command><parameter=cmd>echo 7\necho 8</parameter></function>", cmd("echo 7\necho 8")),
  made('<function=exec_command>{"cmd":"echo 9"}</function>', cmd("echo 9")),
  made("<function=exec_command><parameter=cmd>echo 10</parameter><parameter=timeout_ms>5000</parameter></function>", [
    "exec_command",
    { cmd: "echo 10", timeout_ms: "5000" },
  ]),
  made("<tool_call>exec_command\n<arg_key>cmd</arg_key>\n<arg_value>echo 11</arg_value>\n</tool_call>", cmd("echo 11")),
  made(tagged("", "function_calls", { cmd: "echo 12" }), cmd("echo 12")),
  made(
    tagged("minimax:", "tool_call", { cmd: "echo 13" })
      .replaceAll("minimax:invoke", "invoke")
      .replaceAll("minimax:parameter", "parameter"),
    cmd("echo 13"),
  ),
  made(tagged("antml:", "function_calls", { cmd: "echo 14" }), cmd("echo 14")),
  made(tagged("｜DSML｜", "function_calls", { cmd: "echo 15" }), cmd("echo 15")),
  made('[TOOL_CALLS][{"name":"exec_command","arguments":{"cmd":"echo 16"}}]', cmd("echo 16")),
  made('[TOOL_CALLS]exec_command[ARGS]{"cmd":"echo 17"}</s>', cmd("echo 17")),
  made(
    '[TOOL_CALLS]exec_command[ARGS]{"cmd":"echo 18"}[TOOL_CALLS]exec_command[ARGS]{"cmd":"echo 19"}',
    cmd("echo 18"),
    cmd("echo 19"),
  ),
  made('<|python_tag|>{"name":"exec_command","parameters":{"cmd":"echo 20"}}<|eom_id|>', cmd("echo 20")),
  made('{"name":"exec_command","parameters":{"cmd":"echo 21"}}', cmd("echo 21")),
  made('{"type":"function","name":"exec_command","arguments":{"cmd":"echo 22"}}\n', cmd("echo 22")),
  made(
    '{"type":"function","function":{"name":"exec_command","arguments":"{\\"cmd\\":\\"echo 23\\"}"}}',
    cmd("echo 23"),
  ),
  made(
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>exec_command\n```json\n{"cmd":"echo 24"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>',
    cmd("echo 24"),
  ),
  made(
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>exec_command<｜tool▁sep｜>{"cmd":"echo 25"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>exec_command<｜tool▁sep｜>{"cmd":"echo 26"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    cmd("echo 25"),
    cmd("echo 26"),
  ),
  after(
    "I look.",
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.exec_command:0<|tool_call_argument_begin|>{"cmd":"echo 27"}<|tool_call_end|><|tool_calls_section_end|>',
    cmd("echo 27"),
  ),
  made(
    '<|channel|>commentary to=functions.exec_command <|constrain|>json<|message|>{"cmd":"echo 28"}<|call|>',
    cmd("echo 28"),
  ),
  made('<|start|>assistant<|channel|>commentary to=functions.exec_command<|message|>{"cmd":"echo 29"}', cmd("echo 29")),
  made(
    '<|start|>assistant to=functions.exec_command<|channel|>commentary json<|message|>{"cmd":"echo 30"}<|call|>',
    cmd("echo 30"),
  ),
  made('```tool_call\n{"name":"exec_command","arguments":{"cmd":"echo 31"}}\n```', cmd("echo 31")),
  made(
    "<function=apply_patch><parameter=input>\n*** Begin Patch\n*** Add File: f\n+a &amp; b\n*** End Patch\n</parameter></function>",
    ["apply_patch", { input: "*** Begin Patch\n*** Add File: f\n+a &amp; b\n*** End Patch" }],
  ),
  made('<tool_call>{"name":"update_plan","arguments":{"plan":["a"]}}</tool_call>', ["update_plan", { plan: ["a"] }]),
];

const TEXT: readonly TextCase[] = [
  none("Done: all tests pass."),
  none(""),
  // In the middle, quoted, shown.
  none(`${CALL}\nThat is what I would run.`),
  none(`${CALL}\nDone.\n${CALL}`),
  none(`The file says:\n\`\`\`\n${CALL}\n\`\`\``),
  none(`The file says:\n\`\`\`xml\n${CALL}\n\`\`\`\nand no more.`),
  none(`The file begins:\n\`\`\`xml\n${CALL}`),
  none(`The file begins:\n~~~\n${CALL}`),
  none(`\`\`\`\`md\n\`\`\`tool_call\n${ECHO}\n\`\`\`\n\`\`\`\``),
  none(`Models write \`${CALL}\``),
  none(`Models write ${CALL}`),
  none(`"${CALL}"`),
  none(`> ${CALL}`),
  none(`>${CALL.replaceAll("\n", "")}`),
  none(`As code:\n\n    ${CALL.replaceAll("\n", "")}`),
  none(`- ${CALL.replaceAll("\n", "")}`),
  none(`For example:\n\n${CALL}`),
  none(`The format is as follows:\n${CALL}`),
  none(`## Example\n\n${CALL}`),
  none(`You would write something like this\n${CALL}`),
  none(`The log of the other agent ends with:\n${CALL}`),
  none(`Never write this to the model:\n${CALL}`),
  none(`Do not run it.\n${CALL}`),
  none(`The file prompt.txt contains this:\n\n${CALL}`),
  none(`I'll show you what it holds:\n${CALL}`),
  none(`The file says:\n${CALL}`),
  none(`The second line is:\n${CALL}`),
  none(`文件内容如下：\n${CALL}`),
  none(`<example>\n${CALL}`),
  none(`Text\n<document index="1">\n${CALL}`),
  none(`<!--\n${CALL}`),
  none(`<example>\n${CALL}\n</example>`),
  none(`<!--\n${CALL}\n-->`),
  none(`<think>\nI could write\n${CALL}`),
  none(`A call begins with \`<tool_call>\`.\n\n${CALL}`),
  none("Its tags are <tool_call> and </tool_call>."),
  none('Write <function=NAME>{"key":"value"}</function>'),
  none("[TOOL_CALLS] is a mark of the tokenizer"),
  none(`\`\`\`json\n${ECHO}\n\`\`\``),
  none(`Here: ${ECHO}`),
  none(`${ECHO} is what I would send`),
  none(`${ECHO}${ECHO}`),
  none(`[${ECHO},${ECHO}]`),
  // Not whole.
  none(CALL.slice(0, -12)),
  none(`<tool_call>\n${ECHO.slice(0, -1)}\n</tool_call>`),
  none(`<tool_call>\n${ECHO.slice(0, -4)}`),
  none(ECHO.slice(0, -1)),
  none("<function=exec_command><parameter=cmd>rm -rf build"),
  none("<function=exec_command><parameter=cmd>rm -rf build</function>"),
  none("<function=exec_command><parameter=cmd>rm -rf build</parameter>"),
  none("<tool_call>exec_command\n<arg_key>cmd</arg_key>\n<arg_value>rm -rf build</tool_call>"),
  none(tagged("", "function_calls", { cmd: "rm x" }).slice(0, -20)),
  none('[TOOL_CALLS]exec_command[ARGS]{"cmd":"rm -rf build'),
  none('[TOOL_CALLS][{"name":"exec_command","arguments":{"cmd":"rm x"}}'),
  none('<|channel|>commentary to=functions.exec_command<|message|>{"cmd":"rm x"'),
  none(
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.exec_command:0<|tool_call_argument_begin|>{"cmd":"rm x"}<|tool_call_end|>',
  ),
  none('<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>exec_command<｜tool▁sep｜>{"cmd":"rm x"}'),
  none(`\`\`\`tool_call\n${ECHO}`),
  // Two, one of them broken or of no tool.
  none(`${CALL}\n<tool_call>{"name":"exec_command"}</tool_call>`),
  none(`<tool_call>{"name":"nothing","arguments":{}}</tool_call>\n${CALL}`),
  none(`${CALL}\n<tool_call>{"name":"exec_command","arguments":{"cmd":5}}</tool_call>`),
  none(`${CALL}\n<tool_call>\n{"name":"exec_command","arguments":{"cmd":"rm`),
  none(`[TOOL_CALLS][${ECHO},{"name":"nothing","arguments":{}}]`),
  // Of no tool, or with arguments that mean nothing or two things.
  none('{"name":"Ada","arguments":{"cmd":"rm x"}}'),
  none('{"name":"bash","version":"5.2","arguments":{"cmd":"rm x"}}'),
  none('{"name":"bash","arguments":{"cmd":"rm x","command":"rm y"}}'),
  none('{"name":"exec_command","arguments":{"cmd":"rm x"},"parameters":{"cmd":"rm y"}}'),
  none('{"name":"exec_command","name":"apply_patch","arguments":{"cmd":"rm x"}}'),
  none('{"name":"exec_command","arguments":{"cmd":"rm x","cmd":"rm y"}}'),
  none("<function=exec_command>rm -rf build</function>"),
  none("<function=exec_command><parameter=cmd>a</parameter><parameter=cmd>b</parameter></function>"),
  none("<function=exec_command><parameter=cmd>make &amp;&amp; ./run &gt; log</parameter></function>"),
  none("<function=exec_command><parameter=cmd>echo '</parameter>'</parameter></function>"),
  none("<|python_tag|>import os; os.remove('x')"),
  none(`${"<tool_call>".repeat(5000)}`),
];

/** Texts with calls, and texts without. */
export const TEXT_CALLS: readonly TextCase[] = [...CALLED, ...TEXT];
