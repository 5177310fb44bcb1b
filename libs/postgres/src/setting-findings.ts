import type { Finding } from './finding.js';
import type { LocalClient } from './query.js';
import { settingErrors, settingFacts, type Override } from './setting-sources.js';
import { readSettings } from './settings.js';

/** They may hold a password. */
const UNSHOWN = new Set(['primary_conninfo']);
/** Settings of ours that nothing depends on. */
const TASTE = /^(log_|logging_|password_encryption$)/;

type RiskRow = { name: string; setting: string; place: string };

const RISKS = `
SELECT name, setting, coalesce(sourcefile || ':' || sourceline, source) AS place
  FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name`;

const HBA_ERRORS = `
SELECT current_setting('hba_file') || ':' || line_number AS place, error
  FROM pg_hba_file_rules WHERE error IS NOT NULL ORDER BY line_number`;

export interface SettingFindings {
  readonly findings: readonly Finding[];
  /** Our lines are no longer the last ones of the configuration files: writing them again mends that. */
  readonly includeAgain: boolean;
}

/** What is wrong with the settings and the rules of a running Postgres of ours. Needs a superuser. */
export async function findSettingProblems(client: LocalClient, pgdata: string): Promise<SettingFindings> {
  const { overrides, needRestart } = await settingFacts(client, readSettings(pgdata));
  const errors = await settingErrors(client);
  const risks = await client.query<RiskRow>(RISKS);
  const hba = await client.query<{ place: string; error: string }>(HBA_ERRORS);
  return {
    includeAgain: overrides.some(({ source }) => source.from === 'file' && !isAutoConf(source.file)),
    findings: [
      ...overrides.map(overridden),
      ...errors.map(({ name, file, line, error }) =>
        warning(
          `Postgres refuses ${name || 'a line'} at ${file}:${line}: ${error}; until that is mended it reloads nothing`,
        ),
      ),
      ...hba.map(({ place, error }) =>
        warning(
          `Postgres refuses ${place}: ${error}; until that is mended no new rule of pg_hba.conf counts`,
        ),
      ),
      ...risks.map(({ name, setting, place }) =>
        warning(`${name} is ${setting} by ${place}: a crash of the host can damage this node's data`),
      ),
      ...(needRestart.length === 0
        ? []
        : [warning(`Postgres takes the new value of ${needRestart.join(', ')} at its next restart only`)]),
    ],
  };
}

/** A file that comes after all others, so that nothing we write can win over it. */
function isAutoConf(file: string): boolean {
  return file.endsWith('/postgresql.auto.conf');
}

function overridden(override: Override): Finding {
  const { name, value, ours } = override;
  const what = UNSHOWN.has(name) ? `${name} of pgaf is overridden` : `${name} is '${value}'`;
  const need = UNSHOWN.has(name) ? '' : `, and pgaf needs '${ours}'`;
  const sentence = `${what} by ${placeOf(override)}${need}: ${remedyOf(override)}`;
  return TASTE.test(name) ? { severity: 'note', sentence } : warning(sentence);
}

function placeOf({ source }: Override): string {
  if (source.from === 'file') return `${source.file}:${source.line}`;
  return source.from === 'role' ? source.statement : 'the command line of the postmaster';
}

function remedyOf({ name, source }: Override): string {
  if (source.from === 'role') return `run ${source.statement} RESET ${name}`;
  if (source.from === 'command line') return 'restart Postgres';
  return isAutoConf(source.file) ? `run ALTER SYSTEM RESET ${name}` : 'remove that line';
}

function warning(sentence: string): Finding {
  return { severity: 'warning', sentence };
}
