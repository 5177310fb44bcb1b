import { createServer } from 'node:net';
import { EXIT, UserError } from '@pgaf/core/errors';

/**
 * Takes the port for a moment, on all addresses, IPv6's where there are some; nobody is contacted for it.
 * @throws UserError `port-in-use`, `port-forbidden`.
 */
export function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(portInUse(port, error));
      else if (error.code === 'EACCES') reject(portForbidden(port, error));
      else reject(error);
    });
    server.listen({ port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function portInUse(port: number, cause: unknown): UserError {
  return new UserError(`Port ${port} is in use.`, {
    code: 'port-in-use',
    exit: EXIT.badArguments,
    hint: 'Stop what listens there, or choose another with --pgport.',
    cause,
  });
}

function portForbidden(port: number, cause: unknown): UserError {
  return new UserError(`Port ${port} cannot be used by this user.`, {
    code: 'port-forbidden',
    exit: EXIT.badArguments,
    hint: 'Choose one of 1024 or higher with --pgport.',
    cause,
  });
}
