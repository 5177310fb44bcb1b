import { isPort, whyNoHost, whyNoNodeName } from '@pgaf/core/names';
import type { Refusal } from '@pgaf/fsm/command-decision';

/** @param name null for none that is asked for. */
export function refuseName(name: string | null): Refusal | null {
  const why = name === null ? null : whyNoNodeName(name);
  return why === null ? null : refuse(`the name "${name}" ${why}`, 'Choose another name.');
}

/** @param host null for the one that is there already. @param port The same. */
export function refuseAddress(host: string | null, port: number | null): Refusal | null {
  const why = host === null ? null : whyNoHost(host);
  if (why !== null) return refuse(`the host "${host}" ${why}`, 'Give a host name or an address.');
  if (port === null || isPort(port)) return null;
  return refuse(`${port} is no port`, 'Give one from 1 to 65535.');
}

function refuse(message: string, hint: string): Refusal {
  return { tag: 'refused', sqlstate: '22023', message, hint };
}
