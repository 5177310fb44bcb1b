const VOLATILE: readonly [RegExp, string][] = [
  [/\b[0-9A-F]{1,8}\/[0-9A-F]{1,8}\b/g, '<lsn>'],
  [/\b\d{4}-\d{2}-\d{2}\b/g, '<date>'],
  [/\b\d{2}:\d{2}:\d{2}(\.\d+)?\b/g, '<time>'],
  [/\b\d+ s ago\b/g, '<age> ago'],
  // What a server writes by itself may come between the last reports of two nodes.
  [/\b(no|\d+ bytes) less\b/g, '<lag> less'],
  [/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, '<version>'],
  // A log line begins with the time and the process.
  [/^<time> +\d+ /gm, '<time> <pid> '],
  // Widths follow the values.
  [/-{2,}/g, '--'],
  [/[ \t]+/g, ' '],
  [/ ?\n ?/g, '\n'],
];

/** The output with what differs from run to run replaced: positions, times, ages, versions, processes, and the widths of columns. */
export function masked(output: string): string {
  const text = VOLATILE.reduce((rest, [pattern, mask]) => rest.replace(pattern, mask), output);
  return text.trim();
}

/** What stays the same when the rows between differ: the lines up to a table's rule, and the last one. */
export function frameOf(output: string): string {
  const lines = masked(output).split('\n');
  return [headOf(output), lines.at(-1) ?? ''].join('\n');
}

/** What stays the same when all rows differ: the lines up to a table's rule. */
export function headOf(output: string): string {
  const lines = masked(output).split('\n');
  const rule = lines.findIndex((line) => /^--(\+--)+$/.test(line));
  return lines.slice(0, rule + 1).join('\n');
}

/** What of an output is compared with the page, by the marks of its block. */
export function comparedBy(marks: readonly string[]): (output: string) => string {
  if (marks.includes('alike')) return frameOf;
  if (marks.includes('head')) return headOf;
  return masked;
}
