import { redactText } from '@pgaf/logging/redact';
import { HIDDEN } from '@pgaf/logging/secret';

/** A configuration file, maybe a damaged one, as it may be shown: terminals are shared, and their contents pasted. */
export function withoutSecrets(text: string): string {
  return redactText(text.replace(/^(\s*\w*password\s*=[^\S\n]*)\S.*$/gim, `$1${HIDDEN}`));
}
