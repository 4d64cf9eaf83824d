/** What a provider calls an account that is used up, in lower case. A number is one of Zhipu's. */
const CODE =
  /^(?:insufficient_(?:\w+_)?(?:quota|balance|credits?|funds)|exceeded_current_quota_error|quota_exceeded|usage_limit_reached|usage_not_included|billing_\w+|credit_balance_too_low|account_?overdue(?:_?error)?|arrearage|1113)$/;
const WORDS =
  /\b(?:used all (?:your |its )?(?:available )?credits|spending limit|(?:insufficient|not enough|out of) (?:account )?(?:balance|credits|funds)|credit balance is too low|check your (?:plan and )?billing|limit exceeded\W+[\w-]*per-day)\b|余额不足|欠费/i;
/** Final even where a wait is told: these are no limits of a minute. */
const FINAL = /^(?:insufficient_quota|insufficient_balance|usage_limit_reached|usage_not_included|billing_\w+)$/;

/**
 * Whether a refusal says that the account has nothing left, so that waiting does not help. A limit of a minute is told in
 * the same words by some, but with a wait (`waitMs`).
 */
export function saysSpent(codes: readonly string[], message: string, waitMs: number | undefined): boolean {
  if (codes.some((code) => FINAL.test(code))) return true;
  return !(waitMs !== undefined && waitMs > 0) && (codes.some((code) => CODE.test(code)) || WORDS.test(message));
}
