export declare function packTestPackages(destination: string): Promise<string[]>;
