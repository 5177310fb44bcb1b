import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRun, removeRun, sweepContainers } from '@pgaf/testing/container-engine';
import { until } from '@pgaf/testing/deadline';
import { labelsOf } from '@pgaf/testing/owner-labels';
import { SOURCE_LABEL, sourceHash } from '../../../docker/source-hash.mjs';
import { docker, runProgram } from './docker.js';
import { imageOfCheckout, whyNoDocker } from './image-of-checkout.js';

const noEngine = whyNoDocker();

const run = newRun();
const monitor = `${run}-monitor`;
const labels = Object.entries(labelsOf(run)).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
const RUN = ['pgaf', 'node', 'run', '/etc/pgaf/monitor.ini'];
let image = '';

/** What a shell prints in a container of the image, as root, who sees everything. */
const inside = (script: string): string =>
  docker('run', '--rm', ...labels, '--user', 'root', '--entrypoint', 'sh', image, '-c', script);

const lookAt = (format: string): string => docker('inspect', '--format', format, monitor);

async function awaitReady(): Promise<void> {
  const ask = () => runProgram(['docker', 'exec', monitor, 'pgaf', 'ready']);
  const seen = () =>
    `${ask().stdout}${ask().stderr}${runProgram(['docker', 'logs', '--tail', '40', monitor]).stdout}`;
  await until(
    { what: 'a monitor that is ready', deadlineMs: 90_000, everyMs: 500, seen },
    () => ask().stdout === 'ready: monitor\n',
  );
}

describe.skipIf(noEngine !== null)('the image of a node', () => {
  beforeAll(async () => {
    await sweepContainers();
    image = await imageOfCheckout();
    docker('run', '--detach', ...labels, '--name', monitor, '--hostname', 'monitor', image, ...RUN);
  }, 900_000);

  afterAll(() => removeRun(run), 60_000);

  it('is of this checkout', () => {
    const format = `{{index .Config.Labels "${SOURCE_LABEL}"}}`;
    expect(docker('image', 'inspect', '--format', format, image)).toBe(sourceHash());
  });

  it('is of Debian’s Postgres and of pgaf as it is published, under 500 MB, without LLVM and documents', () => {
    expect(inside('postgres --version; pgaf --version; pg_autoctl --version')).toMatch(
      /^postgres \(PostgreSQL\) 15\..*\npgaf version .*\n(.*\n)*pg_autoctl version /,
    );
    expect(Number(docker('image', 'inspect', '--format', '{{.Size}}', image))).toBeLessThan(500_000_000);
    expect(
      inside("find / -xdev -iname '*llvm*' -not -path '/var/lib/dpkg/*' -not -path '/usr/share/doc/*'"),
    ).toBe('');
    expect(
      inside('find /usr/share/doc /usr/share/man -type f -not -name copyright 2>/dev/null || true'),
    ).toBe('');
  });

  it('holds no secret', () => {
    const names = [
      '*.key',
      '*.p12',
      'id_*',
      '.npmrc',
      '.pgpass',
      '.netrc',
      '.env',
      '*.ovpn',
      '.git',
      '.docker',
    ];
    const wanted = names.map((name) => `-name '${name}'`).join(' -o ');
    expect(inside(`find /etc /home /opt /root /srv /tmp /usr/local /var \\( ${wanted} \\)`)).toBe('');
    expect(
      inside("grep -rlE -e '-----BEGIN .*PRIVATE KEY' /etc /home /opt /root /srv /tmp /var || true"),
    ).toBe('');
    const said = docker('image', 'inspect', '--format', '{{json .Config.Env}}', image);
    expect(said + docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', image)).not.toMatch(
      /password|token|secret|_authToken|:\/\/[^/\s]*:[^/\s]*@/i,
    );
  });

  it('names no host but Debian’s own', () => {
    const labels = docker('image', 'inspect', '--format', '{{json .Config.Labels}}', image);
    expect(labels).not.toContain('://');
    const urls = inside("grep -rhoE '[a-z]+://[^ ]+' /etc/apt | sort -u").split('\n');
    expect(urls.filter((url) => !/^http:\/\/\w+\.debian\.org\//.test(url))).toEqual([]);
    expect(urls.some((url) => url.includes('-security'))).toBe(true);
  });

  it('holds no tool to build with, and none that becomes root', () => {
    const tools = 'cc gcc g++ c++ make ld as npm npx yarn git python3 dpkg-buildpackage curl wget sudo';
    expect(inside(`for tool in ${tools}; do command -v $tool; done; true`)).toBe('');
    expect(inside('find / -xdev -type f -perm /6000')).toBe('');
  });

  it('runs a monitor, and nothing as root', async () => {
    await awaitReady();
    const users = docker('top', monitor, '-eo', 'uid,pid,args').split('\n').slice(1);
    expect(users.length).toBeGreaterThan(2);
    expect(users.filter((line) => !/^\s*999\s/.test(line))).toEqual([]);
    const seen = () => lookAt('{{json .State.Health}}');
    await until(
      { what: 'the engine to call it healthy', deadlineMs: 90_000, everyMs: 500, seen },
      () => lookAt('{{.State.Health.Status}}') === 'healthy',
    );
  }, 200_000);

  it('keeps its data in a volume whose root is the data directory', () => {
    const mounts = lookAt('{{range .Mounts}}{{.Destination}} {{end}}').trim().split(' ').sort();
    expect(mounts).toEqual(['/var/lib/pgaf', '/var/lib/postgresql/data']);
    expect(docker('exec', monitor, 'sh', '-c', 'cat "$PGDATA/PG_VERSION"')).toBe('15');
  });

  it('is the same monitor when it starts again, after a stop and after a crash', async () => {
    const identity = () =>
      docker(
        'exec',
        monitor,
        'psql',
        '-XAtd',
        'postgres',
        '-c',
        'SELECT system_identifier FROM pg_control_system()',
      );
    const before = identity();
    docker('stop', '--time', '30', monitor);
    expect(lookAt('{{.State.ExitCode}}')).toBe('0');
    docker('start', monitor);
    await awaitReady();
    // Its pids come round again each time.
    for (let crash = 0; crash < 3; crash++) {
      docker('kill', monitor);
      docker('start', monitor);
      await awaitReady();
    }
    expect(identity()).toBe(before);
  }, 400_000);
});
