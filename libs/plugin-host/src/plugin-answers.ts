/** Why what a plugin's function returned is none of the answers that the contract has, a clause; null when it is one. */
export function whyNoPlacement(answer: unknown): string | null {
  if (isRecord(answer) && answer['tag'] === 'group') {
    const { group } = answer;
    return Number.isInteger(group) && Number(group) >= 0
      ? null
      : 'the group that it returns is no number from 0';
  }
  return isRefused(answer) ? null : 'it returns neither a group nor a refusal';
}

/** Nothing, a refusal, or (as of old) a placement, which says nothing here. */
export function whyNoRefusal(answer: unknown): string | null {
  if (answer === null || answer === undefined) return null;
  if (isRefused(answer) || (isRecord(answer) && answer['tag'] === 'group')) return null;
  return 'it returns neither null nor a refusal with a reason and a hint';
}

/** Nothing, or a sentence for people. */
export function whyNoSentence(answer: unknown): string | null {
  if (answer === null || answer === undefined) return null;
  return typeof answer === 'string' && answer !== '' ? null : 'it returns neither null nor a sentence';
}

export function whyNoName(answer: unknown): string | null {
  return typeof answer === 'string' && answer !== '' ? null : 'it returns no name';
}

function isRefused(answer: unknown): boolean {
  return (
    isRecord(answer) &&
    answer['tag'] === 'refused' &&
    typeof answer['reason'] === 'string' &&
    typeof answer['hint'] === 'string'
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
