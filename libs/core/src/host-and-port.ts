/** `db1:5432`, `[::1]:5432`: how people are told where a Postgres listens. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
