import { expect, test } from 'vitest';
import { sightingOf, watchProbe, watchReceiver, type UpstreamWatch } from './upstream-watch.js';

const streaming = (messageAge: number) => ({
  node: 1,
  receiver: { streaming: true, messageAge },
  cutByUs: false,
});
const gone = { node: 1, receiver: null, cutByUs: false };

function after(...events: [number, Parameters<typeof watchReceiver>[1]][]): UpstreamWatch {
  let watch: UpstreamWatch | null = null;
  for (const [now, sample] of events) watch = watchReceiver(watch, sample, now);
  if (watch === null) throw new Error('no event');
  return watch;
}

test('a stream that ends soon after a message was closed by its peer', () => {
  const watch = after([1000, streaming(300)], [2000, gone]);
  expect(sightingOf(watch)).toEqual({ node: 1, streaming: false, closed: true, refused: false });
  expect(sightingOf(watchProbe(watch, true)).refused).toBe(true);
});

test('it proves nothing any more once its upstream was not refused', () => {
  const watch = after([1000, streaming(300)], [2000, gone]);
  const reopened = watchProbe(watchProbe(watch, true), false);
  expect(sightingOf(watchProbe(reopened, true))).toMatchObject({ closed: false, refused: true });
});

test('one that ends long after the last message may have timed out', () => {
  expect(after([1000, streaming(300)], [5700, gone]).closed).toBe(false);
});

test('one that this keeper cut proves nothing', () => {
  expect(after([1000, streaming(0)], [1200, { ...gone, cutByUs: true }]).closed).toBe(false);
});

test('what was proved stays so until the upstream streams again or is another', () => {
  const events: [number, Parameters<typeof watchReceiver>[1]][] = [
    [1000, streaming(0)],
    [1500, gone],
    [9000, gone],
  ];
  expect(after(...events).closed).toBe(true);
  expect(after(...events, [9500, streaming(0)]).closed).toBe(false);
  expect(after(...events, [9500, { ...gone, node: 2 }])).toMatchObject({
    node: 2,
    closed: false,
    refused: false,
  });
});

test('a receiver that connects but has not streamed yet is no stream', () => {
  const connecting = { node: 1, receiver: { streaming: false, messageAge: null }, cutByUs: false };
  expect(after([1000, connecting], [1100, gone])).toMatchObject({ streaming: false, closed: false });
});

test('a probe from before the stream came back does not count', () => {
  expect(watchProbe(after([1000, streaming(0)]), true).refused).toBe(false);
});
