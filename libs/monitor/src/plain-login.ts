import { connect } from 'node:net';

/** What a server answers to a login in plain. `question`: it asks for more than a name, which a full client answers. */
export type LoginAnswer =
  { readonly tag: 'in' } | { readonly tag: 'question' } | { readonly tag: 'error'; readonly error: unknown };

/** An error as the server tells it; `code` is its SQLSTATE. */
export class ServerRefusal extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

export interface LoginAttempt {
  readonly answer: Promise<LoginAnswer>;
  /** Ends it; the answer is an error then. */
  giveUp(): void;
}

const AUTHENTICATION = 0x52;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);
/** Type and length of a message of the server. */
const HEAD = 5;
/** No message before the end of a login comes near. */
const LONGEST = 0x10000;
/** What a socket reads, until the end of its callback: one for all costs less than one for each. */
const READ = Buffer.alloc(0x2000);
const NO_POSTGRES = 'what answers does not speak the protocol of Postgres';

/** Protocol 3.0. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flat();
  const body = Buffer.from([...pairs, ''].map((text) => `${text}\0`).join(''));
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, body]);
}

/**
 * Logs in and leaves again, by hand: a client that could do more costs several times as much, and this is done for each
 * node each second.
 */
export function logInPlain(host: string, port: number, startup: Buffer): LoginAttempt {
  let take: (data: Buffer) => void;
  const onread = {
    buffer: READ,
    callback: (length: number) => {
      take(Buffer.from(READ.subarray(0, length)));
      return true;
    },
  };
  const socket = connect({ host, port, onread });
  const answer = new Promise<LoginAnswer>((resolve) => {
    const fail = (error: Error): void => {
      socket.destroy();
      resolve({ tag: 'error', error });
    };
    let received: Buffer = Buffer.alloc(0);
    socket.on('connect', () => socket.write(startup));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed before the login was answered')));
    take = (data) => {
      received = received.length === 0 ? data : Buffer.concat([received, data]);
      const told = answerIn(received);
      if (told === null) return;
      resolve(told);
      // Five bytes are with the kernel at once.
      if (told.tag === 'in') socket.write(TERMINATE);
      socket.destroy();
    };
  });
  return { answer, giveUp: () => socket.destroy() };
}

/** What the messages so far come to; null when more are to come. */
function answerIn(received: Buffer): LoginAnswer | null {
  for (let at = 0; at + HEAD <= received.length;) {
    const type = received[at];
    const end = at + 1 + received.readInt32BE(at + 1);
    const least = type === AUTHENTICATION ? HEAD + 4 : HEAD;
    if (end < at + least || end > at + LONGEST) return { tag: 'error', error: new Error(NO_POSTGRES) };
    if (end > received.length) return null;
    if (type === READY_FOR_QUERY) return { tag: 'in' };
    if (type === ERROR_RESPONSE) {
      return { tag: 'error', error: refusalIn(received.toString('utf8', at + HEAD, end)) };
    }
    if (type === AUTHENTICATION && received.readInt32BE(at + HEAD) !== 0) return { tag: 'question' };
    at = end;
  }
  return null;
}

/** The fields of an ErrorResponse: a letter and a text each. */
function refusalIn(body: string): ServerRefusal {
  const field = (letter: string) =>
    body
      .split('\0')
      .find((each) => each.startsWith(letter))
      ?.slice(1) ?? '';
  return new ServerRefusal(field('M'), field('C'));
}
