import type { SpawnOptions } from 'node:child_process';

export declare function step<T>(title: string, work: () => Promise<T>): Promise<T>;
export declare function run(command: string[], options?: SpawnOptions): Promise<string>;
