/** Keeps one container's card (`card.ts`) in step with what happens to its process. */
import type { Card } from './card.ts';
import type { ContainerOptions } from './options.ts';
import type { Rendezvous } from './rendezvous.ts';

export class ShownCard {
  private readonly options: ContainerOptions;
  private readonly rendezvous: Rendezvous;
  /** How often its process was started, and what the last one ended with. */
  private starts = 0;
  private code: number | undefined;
  private shown: Card | undefined;

  constructor(options: ContainerOptions, rendezvous: Rendezvous) {
    this.options = options;
    this.rendezvous = rendezvous;
    this.show(false);
  }

  /** Its process is started, or tried to be. */
  started(): void {
    this.starts++;
  }

  /** Its process has ended, or could not be started. */
  ended(code: number): void {
    this.code = code;
  }

  /**
   * Show what has changed. A main's process is started once, and its marker says how it ended.
   * @param again the process is about to be started
   */
  show(again: boolean): void {
    const { role, mains, sidecars } = this.options;
    const restarts = Math.max(0, again ? this.starts : this.starts - 1);
    const isNews = role === 'sidecar' && (this.shown?.restarts !== restarts || this.shown.code !== this.code);
    if (this.shown !== undefined && !isNews) return;
    const code = this.code === undefined ? {} : { code: this.code };
    this.shown = { role, mains, sidecars, restarts, ...code };
    this.rendezvous.show(this.shown);
  }
}
