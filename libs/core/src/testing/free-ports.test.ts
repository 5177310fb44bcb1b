import { expect, it } from 'vitest';
import { freePorts } from './free-ports.js';

it('gives no port twice, also before anybody listens on it', async () => {
  const ports = [...(await freePorts(300)), ...(await freePorts(300))];
  expect(new Set(ports).size).toBe(ports.length);
});
