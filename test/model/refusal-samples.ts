import type { Refused } from "../../src/model/refusal-texts.js";

/** What servers answer when they refuse a part of a request, and what can be learnt from it. */
export interface RefusalSample {
  readonly from: string;
  readonly status: number;
  readonly body: string | object;
  readonly tells: Refused;
}

function openai(message: string, more: object = {}): object {
  return { error: { message, type: "invalid_request_error", param: null, code: null, ...more } };
}

const images: Refused = { refused: "images" };
const thoughts: Refused = { refused: "thoughts" };
const wanted: Refused = { wants: "thoughts" };
const signatures: Refused = { wants: "signatures" };

const IMAGES: readonly [string, number, string | object][] = [
  ["Ollama", 400, openai("this model does not support image input (ref: b8bd630e-4a39-4b57-82af-9158ee9d5703)")],
  [
    "OpenAI",
    400,
    openai("Invalid content type. image_url is only supported by certain models.", {
      param: "messages.[1].content.[0].type",
    }),
  ],
  [
    "DeepSeek",
    400,
    openai(
      "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text` at line 1 column 4242",
      { code: "invalid_request_error" },
    ),
  ],
  ["OpenRouter", 404, { error: { message: "No endpoints found that support image input", code: 404 } }],
  [
    "llama.cpp",
    500,
    {
      error: {
        code: 500,
        message: "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        type: "server_error",
      },
    },
  ],
  [
    "vLLM",
    400,
    { object: "error", message: "Qwen/Qwen3-32B is not a multimodal model", type: "BadRequestError", code: 400 },
  ],
  [
    "vLLM, too many",
    400,
    {
      object: "error",
      message: "At most 1 image(s) may be provided in one prompt.",
      type: "BadRequestError",
      code: 400,
    },
  ],
  [
    "vLLM, broken",
    400,
    { object: "error", message: "cannot identify image file <_io.BytesIO object at 0x7f>", code: 400 },
  ],
  ["xLLM", 400, { error: { message: "Non-text content requires multimodal endpoint" } }],
  ["a gateway", 400, { error: { message: "this is not a vision capable model" } }],
  [
    "Anthropic",
    400,
    {
      type: "error",
      error: { type: "invalid_request_error", message: "Could not process image" },
      request_id: "req_1",
    },
  ],
  [
    "OpenAI, broken",
    400,
    openai(
      "The image data you provided does not represent a valid image. Please check your input and try again with one of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
      { code: "invalid_image" },
    ),
  ],
  [
    "OpenAI, older",
    400,
    openai(
      "You uploaded an unsupported image. Please make sure your image is below 20 MB in size and is of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
      { code: "image_parse_error" },
    ),
  ],
  [
    "Anthropic, large",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 10053760 bytes > 5242880 bytes",
      },
    },
  ],
  [
    "Anthropic, many and large",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "messages.11.content.1.image.source.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
      },
    },
  ],
  [
    "Gemini",
    400,
    [
      {
        error: {
          code: 400,
          message:
            "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
  ],
  [
    "Gemini, broken",
    400,
    [{ error: { code: 400, message: "Provided image is not valid.", status: "INVALID_ARGUMENT" } }],
  ],
  [
    "llama.cpp, broken",
    400,
    { error: { code: 400, message: "Failed to load image or audio file", type: "invalid_request_error" } },
  ],
  ["Groq", 400, openai("messages[1].content must be a string", { param: "messages" })],
  [
    "a server in Rust",
    422,
    "Failed to deserialize the JSON body into the target type: messages[1].content: invalid type: sequence, expected a string at line 1 column 99",
  ],
  [
    "an older llama.cpp",
    500,
    { error: { code: 500, message: "Only 'text' content type is supported.", type: "server_error" } },
  ],
  [
    "Bedrock",
    400,
    {
      message:
        "The model returned the following errors: messages.2.content.0: This model doesn't support the image content block",
    },
  ],
  [
    "Anthropic, another type",
    400,
    openai(
      "messages.2.content.0.image.source.base64: The image was specified using the image/jpeg media type, but the image appears to be a image/png image",
    ),
  ],
  ["an image by its size", 413, openai("image too large: 21 MB")],
];

const THOUGHTS: readonly [string, number, string | object][] = [
  [
    "OpenAI",
    400,
    openai("The encrypted content gAAA...DQ== could not be verified.", { code: "invalid_encrypted_content" }),
  ],
  [
    "a proxy",
    400,
    openai(
      "The encrypted content VPy0...8OA= could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
      { code: "thinking_signature_invalid" },
    ),
  ],
  ["Azure", 400, openai("Encrypted content organization_id did not match the target organization.")],
  [
    "Groq",
    400,
    openai(
      "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
    ),
  ],
  [
    "Anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.1.content.0: Invalid `signature` in `thinking` block",
      },
    },
  ],
  [
    "Anthropic, changed",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "messages.25.content.3: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.",
      },
    },
  ],
  [
    "a gateway, wrapped twice",
    400,
    {
      error: {
        code: 400,
        message:
          '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking`       block"},"request_id":"req_vrtx_1"}',
        status: "INVALID_ARGUMENT",
      },
    },
  ],
  [
    "OpenAI, order",
    400,
    openai("Item 'rs_68a8' of type 'reasoning' was provided without its required following item."),
  ],
  [
    "OpenAI, order, the other way round",
    400,
    openai(
      "Item 'fc_68990b4d' of type 'function_call' was provided without its required 'reasoning' item: 'rs_68990b4d'.",
      { param: "input" },
    ),
  ],
  [
    "OpenAI, not stored",
    400,
    openai(
      "Item with id 'rs_0123' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
      { param: "input" },
    ),
  ],
  ["Gemini", 400, [{ error: { code: 400, message: "Corrupted thought signature.", status: "INVALID_ARGUMENT" } }]],
  [
    "Gemini, invalid",
    400,
    [{ error: { code: 400, message: "Thought signature is not valid", status: "INVALID_ARGUMENT" } }],
  ],
  [
    "Mistral",
    422,
    {
      detail: [
        {
          type: "extra_forbidden",
          loc: ["body", "messages", 2, "assistant", "reasoning_content"],
          msg: "Extra inputs are not permitted",
          input: "hm",
        },
      ],
    },
  ],
  [
    "a strict gateway",
    400,
    openai("Unknown parameter: 'messages[2].reasoning_details'.", {
      param: "messages[2].reasoning_details",
      code: "unknown_parameter",
    }),
  ],
];

const WANTED: readonly [string, number, string | object][] = [
  [
    "DeepSeek",
    400,
    openai("The `reasoning_content` in the thinking mode must be passed back to the API.", {
      code: "invalid_request_error",
    }),
  ],
  [
    "DeepSeek, older",
    400,
    openai(
      "Missing `reasoning_content` field in the assistant message at message index 2. For more information, please refer to https://api-docs.deepseek.com/guides/thinking_mode#tool-calls",
      { code: "invalid_request_error" },
    ),
  ],
  [
    "Kimi, behind OpenRouter",
    400,
    {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: {
          raw: '{"error":{"message":"thinking is enabled but reasoning_content is missing in assistant tool call message at index 2","type":"invalid_request_error"}}',
          provider_name: "Moonshot AI",
        },
      },
      user_id: "user_1",
    },
  ],
  [
    "SiliconFlow",
    400,
    {
      code: 20015,
      message: "thinking is enabled but reasoning_content is missing in assistant tool call message at index 32",
      data: null,
    },
  ],
  [
    "LiteLLM",
    400,
    {
      error: {
        message:
          "litellm.BadRequestError: OpenAIException - messages[51]: assistant message with tool_calls must include reasoning_content. Received Model Group=deepseek-v4-pro\nAvailable Model Group Fallbacks=None",
        type: null,
        param: null,
        code: "400",
      },
    },
  ],
  [
    "Gemini",
    400,
    [
      {
        error: {
          code: 400,
          message:
            "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:shell` , position 2.",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
  ],
  [
    "Anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).",
      },
    },
  ],
];

const FIELDS: readonly [string, number, string | object, string][] = [
  [
    "OpenAI, unknown",
    400,
    openai("Unknown parameter: 'stream_options'. (request id: 2024)", {
      param: "stream_options",
      code: "unknown_parameter",
    }),
    "stream_options",
  ],
  [
    "OpenAI, of a model",
    400,
    openai("Unsupported parameter: 'parallel_tool_calls' is not supported with this model.", {
      param: "parallel_tool_calls",
      code: "unsupported_parameter",
    }),
    "parallel_tool_calls",
  ],
  [
    "OpenAI, within a field",
    400,
    openai("Unsupported parameter: 'reasoning.summary' is not supported with this model.", {
      param: "reasoning.summary",
    }),
    "reasoning.summary",
  ],
  [
    "OpenAI, a value",
    400,
    openai(
      "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are: 'low', 'medium', and 'high'.",
      { param: "reasoning_effort", code: "unsupported_value" },
    ),
    "reasoning_effort",
  ],
  ["Azure", 400, openai("Unrecognized request argument supplied: parallel_tool_calls"), "parallel_tool_calls"],
  [
    "Anthropic",
    400,
    {
      type: "error",
      error: { type: "invalid_request_error", message: "prompt_cache_key: Extra inputs are not permitted" },
    },
    "prompt_cache_key",
  ],
  [
    "FastAPI",
    422,
    {
      detail: [
        {
          type: "extra_forbidden",
          loc: ["body", "parallel_tool_calls"],
          msg: "Extra inputs are not permitted",
          input: true,
        },
      ],
    },
    "parallel_tool_calls",
  ],
  [
    "vLLM",
    400,
    {
      object: "error",
      message:
        "[{'type': 'extra_forbidden', 'loc': ('body', 'store'), 'msg': 'Extra inputs are not permitted', 'input': False}]",
      type: "BadRequestError",
      code: 400,
    },
    "store",
  ],
  ["Groq", 400, openai("property 'store' is unsupported"), "store"],
  ["Fireworks", 400, openai('json: unknown field "prompt_cache_key"'), "prompt_cache_key"],
  [
    "a server in Rust",
    422,
    "Failed to deserialize the JSON body: unknown field `stream_options`, expected one of `model`, `messages` at line 1 column 9",
    "stream_options",
  ],
  [
    "LiteLLM",
    400,
    {
      error: {
        message:
          "litellm.UnsupportedParamsError: custom_openai does not support parameters: ['reasoning_effort'], for model=deepseek-v4-flash. To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`",
        type: null,
        code: "400",
      },
    },
    "reasoning_effort",
  ],
  [
    "LiteLLM, by Python",
    500,
    { error: { message: "AsyncCompletions.create() got an unexpected keyword argument 'client_metadata'" } },
    "client_metadata",
  ],
  [
    "Gemini",
    400,
    [
      {
        error: {
          code: 400,
          message: 'Invalid JSON payload received. Unknown name "store": Cannot find field.',
          status: "INVALID_ARGUMENT",
        },
      },
    ],
    "store",
  ],
  [
    "xAI",
    400,
    { code: "Client specified an invalid argument", error: "Argument not supported on this model: reasoningEffort" },
    "reasoning_effort",
  ],
  [
    "Volcengine",
    400,
    openai(
      "The parameter `reasoning_effort` specified in the request is not valid: not supported by this model. Request id: 0217",
      { code: "InvalidParameter", param: "reasoning_effort" },
    ),
    "reasoning_effort",
  ],
  ["in plain words", 400, openai("stream_options is not supported"), "stream_options"],
  [
    "without tools",
    400,
    openai(
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
      { param: "parallel_tool_calls" },
    ),
    "parallel_tool_calls",
  ],
  ["Ollama", 400, openai('"llama3.2:latest" does not support thinking'), "reasoning_effort"],
  [
    "Bedrock",
    400,
    {
      message:
        "Malformed input request: extraneous key [stream_options] is not permitted, please reformat your input and try again.",
    },
    "stream_options",
  ],
  [
    "OpenAI, what was asked for",
    400,
    openai("Encrypted content is not supported with this model.", { param: "include" }),
    "include",
  ],
  ["JSON Schema", 400, openai("Additional properties are not allowed ('store' was unexpected)"), "store"],
  [
    "a value behind its field",
    400,
    openai("service_tier 'priority' is not supported for this account"),
    "service_tier",
  ],
];

const ROLES: readonly [string, number, string | object, NonNullable<Refused["badRole"]>][] = [
  [
    "Gemma's template",
    500,
    { error: { code: 500, message: "System role not supported", type: "server_error" } },
    "system",
  ],
  [
    "vLLM",
    400,
    { object: "error", message: "System role not supported", type: "BadRequestError", code: 400 },
    "system",
  ],
  [
    "OpenAI, o1",
    400,
    openai("Unsupported value: 'messages[0].role' does not support 'system' with this model.", {
      param: "messages[0].role",
      code: "unsupported_value",
    }),
    "system",
  ],
  [
    "Gemini",
    400,
    [
      {
        error: {
          code: 400,
          message: "Developer instruction is not enabled for models/gemma-3-27b-it",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
    "system",
  ],
  [
    "DashScope",
    400,
    openai("developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['0].role'"),
    "developer",
  ],
  [
    "DeepSeek",
    422,
    {
      message:
        "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder` at line 1 column 60",
      type: "invalid_request_error",
      param: "",
      code: "invalid_request_error",
    },
    "developer",
  ],
  [
    "Mistral's template",
    400,
    { object: "error", message: "Only user, assistant and tool roles are supported, got developer.", code: 400 },
    "developer",
  ],
  [
    "OpenAI, older models",
    400,
    openai("Invalid value: 'developer'. Supported values are: 'system', 'assistant', 'user', 'function', and 'tool'.", {
      param: "messages[0].role",
      code: "invalid_value",
    }),
    "developer",
  ],
  [
    "Mistral",
    400,
    {
      object: "error",
      message: "Unexpected role 'user' after role 'tool'",
      type: "invalid_request_error",
      param: null,
      code: null,
    },
    "alternation",
  ],
  [
    "Mistral, last",
    400,
    {
      object: "error",
      message: "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
      type: "invalid_request_error",
    },
    "alternation",
  ],
  [
    "llama.cpp",
    500,
    {
      error: {
        code: 500,
        message:
          "\n------------\nWhile executing CallExpression at line 189, column 32 in source:\n...== 0) %}↵            {{- raise_exception('After the optional system message, con...\n                                           ^\nError: Jinja Exception: After the optional system message, conversation roles must alternate user and assistant roles except for tool calls and results.",
        type: "server_error",
      },
    },
    "alternation",
  ],
  [
    "vLLM",
    400,
    {
      object: "error",
      message: "Conversation roles must alternate user/assistant/user/assistant/...",
      type: "BadRequestError",
      code: 400,
    },
    "alternation",
  ],
  [
    "Anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row',
      },
    },
    "alternation",
  ],
  [
    "Perplexity",
    400,
    {
      error: {
        message:
          "After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s).",
        type: "invalid_message",
        code: 400,
      },
    },
    "alternation",
  ],
  [
    "Gemini",
    400,
    [
      {
        error: {
          code: 400,
          message:
            "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
    "alternation",
  ],
];

/** Refusals that nothing can be learnt from. */
const OTHERS: readonly [string, number, string | object][] = [
  ["a model", 400, openai("The model 'foo' is not supported.", { code: "model_not_supported" })],
  ["a model that sees", 400, openai("The model `llama-3.2-vision` is not available")],
  [
    "a tool's schema",
    400,
    openai("Invalid schema for function 'view_image': None is not of type 'array'.", {
      code: "invalid_function_parameters",
    }),
  ],
  [
    "a tool's name",
    400,
    openai(
      "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    ),
  ],
  [
    "a message",
    400,
    openai(
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
      { param: "messages.[3].role" },
    ),
  ],
  ["a billing", 400, openai("Your credit balance is too low to access the API")],
  [
    "a value",
    400,
    openai("Invalid value: 'input_foo'. Supported values are: 'input_text', 'output_text'.", {
      param: "input[1].content[0]",
      code: "invalid_value",
    }),
  ],
  [
    "an argument",
    400,
    [{ error: { code: 400, message: "Request contains an invalid argument.", status: "INVALID_ARGUMENT" } }],
  ],
  ["a call", 400, openai("No tool call found for function call output with call_id call_1.", { param: "input" })],
  [
    "a key",
    400,
    [{ error: { code: 400, message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" } }],
  ],
];

/** Words in many ways for the same. */
const WORDS: readonly [words: string, tells: Refused, more?: object][] = [
  ["vision not implemented", images],
  ["prompt contains image but vision is disabled", images],
  ["reasoning.encrypted_content: decryption failed", thoughts],
  ["Could not parse encrypted_content", thoughts],
  ["Failed to decrypt the encrypted content of item rs_1", thoughts],
  ["The reasoning item was encrypted with a key that has been rotated", thoughts],
  ["decryption error", thoughts],
  ["'messages.2' : property 'reasoning' is unsupported", thoughts],
  ["Unknown parameter: 'messages[2].tool_calls[0].extra_content'.", thoughts, { code: "unknown_parameter" }],
  [
    "Unsupported include value: 'reasoning.encrypted_content'",
    { unsupported: "include" },
    { param: "include", code: "invalid_value" },
  ],
  ["Encrypted content is not supported with this model.", { unsupported: "include" }, { param: "include" }],
  ["body must NOT have additional properties: stream_options", { unsupported: "stream_options" }],
  ["Invalid service_tier argument", { unsupported: "service_tier" }, { param: "service_tier" }],
  ["Only parallel_tool_calls=false is supported currently.", { unsupported: "parallel_tool_calls" }],
  ["Unknown parameter: 'input[2].phase'.", { itemField: "phase" }, { param: "input[2].phase" }],
  ["Unknown parameter: 'input[2].content[0].annotations'.", { itemField: "annotations" }],
  ["input.2.status: Extra inputs are not permitted", { itemField: "status" }],
  ["Unexpected message role.", { badRole: "unnamed" }],
  ["role must be one of: user, assistant", { badRole: "unnamed" }],
  ["messages.0.role: Input should be 'user' or 'assistant'", { badRole: "unnamed" }],
  ["Invalid message sequence", { badRole: "alternation" }],
  ["messages with role 'user' must be followed by an assistant message", { badRole: "alternation" }],
  ["An assistant message with 'tool_calls' must be followed by tool messages", {}],
];

export const REFUSALS: readonly RefusalSample[] = [
  ...IMAGES.map(([from, status, body]) => ({ from: `images, ${from}`, status, body, tells: images })),
  ...THOUGHTS.map(([from, status, body]) => ({ from: `thoughts, ${from}`, status, body, tells: thoughts })),
  ...WANTED.map(([from, status, body]) => ({
    from: `thoughts wanted, ${from}`,
    status,
    body,
    tells: from === "Gemini" ? signatures : wanted,
  })),
  { from: "an upstream", status: 502, body: openai("image_url is not supported by this model"), tells: images },
  { from: "an account", status: 403, body: openai("image inputs are not enabled for this account"), tells: images },
  ...WORDS.map(
    ([words, tells, more]): RefusalSample => ({
      from: `words, ${words}`,
      status: 400,
      body: openai(words, more),
      tells,
    }),
  ),
  ...FIELDS.map(([from, status, body, unsupported]) => ({
    from: `field, ${from}`,
    status,
    body,
    tells: { unsupported },
  })),
  ...ROLES.map(([from, status, body, badRole]) => ({ from: `role, ${from}`, status, body, tells: { badRole } })),
  ...OTHERS.map(([from, status, body]) => ({ from: `nothing, ${from}`, status, body, tells: {} })),
];
