import pjson from '../package.json' with { type: 'json' };

export const VERSION: string = pjson.version;
