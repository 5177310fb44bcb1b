import type { MonitorLink } from '@pgaf/keeper/monitor-link';

/** A link to a monitor that may be replaced by one to another address while the keeper goes on. */
export class ReplaceableLink implements MonitorLink {
  #link: MonitorLink;
  #listeners: Parameters<MonitorLink['onNews']>[] = [];

  constructor(link: MonitorLink) {
    this.#link = link;
  }

  /** Calls go to the new one from now on; those under way end with the old one. */
  async replace(link: MonitorLink): Promise<void> {
    const old = this.#link;
    this.#link = link;
    for (const listening of this.#listeners) link.onNews(...listening);
    await old.close();
  }

  readonly report: MonitorLink['report'] = (report) => this.#link.report(report);
  readonly register: MonitorLink['register'] = (registration) => this.#link.register(registration);
  readonly removeNode: MonitorLink['removeNode'] = (nodeId) => this.#link.removeNode(nodeId);
  readonly setSystemIdentifier: MonitorLink['setSystemIdentifier'] = (nodeId, systemIdentifier) =>
    this.#link.setSystemIdentifier(nodeId, systemIdentifier);
  readonly reportPostgresVersion: MonitorLink['reportPostgresVersion'] = (nodeId, version) =>
    this.#link.reportPostgresVersion(nodeId, version);
  readonly updateNode: MonitorLink['updateNode'] = (nodeId, place) => this.#link.updateNode(nodeId, place);
  readonly tell: MonitorLink['tell'] = (nodeId, sentence) => this.#link.tell(nodeId, sentence);
  readonly formationView: MonitorLink['formationView'] = (formation) => this.#link.formationView(formation);

  onNews(...listening: Parameters<MonitorLink['onNews']>): void {
    this.#listeners.push(listening);
    this.#link.onNews(...listening);
  }

  async close(): Promise<void> {
    this.#listeners = [];
    await this.#link.close();
  }
}
