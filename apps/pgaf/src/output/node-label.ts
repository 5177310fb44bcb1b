export type NodeLabel = (group: number, node: number) => string;

/** How tables name a node: by its id where a formation has one group, else by `<group>/<id>`. */
export function nodeLabelFor(groups: 'one' | 'several'): NodeLabel {
  return groups === 'one' ? (_group, node) => String(node) : (group, node) => `${group}/${node}`;
}
