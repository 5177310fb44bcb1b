import { bytesOf, readBytes, writeAtomically, type Written } from './atomic-file.js';
import { hbaFile } from './hba.js';
import { withBlock, withoutBlock, type BlockMarkers } from './marked-block.js';

/** Apart from our other lines, so that opening takes nothing but its removal. */
const CLOSED: BlockMarkers = {
  begin: '# BEGIN pgaf: clients are rejected until it is confirmed that this node is the primary',
  end: '# END pgaf: clients are rejected',
};

/**
 * Rejects every client at the next start or reload but the superuser on this host, whose lines stay in force, and
 * standbys, as `all` is no replication.
 */
export async function rejectClients(pgdata: string, superuser: string): Promise<Written> {
  const file = hbaFile(pgdata);
  const text = withoutBlock(readBytes(file), file, CLOSED);
  const body = [...localLinesOf(text, superuser), 'local all all reject', 'host all all all reject'];
  return writeAtomically(file, withBlock(text, body.map(bytesOf), 'first', file, CLOSED));
}

export async function admitClients(pgdata: string): Promise<Written> {
  const file = hbaFile(pgdata);
  const text = readBytes(file);
  return text.includes(CLOSED.begin) ? writeAtomically(file, withoutBlock(text, file, CLOSED)) : 'unchanged';
}

export function clientsAreRejected(pgdata: string): boolean {
  return readBytes(hbaFile(pgdata)).includes(CLOSED.begin);
}

/** The lines by which the superuser logs in on this host, for nobody else. */
function localLinesOf(text: string, superuser: string): string[] {
  const name = `"${superuser.replaceAll('"', '""')}"`;
  return text.split('\n').flatMap((line) => {
    const [type, database, user, ...method] = line.trim().split(/\s+/);
    if (type !== 'local' || database === undefined || database === 'replication' || user === undefined)
      return [];
    const users = user.split(',');
    if (![`all`, superuser, name].some((one) => users.includes(one))) return [];
    return [['local', database, name, ...method].join(' ')];
  });
}
