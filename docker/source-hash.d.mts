export declare const SOURCE_LABEL: string;
export declare function sourceHash(checkout?: string): string;
