export declare function requireNoPassword(mirror: string): void;
export declare function hasSuite(mirror: string, suite: string): Promise<boolean>;
