import { existsSync } from 'node:fs';
import { unlessRequired } from '@pgaf/testing/container-support';
import { COMPOSE_V2 } from '../../../tools/compose-v2.mjs';
import { runProgram } from './docker.js';

function versionOf(...command: string[]): string {
  try {
    const { status, stdout } = runProgram([...command, 'version']);
    return status === 0 ? stdout : '';
  } catch {
    return '';
  }
}

/** Version 1 of Compose, a program of its own; null where it is not there. Later systems have none. */
export function composeV1(): readonly string[] | null {
  return / version v?1\./.test(versionOf('docker-compose')) ? ['docker-compose'] : null;
}

/**
 * Version 2, a program of its own or a part of `docker`; null where it is not there.
 * @throws Error where tests in containers are required on a system for which `npm test` fetches it.
 */
export function composeV2(): readonly string[] | null {
  if (existsSync(COMPOSE_V2)) return [COMPOSE_V2];
  if (versionOf('docker', 'compose') !== '') return ['docker', 'compose'];
  if (existsSync('/etc/debian_version')) unlessRequired('there is no version 2 of Compose');
  return null;
}
