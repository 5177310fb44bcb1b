export { SCHEMA_VERSION } from '@pgaf/monitor/migrations';
