/** The configuration's section `events`: whether refused and passed-over pods get a Kubernetes Event. */
import { z } from 'zod';
import { meta } from './fields.ts';

export const EVENTS = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .meta(
        meta(
          'write a Kubernetes Event for each refused or passed-over pod; needs the right to create events in all namespaces',
          'true or false',
        ),
      ),
  })
  .prefault({});
