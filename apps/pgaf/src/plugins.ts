import type { Plugin } from '@pgaf/plugin-api';
import citus from '@pgaf/plugin-citus';
import pgsql from '@pgaf/plugin-pgsql';

/** The plugins that come with pgaf. */
export const BUNDLED_PLUGINS: readonly Plugin[] = [pgsql, citus];
