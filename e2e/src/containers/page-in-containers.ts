import { describe, it } from 'vitest';
import { describePage } from '../pages/page.js';
import { PlaceInContainers } from './place-in-containers.js';

/** Types a page with a container for each of its terminals, unless there is a reason against it. */
export function describePageInContainers(name: string, image: string, reasonAgainst: string | null): void {
  const title = `docs/${name}.md in containers`;
  if (reasonAgainst !== null) describe(title, () => it.skip('is typed where containers are'));
  else describePage(name, { at: PlaceInContainers.of(image), title });
}
