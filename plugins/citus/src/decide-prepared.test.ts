import { describe, expect, it } from 'vitest';
import { endingsOf, leftPrepared, servedRecords } from './decide-prepared.js';
import { answerOf, whyNoAnswer, type PlaceAnswer } from './prepared-question.js';

const place = (group: number) => ({ group, host: `host${group}`, port: 5432 });
const replied = (group: number, said: unknown): PlaceAnswer =>
  answerOf(place(group), { success: true, result: JSON.stringify(said) });
const primary = (group: number, ...prepared: readonly string[]) => replied(group, { group, prepared });
const standby = (group: number) => replied(group, { group, prepared: null });
const ofOtherGroup = (group: number, ...prepared: readonly string[]) =>
  replied(group, { group: group + 1, prepared });
const silent = (group: number) => answerOf(place(group), { success: false, result: 'failed to connect' });
/** Of the transaction of that number. */
const gid = (number: number) => `citus_0_4242_${number}_1`;
const NONE: ReadonlySet<string> = new Set();

describe('a place that was asked what is prepared there', () => {
  it('answers for its group as the primary of that group', () => {
    expect(whyNoAnswer(primary(1))).toBe(null);
    expect(whyNoAnswer(primary(1, gid(1)))).toBe(null);
  });

  it('does not as a standby, as another group’s, and when it is silent', () => {
    expect(whyNoAnswer(standby(1))).toContain('host1:5432 in pg_dist_node is a standby');
    expect(whyNoAnswer(ofOtherGroup(1))).toContain('host1:5432 in pg_dist_node is of group 2');
    expect(whyNoAnswer(silent(1))).toContain('host1:5432: failed to connect');
    expect(whyNoAnswer(answerOf(place(1), undefined))).toContain('host1:5432');
  });
});

describe('the records of commits', () => {
  it('have served once the primary of their group has nothing prepared that they are of', () => {
    expect(servedRecords([primary(0), primary(1, gid(7)), primary(2)])).toEqual({
      groups: [0, 1, 2],
      except: [gid(7)],
    });
  });

  it('stay where no primary of their group answered, without others waiting for it', () => {
    for (const answer of [standby(1), ofOtherGroup(1), silent(1)])
      expect(servedRecords([primary(0), answer, primary(2)]).groups).toEqual([0, 2]);
    expect(servedRecords([standby(1)]).groups).toEqual([]);
  });

  it('stay for what is prepared at a place of another group', () => {
    expect(servedRecords([primary(1), ofOtherGroup(2, gid(7))])).toEqual({ groups: [1], except: [gid(7)] });
  });
});

describe('what is prepared', () => {
  it('is left by whom it began when no transaction of its number is under way', () => {
    const left = leftPrepared([primary(1, gid(7), gid(8)), standby(2), silent(3)], new Set(['8']));
    expect(left).toEqual([{ place: place(1), gid: gid(7) }]);
  });

  it('is nobody’s business when Citus would not name it so', () => {
    const names = ['citus_0_', 'citus_0_mine', `${gid(1)}'`, `x${gid(1)}`, 'citus_0_1_2_3_4'];
    expect(leftPrepared([primary(1, ...names)], NONE)).toEqual([]);
  });

  it('is committed by its record, and rolled back without one', () => {
    const answers = [primary(1, gid(7), gid(8))];
    const endings = endingsOf(leftPrepared(answers, NONE), new Set([gid(7)]), answers);
    expect(endings.map(({ command }) => command)).toEqual([
      `COMMIT PREPARED '${gid(7)}'`,
      `ROLLBACK PREPARED '${gid(8)}'`,
    ]);
  });

  it('is ended where it is, of whatever group that is', () => {
    const answers = [ofOtherGroup(1, gid(7))];
    expect(endingsOf(leftPrepared(answers, NONE), new Set([gid(7)]), answers)).toEqual([
      { place: place(1), gid: gid(7), command: `COMMIT PREPARED '${gid(7)}'` },
    ]);
  });

  it('is not ended when it is no longer there', () => {
    const left = leftPrepared([primary(1, gid(7), gid(8))], NONE);
    expect(endingsOf(left, NONE, [primary(1, gid(8), gid(9))]).map((ending) => ending.gid)).toEqual([gid(8)]);
    for (const again of [standby(1), silent(1)]) expect(endingsOf(left, NONE, [again])).toEqual([]);
  });
});
