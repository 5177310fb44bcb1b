export interface WantedImages {
  readonly suite?: string;
  readonly tag?: string;
  readonly nodeImage?: string;
  readonly citusImage?: string;
  readonly say?: (line: string) => void;
}

export declare function buildImages(
  wanted?: WantedImages,
): Promise<{ readonly base: string; readonly pgaf: string; readonly citus: string | null }>;
