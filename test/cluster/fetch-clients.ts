/** Fetch kubectl and Helm, before tests that run at once would each do it. */
import { fetchClients } from './preparation.ts';

await fetchClients();
