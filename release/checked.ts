/** What is checked, and with what. */
export interface Checked {
  /** The release's folder. */
  folder: string;
  version: string;
  /** A folder for what is needed meanwhile. */
  work: string;
  tools: { cosign: string; oras: string; helm: string };
}
