/** The values that Helm refuses, by values.schema.json and by the templates. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objects, objectsNamed, one, partOf, render, set } from './rendered-chart.ts';

describe('O7 values that Helm refuses before anything is installed', () => {
  const refused: [pair: string, words: RegExp][] = [
    ['replicas=3', /additional properties 'replicas' not allowed/],
    ['image.tga=1', /'\/image': additional properties 'tga' not allowed/],
    ['image.digest=sha256:0', /'\/image\/digest'.*does not match/],
    [
      'certificates.source=files',
      /'\/certificates\/source': value must be one of 'selfManaged', 'certManager', 'secret'/,
    ],
    ['webhook.timeoutSeconds=30', /'\/webhook\/timeoutSeconds': maximum/],
    ['webhook.failurePolicy=fail', /'\/webhook\/failurePolicy': value must be one of 'Fail', 'Ignore'/],
    ['config.lgo.level=debug', /'\/config': additional properties 'lgo' not allowed/],
    ['config.log.level=loud', /'\/config\/log\/level': value must be one of 'trace', 'debug'/],
    ['config.listen.port=0', /'\/config\/listen\/port': minimum/],
    ['config.listen.port=99999', /'\/config\/listen\/port': maximum/],
    ['config.limits.requestTimeout=10', /'\/config\/limits\/requestTimeout': got number, want string/],
    ['config.limits.requestTimeout=10 seconds', /'\/config\/limits\/requestTimeout'.*does not match/],
    ['config.tls.selfManaged.lifetime=1y', /'\/config\/tls\/selfManaged\/lifetime'.*does not match/],
    ['config.limits.requestTimeout=301s', /'\/config\/limits\/requestTimeout'.*does not match/],
    ['config.tls.selfManaged.lifetime=91d', /'\/config\/tls\/selfManaged\/lifetime'.*does not match/],
    ['config.tls.certFile=/x', /'\/config\/tls': additional properties 'certFile' not allowed/],
    ['config.shim.image=x', /'\/config\/shim': additional properties 'image' not allowed/],
    ['config.shim.resources.limits.cpu=a lot', /'\/config\/shim\/resources\/limits\/cpu'.*does not match/],
    ['config.catalogue.disabled={nobody}', /'\/config\/catalogue\/disabled\/0'.*does not match/],
    ['config.catalogue.extra[0].names={a}', /'\/config\/catalogue\/extra\/0': missing property 'images'/],
    ['podDisruptionBudget.maxUnavailable=half', /'\/podDisruptionBudget\/maxUnavailable'/],
    ['config.listen.port=null', /missing property 'port'/],
    ['certificates.source=secret', /certificates\.secret\.name must name a Secret/],
    ['certificates.certManager.duration=90d', /'\/certificates\/certManager\/duration'.*does not match/],
    [
      'certificates.source=certManager,certificates.certManager.issuerRef.kind=ClusterIssuer',
      /certificates\.certManager\.issuerRef\.name must name/,
    ],
    ['serviceMonitor.interval=1.5h', /'\/serviceMonitor\/interval'.*does not match/],
    [
      'webhook.timeoutSeconds=5,config.images.timeout=5s',
      /config\.images\.timeout is 5s; it must be below webhook\.timeoutSeconds, which is 5/,
    ],
    ['config.images.timeout=10001ms', /config\.images\.timeout is 10001ms; it must be below .* 10:/],
    ['config.shutdown.gracePeriod=59m61s', /config\.shutdown\.gracePeriod is 59m61s; it must be at most 1h/],
    [
      'config.images.cache.stale=23h60m1ms',
      /config\.images\.cache\.stale is 23h60m1ms; it must be at most 24h/,
    ],
    ['config.startTimeout=169h', /'\/config\/startTimeout'.*does not match/],
    ['config.startTimeout=168h1ms', /config\.startTimeout is 168h1ms; it must be at most 168h/],
    ['config.limits.queueTime=9s1001ms', /config\.limits\.queueTime is 9s1001ms; it must be at most 10s/],
    ['config.images.entrypoints[0].image=redis', /'\/config\/images\/entrypoints\/0'/],
    [
      'config.images.entrypoints[0].image=redis,config.images.entrypoints[0].stopSignal=INT',
      /entrypoints\/0'/,
    ],
    [
      'podDisruptionBudget.minAvailable=2',
      /minAvailable is 2 of 2 replicas: no node that has one could ever be drained/,
    ],
    ['podDisruptionBudget.minAvailable=100%', /minAvailable is 100% of 2 replicas/],
    ['replicaCount=1,podDisruptionBudget.minAvailable=1', /minAvailable is 1 of 1 replicas/],
    ['podDisruptionBudget.maxUnavailable=0', /podDisruptionBudget\.maxUnavailable is 0: no node/],
    ['podDisruptionBudget.maxUnavailable=0%', /podDisruptionBudget\.maxUnavailable is 0: no node/],
    ['fullnameOverride=1a', /'\/fullnameOverride'.*does not match/],
    [
      'certificates.certManager.duration=99999999999h',
      /'\/certificates\/certManager\/duration'.*does not match/,
    ],
    ['podMonitor.enabled=true,serviceMonitor.enabled=true', /each replica would be scraped twice/],
    ['prometheusRule.selector=curfew', /'\/prometheusRule\/selector'.*does not match/],
    ['prometheusRule.runbookUrl=wiki', /'\/prometheusRule\/runbookUrl'.*does not match/],
    ['service.port=8080', /service\.port is 8080, .* choose another/],
    ['config.listen.port=8080', /config\.listen\.port and config\.listen\.healthPort are both 8080/],
    [
      'podDisruptionBudget.maxUnavailable=null',
      /podDisruptionBudget\.minAvailable or podDisruptionBudget\.maxUnavailable must be set/,
    ],
    ['terminationGracePeriodSeconds=20', /it must be more than .* together, which is 25/],
  ];
  for (const [pair, words] of refused)
    test(pair, () => {
      const { code, stderr } = render(set(pair));
      assert.notEqual(code, 0);
      assert.match(stderr, words);
    });
});

test('O7 a release whose name begins with a digit needs a fullnameOverride: a Service has the name', () => {
  assert.throws(
    () => objectsNamed('123', 'x', []),
    /the objects would be called 123-curfew, and a Service's name must begin with a letter: set fullnameOverride/,
  );
  assert.equal(one(objectsNamed('123', 'x', set('fullnameOverride=c1')), 'Service').metadata.name, 'c1');
});

describe('O7 values near those that are refused are taken', () => {
  const taken: [pairs: string, kind: string, path: string, value: unknown][] = [
    ['podDisruptionBudget.minAvailable=1', 'PodDisruptionBudget', 'spec.minAvailable', 1],
    ['podDisruptionBudget.minAvailable=50%', 'PodDisruptionBudget', 'spec.minAvailable', '50%'],
    ['replicaCount=0,podDisruptionBudget.minAvailable=1', 'PodDisruptionBudget', 'spec.minAvailable', 1],
  ];
  for (const [pairs, kind, path, value] of taken)
    test(pairs, () => assert.equal(partOf(one(objects(set(pairs)), kind), path), value));
});
