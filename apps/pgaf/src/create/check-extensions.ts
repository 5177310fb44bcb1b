import { EXIT, UserError } from '@pgaf/core/errors';
import type { ExtensionRequirement } from '@pgaf/plugin-api';
import { availableExtension, isAtLeast } from '@pgaf/postgres/extension-version';

/** @throws UserError `extension-missing`, `extension-too-old`. */
export async function checkExtensions(
  bindir: string,
  required: readonly ExtensionRequirement[],
): Promise<void> {
  for (const { name, atLeast } of required) {
    const found = await availableExtension(bindir, name);
    if (found.tag === 'missing') {
      throw new UserError(`The Postgres in ${bindir} has no extension "${name}".`, {
        code: 'extension-missing',
        exit: EXIT.badConfiguration,
        hint: `Install the package of ${name} for it (its files belong into ${found.directory}), or choose another Postgres with --pgctl.`,
      });
    }
    if (found.tag === 'available' && atLeast !== undefined && !isAtLeast(found.version, atLeast)) {
      throw new UserError(
        `The Postgres in ${bindir} has version ${found.version} of the extension "${name}", and ${atLeast} is needed.`,
        {
          code: 'extension-too-old',
          exit: EXIT.badConfiguration,
          hint: `Install ${name} ${atLeast} or later for it, or choose another Postgres with --pgctl.`,
        },
      );
    }
  }
}
