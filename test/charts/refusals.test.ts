/** The values that Helm refuses, by values.schema.json and by the templates. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { render, set } from './rendered-chart.ts';

describe('values that Helm refuses before anything is installed', () => {
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
