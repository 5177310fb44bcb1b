/** What the switch does to packets, by `SENDER RECEIVER`, both as addresses. */
export interface Lines {
  readonly cut: Set<string>;
  /** Percent. */
  readonly losing: Map<string, number>;
}

function packets(line: string): string {
  const [sender = '', receiver = ''] = line.split(' ');
  return `ip saddr ${sender} ip daddr ${receiver}`;
}

/** A file for nft(8) that puts exactly these rules into force, in the place of those that were, at once. */
export function lineRules({ cut, losing }: Lines): string {
  const drops = [...cut].map((line) => `${packets(line)} drop`);
  const chances = [...losing].map(
    ([line, percent]) => `${packets(line)} numgen random mod 1000 < ${Math.round(percent * 10)} drop`,
  );
  return [
    'table bridge pgaf',
    'delete table bridge pgaf',
    'table bridge pgaf {',
    '  chain lines {',
    '    type filter hook forward priority 0; policy accept;',
    ...[...drops, ...chances].map((rule) => `    ${rule}`),
    '  }',
    '}',
    '',
  ].join('\n');
}
