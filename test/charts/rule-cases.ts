/** For each alert of the chart: series by the minute, as promtool's own notation has them, and what they make of it. */

/** One case. */
export interface Case {
  alert: string;
  what: string;
  /** `1+0x20`: 1, and 20 times the same. `_x5`: five minutes without a sample. */
  series: Readonly<Record<string, string>>;
  /** The minute that is looked at. */
  minute: number;
  /** The labels of the alerts that fire, besides the rule's own, and the value where the text has it. Undefined: none does. */
  firing?: readonly Readonly<Record<string, string>>[];
}

const review = (outcome: string, reason: string, pod = 'a') =>
  `curfew_reviews_total{outcome="${outcome}", reason="${reason}", pod="${pod}"}`;
const build = (pod: string) => `curfew_build_info{version="0.1.0", node="v24.0.0", pod="${pod}"}`;
const lookup = (registry: string, result: string) =>
  `curfew_image_lookups_total{registry="${registry}", result="${result}"}`;
const rejected = (error: string, name = 'pods.curfew.dev') =>
  `apiserver_admission_webhook_rejection_count{name="${name}", type="admit", operation="CREATE", error_type="${error}", rejection_code="0"}`;
const open = (name: string) => `apiserver_admission_webhook_fail_open_count{name="${name}", type="admit"}`;
const WEBHOOK = { name: 'pods.curfew.dev' };
const HOUR = 60;
const expiry = (pod: string) => `curfew_certificate_expiry_timestamp_seconds{pod="${pod}"}`;

export const CASES: readonly Case[] = [
  {
    alert: 'CurfewDown',
    what: 'no replica for five minutes',
    series: { [build('a')]: '1x10 _x20' },
    minute: 21,
    firing: [{}],
  },
  {
    alert: 'CurfewDown',
    what: 'one replica, scraped without a label',
    series: { 'curfew_build_info{version="1"}': '1x30' },
    minute: 20,
  },
  { alert: 'CurfewDown', what: 'a gap of minutes', series: { [build('a')]: '1x10 _x7 1x10' }, minute: 17 },
  {
    alert: 'CurfewReplicasMissing',
    what: 'one of two for a quarter of an hour',
    series: { [build('a')]: '1x40', [build('b')]: '1x5 _x35' },
    minute: 30,
    firing: [{ value: '1' }],
  },
  {
    alert: 'CurfewReplicasMissing',
    what: 'both, after a rollout',
    series: { [build('a')]: '1x40', [build('b')]: '1x5 _x8 1x27' },
    minute: 13,
  },
  {
    alert: 'CurfewCallsFail',
    what: 'the first call that fails, whose series was not there before',
    series: { [rejected('calling_webhook_error')]: '_x20 1x20' },
    minute: 22,
    firing: [WEBHOOK],
  },
  {
    alert: 'CurfewCallsFail',
    what: 'a later one',
    series: { [rejected('calling_webhook_error')]: '3x20 4x20' },
    minute: 23,
    firing: [WEBHOOK],
  },
  {
    alert: 'CurfewCallsFail',
    what: 'refusals of ours, failures of long ago, another webhook',
    series: {
      [rejected('no_error')]: '1+1x60',
      [rejected('calling_webhook_error')]: '7x60',
      [rejected('calling_webhook_error', 'x.other.dev')]: '1+1x60',
    },
    minute: 40,
  },
  {
    alert: 'CurfewFailsOpen',
    what: 'the first pod that is let through',
    series: { [open('pods.curfew.dev')]: '_x20 1x20' },
    minute: 21,
    firing: [WEBHOOK],
  },
  {
    alert: 'CurfewFailsOpen',
    what: 'one of long ago, another webhook',
    series: { [open('pods.curfew.dev')]: '1x60', [open('x.other.dev')]: '1+1x60' },
    minute: 40,
  },
  {
    alert: 'CurfewConfigurationGone',
    what: 'no replica finds it for five minutes',
    series: {
      'curfew_webhook_configuration_found{pod="a"}': '1x5 0x20',
      'curfew_webhook_configuration_found{pod="b"}': '1x5 0x20',
    },
    minute: 12,
    firing: [{}],
  },
  {
    alert: 'CurfewConfigurationGone',
    what: 'one replica has not read it anew, or it is made again soon, or there is none of this kind of certificate',
    series: {
      'curfew_webhook_configuration_found{pod="a"}': '1x5 0x3 1x20',
      'curfew_webhook_configuration_found{pod="b"}': '1x40',
    },
    minute: 8,
  },
  {
    alert: 'CurfewCaBundleContested',
    what: 'one replica sees it set back again and again',
    series: {
      'curfew_ca_bundle_contested{pod="a"}': '0x5 1x20',
      'curfew_ca_bundle_contested{pod="b"}': '0x40',
    },
    minute: 12,
    firing: [{}],
  },
  {
    alert: 'CurfewCaBundleContested',
    what: 'for a minute, at an upgrade',
    series: { 'curfew_ca_bundle_contested{pod="a"}': '0x5 1x2 0x20' },
    minute: 7,
  },
  {
    alert: 'CurfewSettingsWrong',
    what: 'one namespace has wrong settings, as each replica sees',
    series: {
      'curfew_namespace_settings{pod="a", state="wrong"}': '0x5 1x40',
      'curfew_namespace_settings{pod="b", state="wrong"}': '0x5 1x40',
      'curfew_namespace_settings{pod="a", state="used"}': '3x45',
    },
    minute: 22,
    firing: [{ value: '1' }],
  },
  {
    alert: 'CurfewSettingsWrong',
    what: 'all are used, and one was wrong for a minute',
    series: {
      'curfew_namespace_settings{pod="a", state="wrong"}': '0x5 1x1 0x40',
      'curfew_namespace_settings{pod="a", state="used"}': '3x45',
    },
    minute: 22,
  },
  {
    alert: 'CurfewWatchFails',
    what: 'every minute',
    series: { 'curfew_watch_failures_total{object="configuration"}': '0x5 1+1x60' },
    minute: 40,
    firing: [{ object: 'configuration' }],
  },
  {
    alert: 'CurfewWatchFails',
    what: 'an API server that was started again',
    series: { 'curfew_watch_failures_total{object="configuration"}': '0x20 3x60' },
    minute: 25,
  },
  {
    alert: 'CurfewFails',
    what: 'the first fault',
    series: { [review('failed', 'internal')]: '0x20 1x20' },
    minute: 22,
    firing: [{}],
  },
  {
    alert: 'CurfewFails',
    what: 'other outcomes, a fault of long ago, a replica that was started again',
    series: { [review('refused', 'no-main')]: '0+1x60', [review('failed', 'internal')]: '2x20 0x40' },
    minute: 40,
  },
  {
    alert: 'CurfewOverloaded',
    what: 'for five minutes',
    series: { [review('rejected', 'overloaded')]: '0x10 1+3x60' },
    minute: 20,
    firing: [{}],
  },
  {
    alert: 'CurfewOverloaded',
    what: 'a burst, and other rejections',
    series: { [review('rejected', 'overloaded')]: '0x10 50x60', [review('rejected', 'not-json')]: '0+1x60' },
    minute: 12,
  },
  {
    alert: 'CurfewRefusesPods',
    what: 'a Job that tries again',
    series: { [review('refused', 'bad-annotation')]: '0x5 1 1x5 2 2x5 3 3x5 4 4x5 5 5x20' },
    minute: 30,
    firing: [{ reason: 'bad-annotation' }],
  },
  {
    alert: 'CurfewRefusesPods',
    what: 'one pod that somebody has written anew',
    series: { [review('refused', 'bad-annotation')]: '0x5 1x60' },
    minute: 30,
  },
  {
    alert: 'CurfewPassesOverSidecars',
    what: 'one Job, while its registry was down',
    series: { [review('unchanged', 'image-unreachable')]: '0x30 1x60' },
    minute: 60,
    firing: [{ reason: 'image-unreachable' }],
  },
  {
    alert: 'CurfewPassesOverSidecars',
    what: 'pods that nobody asked to wrap, refused ones, and second reviews',
    series: {
      [review('unchanged', 'no-known-sidecar')]: '0+1x90',
      [review('unchanged', 'near-miss')]: '0+1x90',
      [review('refused', 'image-unreachable')]: '0+1x90',
      [review('again', 'already-wrapped')]: '0+1x90',
    },
    minute: 80,
  },
  {
    alert: 'CurfewLookupsFail',
    what: 'a registry that is down',
    series: { [lookup('docker.io', 'image-unreachable')]: '0x10 1+1x60' },
    minute: 20,
    firing: [{ registry: 'docker.io', result: 'image-unreachable' }],
  },
  {
    alert: 'CurfewLookupsFail',
    what: 'images that do not exist, and hits',
    series: { [lookup('docker.io', 'image-not-found')]: '0+1x60', [lookup('docker.io', 'hit')]: '0+9x60' },
    minute: 40,
  },
  {
    alert: 'CurfewCertificateExpires',
    what: 'the replica that has the shortest left',
    series: { [expiry('a')]: `${23 * HOUR * 60}x60`, [expiry('b')]: `${800 * HOUR * 60}x60` },
    minute: 20,
    firing: [{}],
  },
  {
    alert: 'CurfewCertificateExpires',
    what: 'days are left',
    series: { [expiry('a')]: `${50 * HOUR * 60}x60` },
    minute: 40,
  },
  {
    alert: 'CurfewCertificateNotLoaded',
    what: 'files that hold no pair',
    series: { 'curfew_certificate_load_failures_total{pod="a"}': '0x10 1x60' },
    minute: 12,
    firing: [{}],
  },
  {
    alert: 'CurfewCertificateNotLoaded',
    what: 'it was long ago',
    series: { 'curfew_certificate_load_failures_total{pod="a"}': '1x60' },
    minute: 40,
  },
];
