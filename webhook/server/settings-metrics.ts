/** The metrics of the settings of namespaces (V5). */
import { type Counter, Gauge, type Registry } from '@prometheus-io/client';

export interface SettingsMetrics {
  /** How many namespaces have settings. */
  counted(namespaces: { used: number; wrong: number }): void;
  /** They could not be listed or watched. */
  readFailed(): void;
}

/** Make the metrics; called once, and only where settings are read: other webhooks do not show zeros. */
export function settingsMetrics(registers: Registry[], watchFailures: Counter<'object'>): SettingsMetrics {
  const namespaces = new Gauge({
    name: 'curfew_namespace_settings',
    help: 'Namespaces with settings of their own, by what they are: used, or wrong, so that their pods are refused.',
    labelNames: ['state'],
    registers,
  });
  const counted: SettingsMetrics['counted'] = ({ used, wrong }) => {
    namespaces.set({ state: 'used' }, used);
    namespaces.set({ state: 'wrong' }, wrong);
  };
  counted({ used: 0, wrong: 0 });
  const object = 'settings';
  watchFailures.inc({ object }, 0);
  return { counted, readFailed: () => watchFailures.inc({ object }) };
}
