import { spawn } from 'node:child_process';

const terminal = process.stderr.isTTY === true;

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Runs the work under a title and shows that it goes on: a running clock on a terminal, else a line now and then.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = performance.now();
  if (!terminal) process.stderr.write(`${title} …\n`);
  const show = () =>
    process.stderr.write(
      terminal ? `\r\x1b[K${title} … ${seconds(start)}` : `  ${title}: ${seconds(start)}\n`,
    );
  const timer = setInterval(show, terminal ? 200 : 5000);
  if (terminal) show();
  let mark = '✗';
  try {
    const result = await work();
    mark = '✓';
    return result;
  } finally {
    clearInterval(timer);
    process.stderr.write(`${terminal ? '\r\x1b[K' : ''}${mark} ${title} (${seconds(start)})\n`);
  }
}

/**
 * Runs a program to its end, its output kept.
 * @param {string[]} command
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} what it wrote
 * @throws {Error} with the last lines of its output when it fails
 */
export function run([program, ...args], options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const lines = output.trimEnd().split('\n').slice(-25).join('\n');
      reject(new Error(`${[program, ...args].join(' ')} failed (${signal ?? code})\n${lines}`));
    });
  });
}
