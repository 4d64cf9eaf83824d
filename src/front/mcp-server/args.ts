import { Command, type Option } from "commander";

/** What the command line of `belay mcp-server` asks for. */
export interface McpServerArgs {
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
}

interface Flags {
  readonly config?: readonly string[];
}

const AFTER_HELP = `
An MCP client starts this program and talks to it by JSON-RPC on stdin and stdout, one message a line. Its tools are codex
(a new conversation) and codex-reply (the next turn of one); the conversation methods of Codex (newConversation,
interruptConversation, ...) are answered on the same stream. The end of stdin, SIGINT and SIGTERM stop the turns that run and
end the program.

Example, in the configuration of a client:
  {"mcpServers": {"belay": {"command": "belay", "args": ["mcp-server", "-c", "model=gpt-6.1-sol"]}}}
`;

/** The command `mcp-server`; `run` gets what was asked for. `config` is the option -c. */
export function mcpServerCommand(config: Option, run: (args: McpServerArgs) => Promise<void>): Command {
  return new Command("mcp-server")
    .description("an MCP server on stdin and stdout, for other programs")
    .addOption(config)
    .addHelpText("after", AFTER_HELP)
    .action((flags: Flags, command: Command) => {
      const before = (command.parent?.opts() as Flags | undefined)?.config ?? [];
      return run({ overrides: [...before, ...(flags.config ?? [])] });
    });
}
