import { Help, type Config } from '@oclif/core';

/** Help for the command or the topic that these words name, else for all. */
export async function printHelp(config: Config, words: readonly string[]): Promise<void> {
  const help = new Help(config, config.pjson.oclif.helpOptions ?? {});
  await help.showHelp(longestKnown(config, words));
}

function longestKnown(config: Config, words: readonly string[]): string[] {
  for (let count = words.length; count > 0; count -= 1) {
    const id = words.slice(0, count).join(':');
    if (config.findCommand(id) ?? config.findTopic(id)) return [id];
  }
  return [];
}
