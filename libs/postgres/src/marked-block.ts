import { EXIT, UserError } from '@pgaf/core/errors';

/** Lines of ours inside a file that belongs to the user. */
export interface BlockMarkers {
  readonly begin: string;
  readonly end: string;
}

export const OUR_MARKERS: BlockMarkers = {
  begin: '# BEGIN pgaf: rewritten by pgaf, put lines of your own outside',
  end: '# END pgaf',
};

function damaged(file: string, problem: string): never {
  throw new UserError(`${file}: ${problem}.`, {
    code: 'marked-block-damaged',
    exit: EXIT.badConfiguration,
    hint: `Remove the lines of pgaf from ${file}, markers included; pgaf writes them anew.`,
  });
}

/** Where the block stands, as line numbers [begin, end], or undefined. */
function findBlock(
  lines: readonly string[],
  file: string,
  markers: BlockMarkers,
): [number, number] | undefined {
  const begins = lines.flatMap((line, at) => (line.trim() === markers.begin ? [at] : []));
  const ends = lines.flatMap((line, at) => (line.trim() === markers.end ? [at] : []));
  const [begin] = begins;
  const [end] = ends;
  if (begin === undefined && end === undefined) return undefined;
  if (begins.length !== 1 || ends.length !== 1 || begin === undefined || end === undefined || end < begin) {
    return damaged(file, 'the lines that mark the block of pgaf are not one pair');
  }
  return [begin, end];
}

/**
 * The text with our block, holding `body`, as its first or last lines; every other byte stays.
 * @throws UserError `marked-block-damaged`.
 */
export function withBlock(
  text: string,
  body: readonly string[],
  place: 'first' | 'last',
  file: string,
  markers: BlockMarkers = OUR_MARKERS,
): string {
  const rest = withoutBlock(text, file, markers);
  const block = [markers.begin, ...body, markers.end, ''].join('\n');
  if (place === 'first') return block + rest;
  return rest + (rest === '' || rest.endsWith('\n') ? '' : '\n') + block;
}

/** Every other byte stays. @throws UserError `marked-block-damaged`. */
export function withoutBlock(text: string, file: string, markers: BlockMarkers): string {
  const lines = text.split('\n');
  const found = findBlock(lines, file, markers);
  return (found ? [...lines.slice(0, found[0]), ...lines.slice(found[1] + 1)] : lines).join('\n');
}
