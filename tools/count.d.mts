export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

export declare function allowedSkips(contributing: string): Set<string>;
export declare function failures(report: Report): string[];
export declare function tally(report: Report): { passed: number; failed: number; skipped: string[] };
export declare function count(): boolean;
