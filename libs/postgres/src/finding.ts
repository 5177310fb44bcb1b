/** Something about a Postgres that its operator should know. */
export interface Finding {
  /** `warning`: something that pgaf promises, or that it needs, does not hold. `note`: good to know. */
  readonly severity: 'warning' | 'note';
  /** What is so, where, and what to do; the same text for as long as it is so. */
  readonly sentence: string;
}
