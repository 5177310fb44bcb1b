import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';

/** What can still be asked when a test has failed. */
export interface EvidenceSource {
  /** File → what tells its text. */
  evidence(): Readonly<Record<string, () => Promise<string>>>;
}

/** A monitor may be frozen just then. */
const ANSWER_DEADLINE_MS = 20_000;

const sources = new Set<EvidenceSource>();

/** From now on a test that fails keeps what this can tell. */
export function addEvidenceSource(source: EvidenceSource): void {
  sources.add(source);
}

/** For what ends. */
export function removeEvidenceSource(source: EvidenceSource): void {
  sources.delete(source);
}

/**
 * Writes what all sources tell. A file that cannot be told says why, and holds up no other one.
 * @returns Whether there was anything to ask.
 */
export async function keepEvidence(
  folder: string,
  deadlineMs: Milliseconds = ANSWER_DEADLINE_MS,
): Promise<boolean> {
  const files = [...sources].flatMap((source, i) => {
    const place = sources.size === 1 ? folder : join(folder, String(i + 1));
    return Object.entries(source.evidence()).map(([file, tell]) => ({ place, file, tell }));
  });
  await Promise.all(
    files.map(async ({ place, file, tell }) => {
      const text = await within(deadlineMs, tell).catch((error: unknown) => `nothing: ${String(error)}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, file), `${text.trimEnd()}\n`);
    }),
  );
  return files.length > 0;
}

async function within(deadlineMs: Milliseconds, tell: () => Promise<string>): Promise<string> {
  const ended = new AbortController();
  const tooLong = pause(deadlineMs, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`no answer for ${formatDuration(deadlineMs)}`);
  });
  try {
    return await Promise.race([tell(), tooLong]);
  } finally {
    ended.abort();
    tooLong.catch(() => undefined);
  }
}
