import { expect, it } from 'vitest';
import { lockOfProject } from './lock-of-project.js';

it('locks a project to the packages of the workspace, and to none that are the workspace’s own', () => {
  const manifest = { name: 'orders', dependencies: { pg: '^8.0.0' } };
  const pg = { version: '8.1.0', integrity: 'sha512-pg' };
  const nested = { version: '1.0.0', integrity: 'sha512-nested' };
  const workspace = {
    lockfileVersion: 3,
    packages: {
      '': { name: 'workspace', workspaces: ['libs/*'] },
      'libs/core': { version: '0.1.0' },
      'node_modules/@pgaf/core': { resolved: 'libs/core', link: true },
      'node_modules/pg': pg,
      'node_modules/pg/node_modules/nested': nested,
    },
  };
  expect(lockOfProject(manifest, workspace)).toEqual({
    lockfileVersion: 3,
    packages: { '': manifest, 'node_modules/pg': pg, 'node_modules/pg/node_modules/nested': nested },
  });
});
