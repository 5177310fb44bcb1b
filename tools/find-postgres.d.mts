export declare function findPgCtl(): string | null;
