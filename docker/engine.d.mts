export declare function whyNoEngine(): string | null;
