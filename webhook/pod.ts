/** What an image look-up may need to know of a pod. (The first slice; grows.) */
export interface PodView {
  serviceAccountName: string | undefined;
  imagePullSecrets: string[];
}
