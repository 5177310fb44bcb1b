import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { packTestPackages } from '../../../tools/test-packages.mjs';
import { lockOfProject } from './lock-of-project.js';

/** For one command of npm, on a machine that is busy: by itself none takes longer than a minute. */
const NPM_LIMIT_MS = 300_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

/** A copy of a project of `examples/`, away from the workspace, with our packages as they are published. */
export class ExampleProject {
  private constructor(private readonly directory: string) {}

  static async install(name: string): Promise<ExampleProject> {
    const directory = mkdtempSync(join(tmpdir(), 'pgaf-example-'));
    const project = new ExampleProject(directory);
    try {
      const root = workspaceRoot();
      // What somebody has installed there to work on it is none of this copy.
      const filter = (path: string) => !/\/(node_modules|package-lock\.json)$/.test(path);
      cpSync(join(root, 'examples', name), directory, { recursive: true, filter });
      const lock = lockOfProject(readJson(directory, 'package.json'), readJson(root, 'package-lock.json'));
      writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lock));
      const packages = join(directory, 'packages');
      mkdirSync(packages);
      const archives = await packTestPackages(packages);
      // Scripts compile what makes a package faster, here for longer than all the rest takes.
      const quickly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
      await project.npm(['install', ...quickly, ...archives]);
      return project;
    } catch (error) {
      project.remove();
      throw error;
    }
  }

  /** @throws Error with all that it printed when it fails, or does not end. */
  npm(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const options = {
      cwd: this.directory,
      env: { ...process.env, ...env },
      timeout: NPM_LIMIT_MS,
      maxBuffer: MOST_OUTPUT,
    };
    return new Promise((resolve, reject) => {
      execFile('npm', args, options, (error, stdout, stderr) => {
        if (error === null) return resolve();
        const ended = error.killed ? `took longer than ${NPM_LIMIT_MS / 1000} s` : `failed (${error.code})`;
        reject(new Error(`npm ${args.join(' ')} ${ended}\n${stdout}${stderr}`));
      });
    });
  }

  /** A file that it has written. */
  json(path: string): unknown {
    return readJson(this.directory, path);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
