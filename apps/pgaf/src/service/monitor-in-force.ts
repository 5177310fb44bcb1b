import { userInfo } from 'node:os';
import { describeNeedRestart, describeTaken, reload } from '@pgaf/config/reload';
import { monitorSettings, type MonitorConfig } from '@pgaf/config/settings';
import { EXIT, UserError } from '@pgaf/core/errors';
import { writeMonitorFiles } from '@pgaf/monitor/create';
import { renewNodePassword } from '@pgaf/monitor/node-password';
import type { MonitorSettings } from '@pgaf/monitor/monitor-settings';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import type { CommandContext } from '../command-spec.js';
import { readNode, type MonitorNode } from '../node-files.js';
import { monitorPostgres } from './monitor-postgres.js';
import { sendSignal } from './send-signal.js';

/** What a running monitor goes by. A reload replaces it by what the file says then, but for what needs a restart. */
export class MonitorInForce {
  settings: MonitorSettings;
  #config: MonitorConfig;

  constructor(
    private readonly node: MonitorNode,
    private readonly context: CommandContext,
  ) {
    this.#config = node.config;
    this.settings = settingsOf(node.config);
    this.#setLogLevel();
  }

  /** A file that is wrong changes nothing, and is named with its line. */
  async reload(): Promise<void> {
    const { log } = this.context;
    const { pgdata, config: path } = this.node.paths;
    try {
      const read = await readNode(pgdata, this.context);
      if (read.role !== 'monitor') throw otherRole(path);
      const result = reload(monitorSettings, this.#config, read.config);
      this.#config = result.config;
      this.settings = settingsOf(result.config);
      this.#setLogLevel();
      await this.writePostgresFiles();
      const running = await readPostmasterPid(pgdata);
      if (running) {
        sendSignal(running.pid, 'SIGHUP');
        await this.#renewPassword(running);
      }
      log.info(`Read ${path} again: ${describeTaken(result) ?? 'nothing to take'}`);
      const waiting = describeNeedRestart(result);
      if (waiting !== null) log.warn(`Not taken by a reload: ${waiting}`);
    } catch (error) {
      log.error(`The reload has failed, and what was in force goes on`, { error });
    }
  }

  /** Settings and pg_hba.conf of the monitor's Postgres. */
  async writePostgresFiles(): Promise<void> {
    await writeMonitorFiles(
      await monitorPostgres({ paths: this.node.paths, config: this.#config }, this.context),
    );
  }

  async #renewPassword({ socketDirectory, port }: { socketDirectory: string; port: number }): Promise<void> {
    const password = this.#config.pgAutoctl.autoctlNodePassword;
    if (password === undefined) return;
    const database = { socketDirectory, port, user: userInfo().username };
    if ((await renewNodePassword(database, password)) === 'changed')
      this.context.log.info('autoctl_node has the password of the configuration now');
  }

  #setLogLevel(): void {
    this.context.setLogLevel(this.#config.log.level);
  }
}

/** The part of the configuration that the service decides by. */
export function settingsOf({ timeout, replication, history, ssl }: MonitorConfig): MonitorSettings {
  return {
    silentAfter: timeout.silentAfter,
    badHealthAfter: timeout.badHealthAfter,
    leaseMargin: timeout.leaseMargin,
    enableSyncLag: BigInt(replication.enableSyncWalLogThreshold),
    healthCheckPeriod: timeout.healthCheckPeriod,
    healthCheckTimeout: timeout.healthCheckTimeout,
    healthTls: {
      sslmode: ssl.sslmode ?? 'prefer',
      caFile: ssl.caFile ?? null,
      crlFile: ssl.crlFile ?? null,
    },
    historyAge: history.maximumAge,
    historyRows: history.maximumRows,
  };
}

function otherRole(path: string): UserError {
  return new UserError(`${path} is not the file of a monitor any more.`, {
    code: 'other-role',
    exit: EXIT.badConfiguration,
    hint: 'Set pg_autoctl.role to monitor again.',
  });
}
