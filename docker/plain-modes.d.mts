export declare function setPlainModes(folder: string, programs?: readonly string[]): void;
