import type { LogFields, Logger } from '@pgaf/logging/logger';

export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps what it was told. */
export class LogBook implements Logger {
  readonly lines: LogLine[] = [];
  readonly #note =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) => {
      this.lines.push({ level, message, fields });
    };

  readonly trace = this.#note('trace');
  readonly debug = this.#note('debug');
  readonly info = this.#note('info');
  readonly warn = this.#note('warn');
  readonly error = this.#note('error');

  child(): Logger {
    return this;
  }

  /** The messages of one level. */
  at(level: LogLine['level']): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}
