{{/* The configuration file: config, and over it what the chart knows. */}}
{{- define "curfew.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $shim := dict "image" (include "curfew.image" (list .Values.shim.image .Chart.AppVersion)) }}
{{- with .Values.shim.image.pullPolicy }}
{{- $_ := set $shim "imagePullPolicy" . }}
{{- end }}
{{- $tls := dict "source" "files" }}
{{- if eq .Values.certificates.source "selfManaged" }}
{{- $name := include "curfew.fullname" . }}
{{- $names := dict "namespace" .Release.Namespace "service" $name "secret" (include "curfew.certificateSecret" .) "webhookConfiguration" $name }}
{{- $tls = dict "source" "self-managed" "selfManaged" $names }}
{{- end }}
{{- include "curfew.checkDurations" . }}
{{- $_ := set $config.images "pullSecrets" (eq "yes" (include "curfew.readsPullSecrets" .)) }}
{{- $timeout := include "curfew.lookUpTimeout" . }}
{{- if $timeout }}
{{- $_ := set $config.images "timeout" $timeout }}
{{- end }}
{{- toYaml (mergeOverwrite $config (dict "shim" $shim "tls" $tls)) }}
{{- end }}

{{/*
The bounds of durations, of which values.schema.json can only see one amount at a time: 1h59m has two, both within an hour. The webhook
would refuse to start.
*/}}
{{- define "curfew.checkDurations" -}}
{{- $bounds := dict
  "" (dict "startTimeout" "168h")
  "tls" (dict "reloadInterval" "1h")
  "images" (dict "timeout" "29s")
  "images.cache" (dict "fresh" "1h" "stale" "24h" "failures" "10m")
  "limits" (dict "requestTimeout" "5m" "queueTime" "10s")
  "shutdown" (dict "delay" "5m" "gracePeriod" "1h")
}}
{{- range $section, $keys := $bounds }}
{{- $values := $.Values.config }}
{{- range compact (splitList "." $section) }}
{{- $values = get (default dict $values) . | default dict }}
{{- end }}
{{- range $key, $most := $keys }}
{{- $value := get $values $key }}
{{- if $value }}
{{- if gt (int64 (include "curfew.seconds" $value)) (int64 (include "curfew.seconds" $most)) }}
{{- fail (printf "config.%s is %s; it must be at most %s" (compact (list $section $key) | join ".") $value $most) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The timeout of an image look-up, where the default will not do: the API server hears nothing of a look-up that takes as long as it waits.
*/}}
{{- define "curfew.lookUpTimeout" -}}
{{- $seconds := int .Values.webhook.timeoutSeconds }}
{{- if eq .Values.config.images.mode "registry" }}
{{- with .Values.config.images.timeout }}
{{- if ge (int (include "curfew.wholeSeconds" .)) $seconds }}
{{- fail (printf "config.images.timeout is %s; it must be below webhook.timeoutSeconds, which is %d: the API server would give up before a look-up does" . $seconds) }}
{{- end }}
{{- else }}
{{- if le $seconds 8 }}
{{- printf "%dms" (sub (mul 1000 $seconds) 500) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The reasons to talk to the API server; any text means yes. */}}
{{- define "curfew.writesEvents" -}}
{{- if .Values.config.events.enabled }}yes{{ end }}
{{- end }}

{{- define "curfew.readsSettings" -}}
{{- if dig "namespaceSettings" "enabled" false .Values.config }}yes{{ end }}
{{- end }}

{{/* Without rbac.create somebody else may have given the rights. */}}
{{- define "curfew.readsPullSecrets" -}}
{{- $may := or (not .Values.rbac.create) .Values.rbac.pullSecretNamespaces }}
{{- if and (ne .Values.config.mode "native") (eq .Values.config.images.mode "registry") .Values.config.images.pullSecrets $may }}yes{{ end }}
{{- end }}

{{/* NAMESPACE/NAME of a pull secret for every pod. */}}
{{- define "curfew.defaultPullSecret" -}}
{{- if eq .Values.config.images.mode "registry" }}{{ .Values.config.images.defaultPullSecret | default "" }}{{ end }}
{{- end }}

{{- define "curfew.needsToken" -}}
{{- if or (eq .Values.certificates.source "selfManaged") (include "curfew.writesEvents" .) (include "curfew.readsPullSecrets" .) (include "curfew.defaultPullSecret" .) (include "curfew.readsSettings" .) (ne .Values.config.mode "shim") }}yes{{ end }}
{{- end }}

{{/* A duration such as 1m30s in whole seconds, rounded up: Go parses it when it moves a date. */}}
{{- define "curfew.seconds" -}}
{{- $from := toDate "2006-01-02" "2006-01-02" }}
{{- $duration := . }}
{{- if eq $duration "0" }}{{ $duration = "0s" }}{{ end }}
{{- sub (dateModify (printf "+%s" $duration) (dateModify "+999ms" $from) | unixEpoch) (unixEpoch $from) }}
{{- end }}

{{/* The same, rounded down. */}}
{{- define "curfew.wholeSeconds" -}}
{{- $from := toDate "2006-01-02" "2006-01-02" }}
{{- $duration := ternary "0s" . (eq . "0") }}
{{- sub (dateModify (printf "+%s" $duration) $from | unixEpoch) (unixEpoch $from) }}
{{- end }}

{{/* From TERM to KILL: longer than the webhook's own orderly end. */}}
{{- define "curfew.terminationGracePeriodSeconds" -}}
{{- $end := add (include "curfew.seconds" .Values.config.shutdown.delay) (include "curfew.seconds" .Values.config.shutdown.gracePeriod) }}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- add $end 5 }}
{{- else }}
{{- $asked := int .Values.terminationGracePeriodSeconds }}
{{- if le $asked (int $end) }}
{{- fail (printf "terminationGracePeriodSeconds is %d; it must be more than config.shutdown.delay and config.shutdown.gracePeriod together, which is %d: the webhook would be killed before its last reviews are answered" $asked $end) }}
{{- end }}
{{- $asked }}
{{- end }}
{{- end }}
