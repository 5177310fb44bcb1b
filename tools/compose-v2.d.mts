export declare const COMPOSE_V2: string;
