import { getContainerRuntimeClient, ImageName } from 'testcontainers';

/**
 * Has the engine get an image that it does not have.
 * @throws Error that names the image and what builds it: who has installed this package has no other word of that.
 */
export async function requireImage(image: string): Promise<void> {
  const { image: images } = await getContainerRuntimeClient();
  const name = ImageName.fromString(image);
  if (await images.exists(name)) return;
  const failure = await images.pull(name).then(
    () => null,
    (error: unknown) => error,
  );
  // A pull that breaks off is told by no error.
  if (failure === null && (await images.exists(name))) return;
  throw new Error(whyNoImage(image, failure), { cause: failure ?? undefined });
}

function whyNoImage(image: string, failure: unknown): string {
  const reason = failure instanceof Error ? failure.message.trim() : 'the pull broke off';
  return [
    `The Docker engine has no image "${image}", and it cannot be pulled: ${reason}.`,
    'pgaf’s images are in no registry: `npm run images` in a clone of pgaf builds them; docs/containers.md there tells which, and from what.',
    'Other images than these are named by withImage().',
  ].join('\n');
}
