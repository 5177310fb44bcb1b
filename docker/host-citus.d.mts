export declare function hostCitus(major: number): string | null;
