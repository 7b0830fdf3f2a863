/** The ConfigMap in which a namespace sets what counts for its own pods: RBAC can grant a name in all namespaces, and no label. */
export const SETTINGS_NAME = 'curfew-settings';
