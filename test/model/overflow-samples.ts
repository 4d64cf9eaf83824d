/** What servers answer when the input is too long for the model: the status, and the body as it comes (text or JSON). */
export interface Sample {
  readonly from: string;
  readonly status: number;
  readonly body: string | object;
}

function openai(message: string, more: object = {}): object {
  return { error: { message, type: "invalid_request_error", param: null, code: null, ...more } };
}

const clipped = { code: "context_length_exceeded" };

export const OVERFLOWS: readonly Sample[] = [
  ...[
    "exceeds the maximum allowed input length",
    "This prompt is bigger than the model can take (9000 > 8192 tokens)",
    "input too large: 9000 tokens, limit 8192",
    "model context size 4096 is not enough for prompt of 5000 tokens",
  ].map((words): Sample => ({ from: `a gateway, ${words}`, status: 400, body: openai(words) })),
  {
    from: "OpenAI, Chat",
    status: 400,
    body: openai(
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens. Please reduce the length of the messages.",
      { param: "messages", ...clipped },
    ),
  },
  {
    from: "OpenAI, Responses",
    status: 400,
    body: openai("Your input exceeds the context window of this model. Please adjust your input and try again.", {
      param: "input",
      ...clipped,
    }),
  },
  { from: "a code alone, with an unusual status", status: 500, body: { error: { message: "refused", ...clipped } } },
  {
    from: "Azure",
    status: 400,
    body: openai(
      "This model's maximum context length is 16385 tokens. However, you requested 20114 tokens (16018 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.",
    ),
  },
  {
    from: "Anthropic",
    status: 400,
    body: {
      type: "error",
      error: { type: "invalid_request_error", message: "prompt is too long: 213462 tokens > 200000 maximum" },
    },
  },
  {
    from: "Anthropic, with max_tokens",
    status: 400,
    body: {
      type: "error",
      error: {
        type: "invalid_request_error",
        message:
          "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length or `max_tokens` and try again",
      },
    },
  },
  {
    from: "Anthropic, by size",
    status: 413,
    body: { type: "error", error: { type: "request_too_large", message: "Request exceeds the maximum size" } },
  },
  { from: "Bedrock", status: 400, body: { message: "Input is too long for requested model." } },
  {
    from: "Bedrock, by name",
    status: 400,
    body: {
      __type: "ValidationException",
      Message: "Too many input tokens. Max input tokens: 200000, request input token count: 213462",
    },
  },
  {
    from: "Bedrock, wrapped",
    status: 400,
    body: {
      message:
        "The model returned the following errors: input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again",
    },
  },
  {
    from: "Gemini",
    status: 400,
    body: [
      {
        error: {
          code: 400,
          message: "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
  },
  {
    from: "Vertex",
    status: 400,
    body: {
      error: {
        code: 400,
        message:
          "Unable to submit request because the input token count is 1200000 but model only supports up to 1048576. Reduce the input token count and try again. You can also use the CountTokens API to calculate prompt token count and billable characters.",
        status: "INVALID_ARGUMENT",
      },
    },
  },
  {
    from: "xAI",
    status: 400,
    body: {
      code: "Client specified an invalid argument",
      error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    },
  },
  {
    from: "Groq",
    status: 400,
    body: openai("Please reduce the length of the messages or completion.", { param: "messages" }),
  },
  {
    from: "Mistral",
    status: 400,
    body: {
      object: "error",
      message: "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
      type: "invalid_request_error",
      param: null,
      code: null,
    },
  },
  {
    from: "Cohere",
    status: 400,
    body: {
      message:
        "too many tokens: total number of tokens in the prompt exceeds the limit of 4081. Try using a shorter prompt, or enable prompt truncating.",
    },
  },
  {
    from: "DeepSeek",
    status: 400,
    body: openai(
      "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (140000 in the messages, 0 in the completion). Please reduce the length of the messages or completion.",
      { code: "invalid_request_error" },
    ),
  },
  {
    from: "Kimi",
    status: 400,
    body: {
      error: {
        message: "Invalid request: Your request exceeded model token limit: 262144 (requested: 270112)",
        type: "invalid_request_error",
      },
    },
  },
  {
    from: "DashScope",
    status: 400,
    body: {
      error: {
        message: "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]",
        type: "invalid_request_error",
        param: null,
        code: "invalid_parameter_error",
      },
    },
  },
  {
    from: "Xunfei",
    status: 400,
    body: {
      error: {
        code: "10012",
        message: "InternalError.Algo.InvalidParameter: Range of input length should be [1, 202745]",
      },
    },
  },
  { from: "Z.ai", status: 400, body: { error: { code: "1261", message: "Prompt exceeds max length" } } },
  { from: "Z.ai, in words", status: 400, body: openai("tokens in request more than max tokens allowed") },
  { from: "MiniMax", status: 400, body: openai("invalid params, context window exceeds limit (2013)") },
  {
    from: "vLLM",
    status: 400,
    body: {
      object: "error",
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 4500 tokens (3000 in the messages, 1500 in the completion). Please reduce the length of the messages or completion.",
      type: "BadRequestError",
      param: null,
      code: 400,
    },
  },
  {
    from: "vLLM, by the decoder",
    status: 400,
    body: {
      object: "error",
      message:
        "The decoder prompt (length 44458) is longer than the maximum model length of 24576. Make sure that `max_model_len` is no smaller than the number of text tokens.",
      type: "BadRequestError",
      code: 400,
    },
  },
  {
    from: "vLLM, newer",
    status: 400,
    body: {
      error: {
        message:
          "You passed 202753 input tokens and requested 0 output tokens. However, the model's context length is only 202752 tokens, resulting in a maximum input length of 202752 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=202753)",
        type: "BadRequestError",
        param: "input_tokens",
        code: 400,
      },
    },
  },
  {
    from: "SGLang",
    status: 400,
    body: {
      object: "error",
      message: "The input (210000 tokens) is longer than the model's context length (131072 tokens).",
      type: "BadRequest",
      code: 400,
    },
  },
  {
    from: "SGLang, with the answer",
    status: 400,
    body: {
      object: "error",
      message:
        "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of 140000 tokens: 130000 tokens from the input messages and 10000 tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
      type: "BadRequest",
      code: 400,
    },
  },
  {
    from: "llama.cpp",
    status: 400,
    body: {
      error: {
        code: 400,
        message: "request (60031 tokens) exceeds the available context size (10240 tokens), try increasing it",
        type: "exceed_context_size_error",
        n_prompt_tokens: 60031,
        n_ctx: 10240,
      },
    },
  },
  {
    from: "llama.cpp, older",
    status: 500,
    body: {
      error: {
        code: 500,
        message:
          "the request exceeds the available context size. try increasing the context size or enable context shift",
        type: "server_error",
      },
    },
  },
  {
    from: "LM Studio",
    status: 400,
    body: {
      error:
        "Trying to keep the first 6269 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input",
    },
  },
  {
    from: "LM Studio, newer",
    status: 400,
    body: {
      error:
        "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input",
    },
  },
  { from: "Ollama", status: 400, body: openai("prompt too long; exceeded max context length by 412 tokens") },
  { from: "Ollama, embedding", status: 400, body: { error: "the input length exceeds the context length" } },
  {
    from: "LiteLLM",
    status: 400,
    body: {
      error: {
        message:
          'litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: Vertex_ai_betaException - b\'{\n  "error": {\n    "code": 400,\n    "message": "The input token count exceeds the maximum number of tokens allowed 1048576.",\n    "status": "INVALID_ARGUMENT"\n  }\n}\n\'',
        type: null,
        param: null,
        code: "400",
      },
    },
  },
  {
    from: "LiteLLM before vLLM",
    status: 400,
    body: {
      error: {
        message:
          "litellm.ContextWindowExceededError: litellm.BadRequestError: Hosted_vllmException - Input length 9000 exceeds model limit",
        type: null,
        param: null,
        code: "400",
      },
    },
  },
  {
    from: "GitHub Copilot",
    status: 400,
    body: {
      error: {
        message: "prompt token count of 168929 exceeds the limit of 168000",
        code: "model_max_prompt_tokens_exceeded",
      },
    },
  },
  {
    from: "GitHub Copilot, words alone",
    status: 400,
    body: "prompt token count of 130431 exceeds the limit of 128000",
  },
  {
    from: "GitHub Models",
    status: 413,
    body: {
      error: {
        code: "tokens_limit_reached",
        message: "Request body too large for gpt-4o model. Max size: 8000 tokens.",
        details: "Request body too large for gpt-4o model. Max size: 8000 tokens.",
      },
    },
  },
  {
    from: "Together",
    status: 422,
    body: openai(
      "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 32769. Given: 75307 `inputs` tokens and 32000 `max_new_tokens`",
    ),
  },
  {
    from: "Text Generation Inference",
    status: 422,
    body: {
      error: "Input validation error: `inputs` must have less than 4095 tokens. Given: 4100",
      error_type: "validation",
    },
  },
  {
    from: "Fireworks",
    status: 400,
    body: {
      error: {
        object: "error",
        type: "invalid_request_error",
        message: "The prompt is too long: 140000, model maximum context length: 131071",
      },
    },
  },
  {
    from: "OpenRouter",
    status: 400,
    body: {
      error: {
        message:
          'This endpoint\'s maximum context length is 32768 tokens. However, you requested about 42832 tokens (42832 of text input). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
        code: 400,
      },
    },
  },
  {
    from: "OpenRouter, the reason inside",
    status: 400,
    body: {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: {
          provider_name: "Anthropic",
          raw: '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 250000 tokens > 200000 maximum"}}',
        },
      },
    },
  },
  {
    from: "Cerebras",
    status: 400,
    body: {
      message: "Please reduce the length of the messages or completion. Current length is 8931 while limit is 8192",
      type: "invalid_request_error",
      param: "messages",
      ...clipped,
    },
  },
  { from: "Cerebras, without a word", status: 413, body: "" },
  {
    from: "a proxy before the server",
    status: 413,
    body: "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body><center><h1>413 Request Entity Too Large</h1></center></body></html>",
  },
  {
    from: "Portkey",
    status: 400,
    body: {
      error: {
        message: "anthropic error: prompt is too long: 210000 tokens > 200000 maximum",
        type: "invalid_request_error",
        param: null,
        code: null,
      },
      provider: "anthropic",
    },
  },
  {
    from: "Cloudflare",
    status: 413,
    body: {
      errors: [
        {
          message:
            "AiError: The estimated number of input and maximum output tokens (32861) exceeded this model context window limit (32768).",
          code: 5021,
        },
      ],
      success: false,
      result: {},
      messages: [],
    },
  },
  {
    from: "a local server, 404",
    status: 404,
    body: { error: "Context limit is 49152 tokens; prompt=51402 leaves 0 output tokens, below the minimum 16" },
  },
  { from: "a gateway", status: 400, body: { error: "Request too long: 121692 input tokens over the limit of 46112" } },
  {
    from: "a gateway, 422",
    status: 422,
    body: { error: { message: "Input length 9000 exceeds the context window of 8192 tokens" } },
  },
  {
    from: "DS4",
    status: 400,
    body: openai("Prompt has 32769 tokens, but the configured context size is 32768 tokens"),
  },
  {
    from: "TensorRT-LLM",
    status: 400,
    body: {
      object: "error",
      message: "The sum of prompt length (40000.0), query length (0) should not exceed max_num_tokens (8192)",
      type: "BadRequestError",
      code: 400,
    },
  },
  {
    from: "TabbyAPI",
    status: 400,
    body: { error: { message: "Prompt length 9001 is greater than max_seq_len 8192" } },
  },
  {
    from: "Volcengine",
    status: 400,
    body: openai("Total tokens of image and text exceed max message tokens. Request id: 021712", {
      code: "InvalidParameter",
      type: "BadRequest",
    }),
  },
];

/** Limits of another kind, in words that are close: the failure's kind stays what it is. */
export const OTHER_LIMITS: readonly (Sample & { readonly kind: string })[] = [
  {
    from: "Groq, tokens a minute",
    status: 413,
    kind: "rate_limit",
    body: {
      error: {
        message:
          "Request too large for model `llama3-70b-8192` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    },
  },
  {
    from: "OpenAI, tokens a minute",
    status: 429,
    kind: "rate_limit",
    body: {
      error: {
        message:
          "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000. The input or output tokens must be reduced in order to run successfully.",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    },
  },
  {
    from: "Bedrock, throttling",
    status: 429,
    kind: "rate_limit",
    body: { message: "Too many tokens, please wait before trying again." },
  },
  { from: "too many tokens, 429", status: 429, kind: "rate_limit", body: { message: "too many tokens per minute" } },
  {
    from: "Anthropic, rate",
    status: 429,
    kind: "rate_limit",
    body: {
      type: "error",
      error: {
        type: "rate_limit_error",
        message: "This request would exceed the rate limit for your organization of 40,000 input tokens per minute.",
      },
    },
  },
  {
    from: "requests",
    status: 429,
    kind: "rate_limit",
    body: { error: { message: "Too many requests. Please slow down." } },
  },
  {
    from: "OpenAI, the answer's length",
    status: 400,
    kind: "bad_request",
    body: openai(
      "max_tokens is too large: 128000. This model supports at most 16384 completion tokens, whereas you provided 128000.",
      { param: "max_tokens" },
    ),
  },
  {
    from: "Anthropic, the answer's length",
    status: 400,
    kind: "bad_request",
    body: openai(
      "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-20250514",
    ),
  },
  {
    from: "max_tokens",
    status: 400,
    kind: "bad_request",
    body: openai("max_tokens must be less than or equal to 8192"),
  },
  {
    from: "Anthropic, image",
    status: 400,
    kind: "bad_request",
    body: openai("messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes"),
  },
  { from: "an image, 413", status: 413, kind: "bad_request", body: openai("image too large: 21 MB") },
  {
    from: "OpenAI, one string",
    status: 400,
    kind: "bad_request",
    body: openai(
      "Invalid 'input[3].call_id': string too long. Expected a string with maximum length 64, but got a string with length 85 instead.",
      { param: "input[3].call_id", code: "string_above_max_length" },
    ),
  },
  {
    from: "OpenAI, tools",
    status: 400,
    kind: "bad_request",
    body: openai(
      "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 150 instead.",
      { param: "tools", code: "array_above_max_length" },
    ),
  },
  {
    from: "a schema",
    status: 400,
    kind: "bad_request",
    body: openai(
      "Invalid schema for function 'read': In context=('properties', 'path'), schema must have a 'type' key.",
      { code: "invalid_function_parameters" },
    ),
  },
  {
    from: "an outage",
    status: 502,
    kind: "server",
    body: "upstream connect error: maximum context length",
  },
  {
    from: "a model that does not load",
    status: 500,
    kind: "server",
    body: { error: { message: "failed to load the model: the maximum context length is not available" } },
  },
];
